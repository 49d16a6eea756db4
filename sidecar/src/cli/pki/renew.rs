//! `zoneway pki renew` and `zoneway pki revoke`.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use serde_json::json;
use zoneway_core::name::{NodeId, ZoneName};

use crate::cli::{Exit, Format, Output};
use crate::pki::{Age, Authority, Days, Existing, Facts, Ledger, now};

/// Renew the certificates that are due: those of whose life two thirds are over, and those that an authority has signed which
/// is being replaced. A new key is made with each, but where the node has made its own. Those that are revoked are left alone.
#[derive(Debug, clap::Args)]
pub(crate) struct RenewArgs {
    /// The authority's folder, with the certificates.
    #[arg(long, value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    /// This node's alone, due or not.
    #[arg(long, value_parser = NodeId::parse)]
    node: Option<NodeId>,
    /// All of them, due or not.
    #[arg(long, conflicts_with = "node")]
    all: bool,
    /// For how many days they are good.
    #[arg(long, default_value_t = super::LIFE, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    days: u32,
}

pub(super) fn renew(args: &RenewArgs, out: &mut Output) -> anyhow::Result<Exit> {
    let authority = Authority::open(&args.dir)?;
    let ledger = Ledger::open(&args.dir)?;
    let mut done = Vec::new();
    let mut found = false;
    for (name, facts) in authority.certificates()? {
        if args.node.as_ref().is_some_and(|node| node.as_str() != name) {
            continue;
        }
        found = true;
        let is_due =
            facts.age(now()) != Age::Good || (authority.is_switched() && facts.signer != authority.signer());
        let revoked = ledger.is_revoked(&facts.serial);
        let asked = args.all || args.node.is_some();
        if revoked && (asked || is_due) {
            eprintln!(
                "{} is revoked and was left alone: `zoneway pki issue --node {name} --replace` would let it in again",
                facts.whose()
            );
        }
        if revoked || !(asked || is_due) {
            continue;
        }
        let (zone, node) = parts(&facts).with_context(|| format!("{name}.pem"))?;
        // A key that was made elsewhere stays: its request is signed again.
        let request = authority.request_of(&node);
        if let Ok(request) = std::fs::read_to_string(&request) {
            let certificate =
                authority.issue_for(&request, &zone, &node, Days(args.days), Existing::Replace)?;
            if out.format() == Format::Text {
                writeln!(out, "wrote {}: {}", certificate.display(), facts.whose())?;
            }
            done.push(json!({"identity": facts.identity, "files": {"certificate": certificate}}));
            continue;
        }
        let files = authority.issue(&zone, &node, Days(args.days), Existing::Replace)?;
        if out.format() == Format::Text {
            writeln!(
                out,
                "wrote {} and {}: {}",
                files.certificate.display(),
                files.key.display(),
                facts.whose()
            )?;
        }
        done.push(json!({"identity": facts.identity, "files": super::paths(&files)}));
    }
    if let Some(node) = args.node.as_ref().filter(|_| !found) {
        anyhow::bail!(
            "{} has no certificate of {node}: issue one with `zoneway pki issue`",
            args.dir.display()
        );
    }
    match out.format() {
        Format::Json => out.json(&done)?,
        Format::Text if done.is_empty() => writeln!(out, "none is due")?,
        Format::Text => {}
    }
    Ok(Exit::Well)
}

fn parts(facts: &Facts) -> anyhow::Result<(ZoneName, NodeId)> {
    let (zone, node) = facts.node().context("is no node's")?;
    Ok((ZoneName::parse(zone)?, NodeId::parse(node)?))
}

/// Revoke every certificate of a node: crl.pem is written anew. A node is refused once crl.pem is in the place that the site
/// names (settings.peer_authentication.crl) on those that it dials and that dial it.
#[derive(Debug, clap::Args)]
pub(crate) struct RevokeArgs {
    /// The authority's folder.
    #[arg(long, value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    /// The node.
    #[arg(value_parser = NodeId::parse)]
    node: NodeId,
    /// Its zone; not needed where its certificate is in the folder, or one zone alone has such a node.
    #[arg(long, value_parser = ZoneName::parse)]
    zone: Option<ZoneName>,
}

pub(super) fn revoke(args: &RevokeArgs, out: &mut Output) -> anyhow::Result<Exit> {
    let authority = Authority::open(&args.dir)?;
    let zone = match &args.zone {
        Some(zone) => zone.clone(),
        None => zone_of(&authority, &args.node)
            .with_context(|| format!("no certificate of {} is known here: say --zone", args.node))?,
    };
    let count = authority.revoke(&zone, &args.node)?;
    let file = authority.crl_file();
    match out.format() {
        Format::Json => {
            let (node, zone) = (args.node.as_str(), zone.as_str());
            out.json(&json!({"node": node, "zone": zone, "revoked": count, "crl": file}))?;
        }
        Format::Text => {
            let what = if count == 1 { "certificate" } else { "certificates" };
            writeln!(
                out,
                "revoked {count} {what} of {zone}/{}: give {} to every node",
                args.node,
                file.display()
            )?;
        }
    }
    Ok(Exit::Well)
}

fn zone_of(authority: &Authority, node: &NodeId) -> Option<ZoneName> {
    let ledger = Ledger::open(authority.folder()).ok()?;
    let file = Facts::read(&authority.files_of(node).certificate).ok();
    let identities = file.and_then(|facts| facts.identity).into_iter().chain(ledger.identities());
    let mut zones: Vec<_> = identities
        .filter_map(|identity| {
            let path = identity.strip_prefix(&format!("spiffe://{}/zone/", authority.domain()))?;
            let (zone, id) = path.split_once("/node/")?;
            (id == node.as_str()).then(|| zone.to_owned())
        })
        .collect();
    zones.sort_unstable();
    zones.dedup();
    match zones.as_slice() {
        [zone] => ZoneName::parse(zone).ok(),
        _ => None,
    }
}
