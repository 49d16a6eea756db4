//! The local path allocates nothing: a filter's VM has no garbage to collect while it serves.
#![allow(clippy::unwrap_used, reason = "a test")]

use zoneway_core::decision::{Action, Here, Peer, Policy, Request, Role, Trail, decide};
use zoneway_core::layout::Layout;
use zoneway_core::table::Table;

const TABLE: &str = r#"{
    "version": 1, "revision": {"epoch": 1, "sequence": 1}, "view": "403",
    "zones": {"403": {"nodes": {"stuchip": {"address": "10.0.0.1:15443"}, "studtop": {"address": "10.0.0.2:15443"}}},
              "exposed": {"public": true, "links": [{"to": "403"}]}},
    "hosts": [{"host": "notes.example.org", "exposed_to": ["403", "exposed"],
               "rules": [{"path": "/", "backends": [{"node": "stuchip"}, {"node": "studtop"}]},
                         {"path": "/admin", "exposed_to": ["403"], "backends": [{"node": "studtop"}]}]},
              {"host": "**.apps.example.org", "exposed_to": ["403"],
               "rules": [{"path": "/", "backends": [{"node": "studtop"}]}]}]}"#;

#[track_caller]
fn check(host: &str, path: &str, role: Role, trail: &str) {
    let layout = Layout::compile(&Table::parse(TABLE.as_bytes()).unwrap());
    let request = Request {
        host: host.as_bytes(),
        path: path.as_bytes(),
        role,
        source_zone: b"403",
        trail: Trail::Joined(trail.as_bytes()),
        loops: 1,
        peer: Peer::Unchecked,
    };
    let here = Here { zone: "403", node: "studtop" };
    let mut action = None;
    let counted = allocation_counter::measure(|| {
        action = Some(decide(Some(&layout), &here, &Policy::default(), &request, &mut || None).action());
    });
    assert_eq!(action, Some(Action::Local));
    assert_eq!(counted.count_total, 0, "{counted:?}");
}

#[test]
fn a_local_decision_allocates_nothing() {
    check("Notes.Example.org:8443", "/a?b", Role::Ingress, "");
    check("notes.example.org", "/admin/x", Role::Ingress, "");
    check("a.b.c.apps.example.org", "/", Role::Ingress, "");
    check("notes.example.org", "/", Role::Peer, "403/stuchip");
}
