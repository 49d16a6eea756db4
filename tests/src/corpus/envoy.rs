//! The corpus in a real Envoy: one for each zone, a listener for each configuration of the filter that the cases ask
//! for. No route leads anywhere: each answers at once, with the decision in headers that only this configuration adds.

mod bootstrap;
mod round;

use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Case, Policy, Topic};
use crate::client::{Ask, Client, Protocol, raw, unix};
use crate::process::Process;
use crate::proxy::Proxy;
use crate::{address, deadline};

pub use round::differences;

/// How long an Envoy that starts is waited for before it is asked whether it still runs.
const BETWEEN_SIGNS_OF_LIFE: Duration = Duration::from_millis(500);

/// What distinguishes one listener from another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Configuration {
    node: String,
    role: String,
    source_zone: String,
    policy: Policy,
    random: bool,
}

impl Configuration {
    fn of(case: &Case, topic: &Topic) -> Self {
        let role = case.text("role").unwrap_or("ingress");
        // A peer brings its source zone with each request; a client's is its listener's.
        let written = if role == "ingress" { case.text("source_zone") } else { None };
        Self {
            node: case.node(&topic.here).to_owned(),
            role: role.to_owned(),
            source_zone: written.unwrap_or(&topic.here.zone).to_owned(),
            policy: case.policy.clone(),
            random: case.seeded(),
        }
    }
}

/// An Envoy in which every case of one zone can be decided.
#[derive(Debug)]
pub struct Decider {
    zone: String,
    listeners: BTreeMap<Configuration, SocketAddr>,
    table: PathBuf,
    sequence: u64,
    /// How many adopt each table: two workers, and of the Wasm filter the main thread's VM too.
    adopters: usize,
    patience: Duration,
    envoy: Process,
    folder: TempDir,
}

impl Decider {
    /// Starts such an Envoy for these topics, which must all be of one zone. It has no table yet.
    ///
    /// # Errors
    /// Envoy or the filter is missing, or refuses.
    pub async fn start(proxy: &Proxy, topics: &[&Topic]) -> Result<Self> {
        let zone = topics.first().context("there are no topics")?.here.zone.clone();
        let folder = tempfile::Builder::new().prefix("zoneway-corpus-").tempdir()?;
        let mut listeners = BTreeMap::new();
        let mut zones = vec![zone.clone()];
        for topic in topics {
            for case in &topic.cases {
                let free = address::free(Ipv4Addr::LOCALHOST)?;
                listeners.entry(Configuration::of(case, topic)).or_insert(free);
                let trail = case.trail().unwrap_or_default();
                let items = trail.split(',').filter_map(|item| item.split_once('/'));
                zones.extend(items.map(|(zone, _)| zone.to_owned()).filter(|zone| is_zone_name(zone)));
            }
        }
        zones.sort();
        zones.dedup();
        let table = folder.path().join("table.sock");
        let config = folder.path().join("envoy.json");
        let (adopters, patience) = (proxy.filter().adopters(), proxy.patience());
        let rendered = bootstrap::render(&zone, &zones, &listeners, folder.path(), proxy.wasm());
        fs::write(&config, rendered.to_string())?;
        let mut command = proxy.command();
        command.arg("-c").arg(&config).args(["--concurrency", "2", "--disable-hot-restart"]);
        command.args(["--log-level", "warning", "--component-log-level", "wasm:info"]);
        let envoy =
            Process::start(&format!("Envoy of zone {zone}"), &mut command, &folder.path().join("envoy.log"))?;
        let mut decider = Self { zone, listeners, table, sequence: 0, adopters, patience, envoy, folder };
        decider.ready().await?;
        Ok(decider)
    }

    /// Waits for its table endpoint; not for that of an Envoy that has ended.
    async fn ready(&mut self) -> Result<()> {
        let started = Instant::now();
        loop {
            self.envoy.alive()?;
            let status = || unix::json(&self.table, "/v1/status");
            match deadline::within(BETWEEN_SIGNS_OF_LIFE, "the table endpoint", status).await {
                Err(_) if started.elapsed() < self.patience => {}
                answered => return answered.map(drop),
            }
        }
    }

