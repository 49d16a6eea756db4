//! `zoneway run`: the sidecar.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::time::Duration;

use tracing_subscriber::EnvFilter;

use super::{Exit, Format, Output};
use crate::agent;
use crate::agent::config::Config;

/// Run the sidecar: keep Envoys supplied with their zone's table.
///
/// It logs to standard error (JSON with --format json; ZONEWAY_LOG sets what, as in ZONEWAY_LOG=debug), reads its
/// source again when the file changes, and stops on SIGTERM or SIGINT. SIGHUP reads the source now and confirms that
/// what went from it is meant to go.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The sidecar's configuration (YAML).
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The machine that this runs on, for `node: "{node}"` in the configuration; default: NODE_NAME of the environment.
    #[arg(long)]
    node: Option<String>,
    /// Confirm that hosts which are missing in the source at this start are meant to be.
    #[arg(long)]
    allow_shrink: bool,
}

/// How long what is under way on the disk may take when the sidecar stops.
const STOP_WITHIN: Duration = Duration::from_millis(500);

pub(crate) fn run(args: &Args, out: &mut Output) -> anyhow::Result<Exit> {
    let config = Config::load(&args.config, args.node.as_deref().or(this_node().as_deref()))?;
    log(out.format());
    // One thread: a sidecar waits nearly always, and a small machine has better uses for its memory.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(agent::run::run(config, args.allow_shrink));
    runtime.shutdown_timeout(STOP_WITHIN);
    result?;
    Ok(Exit::Well)
}

/// The machine that a pod runs on, as its environment says (`fieldRef: spec.nodeName`).
pub(crate) fn this_node() -> Option<String> {
    std::env::var("NODE_NAME").ok().filter(|name| !name.is_empty())
}

fn log(format: Format) {
    let filter = EnvFilter::try_from_env("ZONEWAY_LOG")
        .unwrap_or_else(|_| EnvFilter::new("info,hickory_resolver=off,kube_client=off,kube_runtime=off"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        Format::Text => log.with_ansi(std::io::stderr().is_terminal()).with_target(false).init(),
        Format::Json => log.json().flatten_event(true).init(),
    }
}
