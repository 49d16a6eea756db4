//! `zoneway pki`: a certificate authority, and certificates for nodes, as files.

mod renew;
mod replace;
mod show;

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use serde_json::{Value, json};
use zoneway_core::name::{NodeId, ZoneName};

use super::{Exit, Format, Output, Usage};
use crate::envoy::spiffe_id;
use crate::pki::{Authority, Days, Existing, Pair};
use crate::sources::file;

/// Make a certificate authority, and certificates for nodes, as files.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    Init(InitArgs),
    Issue(IssueArgs),
    Renew(renew::RenewArgs),
    Revoke(renew::RevokeArgs),
    Show(show::Args),
}

/// For how many days a node's certificate is good unless another number is said: it is renewed after 60 of them.
const LIFE: u32 = 90;

/// Make a certificate authority: ca.pem, crl.pem, and ca.key, which only its owner can read. Or replace the one that is
/// there: --next makes another one, which every node is to believe beside the first; --switch has it sign; --finish ends
/// the first.
#[derive(Debug, clap::Args)]
pub(crate) struct InitArgs {
    /// The folder for the files.
    #[arg(long, value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    /// The site's domain; identities are spiffe://DOMAIN/zone/Z/node/N.
    #[arg(long, required_unless_present_any = ["next", "switch", "finish"])]
    domain: Option<String>,
    /// Make the authority that is to replace the one that is there.
    #[arg(long, conflicts_with_all = ["domain", "switch", "finish"])]
    next: bool,
    /// Sign with it from now on.
    #[arg(long, conflicts_with_all = ["domain", "finish"])]
    switch: bool,
    /// Believe it alone from now on.
    #[arg(long, conflicts_with = "domain")]
    finish: bool,
    /// The site whose nodes are asked whether they are ready for --switch or --finish.
    #[arg(long, value_name = "SITE", conflicts_with_all = ["domain", "next"])]
    site: Option<PathBuf>,
    /// Ask no node.
    #[arg(long, conflicts_with_all = ["domain", "next", "site"])]
    unasked: bool,
    /// For how many days it is good.
    #[arg(long, default_value_t = 3650, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    days: u32,
}

/// Make certificates for nodes: NODE.pem and NODE.key, beside the authority. Of a key that a node has made itself, its request
/// is signed.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(crate) struct IssueArgs {
    /// The authority's folder, and the one for the new files.
    #[arg(long, value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    /// The domain that the authority has to be of.
    #[arg(long)]
    domain: Option<String>,
    /// The node's zone; with a site it is known.
    #[arg(long, value_parser = ZoneName::parse, required_unless_present = "site", requires = "node")]
    zone: Option<ZoneName>,
    /// The node; without one, every node of the site that has no certificate yet.
    #[arg(long, value_parser = NodeId::parse)]
    node: Option<NodeId>,
    /// The site that the nodes are of.
    #[arg(long, value_name = "SITE", conflicts_with = "zone")]
    site: Option<PathBuf>,
    /// The request of a key that the node has made itself (PKCS #10, PEM), as a public node does: no key is made here, and
    /// the request is kept for `zoneway pki renew`.
    #[arg(long, value_name = "FILE", requires = "node")]
    request: Option<PathBuf>,
    /// For how many days they are good.
    #[arg(long, default_value_t = LIFE, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    days: u32,
    /// Put new files in the place of those that are there.
    #[arg(long)]
    replace: bool,
}

pub(crate) fn run(command: &Command, out: &mut Output) -> anyhow::Result<Exit> {
    match command {
        Command::Init(args) => init(args, out),
        Command::Issue(args) => issue(args, out),
        Command::Renew(args) => renew::renew(args, out),
        Command::Revoke(args) => renew::revoke(args, out),
        Command::Show(args) => show::run(args, out),
    }
}

fn init(args: &InitArgs, out: &mut Output) -> anyhow::Result<Exit> {
    let Some(domain) = &args.domain else { return replace::run(args, out) };
    let files = Authority::init(&args.dir, domain, Days(args.days))?;
    let crl = Authority::open(&args.dir)?.crl_file();
    let (certificate, key) = (files.certificate.display(), files.key.display());
    match out.format() {
        Format::Json => out.json(&json!({"domain": domain, "files": paths(&files), "crl": crl}))?,
        Format::Text => writeln!(out, "wrote {certificate}, {key} and {}", crl.display())?,
    }
    Ok(Exit::Well)
}

fn issue(args: &IssueArgs, out: &mut Output) -> anyhow::Result<Exit> {
    let authority = Authority::open(&args.dir)?;
    if let Some(domain) = &args.domain {
        authority.expect_domain(domain)?;
    }
    let existing = if args.replace { Existing::Replace } else { Existing::Refuse };
    let mut issued = Vec::new();
    for (zone, node) in nodes(args, &authority)? {
        let identity = spiffe_id(authority.domain(), &zone, &node);
        if let Some(file) = &args.request {
            let request =
                std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
            let certificate = authority
                .issue_for(&request, &zone, &node, Days(args.days), existing)
                .with_context(|| format!("the request {}", file.display()))?;
            if out.format() == Format::Text {
                writeln!(out, "wrote {}: {identity}", certificate.display())?;
            }
            issued.push(json!({"identity": identity, "files": {"certificate": certificate}, "kept": false}));
            continue;
        }
        // Asked for all, those that have one keep it; asked for one, that is an error.
        let kept =
            args.node.is_none() && existing == Existing::Refuse && authority.files_of(&node).is_there();
        let files = if kept {
            authority.files_of(&node)
        } else {
            authority.issue(&zone, &node, Days(args.days), existing)?
        };
        if out.format() == Format::Text {
            let (did, certificate) = (if kept { "kept" } else { "wrote" }, files.certificate.display());
            writeln!(out, "{did} {certificate} and {}: {identity}", files.key.display())?;
        }
        issued.push(json!({"identity": identity, "files": paths(&files), "kept": kept}));
    }
    if out.format() == Format::Json {
        out.json(&issued)?;
    }
    Ok(Exit::Well)
}

/// The nodes to issue for, with their zones.
fn nodes(args: &IssueArgs, authority: &Authority) -> anyhow::Result<Vec<(ZoneName, NodeId)>> {
    let Some(path) = &args.site else {
        let (Some(zone), Some(node)) = (&args.zone, &args.node) else {
            return Err(Usage("say --zone and --node, or --site".to_owned()).into());
        };
        return Ok(vec![(zone.clone(), node.clone())]);
    };
    let site = file::load_site(path)?;
    if let Some(domain) = &site.settings().domain {
        authority.expect_domain(domain).with_context(|| format!("settings.domain of {}", path.display()))?;
    }
    if let Some(node) = &args.node {
        let zone = site.zone_of(node).with_context(|| format!("{} has no node {node}", path.display()))?;
        return Ok(vec![(zone.clone(), node.clone())]);
    }
    let of_zone = |(zone, nodes): (&ZoneName, &zoneway_site::Zone)| {
        nodes.nodes.keys().map(|node| (zone.clone(), node.clone())).collect::<Vec<_>>()
    };
    Ok(site.zones().iter().flat_map(of_zone).collect())
}

fn paths(files: &Pair) -> Value {
    json!({"certificate": files.certificate, "key": files.key})
}
