//! The singleton's handling of a body: no bytes may make it panic, as a singleton that trapped stays dead.
//!
//! `cargo +nightly fuzz run accept` in `core/`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use zoneway_core::endpoint::{MOST_ERRORS, accept};
use zoneway_core::layout::Layout;
use zoneway_core::name::ZoneName;
use zoneway_core::table::{Limits, Table};

fuzz_target!(|body: &[u8]| {
    let table = Table::parse(body).ok();
    let view = table.as_ref().map(|table| table.wire().view.as_str());
    let Ok(zone) = ZoneName::parse(view.unwrap_or("403")) else { return };
    let accepted = accept(None, &zone, &Limits::default(), body);
    assert_eq!(accepted.layout.is_some(), accepted.answer.status == 200);
    let Some(layout) = accepted.layout else {
        let answer = String::from_utf8_lossy(&accepted.answer.body);
        assert!(answer.matches("\"message\"").count() <= MOST_ERRORS + 1, "{answer}");
        return;
    };
    // A table may be accepted without its hosts being read one by one: it is the same table.
    let table = table.expect("what is accepted is a table");
    assert_eq!(layout.bytes(), Layout::compile(&table).bytes());
    let adopted = Layout::adopt(layout.bytes().to_vec()).expect("what was compiled is adopted");
    let again = Table::try_from(adopted.to_table()).expect("the table again");
    assert_eq!(again.digest(), layout.digest());
    let current = Some((layout.revision(), layout.digest()));
    assert_eq!(accept(current, &zone, &Limits::default(), body).answer.status, 200);
});
