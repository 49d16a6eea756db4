//! `zoneway list`: what a zone may ask for, where it is served, and what made it so.

use std::io::Write;

use zoneway_core::name::ZoneName;
use zoneway_site::{Listed, Listing, list};

use super::site_source::SiteSource;
use super::{Exit, Format, Output, Usage};

/// List every host and path that a zone may ask for, where it is served, and what made it so.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    site: SiteSource,
    /// The zone that asks; default: home.
    #[arg(long, value_name = "ZONE", value_parser = ZoneName::parse)]
    source_zone: Option<ZoneName>,
}

pub(crate) fn run(args: &Args, out: &mut Output) -> anyhow::Result<Exit> {
    let site = args.site.load()?;
    let home = site.settings().home.as_ref();
    let source = args
        .source_zone
        .as_ref()
        .or(home)
        .ok_or_else(|| Usage("the site has no home, so say who asks: write --source-zone".to_owned()))?;
    if !site.zones().contains_key(source) {
        eprintln!("zoneway: warning: zone \"{source}\" is not in the site, so nothing is exposed to it");
    }
    let listing = list(&site, source);
    match out.format() {
        Format::Json => out.json(&listing)?,
        Format::Text => write_text(&listing, out)?,
    }
    Ok(Exit::Well)
}

fn write_text(listing: &Listing<'_>, out: &mut Output) -> anyhow::Result<()> {
    if listing.entries.is_empty() {
        writeln!(out, "zone {} may ask for nothing", listing.source_zone)?;
    }
    for entry in &listing.entries {
        writeln!(out, "{}{}", entry.host, entry.path)?;
        writeln!(out, "  served by   {}", served(entry))?;
        writeln!(out, "  exposed to  {}, by {}", entry.exposed_to.join(", "), entry.because.exposure)?;
        match &entry.because.service {
            Some(service) => writeln!(out, "  made by     {} and {service}", entry.because.rule)?,
            None => writeln!(out, "  made by     {}", entry.because.rule)?,
        }
    }
    Ok(())
}

fn served(entry: &Listed<'_>) -> String {
    let one = |served: &zoneway_site::ServedBy<'_>| {
        let weight = if served.weight == 1 { String::new() } else { format!(" (weight {})", served.weight) };
        format!("{}/{} at {}{weight}", served.zone, served.node, served.addresses.join(", "))
    };
    match entry.served_by.as_slice() {
        [] => "nothing".to_owned(),
        all => all.iter().map(one).collect::<Vec<_>>().join("; "),
    }
}
