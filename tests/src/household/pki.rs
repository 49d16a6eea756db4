//! Certificates, by the commands that users make theirs with.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::{artefact, process};

/// The domain of every test's site.
const DOMAIN: &str = "stuartpb.com";

/// Makes a certificate authority in a folder.
///
/// # Errors
/// `zoneway pki` refuses.
pub fn init(folder: &Path) -> Result<()> {
    let mut command = Command::new(artefact::zoneway()?);
    command.args(["pki", "init", "--domain", DOMAIN, "--dir"]).arg(folder);
    process::output(&mut command).map(drop)
}

/// Issues a node's certificate from the authority in a folder, and gives it and its key.
///
/// # Errors
/// `zoneway pki` refuses.
pub fn issue(folder: &Path, zone: &str, node: &str) -> Result<(PathBuf, PathBuf)> {
    issue_with(folder, zone, node, &[])
}

/// The same in the place of the one that the node has.
///
/// # Errors
/// As [`issue`].
pub fn replace(folder: &Path, zone: &str, node: &str) -> Result<(PathBuf, PathBuf)> {
    issue_with(folder, zone, node, &["--replace"])
}

/// Runs another `zoneway pki` command in a folder, and gives what it printed.
///
/// # Errors
/// It refuses.
pub fn run(folder: &Path, arguments: &[&str]) -> Result<String> {
    let mut command = Command::new(artefact::zoneway()?);
    process::output(command.arg("pki").args(arguments).arg("--dir").arg(folder))
}

fn issue_with(folder: &Path, zone: &str, node: &str, more: &[&str]) -> Result<(PathBuf, PathBuf)> {
    let mut command = Command::new(artefact::zoneway()?);
    command.args(["pki", "issue", "--domain", DOMAIN, "--zone", zone, "--node", node, "--dir"]).arg(folder);
    process::output(command.args(more))?;
    Ok((folder.join(format!("{node}.pem")), folder.join(format!("{node}.key"))))
}
