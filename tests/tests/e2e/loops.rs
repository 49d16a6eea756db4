//! A request that goes in circles ends: between nodes whose tables disagree, and through a service that comes back as a
//! client.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use zoneway_tests::artefact;
use zoneway_tests::client::unix;
use zoneway_tests::deadline;
use zoneway_tests::household::Household;
use zoneway_tests::household::sites::TWO_ZONES;
use zoneway_tests::service::Service;

/// Pushes a table by hand and waits until every worker has it.
async fn push(socket: &Path, table: &Value) -> Result<()> {
    deadline::until("the table to be accepted", || async {
        let (status, body) = unix::send(socket, "PUT", "/v1/table", table.to_string()).await?;
        ensure!(status == 200, "answered with {status}: {}", String::from_utf8_lossy(&body));
        Ok(())
    })
    .await?;
    deadline::until("every worker to adopt the table", || async {
        let status = unix::json(socket, "/v1/status").await?;
        let workers = status.get("workers").and_then(Value::as_array).cloned().unwrap_or_default();
        ensure!(workers.len() >= artefact::filter()?.adopters(), "only {} workers", workers.len());
        ensure!(workers.iter().all(|worker| worker.get("revision") == table.get("revision")), "{status}");
        Ok(())
    })
    .await
}

/// The table of a node's zone, in which `host` is served as `backends` say and nothing else is.
fn only(household: &Household, zone: &str, host: &str, backends: &Value) -> Result<Value> {
    let mut table: Value = serde_json::from_str(&household.table_text(zone)?)?;
    let members = table.as_object_mut().context("a table is an object")?;
    let rules = json!([{"path": "/", "backends": backends}]);
    members.insert(
        "hosts".to_owned(),
        json!([{"host": host, "exposed_to": ["403", "exposed"], "rules": rules}]),
    );
    Ok(table)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_tables_that_disagree_end_in_508() -> Result<()> {
    let host = "lost.stuartpb.com";
    let mut household = Household::prepare(TWO_ZONES).await?;
    for node in ["studtop", "stuchip", "edge"] {
        household.node(node)?.start_envoy()?;
    }
    // Each zone says that the other serves it: no path leads back through a zone that the trail has visited.
    let home = only(&household, "403", host, &json!([{"zone": "exposed"}]))?;
    push(&household.node("studtop")?.table_socket(), &home).await?;
    push(&household.node("stuchip")?.table_socket(), &home).await?;
    let away = only(&household, "exposed", host, &json!([{"zone": "403"}]))?;
    push(&household.node("edge")?.table_socket(), &away).await?;
    for node in ["studtop", "edge"] {
        let answer = household.client(node)?.get(host, "/").await?;
        assert_eq!(answer.status, 503, "from {node}: {answer:?}");
        // It is the other zone's own refusal that comes back, and nothing of Envoy's.
        assert!(
            answer.header("proxy-status").starts_with("zoneway; error=destination_unavailable"),
            "{answer:?}"
        );
        assert_eq!(answer.body.len(), 0, "{answer:?}");
    }
    household.node("edge")?.logged("refuse no_path").await?;

    // Inside a zone each node says that another serves it, and that one's address is the first node's.
    let mut table = only(&household, "403", host, &json!([{"node": "stuchip"}]))?;
    table["revision"]["sequence"] = json!(100);
    push(&household.node("studtop")?.table_socket(), &table).await?;
    let mut table = only(&household, "403", host, &json!([{"node": "stubook"}]))?;
    table["revision"]["sequence"] = json!(100);
    table["zones"]["403"]["nodes"]["stubook"] = table["zones"]["403"]["nodes"]["studtop"].take();
    table["zones"]["403"]["nodes"].as_object_mut().map(|nodes| nodes.remove("studtop"));
    push(&household.node("stuchip")?.table_socket(), &table).await?;
    let answer = household.client("studtop")?.get(host, "/").await?;
    assert_eq!(answer.status, 508, "{answer:?}");
    assert!(answer.header("proxy-status").starts_with("zoneway; error=proxy_loop_detected"), "{answer:?}");
    let line = household.node("studtop")?.logged("refuse loop").await?;
    assert!(line.contains("403/studtop,403/stuchip"), "the trail is not in the log: {line}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_loop_through_a_service_ends_in_508() -> Result<()> {
    // The service at stuchip is a proxy that brings every request back to studtop as a client.
    let site = TWO_ZONES
        .replace("  films: {at:", "  round: {at: {stuchip: \"${stuchip.free-round}\"}}\n  films: {at:")
        .replace("hosts:\n", "hosts:\n  round.403.stuartpb.com: round\n");
    let household = Household::start(&site).await?;
    let forward = Some(household.places.get("studtop.ingress")?);
    let round = Service { name: "round".to_owned(), node: "stuchip".to_owned(), forward };
    let round = round.start(household.places.get("stuchip.free-round")?).await?;
    let answer = household.client("studtop")?.get("round.403.stuartpb.com", "/").await?;
    assert_eq!(answer.status, 508, "{answer:?}");
    // `max_hops` is 8: the ninth arrival is refused.
    assert_eq!(round.requests(), 8);
    Ok(())
}
