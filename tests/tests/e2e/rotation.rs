//! Certificates are replaced while requests run and connections between nodes are opened anew all the time: none fails, and
//! no Envoy is started again.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use zoneway_tests::client::{Ask, unix};
use zoneway_tests::deadline;
use zoneway_tests::household::node::Node;
use zoneway_tests::household::sites::TWO_ZONES;
use zoneway_tests::household::{Household, pki};
use zoneway_tests::load::{self, Load};

const RATE: u32 = 300;
const NODES: [(&str, &str); 3] = [("403", "studtop"), ("403", "stuchip"), ("exposed", "edge")];

/// A household whose nodes close each other's connections after a second, not after ten minutes.
async fn start(site: &str) -> Result<Household> {
    let mut household = Household::prepare(site).await?;
    for (_, node) in NODES {
        let file = household.node(node)?.bootstrap_file();
        let text = fs::read_to_string(&file)?;
        let short = text.replace("max_connection_duration: 600s", "max_connection_duration: 1s");
        ensure!(text != short, "{node}: connections of peers have another age");
        fs::write(&file, short)?;
        household.start_node(node)?;
    }
    household.settled().await?;
    Ok(household)
}

/// How often each TLS context between nodes was made of new files.
async fn renewals(node: &Node) -> Result<BTreeMap<String, u64>> {
    let stats = "/stats?format=json&filter=ssl_context_update_by_sds";
    let stats = unix::json(&node.admin_socket(), stats).await?;
    let stats = stats.get("stats").and_then(Value::as_array).context("no statistics")?;
    let one = |stat: &Value| Some((stat.get("name")?.as_str()?.to_owned(), stat.get("value")?.as_u64()?));
    Ok(stats.iter().filter_map(one).collect())
}

/// Does something to files that these nodes' Envoys read, and waits until each of their TLS contexts was made of them.
async fn renewed(
    household: &mut Household,
    nodes: &[&str],
    change: impl FnOnce(&Path) -> Result<()>,
) -> Result<()> {
    let mut before = Vec::new();
    for node in nodes {
        let contexts = renewals(household.node(node)?).await?;
        ensure!(contexts.len() > 2, "{node} has too few contexts: {contexts:?}");
        before.push((node, contexts));
    }
    change(household.folder())?;
    for (name, before) in before {
        let node = household.node(name)?;
        deadline::until("new certificates", || async {
            let now = renewals(node).await?;
            let is_old = |(context, count): &(&String, &u64)| now.get(*context) <= Some(count);
            let old: Vec<_> = before.iter().filter(is_old).collect();
            ensure!(old.is_empty(), "{name}: still the old one in {old:?}");
            Ok(())
        })
        .await?;
    }
    Ok(())
}

/// How many connections each end has opened.
async fn handshakes(household: &mut Household) -> Result<u64> {
    household.node("studtop")?.metric(&["listener_ssl_handshake"]).await
}

async fn check(load: Load) -> Result<()> {
    load.pass(600).await?;
    let samples = load.finish().await?;
    let failed = load::failures(&samples);
    assert!(failed.is_empty(), "{} of {} failed: {:?}", failed.len(), samples.len(), load::summary(&failed));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_nodes_certificate_is_replaced_under_load_and_nothing_fails() -> Result<()> {
    let mut household = start(TWO_ZONES).await?;
    let load = Load::start(&household.client("edge")?, &Ask::get("notes.stuartpb.com", "/"), RATE);
    load.pass(300).await?;
    for (zone, node) in NODES {
        renewed(&mut household, &[node], |folder| pki::replace(folder, zone, node).map(drop)).await?;
        let before = handshakes(&mut household).await?;
        load.pass(600).await?;
        ensure!(handshakes(&mut household).await? > before, "no connection was opened with it");
    }
    check(load).await
}
