//! More than a table holds: what there is no room for is left out and told of, and the rest goes on.

use serde_json::{Value, json};
use zoneway_core::table::Limits;

use super::hosts::dated;
use super::{
    Index, at_home, check_serves, fill, household, ingress, lines, notes, objects, picture_of, service,
    settings, to,
};
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

/// The household with more, where a table has room for so many bytes.
fn within(bytes: u64, manifests: &str) -> Picture {
    let mut with = settings();
    with.settings.max_table_bytes = Some(bytes);
    picture_of(with, &format!("{}\n---\n{manifests}", household()))
}

/// The same where it has room for so many hosts.
fn index_of(hosts: usize, manifests: &str) -> Index {
    let mut index = Index::new(settings());
    index.limits = Limits { hosts, ..Limits::default() };
    fill(&mut index, objects(&format!("{}\n---\n{manifests}", household())));
    index
}

/// An Ingress of a day with so many hosts.
fn many(name: &str, day: usize, hosts: usize) -> String {
    let rules: Vec<String> =
        (0..hosts).map(|number| format!("{name}-{number:02}.example.com / P web")).collect();
    let name = format!("{name}/{name}");
    dated(&ingress(&name, "", &rules.join("\n")), &format!("2026-01-{day:02}T00:00:00Z"))
}

/// How many hosts each object has, by the first word of their names.
fn count(picture: &Picture, object: &str) -> usize {
    super::hosts(picture).lines().filter(|host| host.starts_with(&format!("{object}-"))).count()
}

#[test]
fn of_more_hosts_than_a_table_has_bytes_for_the_oldest_stay() {
    let web = service("b/web", "studtop", "10.1.1.1")
        + "---\n"
        + &service("c/web", "stuchip", "10.1.1.2")
        + "---\n";
    let first = many("a", 1, 3) + &web + &many("b", 2, 30);
    let before = within(3_000, &first);
    assert_eq!(count(&before, "a"), 3);
    let room = count(&before, "b");
    assert!((20..30).contains(&room), "{room} of 30, which are some 110 bytes each");
    assert_eq!(notes(&before), "ServiceNotFound Ingress a/a\nNoRoom Ingress b/b");
    assert!(told(&before).contains(&format!("and {} more of its hosts", 30 - room - 1)), "{}", told(&before));

    let after = within(3_000, &(many("c", 3, 5) + &first));
    assert_eq!(super::hosts(&after), super::hosts(&before), "nothing goes because something new came");
    assert_eq!(notes(&after), "ServiceNotFound Ingress a/a\nNoRoom Ingress b/b\nNoRoom Ingress c/c");
    assert_eq!(notes(&within(40_000, &(many("c", 3, 5) + &first))), "ServiceNotFound Ingress a/a");
}

#[test]
fn a_host_that_is_too_large_leaves_room_to_the_younger() {
    let paths: Vec<String> =
        (0..40).map(|number| format!("large-1.example.com /{number:0>200} P web")).collect();
    let large = dated(&ingress("large", "", &paths.join("\n")), "2026-01-01T00:00:00Z");
    let picture = within(4_000, &(large + &many("a", 2, 3)));
    assert_eq!((count(&picture, "large"), count(&picture, "a")), (0, 3));
}

#[test]
fn endpoints_that_come_take_no_more_room_than_there_is() {
    let manifests = many("a", 1, 20).replace("a/a", "default/a");
    let mut with = settings();
    with.settings.max_table_bytes = Some(2_800);
    let mut index = Index::new(with.clone());
    fill(
        &mut index,
        objects(&format!(
            "{}\n---\n{}",
            household(),
            manifests.replace("namespace: a,", "namespace: default,")
        )),
    );
    let before = index.site();
    assert_eq!((count(&before, "a"), notes(&before).as_str()), (20, ""));
    let more = service("web", "studtop", "10.1.0.1")
        .replace("nodeName: studtop}", "nodeName: studtop}, {addresses: [10.1.0.9], nodeName: stuchip}");
    fill(&mut index, objects(&more));
    let after = index.site();
    check_serves(&after);
    assert!((10..20).contains(&count(&after, "a")), "{}", super::hosts(&after));
    assert_eq!(notes(&after), "NoRoom Ingress default/a");
    fill(&mut index, objects(&service("web", "studtop", "10.1.0.1")));
    assert_eq!(index.site(), before);
}

