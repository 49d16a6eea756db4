//! More than a table holds: what there is no room for is left out and told of, and the rest goes on.

use serde_json::{Value, json};

use super::{Index, at_home, check_serves, fill, ingress, notes, settings};
use crate::sources::cluster::manifests::Manifests;
use crate::sources::cluster::objects::{Kind, Object};
use crate::sources::cluster::picture::Picture;

fn object(kind: Kind, value: &Value) -> Object {
    kind.read(value).expect("an object")
}

/// A ready node of the home zone; `day`: of its creation.
fn node(number: usize, day: usize) -> Object {
    let address = format!("10.{}.{}.{}", number / 62_500, number / 250 % 250, number % 250 + 1);
    let metadata = json!({
        "name": format!("n{number:05}"), "labels": {"st8s.stuartpb.com/zone": "403"},
        "creationTimestamp": format!("2026-01-{day:02}T00:00:00Z"),
    });
    let status = json!({
        "addresses": [{"type": "InternalIP", "address": address}], "conditions": [{"type": "Ready", "status": "True"}],
    });
    object(Kind::Node, &json!({"metadata": metadata, "status": status}))
}

/// A line a note, with what it says.
fn told(picture: &Picture) -> String {
    picture.notes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn what_envoy_answers_itself_is_answered_by_no_more_nodes_than_a_rule_has_room_for() {
    let mut index = Index::new(settings());
    fill(&mut index, (0..300).map(|number| node(number, 1)));
    let redirect =
        json!({"conditions": [{"prefix": "/"}], "requestRedirectPolicy": {"hostname": "b.example.com"}});
    let spec = json!({"virtualhost": {"fqdn": "a.example.com"}, "routes": [redirect]});
    fill(
        &mut index,
        [object(Kind::HttpProxy, &json!({"metadata": {"namespace": "web", "name": "p"}, "spec": spec}))],
    );
    let picture = index.site();
    let site = check_serves(&picture);
    assert_eq!(site.services()["envoy"].at.iter().count(), 255);
    assert_eq!(notes(&picture), "Ignored HTTPProxy web/p");
}

#[test]
fn of_more_nodes_than_a_zone_has_room_for_the_oldest_stay() {
    let mut index = Index::new(settings());
    // The two of the first names are the youngest.
    fill(&mut index, (0..10_002).map(|number| node(number, if number < 2 { 2 } else { 1 })));
    let picture = index.site();
    let site = check_serves(&picture);
    let nodes = &site.zones().values().next().expect("home").nodes;
    assert_eq!(
        (nodes.len(), nodes.contains_key("n00001"), nodes.contains_key("n10001")),
        (10_000, false, true)
    );
    assert_eq!(notes(&picture), "NodeUnusable Node n00000\nNodeUnusable Node n00001");
}

#[test]
fn a_tunnel_between_nodes_without_certificates_is_left_out() {
    let mut with = settings();
    with.settings =
        serde_saphyr::from_str("{home: 403, peer_authentication: {none: {zones: [403]}}}").expect("settings");
    let zone = "{apiVersion: st8s.stuartpb.com/v1alpha1, kind: Zone, metadata: {name: exposed}, spec: {public: true, \
                nodes: [{name: edge, address: 203.0.113.7}], links: [{to: '403', tunnel: true}]}}";
    let picture = super::picture_of(with, &format!("{}\n---\n{zone}", super::household()));
    assert_eq!(picture.site.zones["exposed"].links, None);
    assert_eq!(notes(&picture), "ZoneUnusable Zone exposed");
    assert!(told(&picture).contains("peer_authentication"), "{}", told(&picture));
}

/// The picture of a folder of manifests, which no API server has checked.
fn of_manifests(manifests: &str) -> Picture {
    let (mut read, mut errors) = (Manifests::default(), Vec::new());
    read.add(std::path::Path::new("test.yaml"), manifests, &mut errors);
    assert!(errors.is_empty(), "{errors:?}");
    let picture = read.picture(settings());
    check_serves(&picture);
    picture
}

#[test]
fn in_manifests_a_backend_that_nothing_can_be_dialled_by_hides_its_path_alone() {
    let rules = "a.example.com / P web:0\n b.example.com / P api";
    let picture = of_manifests(&ingress("i", "", rules));
    assert_eq!(super::hosts(&picture), "a.example.com hidden\nb.example.com/ default/api:80 403");
    assert_eq!(notes(&picture), "Hidden Ingress default/i");
    let picture = of_manifests(&ingress("i", "", &format!("a.example.com / P {}", "x".repeat(64))));
    assert_eq!(notes(&picture), "ServiceNotFound Ingress default/i");
}

#[test]
fn in_manifests_a_node_that_has_no_nodes_name_is_left_out_alone() {
    let picture = of_manifests(
        "{apiVersion: v1, kind: Node, metadata: {name: A_b, labels: {st8s.stuartpb.com/zone: '403'}}, \
         status: {addresses: [{type: InternalIP, address: 10.0.0.1}]}}\n---\n\
         {apiVersion: v1, kind: Node, metadata: {name: b, labels: {st8s.stuartpb.com/zone: '403'}}, \
         status: {addresses: [{type: InternalIP, address: 10.0.0.2}]}}",
    );
    assert_eq!(super::nodes(&picture), "403/b 10.0.0.2:15443");
    assert_eq!(notes(&picture), "NodeUnusable Node A_b");
}

#[test]
fn in_manifests_a_supposed_node_takes_no_name_that_is_there() {
    let zone = |name: &str, spec: &str| {
        format!(
            "{{apiVersion: st8s.stuartpb.com/v1alpha1, kind: Zone, metadata: {{name: '{name}'}}, spec: {{{spec}}}}}\n---\n"
        )
    };
    let (long, other) = (format!("{}-b", "a".repeat(61)), format!("{}.b", "a".repeat(61)));
    let manifests = [
        zone("exposed", "nodes: [{name: any.abroad, address: 203.0.113.7}]"),
        zone("abroad", ""),
        zone(&long, ""),
        zone(&other, ""),
    ];
    let picture = of_manifests(&manifests.concat());
    // Home is supposed to have one too.
    assert_eq!(super::nodes(&picture).lines().count(), 5, "{}", super::nodes(&picture));
}

#[test]
fn one_object_with_very_many_paths_hides_its_host_alone() {
    let rules: Vec<String> = (0..3_000).map(|number| format!("a.example.com /p{number} E web")).collect();
    let picture =
        at_home(&(ingress("i", "", &rules.join("\n")) + &ingress("j", "", "b.example.com / P api")));
    assert_eq!(super::hosts(&picture), "a.example.com hidden\nb.example.com/ default/api:80 403");
    assert_eq!(notes(&picture), "Hidden Ingress default/i");
}
