//! `zoneway check`: every error and warning of sites and tables.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::IgnoredAny;
use zoneway_core::table::wire::Revision;
use zoneway_site::{PeerAuthentication, Site, ViewError, lint, view};

use super::{Exit, Format, Output};
use crate::pki::{Age, Facts, now};
use crate::sources::file::{self, FileError};
use crate::sources::resolve::resolve;

/// Check sites and tables: every error with its path, and warnings.
///
/// A table is a JSON object with `view`; everything else is a site. Errors and warnings go to standard error; with
/// `--format json` a report of them goes to standard output as well.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Sites (YAML) and tables (JSON); `-` is standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// The whole answer: `{"ok", "files": [{"file", "kind", "errors", "warnings"}]}`.
#[derive(Serialize)]
struct Report {
    /// Whether there is no error; warnings are none.
    ok: bool,
    files: Vec<FileReport>,
}

#[derive(Serialize)]
struct FileReport {
    file: String,
    kind: Kind,
    errors: Vec<Entry>,
    warnings: Vec<Entry>,
    /// What the file holds, for people.
    #[serde(skip)]
    holds: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Site,
    Table,
}

/// One error or warning: `{"path", "message"}`, with `line` and `column` where the text could not be read at all.
#[derive(Serialize)]
struct Entry {
    path: String,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<u64>,
}

impl Entry {
    fn new(path: impl ToString, message: impl ToString) -> Self {
        Self { path: path.to_string(), message: message.to_string(), line: None, column: None }
    }

    /// As it stands behind the file's name: `:3:7: zones.403: message`.
    fn line(&self) -> String {
        let place = match (self.line, self.column) {
            (Some(line), Some(column)) => format!(":{line}:{column}"),
            _ => String::new(),
        };
        let path = if self.path.is_empty() { String::new() } else { format!("{}: ", self.path) };
        format!("{place}: {path}{}", self.message)
    }
}

pub(crate) fn run(args: &Args, out: &mut Output) -> anyhow::Result<Exit> {
    let files: Vec<FileReport> = args.files.iter().map(|file| check(file)).collect();
    for report in &files {
        let say = |kind: &str, entries: &[Entry]| {
            entries.iter().for_each(|entry| eprintln!("{kind}: {}{}", report.file, entry.line()));
        };
        say("error", &report.errors);
        say("warning", &report.warnings);
    }
    let ok = files.iter().all(|report| report.errors.is_empty());
    match out.format() {
        Format::Json => out.json(&Report { ok, files })?,
        Format::Text => files.iter().try_for_each(|report| summary(report, out))?,
    }
    Ok(if ok { Exit::Well } else { Exit::NotWell })
}

fn summary(report: &FileReport, out: &mut Output) -> anyhow::Result<()> {
    let count = |number: usize, what: &str| match number {
        0 => String::new(),
        1 => format!(", 1 {what}"),
        _ => format!(", {number} {what}s"),
    };
    let kind = if report.kind == Kind::Site { "site" } else { "table" };
    let verdict = if report.errors.is_empty() { "ok" } else { "not ok" };
    let warnings = count(report.warnings.len(), "warning");
    let errors = count(report.errors.len(), "error");
    let holds = if report.holds.is_empty() { String::new() } else { format!(" of {}", report.holds) };
    Ok(writeln!(out, "{}: {verdict}, a {kind}{holds}{errors}{warnings}", report.file)?)
}

fn check(file: &Path) -> FileReport {
    let name = file.display().to_string();
    let bytes = match file::read(file) {
        Ok(bytes) => bytes,
        Err(error) => {
            let kind =
                if file.extension().is_some_and(|end| end == "json") { Kind::Table } else { Kind::Site };
            let errors = errors(&error);
            return FileReport { file: name, kind, errors, warnings: Vec::new(), holds: String::new() };
        }
    };
    let mut report = FileReport {
        file: name,
        kind: kind(&bytes),
        errors: Vec::new(),
        warnings: Vec::new(),
        holds: String::new(),
    };
    let result = match report.kind {
        Kind::Site => check_site(file, &bytes, &mut report),
        Kind::Table => file::parse_table(file, &bytes).map(|table| {
            let (view, revision, hosts) = (&table.wire().view, table.revision(), table.wire().hosts.len());
            report.holds = format!("zone {view} at revision {revision} with {hosts} hosts");
        }),
    };
    if let Err(error) = result {
        report.errors = errors(&error);
    }
    report
}

