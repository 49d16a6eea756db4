//! Nodes: their zone, their address, and when they leave.

use super::{lines, nodes, notes, picture_of, settings};
use crate::sources::cluster::settings::{AddressType, EnvoyPods, Settings};

/// A ready node, with more in its metadata.
fn node(metadata: &str, address: &str) -> String {
    format!(
        "{{apiVersion: v1, kind: Node, metadata: {{{metadata}}}, status: {{addresses: [{address}], \
         conditions: [{{type: Ready, status: 'True'}}]}}}}\n---\n"
    )
}

const INTERNAL: &str = "{type: InternalIP, address: 10.0.0.1}";

#[track_caller]
fn check_with(settings: Settings, manifests: &str, expected: &str, expected_notes: &str) {
    let picture = picture_of(settings, manifests);
    assert_eq!(nodes(&picture), lines(expected));
    assert_eq!(notes(&picture), lines(expected_notes), "{:#?}", picture.notes);
}

#[track_caller]
fn check(manifests: &str, expected: &str, expected_notes: &str) {
    check_with(settings(), manifests, expected, expected_notes);
}

const ZONE: &str = "labels: {st8s.stuartpb.com/zone: '403'}";

#[test]
fn a_node_is_of_the_zone_that_its_label_says() {
    check(
        &node("name: 'n', labels: {st8s.stuartpb.com/zone: garage}", INTERNAL),
        "garage/n 10.0.0.1:15443",
        "",
    );
}

#[test]
fn a_node_without_a_label_is_of_the_home_zone_and_told_so() {
    check(&node("name: 'n'", INTERNAL), "403/n 10.0.0.1:15443", "NoZoneLabel Node n");
}

#[test]
fn a_node_whose_label_is_no_zone_is_of_the_home_zone_and_told_so() {
    check(
        &node("name: 'n', labels: {st8s.stuartpb.com/zone: ''}", INTERNAL),
        "403/n 10.0.0.1:15443",
        "NodeUnusable Node n",
    );
}

#[test]
fn the_prefix_of_all_names_is_one_setting() {
    let settings = Settings { prefix: "zones.example.com".to_owned(), ..settings() };
    let both = "labels: {st8s.stuartpb.com/zone: other, zones.example.com/zone: '403'}, annotations: \
                {st8s.stuartpb.com/address: 10.0.0.8, zones.example.com/address: 10.0.0.9}";
    check_with(settings, &node(&format!("name: 'n', {both}"), INTERNAL), "403/n 10.0.0.9:15443", "");
}

#[test]
fn its_annotation_says_where_it_is_dialled() {
    let at =
        |address: &str| format!("name: 'n', {ZONE}, annotations: {{st8s.stuartpb.com/address: '{address}'}}");
    check(&node(&at("10.9.9.9"), INTERNAL), "403/n 10.9.9.9:15443", "");
    check(&node(&at("10.9.9.9:9443"), INTERNAL), "403/n 10.9.9.9:9443", "");
    check(&node(&at("n.example.com"), INTERNAL), "403/n n.example.com:15443", "");
    check(&node(&at("fd00::1"), INTERNAL), "403/n [fd00::1]:15443", "");
    check(&node(&at("not an address"), INTERNAL), "", "NodeUnusable Node n");
}

#[test]
fn else_the_first_address_of_the_types_that_are_asked_for() {
    let both = "{type: ExternalIP, address: 198.51.100.7}, {type: InternalIP, address: 10.0.0.1}, {type: InternalIP, address: 'fd00::2'}";
    let of = |types: &[AddressType]| Settings { node_addresses: types.to_vec(), ..settings() };
    let manifests = node(&format!("name: 'n', {ZONE}"), both);
    check(&manifests, "403/n 10.0.0.1:15443", "");
    check_with(of(&[AddressType::External]), &manifests, "403/n 198.51.100.7:15443", "");
    check_with(
        of(&[AddressType::External, AddressType::Internal]),
        &manifests,
        "403/n 198.51.100.7:15443",
        "",
    );
    check_with(
        of(&[AddressType::External]),
        &node(&format!("name: 'n', {ZONE}"), INTERNAL),
        "",
        "NodeUnusable Node n",
    );
    let port = Settings { peer_port: 9999, ..settings() };
    check_with(port, &manifests, "403/n 10.0.0.1:9999", "");
}

