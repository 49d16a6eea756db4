//! Certificates are replaced while requests run and connections between nodes are opened anew all the time: none fails, and
//! no Envoy is started again.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use zoneway_tests::client::{Ask, Client, Protocol, tls, unix};
use zoneway_tests::deadline;
use zoneway_tests::household::node::{Node, SourceText};
use zoneway_tests::household::sites::{TWO_ZONES, tunnelled};
use zoneway_tests::household::{Household, pki};
use zoneway_tests::load::{self, Load};

const RATE: u32 = 300;
const NODES: [(&str, &str); 3] = [("403", "studtop"), ("403", "stuchip"), ("exposed", "edge")];

/// A household whose nodes close each other's connections after a second, not after ten minutes.
async fn start(site: &str) -> Result<Household> {
    let mut household = Household::prepare(site).await?;
    for (_, node) in NODES {
        shorten(household.node(node)?)?;
        household.start_node(node)?;
    }
    household.settled().await?;
    Ok(household)
}

fn shorten(node: &Node) -> Result<()> {
    let file = node.bootstrap_file();
    let text = fs::read_to_string(&file)?;
    let short = text.replace("max_connection_duration: 600s", "max_connection_duration: 1s");
    ensure!(text != short, "{}: connections of peers have another age", node.name);
    Ok(fs::write(&file, short)?)
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
    check(load).await?;
    let at = household.node("studtop")?.sidecar_at();
    let metrics = Client::new(at, Protocol::Http1).get("sidecar", "/metrics").await?;
    let metrics = String::from_utf8_lossy(&metrics.body).into_owned();
    let metric =
        "zoneway_sidecar_certificate_days_left{identity=\"spiffe://stuartpb.com/zone/403/node/studtop\"";
    let days = metrics.lines().find(|line| line.starts_with(metric)).with_context(|| metrics.clone())?;
    assert!(days.ends_with(" 89"), "{days}");
    Ok(())
}

/// From the first authority to the second under load, by the commands that a user has. Each step is refused until every
/// node is ready for it, which the nodes are asked at their peer listeners.
async fn replace_the_authority(household: &mut Household, load: &Load) -> Result<()> {
    let all = NODES.map(|(_, node)| node);
    let site = household.site_file().display().to_string();
    let asked = ["--site", site.as_str()];
    let kept = household.folder().join("kept");
    fs::create_dir(&kept)?;
    for file in ["ca.pem", "ca.key"] {
        fs::copy(household.folder().join(file), kept.join(file))?;
    }
    renewed(household, &all, |folder| pki::run(folder, &["init", "--next"]).map(drop)).await?;
    load.pass(300).await?;
    pki::run(household.folder(), &[&["init", "--switch"], &asked[..]].concat())?;
    let early = pki::run(household.folder(), &[&["init", "--finish"], &asked[..]].concat());
    ensure!(early.is_err(), "the old authority went although it is needed");
    for node in all {
        renewed(household, &[node], |folder| pki::run(folder, &["renew", "--node", node]).map(drop)).await?;
        load.pass(300).await?;
    }
    ensure!(pki::run(household.folder(), &["renew"])?.contains("none is due"));
    renewed(household, &all, |folder| {
        pki::run(folder, &[&["init", "--finish"], &asked[..]].concat()).map(drop)
    })
    .await?;
    load.pass(600).await?;
    // What the old one signs is not heard any more.
    let (certificate, key) = pki::issue(&kept, "403", "stuchip")?;
    let client = Client::new(household.places.get("studtop.peer")?, Protocol::Http2);
    let ask = Ask::get("music.stuartpb.com", "/").header("x-zoneway-source", "403");
    let ask = ask.header("x-zoneway-trail", "403/stuchip");
    let answer = client.clone().tls(tls::identity(&certificate, &key)?).send(&ask).await;
    ensure!(answer.is_err(), "the old authority is still believed: {answer:?}");
    let (certificate, key) = household.identity("stuchip");
    let answer = client.tls(tls::identity(&certificate, &key)?).send(&ask).await?;
    ensure!(answer.status == 200, "{answer:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_authority_is_replaced_under_load_and_nothing_fails() -> Result<()> {
    let mut household = start(TWO_ZONES).await?;
    // Over a link and, from one of the two gateways, to the other node of its zone.
    let load = Load::start(&household.client("edge")?, &Ask::get("films.stuartpb.com", "/"), RATE);
    load.pass(300).await?;
    replace_the_authority(&mut household, &load).await?;
    check(load).await
}

/// The same where home dials: each tunnel is registered under one TLS, and has another one inside.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_authority_is_replaced_under_load_over_tunnels_too() -> Result<()> {
    let mut household = start(&tunnelled("studtop, stuchip")).await?;
    for _ in 0..20 {
        deadline::until("a request to get home", || async {
            household.client("edge")?.get("films.stuartpb.com", "/").await?.report().map(drop)
        })
        .await?;
    }
    let load = Load::start(&household.client("edge")?, &Ask::get("films.stuartpb.com", "/"), RATE);
    load.pass(300).await?;
    replace_the_authority(&mut household, &load).await?;
    check(load).await
}

