//! Objects that are not of their kind's fields and types.

use serde_json::{Value, json};

use super::{Index, fill, hosts, household, ingress, notes, objects, settings, to};
use crate::sources::cluster::index::Unreadable;
use crate::sources::cluster::objects::Kind;

fn unreadable(kind: Kind, name: &str, spec: &Value) -> Unreadable {
    let namespace = kind.namespaced().then_some("default");
    let whole = json!({"metadata": {"name": name, "namespace": namespace}, "spec": spec});
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

/// A Zone that only another namespace may be exposed to.
const ALLOWING: &str = "{apiVersion: st8s.stuartpb.com/v1alpha1, kind: Zone, metadata: {name: exposed}, \
                        spec: {public: true, allow: {namespaces: [other]}, nodes: [{name: edge, address: 203.0.113.7}]}}";

#[test]
fn a_zone_that_cannot_be_read_any_more_allows_what_it_did() {
    let mut index = Index::new(settings());
    let exposed = ingress("i", &to("403, exposed"), "a.example.com / P web");
    fill(&mut index, objects(&format!("{}\n---\n{exposed}{ALLOWING}", household())));
    let served = hosts(&index.site());
    assert_eq!(served, "a.example.com/ default/web:80 403");
    index.apply_unreadable(Kind::Zone, &unreadable(Kind::Zone, "exposed", &json!({"public": 7})));
    let picture = index.site();
    assert_eq!(hosts(&picture), served);
    assert_eq!(picture.site.zones["exposed"].public, Some(true));
    assert!(index.retain(Kind::Zone, |_, _| false));
    assert!(!index.site().site.zones.contains_key("exposed"));
}

#[test]
fn to_a_zone_that_could_never_be_read_nothing_is_exposed() {
    let mut index = Index::new(settings());
    let exposed = ingress("i", &to("403, exposed"), "a.example.com / P web");
    let node = "{apiVersion: v1, kind: Node, metadata: {name: box, labels: {st8s.stuartpb.com/zone: exposed}}, \
                status: {addresses: [{type: InternalIP, address: 192.0.2.1}], conditions: [{type: Ready, status: 'True'}]}}";
    let manifests = format!("{}\n---\n{exposed}{node}", household());
    let all = objects(&manifests).into_iter().filter(|object| object.kind() != Kind::Zone);
    fill(&mut index, all);
    assert_eq!(hosts(&index.site()), "a.example.com/ default/web:80 403,exposed");
    index.apply_unreadable(Kind::Zone, &unreadable(Kind::Zone, "exposed", &json!({"public": 7})));
    assert_eq!(hosts(&index.site()), "a.example.com/ default/web:80 403");
}

#[test]
fn an_ingress_without_a_class_is_of_the_default_one() {
    let class = "{apiVersion: networking.k8s.io/v1, kind: IngressClass, metadata: {name: nginx, \
                 annotations: {ingressclass.kubernetes.io/is-default-class: 'true'}}, spec: {controller: x}}";
    let spec = json!({"rules": [{"host": "b.example.com", "http": 7}]});
    let mut index = check(
        Kind::Ingress,
        "k",
        &spec,
        &format!("{OTHERS}\nb.example.com hidden"),
        "Hidden Ingress default/k\nUnreadable Ingress default/k",
    );
    fill(&mut index, objects(class));
    // None of the three is read then.
    assert_eq!(hosts(&index.site()), "");
}
