//! The shared corpus (`tests/cases/*.yaml`) against the compiled filter.
//!
//! Each case goes through a real endpoint, singleton and router. Envoy strips a port and one trailing dot off the host
//! before the filter sees it (`strip_any_host_port`, `strip_trailing_host_dot`), so this runner does too. A filter draws
//! its seeds by itself: a case with a seed has to be one of the answers that it gives.

mod case;
mod observe;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::{Envoy, Plugin, Request, module};
use case::{Case, Topic, Trail};
use observe::observe;

/// How often a seeded case is asked before it counts as wrong: an order of five endpoints is one of 120.
const DRAWS: usize = 3_000;

/// What came of a corpus.
#[derive(Debug, Default)]
pub struct Report {
    /// How many cases were run.
    pub cases: usize,
    /// What was wrong, one text a case.
    pub failures: Vec<String>,
}

/// Runs every case of every file in a folder.
///
/// # Errors
/// When a file cannot be read, or is no corpus file.
pub fn run(folder: &Path) -> Result<Report> {
    let mut report = Report::default();
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .with_context(|| format!("{} cannot be read", folder.display()))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    files.sort();
    for file in files.iter().filter(|file| file.extension().is_some_and(|end| end == "yaml")) {
        let text = std::fs::read_to_string(file)?;
        let topic: Topic =
            serde_saphyr::from_str(&text).with_context(|| format!("{} is no corpus file", file.display()))?;
        let mut runner = Runner::start(&topic).with_context(|| file.display().to_string())?;
        for case in &topic.cases {
            report.cases += 1;
            if let Err(wrong) = runner.check(case) {
                let name = file.file_name().unwrap_or_default().to_string_lossy();
                report.failures.push(format!("{name}: {}: {wrong:#}", case.name));
            }
        }
    }
    Ok(report)
}

/// One file's process: its table is pushed once, and each configuration is a VM.
struct Runner<'a> {
    topic: &'a Topic,
    zone: String,
    envoy: Envoy,
    plugins: BTreeMap<String, Plugin>,
}

impl<'a> Runner<'a> {
    fn start(topic: &'a Topic) -> Result<Self> {
        let view = topic.table.as_ref().and_then(|table| table.get("view")).and_then(Value::as_str);
        let here = topic.here.as_ref().and_then(|here| here.zone.as_deref());
        let zone =
            topic.zone.as_deref().or(view).or(here).context("neither `zone` nor a table's view is there")?;
        let mut envoy = Envoy::new(module()?);
        let settings = |role| json!({"role": role, "zone": zone, "node": "runner"});
        envoy.plugin(&settings("compiler"))?;
        let endpoint = envoy.plugin(&settings("table"))?;
        if let Some(table) = &topic.table {
            let pushed =
                envoy.send(endpoint, Request::put("/v1/table", table.to_string().as_bytes(), 65_536))?;
            let answer = pushed.local.context("the endpoint does not answer")?;
            ensure!(answer.status == 200, "the table is refused: {}", String::from_utf8_lossy(&answer.body));
        }
        Ok(Self { topic, zone: zone.to_owned(), envoy, plugins: BTreeMap::new() })
    }

    fn check(&mut self, case: &Case) -> Result<()> {
        let (settings, request) = self.translate(case)?;
        let plugin = match self.plugins.get(&settings.to_string()) {
            Some(plugin) => *plugin,
            None => {
                let plugin = self.envoy.plugin(&settings)?;
                self.plugins.insert(settings.to_string(), plugin);
                plugin
            }
        };
        if let Some(shares) = &case.expect_shares {
            return self.shares(plugin, &request, case.requests.unwrap_or(20_000), shares);
        }
        let expected = case.expect.as_ref().context("the case expects nothing")?;
        let draws = if case.request.seed.is_some() { DRAWS } else { 1 };
        let mut last = None;
        for _ in 0..draws {
            let answer = observe(&self.envoy.send(plugin, request.clone())?)?;
            if answer.is(expected) {
                return Ok(());
            }
            last = Some(answer);
        }
        anyhow::bail!("expected {expected:?}\n  got {last:?}")
    }

