//! What becomes of decisions while the API server, etcd or the way to them fails: nothing, until they are back, and then
//! what changed meanwhile.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use zoneway_tests::client::Ask;
use zoneway_tests::cluster::machine::{Machine, hosts};
use zoneway_tests::cluster::{Cluster, Name, Wire, objects};
use zoneway_tests::load::{self, Load};
use zoneway_tests::service::{Running, Service};
use zoneway_tests::{address, deadline};

/// The host that is served throughout.
const STEADY: &str = "steady.example";
/// Requests a second for it.
const RATE: u32 = 100;

/// A cluster, and a machine whose sidecar reaches its API server over a wire.
struct Home {
    machine: Machine,
    wire: Wire,
    cluster: Cluster,
    _service: Running,
}

impl Home {
    /// With the host [`STEADY`] served at the machine; `flags` are kube-apiserver's.
    async fn start(flags: &[&str]) -> Result<Self> {
        let cluster = Cluster::start_with(flags).await?;
        let wire = cluster.wire().await?;
        let at = address::free(address::own()?)?;
        let service = Service { name: "web".to_owned(), node: "studtop".to_owned(), forward: None };
        let service = service.start(at).await?;
        cluster.apply_all(&[objects::namespace("web", None), objects::service("web", "web", 80)]).await?;
        cluster.apply_all(&[slice(at), objects::ingress("web", "steady", STEADY, "web")]).await?;
        let kubeconfig = cluster.kubeconfig_through(cluster.admin(), &wire)?;
        let mut machine = Machine::prepare(&cluster, "studtop", "403", &kubeconfig, "").await?;
        machine.node.start_envoy()?;
        machine.start_sidecar()?;
        machine.node.serving().await?;
        machine.until_answers(STEADY, "/", 200, Some("studtop")).await?;
        Ok(Self { machine, wire, cluster, _service: service })
    }

    fn load(&self) -> Load {
        Load::start(&self.machine.client(), &Ask::get(STEADY, "/"), RATE)
    }

    async fn add(&self, name: &str) -> Result<()> {
        let host = format!("{name}.example");
        self.cluster.apply_all(&[objects::ingress("web", name, &host, "web")]).await
    }

    async fn remove(&self, name: &str) -> Result<()> {
        self.cluster.delete(&Name::of("networking.k8s.io/v1", "Ingress", "web", name)).await
    }

    /// Waits until every worker decides by these hosts, [`STEADY`] and no other.
    async fn has(&mut self, names: &[&str]) -> Result<()> {
        let wanted: BTreeSet<String> = names.iter().map(|name| format!("{name}.example")).collect();
        let wanted = |table: &Value| {
            let mut hosts: BTreeSet<String> = hosts(table).into_iter().collect();
            hosts.remove(STEADY) && hosts == wanted
        };
        self.machine.until_every_worker_has("exactly the hosts that there are", wanted).await
    }

    /// Waits until the sidecar says whether the API server answers.
    async fn reaches(&self, reachable: bool) -> Result<()> {
        deadline::until("the sidecar to say whether it reaches the API server", || async {
            let status = self.machine.status().await?;
            let cluster = status.pointer("/source/cluster").context("the status has no cluster")?;
            ensure!(*objects::at(cluster, "/reachable") == reachable, "{cluster}");
            Ok(())
        })
        .await
    }
}

/// The steady host's endpoint, on studtop.
fn slice(at: SocketAddr) -> Value {
    let endpoint = objects::endpoint(&at.ip().to_string(), "studtop");
    let slice = objects::slice("web", "web", &[endpoint]);
    objects::with(slice, &["ports"], json!([{"name": "http", "port": at.port(), "protocol": "TCP"}]))
}

