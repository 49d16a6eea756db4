//! A source that loses most of its hosts at once.

use rustix::process::Signal;

use super::cluster::Node;
use super::http::get_text;
use super::program::until;

fn hosts(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("h{n}.example")).collect()
}

fn held(node: &Node) -> Result<usize, String> {
    Ok(node.status()?["held"].as_array().map_or(0, Vec::len))
}

fn shrunk() -> Node {
    let mut node = Node::new();
    node.write_site(&node.site(&hosts(30)));
    node.start_envoy();
    node.start_sidecar(&[]);
    node.until_in_sync();
    node.write_site(&node.site(&hosts(3)));
    until("the hold", || if held(&node)? == 27 { Ok(()) } else { Err("not held".to_owned()) });
    node
}

#[test]
fn hosts_that_went_all_at_once_stay_until_a_person_confirms() {
    let node = shrunk();
    assert_eq!(node.ask("h29.example").unwrap().0, 200);
    let (_, metrics) = get_text(&node.path("sidecar.sock"), "/metrics").unwrap();
    assert!(metrics.contains("zoneway_sidecar_held_hosts 27"), "{metrics}");
    let sidecar = node.sidecar.as_ref().unwrap();
    assert!(sidecar.log().contains("27 hosts went from"), "{}", sidecar.log());
    // All else takes effect: a host that is new is there.
    node.write_site(&node.site(&[hosts(3), vec!["new.example".to_owned()]].concat()));
    node.until_answers("new.example", 200);
    assert_eq!(node.ask("h29.example").unwrap().0, 200);
    sidecar.signal(Signal::HUP);
    node.until_answers("h29.example", 404);
    assert_eq!(held(&node).unwrap(), 0);
    assert_eq!(node.ask("h2.example").unwrap().0, 200);
}

#[test]
fn a_hold_outlives_a_restart_and_ends_with_one_that_allows_it() {
    let mut node = shrunk();
    node.sidecar().kill();
    node.start_sidecar(&[]);
    node.until_in_sync();
    assert_eq!(held(&node).unwrap(), 27);
    assert_eq!(node.ask("h29.example").unwrap().0, 200);
    node.sidecar().kill();
    node.start_sidecar(&["--allow-shrink"]);
    node.until_answers("h29.example", 404);
    assert_eq!(held(&node).unwrap(), 0);
}

#[test]
fn a_hold_ends_by_itself_after_the_configured_time() {
    let mut node = Node::new();
    node.configure("shrink: {hold: 2s}");
    node.write_site(&node.site(&hosts(30)));
    node.start_envoy();
    node.start_sidecar(&[]);
    node.until_in_sync();
    node.write_site(&node.site(&hosts(3)));
    node.until_answers("h29.example", 404);
    assert!(node.sidecar.as_ref().unwrap().log().contains("27 hosts went from"));
}
