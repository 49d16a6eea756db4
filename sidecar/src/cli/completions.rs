//! `zoneway completions SHELL`.

use super::{Exit, Output};

/// Print a shell's completion script.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The shell to print it for.
    shell: clap_complete::Shell,
}

pub(crate) fn run(args: &Args, tree: &mut clap::Command, out: &mut Output) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, tree, "zoneway", &mut script);
    out.text_or_json("completions", &script)?;
    Ok(Exit::Well)
}
