use super::{HOUSEHOLD, folder, node, render, site, table};
use crate::envoy::{Error, Picture, site_files};

#[track_caller]
fn check(yaml: &str, id: &str, expected: &str) {
    let error = render(yaml, id).unwrap_err().to_string();
    assert!(error.contains(expected), "{error}");
}

#[test]
fn a_node_that_is_not_there_is_named_with_those_that_are() {
    check(HOUSEHOLD, "laptop", "no node laptop; it has stuchip, studtop, edge");
}

#[test]
fn a_tunnel_in_clear_is_refused_at_both_its_ends_and_nowhere_else() {
    let yaml = HOUSEHOLD.replace("address: {studtop: '198.51.100.4:15443'}", "tunnel: true").replace(
        "{ca: /pki/ca.pem, certificate: '/pki/{node}.pem', key: '/pki/{node}.key'}",
        "{none: {zones: [403]}}",
    );
    check(&yaml, "edge", "the link from exposed to 403 uses a reverse tunnel");
    check(&yaml, "studtop", "settings.peer_authentication");
    assert!(render(&yaml, "stuchip").is_ok());
}

#[test]
fn a_public_zone_is_not_believed_without_a_certificate() {
    let yaml = HOUSEHOLD.replace(
        "{ca: /pki/ca.pem, certificate: '/pki/{node}.pem', key: '/pki/{node}.key'}",
        "{none: {zones: [403, exposed]}}",
    );
    check(&yaml, "studtop", "names exposed, which is public");
}

#[test]
fn nodes_that_are_not_alone_say_how_they_know_each_other() {
    let yaml = HOUSEHOLD.replace(
        "peer_authentication: {ca: /pki/ca.pem, certificate: '/pki/{node}.pem', key: '/pki/{node}.key'}",
        "home: 403",
    );
    check(&yaml, "studtop", "zoneway pki init");
    assert!(matches!(render(&yaml, "edge"), Err(Error::NoPeerAuthentication { .. })));
    let site = site(&yaml);
    let table = table(&site, "edge");
    let files = site_files(&[Picture { site: &site, table: &table }], &node("edge"), &folder().xds());
    assert!(matches!(files, Err(Error::NoPeerAuthentication { .. })), "a running Envoy's links stay checked");
}
