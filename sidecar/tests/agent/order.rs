//! Whatever a table names is a member of its cluster before the table is pushed, and leaves only after every worker has
//! adopted one without it.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::cluster::{Node, free};
use super::http::{self, get_json};
use super::program::until;

/// The site with a peer and a linked zone, at these addresses.
fn site(node: &Node, peer: &str, gateway: &str) -> String {
    let site = node.site(&["notes.example"]);
    let linked = format!(
        "      b: {peer}\n    links: [{{to: far, gateways: [g]}}]\n  far:\n    nodes: {{g: \"{gateway}\"}}\nservices:\n"
    );
    site.replace("services:\n", &linked)
        .replace("hosts:\n", "  other: {at: {b: \"127.0.0.1:1\"}}\nhosts:\n  other.example: other\n")
}

/// Every address that the served table tells this node to dial.
fn named(table: &Value) -> BTreeSet<String> {
    let home = &table["zones"]["home"];
    let nodes = home["nodes"].as_object().into_iter().flatten().filter(|(id, _)| *id != "a");
    let gateways = home["links"][0]["gateways"].as_array().into_iter().flatten();
    let all = nodes.map(|(_, node)| &node["address"]).chain(gateways.map(|gateway| &gateway["address"]));
    all.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Every member of every `zoneway/` cluster.
fn listed(node: &Node) -> BTreeSet<String> {
    let Ok(clusters) = get_json(&node.path("run/admin.sock"), "/clusters?format=json") else {
        return BTreeSet::new();
    };
    let clusters = clusters["cluster_statuses"].as_array().cloned().unwrap_or_default();
    let ours = clusters
        .iter()
        .filter(|cluster| cluster["name"].as_str().is_some_and(|name| name.starts_with("zoneway/")));
    let hosts = ours.flat_map(|cluster| cluster["host_statuses"].as_array().cloned().unwrap_or_default());
    hosts
        .map(|host| {
            let address = &host["address"]["socket_address"];
            format!("{}:{}", address["address"].as_str().unwrap_or_default(), address["port_value"])
        })
        .collect()
}

#[test]
fn members_come_before_the_table_that_names_them_and_go_after_the_last_that_did() {
    let mut node = Node::new();
    let sites = (1..=6).map(|n| (format!("127.0.1.{n}"), format!("127.0.2.{n}:700{n}"))).collect::<Vec<_>>();
    node.write_site(&site(&node, &sites[0].0, &sites[0].1));
    node.start_envoy();
    node.start_sidecar(&[]);
    node.until_in_sync();
    let (mut looks, start) = (0, Instant::now());
    for (peer, gateway) in &sites[1..] {
        node.write_site(&site(&node, peer, gateway));
        let wanted = BTreeSet::from([format!("{peer}:15443"), gateway.clone()]);
        loop {
            // The table before and after the look: what both name was served all the while.
            let before = get_json(&node.table_socket(), "/v1/table").map(|table| named(&table)).unwrap();
            let members = listed(&node);
            let after = get_json(&node.table_socket(), "/v1/table").map(|table| named(&table)).unwrap();
            if before == after {
                assert!(members.is_superset(&before), "{before:?} is served, and {members:?} are members");
                looks += 1;
            }
            if after == wanted && members == wanted {
                break;
            }
            assert!(start.elapsed() < Duration::from_secs(60), "{members:?}, wanted {wanted:?}");
        }
    }
    assert!(looks > 20, "{looks} looks prove nothing");
    until("every worker", || {
        let reader = node.reader()?;
        let served = &reader["table"]["revision"];
        let all =
            reader["workers"].as_array().is_some_and(|all| all.iter().all(|one| one["revision"] == *served));
        if all { Ok(()) } else { Err(reader.to_string()) }
    });
    assert_eq!(
        std::fs::read_dir(node.path("run/xds/endpoints")).unwrap().count(),
        3,
        "files of no cluster are left"
    );
}

#[test]
fn a_path_that_becomes_narrower_never_answers_those_that_it_is_closed_to() {
    let mut node = Node::new();
    let (secret, far) = (http::service("secret"), free());
    let open = node
        .site(&["notes.example"])
        .replace("ingress: [", &format!("ingress: [{{listen: '{far}', source_zone: far}}, "))
        .replace("services:\n", &format!("  far: {{}}\nservices:\n  secret: {{at: {{a: '{secret}'}}}}\n"))
        .replace("  home:\n    nodes", "  home:\n    speaks_for: [home, far]\n    nodes")
        .replace("notes.example: notes", "notes.example: {expose_to: [home, far], paths: {/: notes}}");
    let closed = open.replace("{/: notes}", "{/: notes, /admin: {service: secret, expose_to: [home]}}");
    node.write_site(&open);
    node.start_envoy();
    node.start_sidecar(&[]);
    node.until_in_sync();
    let mut asked = 0;
    for round in 0..12 {
        let (site, wanted) = if round % 2 == 0 { (&closed, "secret") } else { (&open, "notes") };
        node.write_site(site);
        until("the new route", || {
            let outside = http::get(far, "notes.example", "/admin")?;
            assert_ne!(outside.1, "secret", "round {round}: the outside got what is home's");
            assert_eq!(http::get(far, "notes.example", "/other")?.1, "notes", "round {round}");
            // Who may ask before and after is served all the while, by one or the other.
            let inside = http::get(node.ingress, "notes.example", "/admin")?;
            assert_eq!(inside.0, 200, "round {round}: {inside:?}");
            asked += 1;
            let settled = if wanted == "secret" { outside.0 == 404 } else { outside.1 == "notes" };
            if inside.1 == wanted && settled { Ok(()) } else { Err(format!("{inside:?} {outside:?}")) }
        });
        node.until_in_sync();
    }
    assert!(asked > 20, "{asked} requests prove nothing");
}

#[test]
fn a_zone_that_comes_and_goes_changes_no_listener() {
    let mut node = Node::new();
    node.start_envoy();
    node.start_sidecar(&[]);
    node.until_in_sync();
    let alone = node.site(&["notes.example"]);
    node.write_site(&site(&node, "127.0.1.1", "127.0.2.1:7001"));
    until("the new zone", || if listed(&node).len() == 2 { Ok(()) } else { Err("no member".to_owned()) });
    node.write_site(&alone);
    until("the old site", || if listed(&node).is_empty() { Ok(()) } else { Err("a member".to_owned()) });
    let stats =
        get_json(&node.path("run/admin.sock"), "/stats?format=json&filter=listener_manager.listener_")
            .unwrap();
    for stat in stats["stats"].as_array().unwrap() {
        let name = stat["name"].as_str().unwrap_or_default();
        if name.ends_with("listener_modified") || name.ends_with("listener_removed") {
            assert_eq!(stat["value"], 0, "{stat}");
        }
    }
}
