//! `zoneway pki`: what is due, what is revoked, and what a user is told before a certificate expires.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rcgen::{CertificateParams, DistinguishedName, Issuer, KeyPair, SanType};
use serde_json::Value;

use super::Bench;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A certificate of the authority in a folder whose life of 90 days is over but for so many.
fn with_days_left(folder: &Path, node: &str, days: u32) {
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    let issuer =
        Issuer::from_ca_cert_pem(&read("ca.pem"), KeyPair::from_pem(&read("ca.key")).unwrap()).unwrap();
    let mut params = CertificateParams::default();
    let after = SystemTime::now() + DAY * days + DAY / 2;
    params.not_after = after.into();
    params.not_before = (after - DAY * 90).into();
    params.distinguished_name = DistinguishedName::new();
    params.use_authority_key_identifier_extension = true;
    let uri = format!("spiffe://lab.test/zone/403/node/{node}");
    params.subject_alt_names = vec![SanType::URI(uri.try_into().unwrap())];
    let key = KeyPair::generate().unwrap();
    fs::write(folder.join(format!("{node}.pem")), params.signed_by(&key, &issuer).unwrap().pem()).unwrap();
    fs::write(folder.join(format!("{node}.key")), key.serialize_pem()).unwrap();
}

fn bench() -> Bench {
    let bench = Bench::with(&[]);
    bench.run(&["pki", "init", "--domain", "lab.test"]).well();
    for node in ["a", "b", "c"] {
        bench.run(&["pki", "issue", "--zone", "403", "--node", node]).well();
    }
    bench
}

/// Each node's state and days left, as `show` has them; 89 within the second of its making too.
fn states(shown: &Value) -> Vec<(String, String, i64)> {
    let rows = shown.as_array().unwrap().iter().filter(|row| row["name"] != "ca");
    let text = |row: &Value, field: &str| row[field].as_str().unwrap().to_owned();
    rows.map(|row| (text(row, "name"), text(row, "state"), row["days_left"].as_i64().unwrap().min(89)))
        .collect()
}

fn row(name: &str, state: &str, days: i64) -> (String, String, i64) {
    (name.to_owned(), state.to_owned(), days)
}

#[test]
fn what_is_due_is_shown_and_renewed_and_nothing_else() {
    let bench = bench();
    let show = ["pki", "show", "--format", "json"];
    assert_eq!(bench.run(&["pki", "renew"]).well().out, "none is due\n");
    with_days_left(bench.path(), "b", 29);
    with_days_left(bench.path(), "c", 31);
    let shown = bench.run(&show).code(1).json();
    assert_eq!(states(&shown), [row("a", "good", 89), row("b", "renew", 29), row("c", "good", 31)]);
    let told = bench.run(&["pki", "renew"]).well().out;
    assert!(told.contains("node/b") && told.lines().count() == 1, "{told}");
    let shown = bench.run(&show).well().json();
    assert_eq!(states(&shown), [row("a", "good", 89), row("b", "good", 89), row("c", "good", 31)]);
    assert_eq!(bench.run(&["pki", "renew", "--all", "--days", "7"]).well().out.lines().count(), 3);
    let text = bench.run(&["pki", "show"]).well().out;
    assert!(text.starts_with("IDENTITY") && text.lines().count() == 5, "{text}");
}

#[test]
fn who_is_revoked_is_shown_so_and_not_renewed() {
    let bench = bench();
    let said = bench.run(&["pki", "revoke", "b"]).well();
    assert_eq!(said.out, "revoked 1 certificate of 403/b: give ./crl.pem to every node\n");
    let shown = bench.run(&["pki", "show", "--format", "json"]).well().json();
    assert_eq!(states(&shown)[1], row("b", "revoked", 89));
    let said = bench.run(&["pki", "renew", "--all"]).well();
    assert!(
        !said.out.contains("node/b") && said.err.contains("node/b is revoked"),
        "{}{}",
        said.out,
        said.err
    );
    assert!(bench.run(&["pki", "revoke", "nobody"]).code(1).err.contains("--zone"));
}

#[test]
fn the_nodes_are_asked_before_an_authority_goes_or_it_is_said_that_they_need_not_be() {
    let bench = bench();
    bench.run(&["pki", "init", "--switch", "--unasked"]).code(1);
    bench.run(&["pki", "init", "--next"]).well();
    assert!(bench.run(&["pki", "init", "--switch"]).code(64).err.contains("--site"));
    let site = "{version: 1, zones: {403: {nodes: {a: '127.0.0.1:1'}}}}";
    fs::write(bench.path().join("site.yaml"), site).unwrap();
    let said = bench.run(&["pki", "init", "--switch", "--site", "site.yaml"]).code(1);
    assert!(said.err.contains("it is too early:\na cannot be asked"), "{}", said.err);
    bench.run(&["pki", "init", "--switch", "--unasked"]).well();
    let said = bench.run(&["pki", "init", "--finish", "--unasked"]).code(1);
    assert!(said.err.contains("node/a, ") && said.err.contains("pki renew"), "{}", said.err);
    assert_eq!(bench.run(&["pki", "renew"]).well().out.lines().count(), 3);
    bench.run(&["pki", "init", "--finish", "--unasked"]).well();
}

#[test]
fn check_warns_long_before_a_certificate_expires() {
    let bench = bench();
    let folder = bench.path().display();
    let site = format!(
        "{{version: 1, settings: {{domain: lab.test, peer_authentication: {{ca: '{folder}/ca.pem', crl: '{folder}/crl.pem', \
         certificate: '{folder}/{{node}}.pem', key: '{folder}/{{node}}.key'}}}}, zones: {{403: {{nodes: {{a: 192.0.2.1, b: \
         192.0.2.2}}}}}}}}"
    );
    fs::write(bench.path().join("site.yaml"), site).unwrap();
    assert_eq!(bench.run(&["check", "site.yaml"]).well().err, "");
    with_days_left(bench.path(), "b", 29);
    let said = bench.run(&["check", "site.yaml"]).well().err;
    assert!(said.contains("zone/403/node/b expires in 29 days") && said.lines().count() == 1, "{said}");
}
