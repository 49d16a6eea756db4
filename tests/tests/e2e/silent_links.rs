//! What dies without a word: it takes connections still, or drops them, and never answers.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use zoneway_tests::client::{Client, Protocol, unix};
use zoneway_tests::deadline;
use zoneway_tests::household::Household;
use zoneway_tests::household::sites::TWO_ZONES;

/// Ten seconds, and the two of health that a household asks for, on a quiet machine.
const GONE_WITHIN: Duration = Duration::from_secs(100);
const BACK_WITHIN: Duration = Duration::from_secs(100);

/// What a sidecar says its Envoy's table is without, once every worker has adopted that.
async fn out(at: SocketAddr) -> Result<Vec<String>> {
    let answer = Client::new(at, Protocol::Http1).get("localhost", "/v1/status").await?;
    let status: Value = serde_json::from_slice(&answer.body)?;
    let node = status.pointer("/nodes/0").context("no node")?;
    ensure!(node["state"] == "in_sync", "{node}");
    let out = node.get("out").and_then(Value::as_array).cloned().unwrap_or_default();
    Ok(out.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}

/// Waits until each of these nodes' tables is without this, and nothing else.
async fn wait(household: &mut Household, limit: Duration, wanted: &[(&str, &[&str])]) -> Result<()> {
    for (node, wanted) in wanted {
        let at = household.node(node)?.sidecar_at();
        deadline::within(limit, &format!("{node}'s table to be without {wanted:?}"), || async {
            let out = out(at).await?;
            ensure!(out == *wanted, "it is without {out:?}");
            Ok(())
        })
        .await?;
    }
    Ok(())
}

/// The nodes that a rule of a node's served table names.
async fn backends(household: &mut Household, node: &str, host: &str) -> Result<Vec<String>> {
    let table = unix::json(&household.node(node)?.table_socket(), "/v1/table").await?;
    let hosts = table.get("hosts").and_then(Value::as_array).context("no hosts")?;
    let entry = hosts.iter().find(|entry| entry["host"] == host).with_context(|| format!("no {host}"))?;
    let backends = entry.pointer("/rules/0/backends").and_then(Value::as_array).context("no backends")?;
    Ok(backends.iter().filter_map(|backend| backend["node"].as_str()).map(str::to_owned).collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_falls_silent_leaves_the_tables_and_comes_back_when_it_is_well() -> Result<()> {
    let mut household = Household::start(TWO_ZONES).await?;
    let stuchip = household.node("stuchip")?.envoy()?.id();
    let stuchip = i32::try_from(stuchip).ok().and_then(Pid::from_raw).context("no process")?;
    // The kernel takes connections for it still; nothing answers them.
    kill_process(stuchip, Signal::STOP)?;
    let gone: [(&str, &[&str]); 2] =
        [("studtop", &["node stuchip"]), ("edge", &["the link to 403 by stuchip"])];
    let waited = wait(&mut household, GONE_WITHIN, &gone).await;
    let result = async {
        waited?;
        // Another serves it: it is asked. No other does: it is tried still.
        assert_eq!(backends(&mut household, "studtop", "notes.stuartpb.com").await?, ["studtop"]);
        assert_eq!(backends(&mut household, "studtop", "films.stuartpb.com").await?, ["stuchip"]);
        for _ in 0..30 {
            let asked = Instant::now();
            let report = household.client("edge")?.get("notes.stuartpb.com", "/").await?.report()?;
            assert_eq!(report.node, "studtop");
            assert!(asked.elapsed() < GONE_WITHIN / 10, "a request waited {:?}", asked.elapsed());
        }
        anyhow::Ok(())
    };
    let result = result.await;
    kill_process(stuchip, Signal::CONT)?;
    result?;
    wait(&mut household, BACK_WITHIN, &[("studtop", &[]), ("edge", &[])]).await?;
    household.settled().await
}