#[test]
fn of_more_hosts_than_a_table_may_have_the_oldest_stay() {
    let manifests =
        dated(&ingress("i", "", "b.example.com / P web\n c.example.com / P web"), "2026-01-02T00:00:00Z")
            + &dated(
                &ingress("j", "", "a.example.com / P web\n c.example.com /x P api"),
                "2026-01-03T00:00:00Z",
            );
    let picture = index_of(2, &manifests).site();
    assert_eq!(
        super::hosts(&picture),
        lines(
            "b.example.com/ default/web:80 403
             c.example.com/ default/web:80 403
             c.example.com/x default/api:80 403"
        )
    );
    assert_eq!(notes(&picture), "NoRoom Ingress default/j");
    assert_eq!(notes(&index_of(3, &manifests).site()), "");
}

#[test]
fn a_wildcard_that_answers_for_a_host_without_room_is_open_to_no_more_than_that() {
    let wildcards = ingress("w", &to("403, exposed"), "*.example.com / P web\n *.example.org / P web");
    let manifests = dated(&wildcards, "2026-01-01T00:00:00Z")
        + &dated(&ingress("i", "", "in.example.com / P api"), "2026-01-02T00:00:00Z")
        + &dated(&ingress("j", &to("exposed"), "in.example.com /x P api"), "2026-01-03T00:00:00Z");
    let picture = index_of(2, &manifests).site();
    assert_eq!(
        super::hosts(&picture),
        "*.example.com/ default/web:80 -\n*.example.org/ default/web:80 403,exposed"
    );
    assert_eq!(
        notes(&picture),
        lines("NoRoom Ingress default/i\n NoRoom Ingress default/j\n ExposureCut Ingress default/w")
    );
}

#[test]
fn of_many_objects_without_room_the_namespace_is_told() {
    let objects: String = (0..30).map(|number| many(&format!("a{number:02}"), 2, 1)).collect();
    let objects = objects.lines().map(|line| {
        let object = line.find("namespace: a").map(|at| line.split_at(at));
        object.map_or(line.to_owned(), |(before, after)| {
            format!("{before}namespace: shop{}", &after["namespace: a00".len()..])
        })
    });
    let objects: Vec<String> = objects.collect();
    let picture = index_of(0, &objects.join("\n")).site();
    assert_eq!(picture.notes.iter().filter(|note| note.reason.as_str() == "NoRoom").count(), 11);
    assert!(told(&picture).contains("Namespace shop: NoRoom: hosts of 30 objects"), "{}", told(&picture));
}

#[test]
fn what_is_reckoned_with_is_never_less_than_a_table_has_and_little_more() {
    let zones = "{apiVersion: st8s.stuartpb.com/v1alpha1, kind: Zone, metadata: {name: '403'}, spec: {speaksFor: ['403', exposed], \
                 links: [{to: exposed, cost: 10}]}}\n---\n\
                 {apiVersion: st8s.stuartpb.com/v1alpha1, kind: Zone, metadata: {name: exposed}, spec: {public: true, \
                 nodes: [{name: edge, address: 203.0.113.7}], links: [{to: '403', tunnel: true}]}}\n---\n";
    let host = |number: usize| {
        let rules = match number % 5 {
            0 => format!("h{number}.example.com / P web"),
            1 => format!("h{number}.example.com / P web\n h{number}.example.com /a\"b P api"),
            2 => format!("*.h{number}.example.com / P web\n in.h{number}.example.com / P nothing"),
            3 => format!("h{number}.example.com /x P api\n h{number}.example.com /y/z P other"),
            _ => format!("h{number}.example.com / P api"),
        };
        let annotations = match number % 3 {
            0 => to("403, exposed"),
            1 => format!("{}, st8s.stuartpb.com/prefer: zone", to("exposed")),
            _ => String::new(),
        };
        let more = ingress(&format!("more{number}"), "", &format!("h{number}.example.com /more P web"));
        ingress(&format!("i{number}"), &annotations, &rules)
            + if number.is_multiple_of(7) { &more } else { "" }
    };
    let manifests = zones.to_owned() + &(0..60).map(host).collect::<String>();
    let whole = within(1 << 20, &manifests);
    let largest = super::largest_table(&check_serves(&whole));
    assert_ne!(notes(&within(largest - 1, &manifests)), notes(&whole));
    assert_eq!(notes(&within(largest * 11 / 10 + 200, &manifests)), notes(&whole));
}