    fn shares(
        &mut self,
        plugin: Plugin,
        request: &Request,
        requests: usize,
        shares: &BTreeMap<String, [f64; 2]>,
    ) -> Result<()> {
        let mut firsts: BTreeMap<String, usize> = BTreeMap::new();
        for _ in 0..requests {
            let answer = observe(&self.envoy.send(plugin, request.clone())?)?;
            *firsts.entry(answer.first()).or_default() += 1;
        }
        for (first, count) in &firsts {
            ensure!(shares.contains_key(first), "{count} of {requests} went to {first}");
        }
        for (first, [least, most]) in shares {
            // Counts of a corpus are small enough for f64.
            #[allow(clippy::cast_precision_loss, reason = "a share is a quotient of small counts")]
            let share = firsts.get(first).copied().unwrap_or(0) as f64 / requests as f64;
            ensure!((*least..=*most).contains(&share), "{first} got {share}, expected {least} to {most}");
        }
        Ok(())
    }

    /// A case as a plugin's configuration and a request to it.
    fn translate(&self, case: &Case) -> Result<(Value, Request)> {
        let asked = &case.request;
        let here = self.topic.here.as_ref();
        let zone = here.and_then(|here| here.zone.as_deref()).unwrap_or(&self.zone);
        let node = asked.node.as_deref().or_else(|| here.and_then(|here| here.node.as_deref()));
        let node = node.context("neither the case nor `here` names a node")?;
        let source = asked.source_zone.as_deref().unwrap_or(zone);
        let role = asked.role.as_deref().unwrap_or("ingress");
        let seeded = asked.seed.is_some() || case.expect_shares.is_some();
        let mut settings = json!({
            "role": role, "zone": zone, "node": node, "balance": if seeded { "random" } else { "none" },
        });
        let mut set = |key: &str, value: Value| {
            if let Some(settings) = settings.as_object_mut() {
                settings.insert(key.to_owned(), value);
            }
        };
        if let Some(policy) = &case.policy {
            policy.unknown_host.iter().for_each(|policy| set("unknown_host", json!(policy)));
            policy.no_table.iter().for_each(|policy| set("no_table", json!(policy)));
            policy.max_hops.iter().for_each(|hops| set("max_hops", json!(hops)));
        }
        let mut request = Request::default().header(":method", "GET");
        if let Some(host) = &asked.host {
            request = request.header(":authority", stripped(host));
        }
        request = request.header(":path", asked.path.as_deref().unwrap_or("/"));
        for _ in 0..asked.loops.unwrap_or(0) {
            request = request.header("cdn-loop", "zoneway");
        }
        if role == "peer" {
            let trail = asked.trail.as_ref().map(Trail::joined).unwrap_or_default();
            // The command line knows no connection: whoever is last in the trail is believed.
            let last = trail.rsplit(',').next().and_then(|item| item.split('/').next()).unwrap_or_default();
            let zones = if is_zone(last) { vec![last] } else { Vec::new() };
            set("peer_authentication", json!({"none": {"zones": zones}}));
            request = request.header("x-zoneway-source", source).header("x-zoneway-trail", trail);
        } else if is_zone(source) {
            set("source_zone", json!(source));
        } else {
            // A zone that no configuration can name: the request is of no zone.
            set("source_networks", json!([]));
        }
        Ok((settings, request))
    }
}

/// The host as the filter sees it behind Envoy: without a well-formed port, then without one trailing dot.
fn stripped(host: &str) -> &str {
    let is_port = |port: &str| {
        !port.is_empty()
            && port.bytes().all(|b| b.is_ascii_digit())
            && port.parse::<u128>().is_ok_and(|p| p <= 65_535)
    };
    let behind_bracket = host.rfind(']').map_or(0, |at| at + 1);
    let colon = host.get(behind_bracket..).and_then(|rest| rest.find(':')).map(|at| at + behind_bracket);
    let host = match colon.and_then(|at| host.split_at_checked(at)) {
        Some((name, port)) if is_port(port.get(1..).unwrap_or_default()) => name,
        _ => host,
    };
    if host.starts_with('[') { host } else { host.strip_suffix('.').unwrap_or(host) }
}

/// A zone name by its grammar.
fn is_zone(text: &str) -> bool {
    let ends = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
    text.len() <= 63
        && ends(text.bytes().next())
        && ends(text.bytes().last())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}
