//! The small records that VMs write for each other, and the plugin's configuration: no bytes may make a reader panic.

#![no_main]

use libfuzzer_sys::fuzz_target;
use zoneway_core::endpoint::{Notice, Record, Reply, Workers};
use zoneway_core::settings::{Settings, client_address};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(record) = Record::parse(bytes) {
        assert_eq!(record.to_bytes(), bytes);
    }
    let workers = Workers::parse(bytes);
    assert_eq!(Workers::parse(&workers.to_bytes()), workers);
    if let Some(notice) = Notice::parse(bytes) {
        assert_eq!(notice.to_bytes(), bytes);
        let _ = notice.body(bytes);
    }
    if let Some(reply) = Reply::parse(bytes) {
        assert_eq!(reply.to_bytes(), bytes);
    }
    let _ = Settings::parse(bytes);
    let _ = client_address(bytes);
});
