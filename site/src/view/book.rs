//! The views of one zone, one after the other: what is the same as in the last one is neither made nor checked again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use zoneway_core::name::{HostPattern, PatternKind, ZoneName};
use zoneway_core::table::wire::{self, Revision};
use zoneway_core::table::{Limits, TABLE_VERSION, Table};

use super::hidden::{Patterns, hidden};
use super::sheet::Sheet;
use super::{Seen, ViewError, Warning, view};
use crate::names::Names;
use crate::site::{Host, Service, Site};

/// The views of one zone.
#[derive(Debug)]
pub struct ViewBook {
    zone: ZoneName,
    last: Option<Last>,
}

/// The last view, and what it was made of.
#[derive(Debug)]
struct Last {
    /// Zones, nodes and settings are the site's; of it, hosts and services are compared one by one.
    site: Site,
    names: Names,
    frame: Arc<Table>,
    warnings: Vec<Warning>,
    /// An entry for each host of the site, in their order.
    entries: Vec<Entry>,
}

/// What a view has of a host.
#[derive(Debug, Clone)]
enum Entry {
    /// Itself.
    Seen(Arc<str>),
    /// That it is there, so that no wildcard answers for it.
    Hidden(Arc<str>),
    /// Nothing.
    Absent,
}

impl ViewBook {
    /// No view yet.
    #[must_use]
    pub fn new(zone: ZoneName) -> Self {
        Self { zone, last: None }
    }

    /// The zone's view, as [`view()`] has it, and what was left out of it.
    ///
    /// # Errors
    /// As [`view()`].
    pub fn sheet(&mut self, site: &Site, names: &Names) -> Result<(Sheet, Vec<Warning>), ViewError> {
        // Whoever has no view, or none that is a table, is told all that is wrong.
        let refused = |zone| match view(site, zone, Revision::default(), names) {
            Ok(view) => Ok((Sheet::of(&view.table), view.warnings)),
            Err(error) => Err(error),
        };
        let Some(own) = site.zones().get(&self.zone) else { return refused(&self.zone) };
        let seen = Seen { site, zone: &self.zone, own, names };
        let last = self.last.take().filter(|last| last.has_frame_of(site, names));
        let (frame, warnings) = match &last {
            Some(last) => (Arc::clone(&last.frame), last.warnings.clone()),
            None => {
                let mut warnings = Vec::new();
                let zones = seen.zones(&mut warnings);
                match Table::try_from(self.frame(zones)) {
                    Ok(frame) => (Arc::new(frame), warnings),
                    Err(_) => return refused(&self.zone),
                }
            }
        };
        let mut sound = true;
        let mut entries = entries(&seen, last.as_ref(), |fresh| {
            let part = wire::Table { hosts: fresh, ..frame.wire().clone() };
            sound &= Table::try_from(part).is_ok();
        });
        if !own.public {
            hide(site, &mut entries, last.as_ref());
        }
        let there = || entries.iter().filter_map(Entry::line);
        let count = there().count();
        if count > Limits::default().hosts || !sound {
            return refused(&self.zone);
        }
        let mut lines = Vec::with_capacity(count);
        lines.extend(there().cloned());
        let sheet = Sheet::new(Arc::clone(&frame), lines);
        let (site, names) = (site.clone(), names.clone());
        self.last = Some(Last { site, names, frame, warnings: warnings.clone(), entries });
        Ok((sheet, warnings))
    }

    fn frame(&self, zones: BTreeMap<String, wire::Zone>) -> wire::Table {
        let (version, revision) = (TABLE_VERSION, Revision::default());
        wire::Table { version, revision, view: self.zone.to_string(), zones, hosts: Vec::new() }
    }
}

impl Last {
    /// Whether zones, links, nodes and their addresses are the same.
    fn has_frame_of(&self, site: &Site, names: &Names) -> bool {
        let same = |a: &Site, b: &Site| Arc::ptr_eq(&a.zones, &b.zones) || a.zones == b.zones;
        same(&self.site, site) && self.names == *names
    }

    fn hosts(&self) -> impl Iterator<Item = (&HostPattern, (&Arc<Host>, &Entry))> {
        let hosts = self.site.hosts.iter().zip(&self.entries);
        hosts.map(|((pattern, host), entry)| (pattern, (host, entry)))
    }
}

