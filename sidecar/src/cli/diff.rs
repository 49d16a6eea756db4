//! `zoneway diff`: what changes between two sites, for whom.

mod sides;

use std::io::Write;

use zoneway_site::{Change, Course, Diff, End, diff};

use super::site_source::Reading;
use super::{Exit, Format, Output};
use sides::Sides;

/// Show what changes from one site to another: every (source zone, host, path) whose journey does.
///
/// The exit code is 2 if anything became public. DNS names are not resolved.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    sides: Sides,
    #[command(flatten)]
    reading: Reading,
}

pub(crate) fn run(args: &Args, out: &mut Output) -> anyhow::Result<Exit> {
    let (old, new) = args.sides.load(&args.reading)?;
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
