//! Certificates, by the commands that users make theirs with.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use anyhow::Result;
use rcgen::{CertificateParams, DistinguishedName, ExtendedKeyUsagePurpose, Issuer, KeyPair, SanType};

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

/// Makes a certificate of the authority in a folder for an identity, that is good from the one time to the other: what
/// `zoneway pki` issues lasts for days. Gives it and its key.
///
/// # Errors
/// There is no authority, or the files cannot be written.
pub fn certify(
    folder: &Path,
    identity: &str,
    (begins, ends): (SystemTime, SystemTime),
) -> Result<(PathBuf, PathBuf)> {
    let key = KeyPair::from_pem(&fs::read_to_string(folder.join("ca.key"))?)?;
    let issuer = Issuer::from_ca_cert_pem(&fs::read_to_string(folder.join("ca.pem"))?, key)?;
    let mut params = CertificateParams::default();
    (params.not_before, params.not_after) = (begins.into(), ends.into());
    params.distinguished_name = DistinguishedName::new();
    params.subject_alt_names = vec![SanType::URI(identity.try_into()?)];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate()?;
    let files = (folder.join("certified.pem"), folder.join("certified.key"));
    fs::write(&files.0, params.signed_by(&key, &issuer)?.pem())?;
    fs::write(&files.1, key.serialize_pem())?;
    Ok(files)
}

fn issue_with(folder: &Path, zone: &str, node: &str, more: &[&str]) -> Result<(PathBuf, PathBuf)> {
    let mut command = Command::new(artefact::zoneway()?);
    command.args(["pki", "issue", "--domain", DOMAIN, "--zone", zone, "--node", node, "--dir"]).arg(folder);
    process::output(command.args(more))?;
    Ok((folder.join(format!("{node}.pem")), folder.join(format!("{node}.key"))))
}