/// Ends a load, of which no request may have failed.
async fn all_served(load: Load) -> Result<()> {
    // What has just changed is asked for too.
    load.pass(u64::from(RATE)).await?;
    let samples = load.finish().await?;
    let failures = load::failures(&samples);
    ensure!(
        failures.is_empty(),
        "{} of {} failed: {:?}",
        failures.len(),
        samples.len(),
        load::summary(&failures)
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_api_server_that_is_killed_again_and_again_takes_nothing_away() -> Result<()> {
    let mut home = Home::start(&[]).await?;
    let load = home.load();
    for round in 0..3 {
        let (old, new) = (format!("round-{round}"), format!("round-{}", round + 1));
        home.add(&old).await?;
        home.has(&[&old]).await?;
        home.cluster.kill_api_server()?;
        home.reaches(false).await?;
        home.has(&[&old]).await?;
        home.cluster.start_api_server().await?;
        home.remove(&old).await?;
        home.add(&new).await?;
        home.has(&[&new]).await?;
        home.remove(&new).await?;
    }
    home.reaches(true).await?;
    home.has(&[]).await?;
    all_served(load).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_went_while_its_watch_was_compacted_away_is_gone_from_decisions() -> Result<()> {
    // Every watch reads etcd itself, so a compaction is the end of one that fell behind: 410 Gone.
    let mut home = Home::start(&["--watch-cache=false"]).await?;
    let load = home.load();
    home.add("goes").await?;
    home.add("stays").await?;
    home.has(&["goes", "stays"]).await?;

    home.wire.refuse();
    home.reaches(false).await?;
    home.remove("goes").await?;
    home.add("comes").await?;
    home.cluster.compact().await?;
    home.has(&["goes", "stays"]).await?;

    home.wire.heal();
    home.has(&["comes", "stays"]).await?;
    // Watches that were taken up again still tell of what comes after.
    home.remove("comes").await?;
    home.has(&["stays"]).await?;

    // A compaction while nothing is cut ends no watch that has kept up.
    home.cluster.compact().await?;
    home.add("later").await?;
    home.has(&["later", "stays"]).await?;
    all_served(load).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partition_changes_no_decision_and_ends_with_what_changed_meanwhile() -> Result<()> {
    let mut home = Home::start(&[]).await?;
    home.add("goes").await?;
    home.has(&["goes"]).await?;
    let load = home.load();
    home.wire.cut();
    let until = Instant::now() + partition();
    home.remove("goes").await?;
    home.add("comes").await?;
    while Instant::now() < until {
        load.pass(u64::from(RATE)).await?;
        home.has(&["goes"]).await?;
    }
    home.wire.heal();
    home.has(&["comes"]).await?;
    home.reaches(true).await?;
    all_served(load).await
}

/// How long: a minute, or as many seconds as `ZONEWAY_PARTITION_S` says (`make soak`: ten minutes).
fn partition() -> Duration {
    let written = std::env::var("ZONEWAY_PARTITION_S").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(written.unwrap_or(60))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_changes_moves_no_answer_and_its_end_is_what_serves() -> Result<()> {
    const WRITERS: u32 = 8;
    const CHANGES: u32 = 6_000;
    let mut home = Home::start(&[]).await?;
    let names: Vec<String> = (0..WRITERS).map(|writer| format!("storm-{writer}")).collect();
    for name in &names {
        home.add(name).await?;
    }
    home.has(&names.iter().map(String::as_str).collect::<Vec<_>>()).await?;
    let before = pushes(&home.machine).await?;
    let load = home.load();

    // Each writer moves one Ingress from host to host, a thousand changes a second in all.
    let began = Instant::now();
    let mut writers = tokio::task::JoinSet::new();
    for (writer, name) in names.iter().enumerate() {
        let api = home.cluster.api(home.cluster.admin())?;
        let path = format!("/apis/networking.k8s.io/v1/namespaces/web/ingresses/{name}");
        writers.spawn(async move {
            for change in 0..CHANGES / WRITERS {
                let due = began + Duration::from_millis(u64::from(change * WRITERS));
                tokio::time::sleep_until(due.into()).await;
                let patch = json!([{
                    "op": "replace", "path": "/spec/rules/0/host", "value": format!("at-{change}-{writer}.example"),
                }]);
                let answer = api.send("PATCH", &path, "application/json-patch+json", patch.to_string()).await?;
                ensure!(answer.status == 200, "{answer:?}");
            }
            anyhow::Ok(())
        });
    }
    while let Some(writer) = writers.join_next().await {
        writer??;
    }
    let took = began.elapsed();
    // A thousand a second was asked for; a machine that has no time for it is to keep a tenth of that.
    ensure!(took < Duration::from_millis(10 * u64::from(CHANGES)), "{CHANGES} changes took {took:?}");
    let last = CHANGES / WRITERS - 1;
    let ends: Vec<String> = (0..WRITERS).map(|writer| format!("at-{last}-{writer}")).collect();
    home.has(&ends.iter().map(String::as_str).collect::<Vec<_>>()).await?;
    all_served(load).await?;

    let pushed = pushes(&home.machine).await? - before;
    eprintln!("{CHANGES} changes in {took:?}, {pushed} tables");
    ensure!(
        pushed > 0 && pushed < u64::from(CHANGES) / 4,
        "{CHANGES} changes were pushed as {pushed} tables"
    );
    Ok(())
}

/// How many tables the sidecar has pushed.
async fn pushes(machine: &Machine) -> Result<u64> {
    let (_, page) = machine.page("/metrics").await?;
    let line = page.lines().find(|line| line.starts_with("zoneway_sidecar_pushes_total"));
    let count = line.and_then(|line| line.rsplit(' ').next()?.parse().ok());
    count.with_context(|| format!("no pushes in {page}"))
}
