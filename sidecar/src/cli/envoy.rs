//! `zoneway envoy`: a complete Envoy configuration for one node.

use std::path::PathBuf;

use zoneway_core::name::NodeId;

use super::site_source::SiteSource;
use super::{Exit, Output};

/// Print a complete Envoy configuration for a node.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    site: SiteSource,
    /// The node whose Envoy it is for.
    #[arg(long, value_parser = NodeId::parse)]
    node: NodeId,
    /// Which build of the filter the configuration loads.
    #[arg(long, value_enum, default_value_t = Filter::Wasm)]
    filter: Filter,
    /// Where that Envoy finds zoneway.wasm.
    #[arg(long, value_name = "FILE")]
    wasm: Option<PathBuf>,
    /// The folder for this Envoy's sockets and the files that `zoneway run` keeps for it.
    #[arg(long, value_name = "DIR", default_value = "/run/zoneway")]
    run_dir: PathBuf,
}

/// The two builds of the filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Filter {
    /// zoneway.wasm, in Envoy's Wasm filter.
    Wasm,
    /// libzoneway.so, a dynamic module.
    Module,
}

pub(crate) fn run(_args: &Args, _out: &mut Output) -> anyhow::Result<Exit> {
    anyhow::bail!("this build has no `envoy` command yet")
}
