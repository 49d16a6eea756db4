//! A source that is broken, missing or a table.

use super::cluster::Node;
use super::http::get_text;
use super::program::{run, until};

#[test]
fn a_broken_edit_is_refused_whole_and_loudly_and_the_old_one_serves() {
    let node = Node::started();
    let revision = node.revision().unwrap();
    let broken = node.site(&["notes.example", "more.example"]).replace("a: \"127", "b: \"127");
    for text in [&broken, "", "version: 1\nzones: [", "version: 2\nzones: {}\n"] {
        node.write_site(&node.site(&["notes.example"]));
        until("the mended file", || serving(&node, "file"));
        node.write_site(text);
        until("the refusal", || serving(&node, "last_good"));
    }
    assert_eq!(node.revision().unwrap(), revision);
    assert_eq!(node.ask("notes.example").unwrap().0, 200);
    let (_, metrics) = get_text(&node.path("sidecar.sock"), "/metrics").unwrap();
    assert!(metrics.contains("zoneway_sidecar_source_serves 0"), "{metrics}");
    assert!(metrics.contains("zoneway_sidecar_reloads_total{result=\"refused\"}"), "{metrics}");
    assert!(metrics.contains("zoneway_sidecar_node_state{node=\"a\",state=\"in_sync\"} 1"), "{metrics}");
    let page = run(&["status", "--to", &node.url("sidecar.sock")]);
    assert_eq!(page.status.code(), Some(1), "a refused source is not well");
    let page = String::from_utf8_lossy(&page.stdout).into_owned();
    assert!(page.contains("version: is 2") || page.contains("version"), "{page}");
}

fn serving(node: &Node, what: &str) -> Result<(), String> {
    let status = node.status()?;
    if status["source"]["serving"] == what { Ok(()) } else { Err(status["source"].to_string()) }
}

#[test]
fn the_last_good_site_serves_after_a_restart_without_a_source() {
    let mut node = Node::started();
    node.sidecar().kill();
    node.envoy.as_mut().unwrap().kill();
    std::fs::remove_file(node.path("site.yaml")).unwrap();
    node.start_envoy_again();
    node.start_sidecar(&[]);
    node.until_in_sync();
    serving(&node, "kept").unwrap();
    assert_eq!(node.ask("notes.example").unwrap().0, 200);
    // The source is back, and another one.
    node.write_site(&node.site(&["more.example"]));
    node.until_answers("more.example", 200);
    serving(&node, "file").unwrap();
}

#[test]
fn health_is_told_before_there_is_an_envoy_and_readiness_after() {
    let mut node = Node::new();
    node.start_sidecar(&[]);
    let socket = node.path("sidecar.sock");
    until("the sidecar", || get_text(&socket, "/healthz"));
    assert_eq!(get_text(&socket, "/healthz").unwrap(), (200, "ok\n".to_owned()));
    until("what it waits for", || match get_text(&socket, "/readyz")? {
        (503, waits) if waits.starts_with("a: does not answer") => Ok(()),
        other => Err(format!("{other:?}")),
    });
    node.start_envoy();
    node.until_in_sync();
    assert_eq!(get_text(&socket, "/readyz").unwrap().0, 200);
    assert_eq!(get_text(&socket, "/v1/table").unwrap().0, 404);
}

#[test]
fn what_envoy_counts_is_told_beside_what_the_sidecar_counts() {
    let mut node = Node::new();
    node.start_sidecar(&[]);
    let socket = node.path("sidecar.sock");
    until("the sidecar", || get_text(&socket, "/healthz"));
    let (status, why) = get_text(&socket, "/envoy-metrics").unwrap();
    assert!(status == 502 && why.contains("admin.sock"), "{status}: {why}");
    node.start_envoy();
    node.until_in_sync();
    assert_eq!(node.ask("notes.example").unwrap().0, 200);
    for path in ["/envoy-metrics", "/envoy-metrics/a"] {
        let counted = || match get_text(&socket, path)? {
            (200, page) if page.contains("envoy_zoneway_requests_total{") => Ok(page),
            other => Err(format!("{other:?}")),
        };
        let page = until("the request to be counted", counted);
        assert!(page.contains("# TYPE envoy_"), "{page}");
    }
    let (status, why) = get_text(&socket, "/envoy-metrics/b").unwrap();
    assert!(status == 404 && why.contains("are a:"), "{status}: {why}");
    assert_eq!(get_text(&socket, "/envoy-metricsa").unwrap().0, 404);
}

#[test]
fn a_node_that_knows_its_view_alone_is_fed_a_table() {
    let mut node = Node::new();
    node.start_envoy();
    let table = run(&["table", "--site", &node.file("site.yaml"), "--zone", "home"]);
    std::fs::write(node.path("table.json"), &table.stdout).unwrap();
    let config = std::fs::read_to_string(node.path("zoneway.yaml")).unwrap();
    std::fs::write(node.path("zoneway.yaml"), config.replace("{site: site.yaml}", "{table: table.json}"))
        .unwrap();
    node.start_sidecar(&[]);
    node.until_in_sync();
    assert_eq!(node.ask("notes.example").unwrap().0, 200);
    std::fs::write(node.path("table.json"), "{}").unwrap();
    until("the refusal", || serving(&node, "last_good"));
    assert_eq!(node.ask("notes.example").unwrap().0, 200);
}