    /// The admin of its Envoy.
    #[must_use]
    pub fn admin(&self) -> PathBuf {
        self.folder.path().join("admin.sock")
    }

    /// Its Envoy's process.
    pub const fn envoy(&mut self) -> &mut Process {
        &mut self.envoy
    }

    /// Pushes a topic's table and waits until every worker decides by it.
    ///
    /// # Errors
    /// The table is refused, or a worker does not adopt it in time.
    pub async fn push(&mut self, table: &Value) -> Result<()> {
        self.sequence += 1;
        let revision = json!({"epoch": 1, "sequence": self.sequence});
        let mut table = table.clone();
        table
            .as_object_mut()
            .context("a table is an object")?
            .insert("revision".to_owned(), revision.clone());
        let (status, body) = unix::send(&self.table, "PUT", "/v1/table", table.to_string()).await?;
        ensure!(status == 200, "the table was answered with {status}: {}", String::from_utf8_lossy(&body));
        deadline::within(self.patience, "every worker to adopt the table", || async {
            let status = unix::json(&self.table, "/v1/status").await?;
            let workers = status.get("workers").and_then(Value::as_array).cloned().unwrap_or_default();
            let adopted = workers.iter().filter(|worker| worker.get("revision") == Some(&revision)).count();
            ensure!(
                adopted == workers.len() && adopted >= self.adopters,
                "{adopted} of {} workers have it",
                workers.len()
            );
            Ok(())
        })
        .await
    }

    /// Sends a case's request as it is and reads the decision out of the answer.
    ///
    /// # Errors
    /// There is no answer.
    pub async fn decide(&self, case: &Case, topic: &Topic) -> Result<Seen> {
        let path = case.text("path").unwrap_or("/");
        let host = case.text("host").unwrap_or_default();
        // `*` is a path for OPTIONS alone.
        let method = if path == "*" { "OPTIONS" } else { "GET" };
        let mut lines = vec![format!("{method} {path} HTTP/1.1"), format!("host: {host}")];
        lines.extend(self.headers(case).iter().map(|(name, value)| format!("{name}: {value}")));
        let (status, answer) = raw::lines(self.listener(case, topic)?, &lines).await?;
        let headers =
            answer.lines().take_while(|line| !line.is_empty()).filter_map(|line| line.split_once(": "));
        Ok(Seen::read(status, headers))
    }

    /// Sends a case's request many times, on one connection.
    ///
    /// # Errors
    /// The request is none for a client library, or there is no answer.
    pub async fn decide_often(&self, case: &Case, topic: &Topic, times: u64) -> Result<Vec<Seen>> {
        let mut ask = Ask::get(case.text("host").unwrap_or_default(), case.text("path").unwrap_or("/"));
        for (name, value) in self.headers(case) {
            ask = ask.header(name, &value);
        }
        let mut connection = Client::new(self.listener(case, topic)?, Protocol::Http1).connect().await?;
        let mut seen = Vec::new();
        for _ in 0..times {
            let answer = connection.send(&ask).await?;
            let headers = answer
                .headers
                .iter()
                .map(|(name, value)| (name.as_str(), value.to_str().unwrap_or_default()));
            seen.push(Seen::read(answer.status, headers));
        }
        Ok(seen)
    }

    /// Where requests of a case's configuration are taken.
    ///
    /// # Errors
    /// The case is of another topic.
    pub fn listener(&self, case: &Case, topic: &Topic) -> Result<SocketAddr> {
        let configuration = Configuration::of(case, topic);
        self.listeners.get(&configuration).copied().context("every case has its listener")
    }

