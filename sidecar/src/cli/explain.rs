//! `zoneway explain`: a request's whole journey, hop by hop, and why.

use std::io::Write;

use anyhow::Context;
use zoneway_core::name::{NodeId, ZoneName};
use zoneway_site::{Atlas, End, Hop, Journey, Start, in_words};

use super::site_source::SiteSource;
use super::{Exit, Format, Output, Usage};
use crate::sources::resolve::resolve;

/// Show the whole journey of a request, hop by hop, and why.
///
/// At each hop the node decides as its Envoy would, from its own zone's view. Where several endpoints would be tried,
/// the first by weight and id is followed.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    site: SiteSource,
    /// The node that the client asks.
    #[arg(long, value_parser = NodeId::parse)]
    node: NodeId,
    /// The client's zone; default: the node's.
    #[arg(long, value_name = "ZONE", value_parser = ZoneName::parse)]
    source_zone: Option<ZoneName>,
    /// What the client asks for: http://HOST/PATH, https://HOST/PATH or HOST/PATH.
    url: String,
}

pub(crate) fn run(args: &Args, out: &mut Output) -> anyhow::Result<Exit> {
    let asked = Asked::parse(&args.url)?;
    let site = args.site.load()?;
    let zone = site.zone_of(&args.node).with_context(|| {
        let known: Vec<&str> =
            site.zones().values().flat_map(|zone| zone.nodes.keys()).map(NodeId::as_str).collect();
        format!("node \"{}\" is not in the site: its nodes are {}", args.node, known.join(", "))
    })?;
    let source_zone = args.source_zone.as_ref().unwrap_or(zone);
    if !site.zones().contains_key(source_zone) {
        eprintln!("zoneway: warning: zone \"{source_zone}\" is not in the site, so nothing is exposed to it");
    }
    let atlas = Atlas::new(&site, &resolve(&site))?;
    for warning in atlas.warnings() {
        eprintln!("zoneway: warning: {warning}");
    }
    let start = Start {
        node: &args.node,
        source_zone: source_zone.as_str(),
        host: asked.host.as_bytes(),
        path: asked.path.as_bytes(),
    };
    let journey = atlas.journey(&start).context("the node is in no zone")?;
    match out.format() {
        Format::Json => out.json(&journey)?,
        Format::Text => {
            writeln!(out, "{}{} from zone {source_zone}", asked.host, asked.path)?;
            write_text(&journey, out)?;
        }
    }
    Ok(Exit::Well)
}

/// What a URL asks for.
struct Asked<'a> {
    host: &'a str,
    path: String,
}

impl<'a> Asked<'a> {
    fn parse(url: &'a str) -> Result<Self, Usage> {
        let rest = match url.split_once("://") {
            None => url,
            Some((scheme, rest)) if ["http", "https"].iter().any(|s| scheme.eq_ignore_ascii_case(s)) => rest,
            Some((scheme, _)) => {
                return Err(Usage(format!(
                    "\"{scheme}\" is no scheme that is routed: write http:// or https://"
                )));
            }
        };
        // A fragment stays with the client.
        let rest = rest.split_once('#').map_or(rest, |(rest, _)| rest);
        let (host, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        if host.is_empty() {
            return Err(Usage(format!("\"{url}\" names no host: write http://HOST/PATH or HOST/PATH")));
        }
        let slash = if path.starts_with('/') { "" } else { "/" };
        Ok(Self { host, path: format!("{slash}{path}") })
    }
}

fn write_text(journey: &Journey<'_>, out: &mut Output) -> anyhow::Result<()> {
    for (index, hop) in journey.hops.iter().enumerate() {
        writeln!(out, "{:>3}. {}/{} ({}): {}", index + 1, hop.zone, hop.node, hop.role, action(hop))?;
        writeln!(out, "       because {} ({})", in_words(hop.reason), hop.reason.as_str())?;
    }
    let Some(last) = journey.hops.last() else { return Ok(()) };
    let place = format!("{}/{}", last.zone, last.node);
    match (journey.result, last.decision.status) {
        (End::Local, _) => writeln!(out, "served by {place}")?,
        (End::Pass, _) => writeln!(out, "left to the routes of {place}")?,
        (End::Refuse, Some(status)) => writeln!(out, "refused by {place} with {status}")?,
        (End::Refuse, None) => writeln!(out, "refused by {place}")?,
        (End::Lost, _) => writeln!(out, "lost after {place}: it dials what is no node of the site")?,
    }
    Ok(())
}

fn action(hop: &Hop<'_>) -> String {
    let decision = &hop.decision;
    match decision.action {
        "local" => "serves it".to_owned(),
        "pass" => "leaves it to its own routes".to_owned(),
        "peer" => format!("hands it to {}{}", hop.zone, list(hop, &decision.endpoints)),
        "zone" if decision.endpoints.is_empty() => {
            format!("sends it to {}{}", decision.zone.unwrap_or_default(), list(hop, &decision.tunnels))
        }
        "zone" => {
            format!("sends it to {}{}", decision.zone.unwrap_or_default(), list(hop, &decision.endpoints))
        }
        _ => format!("refuses it with {}", decision.status.unwrap_or_default()),
    }
}

/// The nodes that are tried, with where each is dialled.
fn list(hop: &Hop<'_>, places: &[&str]) -> String {
    let mut text = String::new();
    for (index, (node, place)) in hop.next.iter().zip(places).enumerate() {
        text.push_str(if index == 0 { "/" } else { ", else " });
        text.push_str(node);
        match node == place {
            true => text.push_str(" by its tunnel"),
            false => text.push_str(&format!(" at {place}")),
        }
    }
    text
}