#[test]
fn a_node_that_is_not_ready_leaves() {
    for status in ["'False'", "Unknown"] {
        let manifests = format!(
            "{{apiVersion: v1, kind: Node, metadata: {{name: 'n', {ZONE}}}, status: {{addresses: [{INTERNAL}], \
             conditions: [{{type: MemoryPressure, status: 'True'}}, {{type: Ready, status: {status}}}]}}}}"
        );
        check(&manifests, "", "");
    }
    check(
        &format!(
            "{{apiVersion: v1, kind: Node, metadata: {{name: 'n', {ZONE}}}, status: {{addresses: [{INTERNAL}]}}}}"
        ),
        "",
        "",
    );
}

#[test]
fn a_drained_node_leaves() {
    let there = "403/n 10.0.0.1:15443";
    for (drain, expected) in [("''", ""), ("'true'", ""), ("now", ""), ("'false'", there)] {
        let annotated = format!("name: 'n', {ZONE}, annotations: {{st8s.stuartpb.com/drain: {drain}}}");
        check(&node(&annotated, INTERNAL), expected, "");
    }
    check(
        &node(
            "name: 'n', labels: {st8s.stuartpb.com/zone: '403', st8s.stuartpb.com/drain: 'true'}",
            INTERNAL,
        ),
        "",
        "",
    );
}

#[test]
fn a_zone_keeps_its_name_while_its_only_node_is_away() {
    let picture = picture_of(
        settings(),
        &node(
            "name: 'n', labels: {st8s.stuartpb.com/zone: garage}, annotations: {st8s.stuartpb.com/drain: ''}",
            INTERNAL,
        ),
    );
    assert_eq!(picture.site.zones.keys().collect::<Vec<_>>(), ["403", "garage"]);
}

/// An Envoy's Pod.
fn pod(name: &str, node: &str, ready: &str, more: &str) -> String {
    format!(
        "{{apiVersion: v1, kind: Pod, metadata: {{name: {name}, namespace: projectcontour, labels: {{app: envoy}}{more}}}, \
         spec: {{nodeName: '{node}', containers: []}}, status: {{conditions: [{{type: Ready, status: '{ready}'}}]}}}}\n---\n"
    )
}

#[test]
fn a_node_whose_envoy_is_not_ready_leaves() {
    let envoys = EnvoyPods {
        namespace: "projectcontour".to_owned(),
        labels: [("app".to_owned(), "envoy".to_owned())].into(),
    };
    let settings = || Settings { envoys: Some(envoys.clone()), ..settings() };
    let node = node(&format!("name: 'n', {ZONE}"), INTERNAL);
    let there = "403/n 10.0.0.1:15443";
    check_with(settings(), &node, "", "");
    check_with(settings(), &(node.clone() + &pod("e", "n", "True", "")), there, "");
    check_with(settings(), &(node.clone() + &pod("e", "n", "False", "")), "", "");
    check_with(settings(), &(node.clone() + &pod("e", "m", "True", "")), "", "");
    let two = pod("e", "n", "False", "") + &pod("f", "n", "True", "");
    check_with(settings(), &(node.clone() + &two), there, "");
    let leaving = pod("e", "n", "True", ", deletionTimestamp: '2026-11-22T18:00:00Z'");
    check_with(settings(), &(node.clone() + &leaving), "", "");
    let foreign = pod("e", "n", "True", "").replace("app: envoy", "app: other");
    check_with(settings(), &(node.clone() + &foreign), "", "");
    let elsewhere = pod("e", "n", "True", "").replace("namespace: projectcontour", "namespace: default");
    check_with(settings(), &(node + &elsewhere), "", "");
}