    /// The header lines that say what a request of the corpus has besides host and path.
    fn headers(&self, case: &Case) -> Vec<(&'static str, String)> {
        let mut headers = Vec::new();
        if case.text("role") == Some("peer") {
            headers.push(("x-zoneway-source", case.text("source_zone").unwrap_or(&self.zone).to_owned()));
            headers.extend(case.trail().map(|trail| ("x-zoneway-trail", trail)));
        }
        let loops = case.request.get("loops").and_then(Value::as_u64).unwrap_or(0);
        headers.extend((0..loops).map(|_| ("cdn-loop", "zoneway".to_owned())));
        headers
    }
}

/// Whether the filter's configuration may name it as a zone.
fn is_zone_name(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    text.len() <= 63 && text.chars().all(inner) && ends(text.chars().next()) && ends(text.chars().last())
}

/// A decision as Envoy carried it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The action: `local`, `peer`, `zone`, `refuse` or `pass`.
    pub action: String,
    /// The reason in the log; nothing for what is local, or refused before the filter.
    pub reason: Option<String>,
    /// The status of the answer.
    pub status: u16,
    /// The zone that the request goes to.
    pub zone: Option<String>,
    /// The endpoints, in order.
    pub endpoints: Vec<String>,
}

impl Seen {
    fn read<'a>(status: u16, headers: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let headers: BTreeMap<String, &str> =
            headers.map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
        let header = |name: &str| headers.get(name).map(|value| (*value).to_owned());
        let log = header("seen-log").unwrap_or_default();
        let words: Vec<&str> = log.split(' ').collect();
        let word = |at: usize| words.get(at).copied().filter(|word| !word.is_empty() && *word != "-");
        let cluster = header("seen-cluster").unwrap_or_default();
        let zone = cluster.strip_prefix("zoneway/zone/").map(str::to_owned);
        let action = match (cluster.as_str(), status) {
            ("zoneway/peers", _) => "peer",
            _ if zone.is_some() => "zone",
            (_, 200) => word(0).unwrap_or("local"),
            _ => "refuse",
        };
        let endpoints = header("seen-endpoints").unwrap_or_default();
        let endpoints =
            endpoints.split(',').filter(|endpoint| !endpoint.is_empty()).map(str::to_owned).collect();
        Self { action: action.to_owned(), reason: word(1).map(str::to_owned), status, zone, endpoints }
    }

    /// What of it is not as the case expects.
    #[must_use]
    pub fn differences(&self, case: &Case) -> Vec<String> {
        let mut differences = Vec::new();
        let mut differ = |what: &str, expected: String, got: String| {
            if expected != got {
                differences.push(format!("{what} is {got}, not {expected}"));
            }
        };
        if let Some(envoy) = &case.envoy {
            let text = |member: &str| envoy.get(member).map(Value::to_string);
            text("status").into_iter().for_each(|status| differ("status", status, self.status.to_string()));
            let reason = envoy.get("reason").and_then(Value::as_str);
            if let (Some(reason), Some(seen)) = (reason, &self.reason) {
                differ("reason", reason.to_owned(), seen.clone());
            }
            return differences;
        }
        let Some(expect) = &case.expect else { return differences };
        let text = |member: &str| expect.get(member).and_then(Value::as_str).unwrap_or("-").to_owned();
        differ("action", text("action"), self.action.clone());
        if let Some(status) = expect.get("status") {
            differ("status", status.to_string(), self.status.to_string());
        }
        // A local decision leaves no word in the log, and Envoy itself refuses some malformed requests.
        if let Some(reason) = &self.reason {
            differ("reason", text("reason"), reason.clone());
        } else if self.action != "local" && self.status != 400 {
            differ("reason", text("reason"), "-".to_owned());
        }
        differ("zone", text("zone"), self.zone.clone().unwrap_or_else(|| "-".to_owned()));
        let endpoints = expect.get("endpoints").and_then(Value::as_array).into_iter().flatten();
        let mut endpoints: Vec<String> = endpoints.filter_map(Value::as_str).map(str::to_owned).collect();
        let mut seen = self.endpoints.clone();
        if case.seeded() {
            endpoints.sort();
            seen.sort();
        } else {
            endpoints.truncate(16);
        }
        differ("endpoints", endpoints.join(","), seen.join(","));
        differences
    }
}
