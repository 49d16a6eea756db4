use std::sync::atomic::Ordering;

use super::*;
use crate::double::{Config, Request};

#[test]
fn a_configuration_that_is_wrong_is_refused_with_what_to_do() {
    let refused = |json: &str| Plugin::new(json.as_bytes(), &Config::default()).err().unwrap_or_default();
    assert!(refused("{").contains("the filter's configuration is refused"));
    assert!(
        refused(r#"{"role": "ingress", "zone": "403", "node": "a", "colour": "blue"}"#).contains("colour")
    );
    assert!(refused(r#"{"role": "compiler", "zone": "403", "node": "a"}"#).contains("leave it out"));
}

#[test]
fn an_envoy_that_only_validates_has_nothing_started() {
    let json = br#"{"role": "table", "zone": "403", "node": "a"}"#;
    let config = Config { validating: true, ..Config::default() };
    let plugin = Plugin::new(json, &config).expect("well");
    assert_eq!(Arc::strong_count(&config.rung), 1, "nobody holds a bell of it");
    drop(plugin);
    assert!(Plugin::new(b"{}", &config).is_err(), "what is wrong is told there too");
}

#[test]
fn what_is_counted_is_fetched_by_a_configuration_that_still_is_there() {
    let json = br#"{"role": "ingress", "zone": "nowhere", "node": "studtop"}"#;
    let gone = Plugin::new(json, &Config::default()).expect("well");
    let config = Config::default();
    let plugin = Plugin::new(json, &config).expect("well");
    drop(gone);
    // Another test's configuration may be woken instead, for as long as it is there.
    while config.rung.load(Ordering::Acquire) == 0 {
        let mut request = Request::of(&[(":path", "/")]);
        assert_eq!(request.answer(&mut plugin.handler(), b"").status, 400);
        std::thread::yield_now();
    }
    plugin.flush(&config);
    let counted = config.counted.borrow();
    let is_it = |(name, labels, count): &(String, Vec<String>, u64)| {
        name == "requests_total" && *labels == ["refuse", "malformed_host", "-"] && *count >= 1
    };
    assert!(counted.iter().any(is_it), "{counted:?}");
}
