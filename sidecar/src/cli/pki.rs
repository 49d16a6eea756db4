//! `zoneway pki`: a certificate authority, and certificates for nodes, as files.

use super::{Exit, Output};

/// Make a certificate authority, and certificates for nodes, as files.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Make a certificate authority.
    Init,
    /// Make a node's certificate.
    Issue,
}

pub(crate) fn run(_command: &Command, _out: &mut Output) -> anyhow::Result<Exit> {
    anyhow::bail!("this build has no `pki` command yet")
}
