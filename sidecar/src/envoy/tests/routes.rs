use serde_json::{Value, json};

use super::{HOUSEHOLD, file, files};

fn hosts(yaml: &[&str], id: &str) -> Vec<Value> {
    let file = file(&files(yaml, id), "routes/local.json");
    let resources = file["resources"].as_array().unwrap();
    assert_eq!(resources.len(), 1, "Envoy takes one route configuration from a file");
    resources[0]["virtual_hosts"].as_array().unwrap().clone()
}

/// What a host's own routes are: `PATH CLUSTER`, `404` for none, with `1` where one label alone is meant.
fn routes(hosts: &[Value], domain: &str) -> Vec<String> {
    let host =
        hosts.iter().find(|host| host["domains"] == json!([domain])).unwrap_or_else(|| panic!("no {domain}"));
    let own = host["routes"].as_array().unwrap().iter().filter(|route| route["name"] != "forward");
    let shown = |route: &Value| {
        let matching = &route["match"];
        let path =
            matching.get("path_separated_prefix").or(matching.get("prefix")).unwrap().as_str().unwrap();
        let to = route["route"]["cluster"].as_str().unwrap_or("404");
        format!("{path} {to}{}", if matching["headers"].is_array() { " 1" } else { "" })
    };
    own.map(shown).collect()
}

#[test]
fn a_forward_comes_first_in_every_host_and_the_one_404_last() {
    let hosts = hosts(&[HOUSEHOLD], "studtop");
    assert!(hosts.iter().any(|host| host["domains"] == json!(["*"])));
    for host in hosts {
        let routes = host["routes"].as_array().unwrap();
        let first = &routes[0];
        assert_eq!(first["match"]["headers"], json!([{"name": "x-zoneway-cluster", "present_match": true}]));
        assert_eq!(first["route"]["cluster_header"], "x-zoneway-cluster");
        assert_eq!(first["route"]["timeout"], "0s");
        let retry = &first["route"]["retry_policy"];
        assert_eq!(
            retry["retry_on"],
            "connect-failure,refused-stream,reset-before-request,retriable-headers"
        );
        assert_eq!(retry["num_retries"], 5);
        assert_eq!(
            *routes.last().unwrap(),
            json!({"match": {"prefix": "/"}, "direct_response": {"status": 404}})
        );
    }
}

#[test]
fn the_longest_path_is_asked_first_and_what_another_node_serves_is_not_mistaken_for_ours() {
    let hosts = hosts(&[HOUSEHOLD], "studtop");
    assert_eq!(
        routes(&hosts, "app.lab.test"),
        ["/api/v2 service/grpc", "/admin 404", "/api service/many", "/ service/plain", "/ 404"]
    );
    assert!(hosts.iter().all(|host| host["domains"] != json!(["other.lab.test"])), "nothing of it is here");
    assert_eq!(routes(&hosts, "*"), ["/ 404"]);
}

#[test]
fn wildcards_answer_for_the_names_that_a_table_matches_them_with() {
    let yaml = "
version: 1
zones: {home: {nodes: {one: 127.0.0.1}}}
services: {a: {at: {one: '127.0.0.1:1'}}, b: {at: {one: '127.0.0.1:2'}}, c: {at: {one: '127.0.0.1:3'}}}
hosts: {'*.x.test': a, '**.x.test': b, '*.deep.x.test': c, '*.y.test': {paths: {/p: a}}}
";
    let hosts = hosts(&[yaml], "one");
    assert_eq!(routes(&hosts, "*.x.test"), ["/ service/a 1", "/ 404 1", "/ service/b", "/ 404"]);
    // A name with two labels more is none of `*.deep.x.test`'s, and Envoy looks in no shorter suffix for it.
    assert_eq!(routes(&hosts, "*.deep.x.test"), ["/ service/c 1", "/ 404 1", "/ service/b", "/ 404"]);
    assert_eq!(routes(&hosts, "*.y.test"), ["/p service/a 1", "/ 404 1", "/ 404"]);
    let wild = hosts.iter().find(|host| host["domains"] == json!(["*.y.test"])).unwrap();
    assert_eq!(
        wild["routes"][1]["match"]["headers"][0],
        json!({"name": ":authority", "string_match": {"safe_regex": {"regex": r"(?i)[^.]+\.y\.test"}}})
    );
}

#[test]
fn what_the_old_table_still_names_stays_until_it_is_gone() {
    let new = HOUSEHOLD
        .replace("/: plain, /api: many,", "/: many,")
        .replace("  named.lab.test: {paths: {/a: named, /b: unchecked, /c: system, /d: own}}", "");
    let both = hosts(&[&new, HOUSEHOLD], "studtop");
    assert_eq!(
        routes(&both, "app.lab.test"),
        // `/api` is the new `/`'s from now on: who may ask for it is decided by that.
        ["/api/v2 service/grpc", "/admin 404", "/ service/many", "/ 404"]
    );
    assert_eq!(routes(&both, "named.lab.test").len(), 5);
    let after = hosts(&[&new], "studtop");
    assert!(after.iter().all(|host| host["domains"] != json!(["named.lab.test"])));
}
