//! How a table reaches every VM, and what keeps an old one serving.

use anyhow::Result;
use serde_json::json;

use crate::node::{Node, ingress, table};

#[test]
fn every_worker_serves_a_new_table_within_a_tenth_of_a_second() -> Result<()> {
    let mut node = Node::start()?;
    let mut workers = vec![node.ingress];
    for _ in 0..4 {
        workers.push(node.envoy.plugin(&ingress())?);
    }
    node.push(&table(1, 1))?;
    node.envoy.pass(100)?;
    for worker in &workers {
        assert!(node.envoy.send(*worker, zoneway_host_test::Request::get("here.example", "/"))?.continues);
    }
    let status = node.status()?;
    let listed = status["workers"].as_array().expect("a list of workers");
    assert_eq!(listed.len(), workers.len());
    assert!(listed.iter().all(|worker| worker["revision"] == json!({"epoch": 1, "sequence": 1})), "{status}");
    let mut ids: Vec<&str> = listed.iter().filter_map(|worker| worker["id"].as_str()).collect();
    ids.dedup();
    assert_eq!(ids.len(), workers.len(), "{status}");
    Ok(())
}

#[test]
fn a_vm_that_starts_late_serves_at_once() -> Result<()> {
    let mut node = Node::serving()?;
    let late = node.envoy.plugin(&ingress())?;
    assert!(node.envoy.send(late, zoneway_host_test::Request::get("here.example", "/"))?.continues);
    Ok(())
}

#[test]
fn workers_tell_when_they_were_seen_and_drop_out() -> Result<()> {
    let mut node = Node::serving()?;
    let doomed = node.envoy.plugin(&ingress())?;
    node.envoy.pass(2_000)?;
    assert_eq!(node.status()?["workers"].as_array().map(Vec::len), Some(2));
    node.envoy.break_next_call(doomed)?;
    node.envoy.pass(3_000)?;
    assert_eq!(node.status()?["workers"].as_array().map(Vec::len), Some(2));
    node.envoy.pass(4_000)?;
    let status = node.status()?;
    let workers = status["workers"].as_array().expect("a list of workers");
    assert_eq!(workers.len(), 1);
    assert!(workers[0]["seen_ms"].as_u64().is_some_and(|seen| seen <= 1_050), "{status}");
    Ok(())
}

#[test]
fn a_layout_or_record_of_another_release_is_left_and_said() -> Result<()> {
    let mut node = Node::serving()?;
    let layout = node.envoy.kept("zoneway.layout").expect("a layout is kept");
    let record = node.envoy.kept("zoneway.record").expect("a record is kept");
    let mut newer_record = record.clone();
    newer_record[3] = 9;
    let mut other_revision = record.clone();
    other_revision[4] = other_revision[4].wrapping_add(1);
    let mut newer_layout = layout.clone();
    newer_layout[8] = 9;
    let cut = layout[..layout.len() - 1].to_vec();
    for (layout, record) in [
        (&layout, &newer_record),
        (&newer_layout, &other_revision),
        (&cut, &other_revision),
        (&Vec::new(), &other_revision),
        (&layout, &b"garbage".to_vec()),
        (&layout, &Vec::new()),
    ] {
        let lines = node.envoy.log().len();
        node.envoy.keep("zoneway.layout", layout);
        node.envoy.keep("zoneway.record", record);
        node.envoy.pass(500)?;
        assert!(node.get("here.example")?.continues);
        let said: Vec<_> = node
            .envoy
            .log()
            .split_off(lines)
            .into_iter()
            .filter(|line| line.text.contains("keeps serving 7.42"))
            .collect();
        assert_eq!(said.len(), 1, "said once: {said:?}");
    }
    Ok(())
}

#[test]
fn a_trap_kills_one_vm_and_its_request_alone() -> Result<()> {
    let mut node = Node::serving()?;
    let other = node.envoy.plugin(&ingress())?;
    node.envoy.break_call(node.peer, "proxy_get_property")?;
    let failed = node.passed_on("here.example")?;
    assert!(failed.trapped);
    assert_eq!(failed.status(), Some(503), "it fails closed");
    assert!(node.envoy.send(other, zoneway_host_test::Request::get("here.example", "/"))?.continues);
    assert!(node.get("here.example")?.continues, "the next request finds a VM with the table");
    assert_eq!(node.push(&table(8, 0))?.0, 200);
    Ok(())
}