/// A table is a JSON object with `view`; where the JSON is broken, one that has the word.
fn kind(bytes: &[u8]) -> Kind {
    /// Enough of a table to know it by.
    #[derive(serde::Deserialize)]
    struct Probe {
        view: Option<IgnoredAny>,
    }
    let table = match serde_json::from_slice::<Probe>(bytes) {
        Ok(probe) => probe.view.is_some(),
        Err(_) => {
            let text = bytes.trim_ascii_start();
            text.starts_with(b"{") && text.windows(6).any(|window| window == b"\"view\"")
        }
    };
    if table { Kind::Table } else { Kind::Site }
}

fn check_site(file: &Path, bytes: &[u8], report: &mut FileReport) -> Result<(), FileError> {
    let written = file::read_yaml(file, bytes)?;
    let site = file::check_site(file, &written)?;
    let nodes: usize = site.zones().values().map(|zone| zone.nodes.len()).sum();
    report.holds = format!("{} zones, {nodes} nodes and {} hosts", site.zones().len(), site.hosts().len());
    report.warnings = lint(&site, &written).iter().map(|f| Entry::new(&f.path, &f.doubt)).collect();
    report.warnings.extend(certificates(&site).map(|(path, message)| Entry::new(path, message)));
    check_views(&site, report);
    Ok(())
}

/// The certificates that the site names and that are on this machine, where one has to be renewed. Those of other machines are
/// their sidecars' to tell of.
fn certificates(site: &Site) -> impl Iterator<Item = (&'static str, String)> {
    let mut files = BTreeSet::new();
    if let Some(PeerAuthentication::Tls { ca, certificate, .. }) = &site.settings().peer_authentication {
        for node in site.zones().values().flat_map(|zone| zone.nodes.keys()) {
            files.extend([ca, certificate].map(|name| name.replace("{node}", node.as_str())));
        }
    }
    let read = |file: &String| Facts::all_of(&std::fs::read_to_string(file).ok()?).ok();
    let facts = files.into_iter().filter_map(move |file| Some((read(&file)?, file)));
    facts.flat_map(|(all, file)| {
        all.into_iter().filter_map(move |facts| {
            let message = match facts.age(now()) {
                Age::Good => return None,
                Age::Due => {
                    let days = facts.days_left(now());
                    format!("{file}: the certificate of {} expires in {days} days: renew it (`zoneway pki renew`)", facts.whose())
                }
                Age::Expired => format!("{file}: the certificate of {} has expired: renew it (`zoneway pki renew`)", facts.whose()),
            };
            Some(("settings.peer_authentication", message))
        })
    })
}

/// Every zone's view has to be a table; what does not resolve leaves it with a warning.
fn check_views(site: &Site, report: &mut FileReport) {
    let names = resolve(site);
    for zone in site.zones().keys() {
        match view(site, zone, Revision::default(), &names) {
            Ok(view) => report.warnings.extend(view.warnings.iter().map(|w| Entry::new(w.path(), w))),
            Err(ViewError::Refused { faults, .. }) => {
                report.errors.extend(faults.entries().into_iter().map(|(path, message)| {
                    Entry::new(format_args!("the view of zone {zone}: {path}"), message)
                }))
            }
            Err(error) => report.errors.push(Entry::new("", error)),
        }
    }
}

fn errors(error: &FileError) -> Vec<Entry> {
    let place = error.place().at;
    let entry = |(path, message)| Entry {
        path,
        message,
        line: place.map(|(line, _)| line),
        column: place.map(|(_, column)| column),
    };
    error.entries().into_iter().map(entry).collect()
}
