//! `zoneway pki init --next|--switch|--finish`: one authority replaces another, a step at a time. A step that comes before
//! every node is ready for it would cut nodes off, so the nodes are asked first.

use std::io::Write;
use std::net::ToSocketAddrs;
use std::time::Duration;

use anyhow::bail;
use serde_json::json;
use zoneway_core::name::NodeId;
use zoneway_site::Site;

use super::InitArgs;
use crate::cli::{Exit, Format, Output, Usage};
use crate::pki::{self, Authority, Days, Facts, Stage};
use crate::sources::file;

/// How long a node may take to answer.
const ANSWERS_WITHIN: Duration = Duration::from_secs(3);

pub(super) fn run(args: &InitArgs, out: &mut Output) -> anyhow::Result<Exit> {
    let authority = Authority::open(&args.dir)?;
    let folder = args.dir.display();
    let next = if args.next {
        authority.announce(Days(args.days))?;
        format!(
            "wrote {folder}/next.key, and both authorities into {folder}/ca.pem and {folder}/crl.pem: give these two to every \
             node, then say --switch"
        )
    } else if args.switch {
        let new = authority.believed().nth(1).filter(|_| authority.stage() == Stage::Announced);
        let believed = |seen: &pki::Seen, new: &Facts| match seen.believes.contains(&new.subject) {
            true => None,
            false => Some("does not believe the next authority yet: give it ca.pem"),
        };
        ask(args, new, believed)?;
        authority.switch()?;
        format!(
            "{folder}/ca.key is the new authority's: renew every certificate with `zoneway pki renew`, then say --finish"
        )
    } else {
        let new = authority.believed().next().filter(|_| authority.stage() == Stage::Switched);
        let shown = |seen: &pki::Seen, new: &Facts| match seen.shows.signer == new.signer {
            true => None,
            false => Some("still shows a certificate of the old authority: give it its new one"),
        };
        ask(args, new, shown)?;
        authority.finish()?;
        format!("{folder}/ca.pem and {folder}/crl.pem are the new authority's alone: give them to every node")
    };
    match out.format() {
        Format::Json => {
            let authority = Authority::open(&args.dir)?;
            let believed: Vec<_> = authority.believed().map(|facts| &facts.signer).collect();
            out.json(&json!({"domain": authority.domain(), "authorities": believed}))?;
        }
        Format::Text => writeln!(out, "{next}")?,
    }
    Ok(Exit::Well)
}

/// Asks every node of the site, unless that was waived. Without a `new` authority the step itself is refused.
fn ask(
    args: &InitArgs,
    new: Option<&Facts>,
    fault: impl Fn(&pki::Seen, &Facts) -> Option<&'static str>,
) -> anyhow::Result<()> {
    let Some(new) = new.filter(|_| !args.unasked) else { return Ok(()) };
    let Some(path) = &args.site else {
        let remedy = "say --site, so that every node is asked whether it is ready, or --unasked if you know";
        return Err(Usage(remedy.to_owned()).into());
    };
    let faults = faults(&file::load_site(path)?, |seen| fault(seen, new));
    if !faults.is_empty() {
        bail!("it is too early:\n{}\nwith --unasked it is done all the same", faults.join("\n"));
    }
    Ok(())
}

fn faults(site: &Site, fault: impl Fn(&pki::Seen) -> Option<&'static str>) -> Vec<String> {
    let nodes = site.zones().values().flat_map(|zone| &zone.nodes);
    let answer = |(node, config): (&NodeId, &zoneway_site::Node)| {
        let place = (config.address.host(), config.address.port());
        let addresses = place.to_socket_addrs().map_err(|error| error.to_string());
        let seen = addresses
            .and_then(|mut addresses| addresses.next().ok_or_else(|| "has no address".to_owned()))
            .and_then(|address| pki::ask(address, ANSWERS_WITHIN));
        match seen {
            Err(error) => Some(format!("{node} cannot be asked: {error}")),
            Ok(seen) => fault(&seen).map(|fault| format!("{node} {fault}")),
        }
    };
    nodes.filter_map(answer).collect()
}
