//! Has the whole corpus decided by something else than what `make test` has: another Envoy than the pinned one, the one for
//! arm64, or `zoneway` for arm64. Says on standard output what differs, as JSON; logs go to standard error. `make soak` calls it.

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::{Parser, ValueEnum};
use serde_json::json;
use zoneway_tests::artefact::{self, Filter};
use zoneway_tests::corpus::{self, command_line, envoy};
use zoneway_tests::proxy::{Program, Proxy};

/// What to run.
#[derive(Debug, Parser)]
struct Asked {
    /// What decides.
    decider: Decider,
    /// Another Envoy than the one that is pinned.
    #[arg(long, conflicts_with = "arm64")]
    envoy: Option<PathBuf>,
    /// What `make arm64` leaves, under qemu.
    #[arg(long)]
    arm64: bool,
    /// These files of the corpus alone, without `.yaml`.
    #[arg(long, value_delimiter = ',')]
    topics: Vec<String>,
}

/// What decides.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Decider {
    /// Envoy with zoneway.wasm.
    Wasm,
    /// Envoy with libzoneway.so.
    Module,
    /// `zoneway decide`.
    Zoneway,
}

fn proxy(asked: &Asked, filter: Filter) -> Result<Proxy> {
    match &asked.envoy {
        Some(envoy) => Proxy::of(filter, envoy),
        None if asked.arm64 => Proxy::arm64(filter),
        None => Proxy::pinned(filter),
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let asked = Asked::parse();
    let mut topics = corpus::topics()?;
    if !asked.topics.is_empty() {
        topics.retain(|topic| asked.topics.contains(&topic.name));
    }
    let cases = corpus::count(&topics);
    ensure!(cases > 0, "the corpus has none of {:?}", asked.topics);
    let differences = match asked.decider {
        Decider::Wasm => envoy::differences(&proxy(&asked, Filter::Wasm)?, &topics).await?,
        Decider::Module => envoy::differences(&proxy(&asked, Filter::Module)?, &topics).await?,
        Decider::Zoneway if asked.arm64 => {
            command_line::differences(&Program::arm64(&artefact::arm64("zoneway")?)?, &topics)?
        }
        Decider::Zoneway => command_line::differences(&Program::native(&artefact::zoneway()?), &topics)?,
    };
    let told = json!({"cases": cases, "differences": differences});
    writeln!(std::io::stdout(), "{told}")?;
    Ok(())
}
