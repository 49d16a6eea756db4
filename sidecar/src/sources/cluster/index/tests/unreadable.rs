//! Objects that are not of their kind's fields and types.

use serde_json::{Value, json};

use super::{Index, fill, hosts, household, ingress, notes, objects, settings};
use crate::sources::cluster::index::Unreadable;
use crate::sources::cluster::objects::Kind;

fn unreadable(kind: Kind, name: &str, spec: &Value) -> Unreadable {
    let whole = json!({"metadata": {"name": name, "namespace": "default"}, "spec": spec});
    let metadata = serde_json::from_value(whole["metadata"].clone()).expect("metadata");
    let error = kind.read(&whole).expect_err("it is not of its kind");
    Unreadable::of(kind, metadata, &whole, error.to_string())
}

/// The household with two Ingresses, then with an object that cannot be read.
#[track_caller]
fn check(kind: Kind, name: &str, spec: &Value, expected_hosts: &str, expected_notes: &str) -> Index {
    let mut index = Index::new(settings());
    let manifests = household()
        + "\n---\n"
        + &ingress("i", "", "a.example.com / P web")
        + &ingress("j", "", "*.example.com / P api");
    fill(&mut index, objects(&manifests));
    index.site();
    assert!(index.apply_unreadable(kind, &unreadable(kind, name, spec)));
    assert!(!index.apply_unreadable(kind, &unreadable(kind, name, spec)), "it is no news twice");
    let picture = index.site();
    assert_eq!((hosts(&picture).as_str(), notes(&picture).as_str()), (expected_hosts, expected_notes));
    index
}

const OTHERS: &str = "*.example.com/ default/api:80 403\na.example.com/ default/web:80 403";

#[test]
fn its_host_is_hidden_so_that_no_wildcard_answers_for_it() {
    let hidden = format!("{}\nb.example.com hidden", OTHERS);
    check(
        Kind::Ingress,
        "k",
        &json!({"rules": [{"host": "b.example.com", "http": 7}]}),
        &hidden,
        "Hidden Ingress default/k\nUnreadable Ingress default/k",
    );
    check(
        Kind::HttpProxy,
        "k",
        &json!({"virtualhost": {"fqdn": "b.example.com"}, "routes": 7}),
        &hidden,
        "Hidden HTTPProxy default/k\nUnreadable HTTPProxy default/k",
    );
    check(
        Kind::GrpcRoute,
        "k",
        &json!({"hostnames": ["b.example.com"], "rules": {}}),
        &hidden,
        "Hidden GRPCRoute default/k\nUnreadable GRPCRoute default/k",
    );
}

#[test]
fn one_of_a_class_that_is_not_read_hides_nothing() {
    let spec = json!({"ingressClassName": "nginx", "rules": [{"host": "a.example.com", "http": 7}]});
    check(Kind::Ingress, "k", &spec, OTHERS, "");
}

#[test]
fn what_could_be_read_before_does_not_serve_on_and_comes_back_when_it_can() {
    let broken = "*.example.com/ default/api:80 403\na.example.com hidden";
    let mut index = check(
        Kind::Ingress,
        "i",
        &json!({"rules": [{"host": "a.example.com", "http": 7}]}),
        broken,
        "Hidden Ingress default/i\nUnreadable Ingress default/i",
    );
    for object in objects(&ingress("i", "", "a.example.com / P web")) {
        assert!(index.apply(object));
    }
    assert_eq!(hosts(&index.site()), OTHERS);
}

#[test]
fn one_that_is_gone_hides_nothing_any_more() {
    let spec = json!({"rules": [{"host": "b.example.com", "http": 7}]});
    let hidden = format!("{}\nb.example.com hidden", OTHERS);
    let mut index =
        check(Kind::Ingress, "k", &spec, &hidden, "Hidden Ingress default/k\nUnreadable Ingress default/k");
    assert!(!index.retain(Kind::Ingress, |_, _| true));
    assert!(index.retain(Kind::Ingress, |_, name| name != "k"));
    assert_eq!(hosts(&index.site()), OTHERS);
}