/// A folder as the kubelet mounts a Secret: each name leads through one link to a folder of that time, and the link is
/// swapped.
fn mount(folder: &Path, mounted: &Path, version: &str) -> Result<()> {
    let data = mounted.join(version);
    fs::create_dir_all(&data)?;
    for name in ["ca.pem", "crl.pem"]
        .map(str::to_owned)
        .into_iter()
        .chain(NODES.iter().flat_map(|(_, node)| [format!("{node}.pem"), format!("{node}.key")]))
    {
        fs::copy(folder.join(&name), data.join(&name))?;
        if !mounted.join(&name).exists() {
            std::os::unix::fs::symlink(Path::new("..data").join(&name), mounted.join(&name))?;
        }
    }
    std::os::unix::fs::symlink(version, mounted.join("..data_tmp"))?;
    Ok(fs::rename(mounted.join("..data_tmp"), mounted.join("..data"))?)
}

/// As pods of the chart have it: the Secret of all nodes is mounted; `zoneway envoy` brings the node's own certificate from there
/// to where Envoy reads it, and the sidecar does when it changes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mounted_secret_that_changes_is_brought_to_each_envoy_under_load_and_nothing_fails() -> Result<()> {
    let own = TWO_ZONES.replace("${dir}/{node}.", "${dir}/{node}/own/{node}.");
    let own = own.replace("${dir}/c", "${dir}/{node}/own/c");
    let mut household = Household::prepare(&own).await?;
    let folder = household.folder().to_path_buf();
    let mounted = folder.join("mounted");
    mount(&folder, &mounted, "..1")?;
    let source = format!("{{site: {}}}", household.site_file().display());
    for (_, name) in NODES {
        let own = folder.join(name).join("own");
        let more = format!("certificates: {{from: {}, to: {}}}", mounted.display(), own.display());
        let source = SourceText { source: &source, more: &more };
        let node = household.node(name)?;
        node.render_of(&source)?;
        shorten(node)?;
        node.start_envoy()?;
        node.start_sidecar_of(&source)?;
    }
    household.settled().await?;
    let mut there: Vec<_> =
        fs::read_dir(folder.join("edge/own"))?.map(|entry| Ok(entry?.file_name())).collect::<Result<_>>()?;
    there.sort();
    assert_eq!(there, ["ca.pem", "crl.pem", "edge.key", "edge.pem"], "no other node's key");
    let load = Load::start(&household.client("edge")?, &Ask::get("films.stuartpb.com", "/"), RATE);
    load.pass(300).await?;
    pki::run(&folder, &["renew", "--all"])?;
    renewed(&mut household, &NODES.map(|(_, node)| node), |folder| mount(folder, &mounted, "..2")).await?;
    let before = handshakes(&mut household).await?;
    load.pass(600).await?;
    ensure!(handshakes(&mut household).await? > before, "no connection was opened with the new ones");
    check(load).await?;
    for (_, name) in NODES {
        household.node(name)?.envoy()?.alive().with_context(|| format!("{name}'s Envoy was started anew"))?;
    }
    Ok(())
}
