//! The life of a table at its endpoint.

use anyhow::Result;
use serde_json::{Value, json};
use zoneway_host_test::Request;

use crate::node::{Node, table};

fn revision(epoch: u64, sequence: u64) -> Value {
    json!({"epoch": epoch, "sequence": sequence})
}

#[test]
fn a_table_is_accepted_served_and_told() -> Result<()> {
    let mut node = Node::start()?;
    assert_eq!(node.ask(Request::get("zoneway", "/v1/table"))?.0, 404);
    let status = node.status()?;
    assert_eq!((&status["versions"], &status["table"]), (&json!([1]), &Value::Null));
    let accepted = node.push(&table(7, 42))?;
    assert_eq!(accepted, (200, json!({"accepted": true, "revision": revision(7, 42)})));
    assert_eq!(node.ask(Request::get("zoneway", "/v1/table"))?, (200, table(7, 42)));
    node.envoy.pass(3_000)?;
    let status = node.status()?;
    assert_eq!(status["table"]["revision"], revision(7, 42));
    assert_eq!((&status["table"]["hosts"], &status["table"]["age_s"]), (&json!(5), &json!(3)));
    assert!(node.get("here.example")?.continues);
    Ok(())
}

#[test]
fn revisions_only_go_forward() -> Result<()> {
    let mut node = Node::serving()?;
    assert_eq!(node.push(&table(7, 42))?.0, 200, "the same again");
    assert_eq!(node.push(&table(7, 41))?.0, 409);
    assert_eq!(node.push(&table(6, 100))?.0, 409);
    let mut other = table(7, 42);
    other["hosts"][0]["host"] = json!("other.example");
    assert_eq!(node.push(&other)?.0, 409);
    assert_eq!(node.push(&table(7, 43))?.0, 200);
    assert_eq!(node.push(&table(8, 0))?.0, 200);
    Ok(())
}

#[test]
fn broken_tables_are_refused_and_the_old_one_serves() -> Result<()> {
    let mut node = Node::serving()?;
    let mut unknown_field = table(8, 0);
    unknown_field["comment"] = json!("hello");
    let mut other_view = table(8, 0);
    other_view["view"] = json!("exposed");
    let mut two_faults = table(8, 0);
    two_faults["hosts"][0]["host"] = json!("UPPER.example");
    two_faults["hosts"][1]["rules"][0]["backends"][0]["node"] = json!("ghost");
    let whole = table(8, 0).to_string();
    let half = &whole.as_bytes()[..whole.len() / 2];
    for (body, paths) in [
        (b"".to_vec(), vec![""]),
        (half.to_vec(), vec!["hosts"]),
        (b"\xff\xfe\x00garbage".to_vec(), vec![""]),
        (unknown_field.to_string().into_bytes(), vec!["comment"]),
        (other_view.to_string().into_bytes(), vec![]),
        (two_faults.to_string().into_bytes(), vec!["hosts[0].host", "hosts[1].rules[0].backends[0].node"]),
    ] {
        let (status, answer) = node.push_bytes(&body)?;
        assert_eq!((status, &answer["accepted"]), (422, &json!(false)), "{answer}");
        let errors = answer["errors"].as_array().expect("a list of errors");
        let found: Vec<&str> = errors.iter().filter_map(|error| error["path"].as_str()).collect();
        assert!(paths.iter().all(|path| found.iter().any(|found| found.starts_with(path))), "{answer}");
        node.envoy.pass(100)?;
        assert!(node.get("here.example")?.continues);
        assert_eq!(node.status()?["table"]["revision"], revision(7, 42));
    }
    Ok(())
}

#[test]
fn a_table_that_is_too_large_is_refused_while_it_comes() -> Result<()> {
    let mut node = Node::serving()?;
    let (status, answer) = node.push_bytes(&vec![b' '; 3_000_000])?;
    assert_eq!((status, &answer["accepted"]), (413, &json!(false)));
    let stream = node.envoy.open(node.table, Request::put("/v1/table", &[b' '; 100_000], 10_000))?;
    assert!(node.envoy.stream(stream)?.body.is_empty(), "what was read is dropped from the proxy's buffer");
    Ok(())
}

#[test]
fn other_calls_are_told_what_there_is() -> Result<()> {
    let mut node = Node::start()?;
    assert_eq!(node.ask(Request::get("zoneway", "/"))?.0, 404);
    assert_eq!(node.ask(Request::put("/v1/status", b"x", 1))?.0, 405);
    assert_eq!(node.ask(Request::default())?.0, 404);
    Ok(())
}

#[test]
fn a_request_waits_for_the_compiler_and_no_longer_than_five_seconds() -> Result<()> {
    let mut node = Node::serving()?;
    node.envoy.break_next_call(node.compiler)?;
    let stream =
        node.envoy.open(node.table, Request::put("/v1/table", table(8, 0).to_string().as_bytes(), 1_000))?;
    node.envoy.pass(4_900)?;
    assert_eq!(node.envoy.stream(stream)?.status(), None);
    node.envoy.pass(200)?;
    let answered = node.envoy.close(stream)?;
    assert_eq!(answered.status(), Some(503));
    let status = node.status()?;
    assert!(
        status["errors"][0]["message"].as_str().is_some_and(|text| text.contains("compiles")),
        "{status}"
    );
    assert_eq!(status["table"]["revision"], revision(7, 42));
    assert!(node.get("here.example")?.continues, "the old table serves on");
    Ok(())
}

#[test]
fn a_sender_that_hangs_up_is_forgotten() -> Result<()> {
    let mut node = Node::start()?;
    let stream =
        node.envoy.open(node.table, Request::put("/v1/table", table(8, 0).to_string().as_bytes(), 1_000))?;
    node.envoy.close(stream)?;
    node.envoy.pass(6_000)?;
    assert_eq!(node.push(&table(9, 0))?.0, 200);
    Ok(())
}

#[test]
fn senders_at_the_same_time_each_get_their_own_answer() -> Result<()> {
    let mut node = Node::start()?;
    let put = |table: &Value| Request::put("/v1/table", table.to_string().as_bytes(), 1_000);
    let first = node.envoy.open(node.table, put(&table(1, 2)))?;
    let second = node.envoy.open(node.table, put(&table(1, 1)))?;
    let third = node.envoy.open(node.table, put(&table(1, 3)))?;
    node.envoy.settle()?;
    let mut statuses = Vec::new();
    for stream in [first, second, third] {
        statuses.push(node.envoy.close(stream)?.status());
    }
    assert_eq!(statuses, [Some(200), Some(409), Some(200)]);
    Ok(())
}