impl Entry {
    fn line(&self) -> Option<&Arc<str>> {
        match self {
            Self::Seen(line) | Self::Hidden(line) => Some(line),
            Self::Absent => None,
        }
    }
}

/// How many hosts are checked at once. They are checked one by one, whatever others there are; as a table has them each takes
/// three times the room of its line.
const AT_ONCE: usize = 512;

/// What the view has of each host. What it did not have so before is to be checked.
fn entries(seen: &Seen<'_>, last: Option<&Last>, mut check: impl FnMut(Vec<wire::Host>)) -> Vec<Entry> {
    let changed = last.map(|last| changed(&last.site.services, &seen.site.services));
    let mut before = last.into_iter().flat_map(Last::hosts).peekable();
    let mut fresh = Vec::new();
    let entries = seen.site.hosts.iter().map(|(pattern, host)| {
        if fresh.len() >= AT_ONCE {
            check(std::mem::take(&mut fresh));
        }
        while before.next_if(|(other, _)| *other < pattern).is_some() {}
        let before = before.next_if(|(other, _)| *other == pattern).map(|(_, before)| before);
        let is_same = |old: &Arc<Host>| {
            let serves =
                |service: &Arc<str>| changed.as_ref().is_none_or(|all| all.contains(service.as_ref()));
            Arc::ptr_eq(old, host)
                && !host.rules.values().filter_map(|rule| rule.service.as_ref()).any(serves)
        };
        if let Some((old, entry)) = before
            && is_same(old)
        {
            return entry.clone();
        }
        let Some(written) = seen.host(pattern, host) else { return Entry::Absent };
        let line: Arc<str> = written.canonical().into();
        match before {
            // Another object, or another endpoint of another node, and the view is the same all the same.
            Some((_, Entry::Seen(old))) if *old == line => Entry::Seen(Arc::clone(old)),
            _ => {
                fresh.push(written);
                Entry::Seen(line)
            }
        }
    });
    let entries = entries.collect();
    check(fresh);
    entries
}

/// The names of the services that are not the same in both.
fn changed<'a>(
    old: &'a BTreeMap<Arc<str>, Arc<Service>>,
    new: &'a BTreeMap<Arc<str>, Arc<Service>>,
) -> BTreeSet<&'a str> {
    let mut before = old.iter().peekable();
    let mut changed = BTreeSet::new();
    for (name, service) in new {
        while let Some((gone, _)) = before.next_if(|(other, _)| *other < name) {
            changed.insert(gone.as_ref());
        }
        let same = before.next_if(|(other, _)| *other == name);
        if !same.is_some_and(|(_, old)| Arc::ptr_eq(old, service)) {
            changed.insert(name.as_ref());
        }
    }
    changed.extend(before.map(|(gone, _)| gone.as_ref()));
    changed
}

/// Rule 7: what no wildcard may answer for.
fn hide(site: &Site, entries: &mut [Entry], last: Option<&Last>) {
    let is_wildcard = |pattern: &HostPattern| pattern.kind() != PatternKind::Exact;
    let wildcards = |site: &'_ Site, entries: &[Entry]| -> Vec<HostPattern> {
        let all = site.hosts.keys().zip(entries);
        let seen = all.filter(|(pattern, entry)| is_wildcard(pattern) && matches!(entry, Entry::Seen(_)));
        seen.map(|(pattern, _)| pattern.clone()).collect()
    };
    let now = wildcards(site, entries);
    let as_before = last.is_some_and(|last| wildcards(&last.site, &last.entries) == now);
    let patterns: Patterns<'_> = now.iter().collect();
    let mut before = last.into_iter().flat_map(Last::hosts).peekable();
    for (pattern, entry) in site.hosts.keys().zip(entries) {
        while before.next_if(|(other, _)| *other < pattern).is_some() {}
        let old = before.next_if(|(other, _)| *other == pattern).map(|(_, (_, entry))| entry);
        if matches!(entry, Entry::Seen(_)) {
            continue;
        }
        *entry = match old {
            Some(old @ (Entry::Hidden(_) | Entry::Absent)) if as_before => old.clone(),
            _ if patterns.cover(pattern) => Entry::Hidden(hidden(pattern).canonical().into()),
            _ => Entry::Absent,
        };
    }
}
