//! `zoneway decide`: what a node does with a request, from its zone's table alone.

mod batch;
mod request;

use std::ffi::OsString;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use zoneway_core::decision::{DEFAULT_MAX_HOPS, Missing, Policy, Reason, Role};
use zoneway_core::layout::Layout;
use zoneway_core::name::ZoneName;
use zoneway_site::{Answer, in_words};

use super::{Exit, Format, Output, Usage};
use crate::sources::file;
use request::Asked;

/// Show what a node does with one request, or with many.
///
/// With --requests, each line is a JSON object with `host` and, each optional, `path`, `node`, `role`, `source_zone`,
/// `trail` (a list or a comma-joined text), `loops` and `seed`; what a line leaves out is as the options say. Each
/// answer is one line of JSON; a bad line is answered with `error`, and the exit code is 1 at the end.
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("view").required(true).args(["table", "zone"])))]
pub(crate) struct Args {
    /// The table (JSON) of the node's zone.
    #[arg(long, value_name = "TABLE")]
    table: Option<PathBuf>,
    /// The node's zone, where there is no table yet.
    #[arg(long, value_parser = ZoneName::parse)]
    zone: Option<ZoneName>,
    /// The node that decides.
    #[arg(long, required_unless_present = "requests")]
    node: Option<String>,
    /// Who dials the listener.
    #[arg(long, value_enum, default_value_t = RoleName::Ingress)]
    role: RoleName,
    /// The zone that the request came from; default: the node's.
    #[arg(long, value_name = "ZONE")]
    source_zone: Option<String>,
    /// The zone/node items that the request has passed, joined by commas.
    #[arg(long, value_name = "ZONE/NODE,…", default_value = "", hide_default_value = true)]
    trail: String,
    /// How many of the request's `cdn-loop` items are zoneway's.
    #[arg(long, value_name = "N", default_value_t = 0)]
    loops: usize,
    /// What orders several endpoints, 64 bits; without it they are ordered by weight.
    #[arg(long, value_name = "K")]
    seed: Option<u64>,
    /// What to do with a host that no entry matches.
    #[arg(long, value_enum, value_name = "POLICY", default_value_t = PolicyName::Refuse)]
    unknown_host: PolicyName,
    /// What to do while there is no table.
    #[arg(long, value_enum, value_name = "POLICY", default_value_t = PolicyName::Refuse)]
    no_table: PolicyName,
    /// The length of a trail that is one too many.
    #[arg(long, value_name = "N", default_value_t = DEFAULT_MAX_HOPS)]
    max_hops: usize,
    /// Read requests from a file, one JSON object a line; `-` is standard input.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["host", "path"])]
    requests: Option<PathBuf>,
    /// The host that is asked for, as `:authority` has it.
    #[arg(required_unless_present = "requests")]
    host: Option<OsString>,
    /// The path that is asked for.
    #[arg(default_value = "/")]
    path: OsString,
}

/// Who dials the listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum RoleName {
    /// Clients.
    Ingress,
    /// Other nodes.
    Peer,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Ingress => Self::Ingress,
            RoleName::Peer => Self::Peer,
        }
    }
}

/// What to do where the table has nothing to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum PolicyName {
    /// Refuse the request.
    Refuse,
    /// Leave it to Envoy's own routes.
    Pass,
}

impl From<PolicyName> for Missing {
    fn from(name: PolicyName) -> Self {
        match name {
            PolicyName::Refuse => Self::Refuse,
            PolicyName::Pass => Self::Pass,
        }
    }
}

/// Who decides, by what.
struct Decider {
    zone: String,
    table: Option<Layout>,
    policy: Policy,
}

pub(crate) fn run(args: &Args, out: &mut Output) -> anyhow::Result<Exit> {
    let table = args.table.as_deref().map(file::load_table).transpose()?.as_ref().map(Layout::compile);
    let zone = match (&table, &args.zone) {
        (Some(table), _) => table.view().to_owned(),
        (None, Some(zone)) => zone.to_string(),
        (None, None) => return Err(Usage("name a --table, or a --zone that has none yet".to_owned()).into()),
    };
    let policy = Policy {
        unknown_host: args.unknown_host.into(),
        no_table: args.no_table.into(),
        max_hops: args.max_hops,
    };
    let decider = Decider { zone, table, policy };
    let defaults = Asked {
        host: args.host.as_ref().map(|host| host.as_bytes()).unwrap_or_default(),
        path: args.path.as_bytes(),
        node: args.node.as_deref(),
        role: args.role.into(),
        source_zone: args.source_zone.as_deref(),
        trail: request::TrailText::Joined(args.trail.as_str().into()),
        loops: args.loops,
        seed: args.seed,
    };
    match &args.requests {
        Some(requests) => batch::run(&decider, &defaults, requests, out),
        None => one(&decider, &defaults, out),
    }
}

fn one(decider: &Decider, asked: &Asked<'_>, out: &mut Output) -> anyhow::Result<Exit> {
    let decision = decider.decide(asked)?;
    let reason = decision.reason();
    let answer = Answer::from(decision);
    match out.format() {
        Format::Json => out.json_line(&answer)?,
        Format::Text => write_text(&answer, reason, out)?,
    }
    Ok(Exit::Well)
}

fn write_text(answer: &Answer<'_>, reason: Reason, out: &mut Output) -> anyhow::Result<()> {
    write!(out, "{}", answer.action)?;
    if let Some(zone) = answer.zone {
        write!(out, " {zone}")?;
    }
    if let Some(status) = answer.status {
        write!(out, " {status}")?;
    }
    writeln!(out, " ({}): {}", answer.reason, in_words(reason))?;
    for endpoint in &answer.endpoints {
        writeln!(out, "  to {endpoint}")?;
    }
    for tunnel in &answer.tunnels {
        writeln!(out, "  to {tunnel}, which has dialled in")?;
    }
    Ok(())
}
