//! `zoneway diff`: what changes between two sites, for whom.

use std::io::Write;
use std::path::PathBuf;

use zoneway_site::{Change, Course, Diff, End, diff};

use super::site_source::{Reading, of_manifests};
use super::{Exit, Format, Output, Usage};
use crate::sources::file;

/// Show what changes from one site to another: every (source zone, host, path) whose journey does.
///
/// The exit code is 2 if anything became public. DNS names are not resolved.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The old site, then, given again, the new one (YAML).
    #[arg(long = "site", value_name = "SITE")]
    sites: Vec<PathBuf>,
    /// The same of Kubernetes manifests: folders, files or `-`. With one of each, the site is the old one.
    #[arg(long = "manifests", value_name = "DIR")]
    manifests: Vec<PathBuf>,
    #[command(flatten)]
    reading: Reading,
}

pub(crate) fn run(args: &Args, out: &mut Output) -> anyhow::Result<Exit> {
    let (old, new) = match (args.sites.as_slice(), args.manifests.as_slice()) {
        ([old, new], []) if !args.reading.is_said() => (file::load_site(old)?, file::load_site(new)?),
        ([old], [new]) => (file::load_site(old)?, of_manifests(new, &args.reading)?.checked()?),
        ([], [old, new]) => {
            let site = |path| of_manifests(path, &args.reading)?.checked();
            (site(old)?, site(new)?)
        }
        _ => {
            let message = "diff wants two sites: --site OLD --site NEW, or --manifests in place of either";
            return Err(Usage(message.to_owned()).into());
        }
    };
    let diff = diff(&old, &new)?;
    match out.format() {
        Format::Json => out.json(&diff)?,
        Format::Text => write_text(&diff, out)?,
    }
    Ok(if diff.became_public > 0 { Exit::BecamePublic } else { Exit::Well })
}

fn write_text(diff: &Diff, out: &mut Output) -> anyhow::Result<()> {
    for change in &diff.changes {
        write_change(change, out)?;
    }
    match (diff.changes.len(), diff.became_public) {
        (0, _) => writeln!(out, "no journey changes")?,
        (1, 0) => writeln!(out, "1 change, nothing became public")?,
        (changes, 0) => writeln!(out, "{changes} changes, nothing became public")?,
        (1, _) => writeln!(out, "1 change, it BECAME PUBLIC")?,
        (changes, public) => writeln!(out, "{changes} changes, {public} BECAME PUBLIC")?,
    }
    Ok(())
}

fn write_change(change: &Change, out: &mut Output) -> anyhow::Result<()> {
    let mark = if change.became_public { "PUBLIC " } else { "" };
    writeln!(out, "{mark}{}{} from zone {}", change.host, change.path, change.source_zone)?;
    for node in &change.nodes {
        writeln!(out, "  at {}", node.node)?;
        writeln!(out, "    - {}", in_a_line(node.old.as_ref()))?;
        writeln!(out, "    + {}", in_a_line(node.new.as_ref()))?;
    }
    Ok(())
}

/// A journey on one line: `edge > 403/studtop, served`.
fn in_a_line(course: Option<&Course>) -> String {
    let Some(course) = course else { return "no such node in this zone".to_owned() };
    let nodes: Vec<String> = course.hops.iter().map(|hop| format!("{}/{}", hop.zone, hop.node)).collect();
    let end = course.hops.last().map_or(String::new(), |last| match (course.result, last.status) {
        (End::Local, _) => "served".to_owned(),
        (End::Pass, _) => format!("left to its own routes ({})", last.reason),
        (End::Refuse, Some(status)) => format!("refused with {status} ({})", last.reason),
        (End::Refuse, None) => format!("refused ({})", last.reason),
        (End::Lost, _) => "lost".to_owned(),
    });
    let tried = course.hops.iter().filter_map(|hop| hop.next.get(1..).filter(|rest| !rest.is_empty()));
    let others: Vec<String> = tried.flatten().cloned().collect();
    let others = if others.is_empty() { String::new() } else { format!(" (else {})", others.join(", ")) };
    format!("{}: {end}{others}", nodes.join(" > "))
}
