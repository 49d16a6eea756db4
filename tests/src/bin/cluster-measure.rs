//! Measures a sidecar that reads a real cluster: how long a changed EndpointSlice, or Ingress, takes until every worker of a real
//! Envoy decides by it, and how much memory the sidecar takes. One line of JSON; `benches/parts/cluster.py` runs it.
//!
//! The time begins before the change is sent to the API server, so its own work is in it, and ends when the table endpoint
//! lists every worker at a new table.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use serde_json::{Value, json};
use zoneway_tests::artefact;
use zoneway_tests::cluster::machine::Machine;
use zoneway_tests::cluster::{Cluster, objects};
use zoneway_tests::deadline;

#[derive(Debug, Parser)]
struct Asked {
    /// Services, each with a slice of two endpoints.
    #[arg(long, default_value_t = 1000)]
    services: usize,
    /// Hosts; an Ingress has ten.
    #[arg(long, default_value_t = 10_000)]
    hosts: usize,
    /// Nodes that the endpoints are on.
    #[arg(long, default_value_t = 100)]
    nodes: usize,
    /// Changes that are measured, one after the other.
    #[arg(long, default_value_t = 200)]
    changes: usize,
    /// An Ingress is changed each time instead of an EndpointSlice: one of its hosts goes to another service.
    #[arg(long)]
    routes: bool,
}

const NAMESPACE: &str = "web";
const HOSTS_OF_INGRESS: usize = 10;
/// Between two looks at the table endpoint.
const LOOK: Duration = Duration::from_millis(2);

fn slice(service: usize, nodes: [usize; 2]) -> Value {
    let endpoint = |node: usize| {
        objects::endpoint(
            &format!("10.{}.{}.{}", node % 250, service / 250, 1 + service % 250),
            &format!("n{node}"),
        )
    };
    objects::slice(NAMESPACE, &format!("s{service}"), &nodes.map(endpoint))
}

/// `moved`: how far its first host is from the service that it had at first.
fn ingress(number: usize, moved: usize, asked: &Asked) -> Value {
    let rule = |host: usize| {
        let service = host + if host.is_multiple_of(HOSTS_OF_INGRESS) { moved } else { 0 };
        let service = json!({"name": format!("s{}", service % asked.services), "port": {"name": "http"}});
        json!({
            "host": format!("h{host}.example"),
            "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": {"service": service}}]},
        })
    };
    let hosts = (number * HOSTS_OF_INGRESS)..((number + 1) * HOSTS_OF_INGRESS).min(asked.hosts);
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
        "metadata": {"namespace": NAMESPACE, "name": format!("i{number}")},
        "spec": {"rules": hosts.map(rule).collect::<Vec<_>>()},
    })
}

/// The object of a change: no two changes in a row are of one object, and each makes another table.
fn changed(change: usize, asked: &Asked) -> Value {
    if asked.routes {
        let ingresses = asked.hosts.div_ceil(HOSTS_OF_INGRESS);
        return ingress(change * 7 % ingresses, 1 + change / ingresses, asked);
    }
    let service = change * 7 % asked.services;
    let round = 2 + change / asked.services;
    slice(service, [(service + round) % asked.nodes, (service + round + 1) % asked.nodes])
}

/// What the sidecar takes now, in KiB: `VmRSS` and `VmHWM` of `proc_pid_status(5)`.
fn memory(process: u32) -> Result<(u64, u64)> {
    let text = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let value = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)).context("no such line")?;
        line.trim().trim_end_matches(" kB").parse::<u64>().context("no number")
    };
    Ok((value("VmRSS:")?, value("VmHWM:")?))
}

/// The digest that every worker is at, if they are at one.
async fn settled(machine: &Machine) -> Result<String> {
    let status = machine.node.table_status().await?;
    machine.node.adopted(status.pointer("/table/revision")).await?;
    Ok(status.pointer("/table/digest").and_then(Value::as_str).context("no table")?.to_owned())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let asked = Asked::parse();
    ensure!(asked.nodes >= 4 && asked.services >= 1, "it takes four nodes and a service");
    let cluster = Cluster::start().await?;
    let node = |node: usize| {
        objects::node(&format!("n{node}"), "403", &format!("10.200.{}.{}", node / 250, 1 + node % 250))
    };
    let service = |service: usize| objects::service(NAMESPACE, &format!("s{service}"), 80);
    let first = |service: usize| slice(service, [service % asked.nodes, (service + 1) % asked.nodes]);
    let mut all = vec![objects::namespace(NAMESPACE, None)];
    all.extend((0..asked.nodes).map(node));
    all.extend((0..asked.services).map(service));
    all.extend((0..asked.services).map(first));
    all.extend((0..asked.hosts.div_ceil(HOSTS_OF_INGRESS)).map(|number| ingress(number, 0, &asked)));
    cluster.apply_all(&all).await?;
    eprintln!("{} objects are there", all.len());

    let mut machine = Machine::start(&cluster, "studtop", "403", "").await?;
    let listed = Instant::now();
    let mut digest = deadline::until("the first table", || settled(&machine)).await?;
    let mut took = Vec::new();
    for change in 0..asked.changes {
        let changed = changed(change, &asked);
        let begun = Instant::now();
        cluster.apply_all(&[changed]).await?;
        let written = begun.elapsed();
        loop {
            tokio::time::sleep(LOOK).await;
            ensure!(begun.elapsed() < deadline::PATIENCE, "change {change} does not arrive");
            if let Ok(now) = settled(&machine).await
                && now != digest
            {
                digest = now;
                break;
            }
        }
        let ms = |time: Duration| (time.as_secs_f64() * 10_000.0).round() / 10.0;
        took.push(json!({"ms": ms(begun.elapsed()), "write_ms": ms(written)}));
        // The next change finds a sidecar that knows of this one's end.
        deadline::until("the sidecar to be in sync", || async {
            let status = machine.status().await?;
            let state = status.pointer("/nodes/0/state").and_then(Value::as_str);
            ensure!(state == Some("in_sync"), "it is {state:?}");
            Ok(())
        })
        .await?;
    }
    let (rss, peak) = memory(machine.node.sidecar()?.id())?;
    let result = json!({
        "filter": artefact::filter()?.word(), "services": asked.services, "hosts": asked.hosts, "nodes": asked.nodes,
        "rss_kib": rss, "peak_kib": peak, "seconds": listed.elapsed().as_secs(), "changes": took,
    });
    println!("{result}");
    Ok(())
}
