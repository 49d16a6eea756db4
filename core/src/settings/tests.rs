//! What a configuration means, and what it is refused for.

use serde_json::{Value, json};

use super::*;

fn with(key: &str, value: Value) -> Value {
    let mut settings = json!({"role": "ingress", "zone": "403", "node": "studtop"});
    settings[key] = value;
    settings
}

fn parse(value: &Value) -> Settings {
    Settings::parse(value.to_string().as_bytes()).expect("the configuration is valid")
}

#[track_caller]
fn refused(json: &str, paths: &[&str]) {
    let found = match Settings::parse(json.as_bytes()) {
        Ok(_) => Vec::new(),
        Err(SettingsError::Syntax { path, .. }) => vec![path],
        Err(SettingsError::Invalid(faults)) => faults.into_iter().map(|fault| fault.path).collect(),
    };
    assert_eq!(found, paths, "{json}");
}

#[test]
fn what_is_left_out_has_the_designs_defaults() {
    let settings = parse(&json!({"role": "ingress", "zone": "403", "node": "studtop"}));
    assert_eq!(settings.role(), Role::Ingress);
    assert_eq!(settings.here(), Here { zone: "403", node: "studtop" });
    assert_eq!(settings.policy(), &Policy::default());
    assert_eq!(settings.limits(), Limits::default());
    assert_eq!(settings.balance(), &Balance::Random);
    assert!(settings.sources().ask_address());
}

#[track_caller]
fn source(settings: &Value, client: &str, zone: &str) {
    let settings = parse(settings);
    let source = settings.sources().source(client_address(client.as_bytes()));
    assert_eq!(source.zone, zone.as_bytes(), "{client}");
}

#[test]
fn a_client_is_of_the_zone_of_its_network() {
    let household = json!({"role": "ingress", "zone": "403", "node": "studtop", "outside_zone": "exposed"});
    for inside in [
        "192.168.86.4:55000",
        "10.1.2.3:1",
        "172.31.255.255:1",
        "169.254.1.1:1",
        "127.0.0.1:1",
        "[::1]:1",
        "[fd00::1]:1",
        "[fe80::1%2]:80",
        "[::ffff:192.168.1.1]:80",
        "192.168.1.1",
    ] {
        source(&household, inside, "403");
    }
    for outside in [
        "8.8.8.8:53",
        "172.32.0.1:1",
        "[2001:db8::1]:443",
        "[::ffff:8.8.8.8]:80",
        "@unix",
        "",
        "192.168.1:80",
    ] {
        source(&household, outside, "exposed");
    }
}

#[test]
fn a_written_source_zone_is_everyones_unless_networks_are_written_too() {
    let everyone = with("source_zone", json!("exposed"));
    source(&everyone, "192.168.86.4:1", "exposed");
    source(&everyone, "8.8.8.8:1", "exposed");
    assert!(!parse(&everyone).sources().ask_address());
    let mut some = everyone;
    some["source_networks"] = json!(["203.0.113.0/24", "2001:db8::7"]);
    source(&some, "203.0.113.9:1", "exposed");
    source(&some, "[2001:db8::7]:1", "exposed");
    source(&some, "[2001:db8::8]:1", "");
    source(&some, "192.168.86.4:1", "");
}

#[test]
fn nothing_is_passed_for_a_client_from_outside() {
    let mut settings = with("unknown_host", json!("pass"));
    settings["no_table"] = json!("pass");
    settings["outside_zone"] = json!("403");
    let settings = parse(&settings);
    let policy = |client: &str| {
        let policy = settings.sources().source(client_address(client.as_bytes())).policy(settings.policy());
        (policy.unknown_host, policy.no_table)
    };
    assert_eq!(policy("127.0.0.1:1"), (Missing::Pass, Missing::Pass));
    assert_eq!(policy("8.8.8.8:1"), (Missing::Refuse, Missing::Refuse));
}

#[test]
fn balance_is_one_of_four() {
    for (text, balance) in [
        (json!("random"), Balance::Random),
        (json!("client"), Balance::Client),
        (json!("none"), Balance::None),
        (json!({"cookie": "session"}), Balance::Cookie("session".to_owned())),
    ] {
        assert_eq!(parse(&with("balance", text)).balance(), &balance);
    }
    for wrong in [json!("cookie"), json!({"random": null}), json!({}), json!({"cookie": null}), json!(3)] {
        let path = if wrong == json!({"cookie": null}) { "balance.cookie" } else { "balance" };
        refused(&with("balance", wrong).to_string(), &[path]);
    }
    refused(&with("balance", json!({"cookie": "a b"})).to_string(), &["balance.cookie"]);
}

#[test]
fn a_peer_listener_says_how_peers_are_known() {
    let peer = |authentication: Value| {
        let mut settings = with("peer_authentication", authentication);
        settings["role"] = json!("peer");
        settings.to_string()
    };
    let parsed = |authentication| Settings::parse(peer(authentication).as_bytes()).expect("valid");
    let spiffe = PeerAuthentication::Spiffe("stuartpb.com".to_owned());
    assert_eq!(parsed(json!({"spiffe": "stuartpb.com"})).peers(), &spiffe);
    let none = PeerAuthentication::None(vec![ZoneName::parse("403").expect("a zone")]);
    assert_eq!(parsed(json!({"none": {"zones": ["403"]}})).peers(), &none);
    refused(r#"{"role": "peer", "zone": "403", "node": "n"}"#, &["peer_authentication"]);
    refused(&peer(json!({"spiffe": "Not A Domain"})), &["peer_authentication.spiffe"]);
    refused(&peer(json!({"none": {"zones": ["403", "-"]}})), &["peer_authentication.none.zones[1]"]);
}

#[test]
fn every_fault_is_reported_in_one_pass() {
    refused(
        r#"{"role": "ingress", "zone": "-", "node": "N", "source_zone": "", "outside_zone": "a b",
            "source_networks": ["10.0.0.0/8", "10.0.0.1/8", "x", "::ffff:10.0.0.0/104", "10.0.0.0/33"],
            "max_hops": 0, "max_table_bytes": 99999999999}"#,
        &[
            "zone",
            "node",
            "source_zone",
            "outside_zone",
            "source_networks[1]",
            "source_networks[2]",
            "source_networks[3]",
            "source_networks[4]",
            "max_hops",
            "max_table_bytes",
        ],
    );
}

#[test]
fn typing_mistakes_are_refused() {
    refused(r#"{"role": "ingress", "zone": "403", "node": "n", "max_hop": 3}"#, &["max_hop"]);
    refused(r#"{"role": "ingress", "zone": "403", "node": "n", "max_hops": null}"#, &["max_hops"]);
    refused(r#"{"role": "ingress", "zone": "403", "node": "n", "zone": "403"}"#, &[""]);
    refused(r#"{"role": "edge", "zone": "403", "node": "n"}"#, &["role"]);
    refused(r#"{"role": "ingress", "zone": "403"}"#, &[""]);
    refused(r#"{"role": "ingress", "zone": "403", "node": "n"} x"#, &[""]);
    refused("", &[""]);
}
