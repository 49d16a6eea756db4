//! A pushed table as whoever serves it reads it: what many hosts have in common is read, checked and hashed once.
//!
//! Of 10,000 hosts most differ in their names alone: the text behind a name is that of some host before. An outline holds
//! such a text's meaning once, and borrows names from what was sent. It is there for a table that holds to every rule
//! and is written as `zoneway` writes it; anything else gives `None`, and is read by [`super::Table`], which says what is
//! wrong and where. The two agree on every table (`core/src/table/outline/tests.rs`, `core/fuzz`).

use alloc::collections::BTreeMap;

use hashbrown::HashMap;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::wire::{Host, Revision, Table, Zone};
use super::{Digest, Limits, canonical, validate};
use crate::strict;

/// A table that holds to every rule of the format.
#[derive(Debug)]
pub(crate) struct Outline<'a> {
    rest: Table,
    kinds: Vec<Host>,
    hosts: Vec<Named<'a>>,
}

/// A host of an [`Outline`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Named<'a> {
    /// Its pattern.
    pub(crate) name: &'a str,
    /// Which of [`Outline::kinds`] it is beside its name.
    pub(crate) kind: usize,
}

/// A table with its hosts unread.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unread<'a> {
    version: u64,
    revision: Revision,
    view: String,
    #[serde(deserialize_with = "strict::map")]
    zones: BTreeMap<String, Zone>,
    #[serde(borrow)]
    hosts: Vec<&'a RawValue>,
}

/// A host in three: up to the quote before its name, the name, and from the quote behind it. The name stands first, or
/// behind `exposed_to`, as in canonical JSON.
fn cut(host: &str) -> Option<(&str, &str, &str)> {
    const FIRST: &str = "{\"host\":\"";
    const SECOND: &str = "],\"host\":\"";
    let start = if host.starts_with(FIRST) {
        FIRST.len()
    } else {
        let list = host.strip_prefix("{\"exposed_to\":[").and_then(|_| host.find(']'))?;
        host.get(list..)?.starts_with(SECOND).then_some(list + SECOND.len())?
    };
    let (before, rest) = host.split_at_checked(start)?;
    let (name, behind) = rest.split_at_checked(rest.find('"')?)?;
    (!name.contains('\\')).then_some((before, name, behind))
}

impl<'a> Outline<'a> {
    /// Reads and checks a table; `None` where it is faulty, or written in another way.
    pub(crate) fn parse(json: &'a [u8], limits: &Limits) -> Option<Self> {
        // What serde derives would take a list of the fields too.
        if json.len() > limits.bytes || json.trim_ascii_start().first() != Some(&b'{') {
            return None;
        }
        let Unread { version, revision, view, zones, hosts: unread } = serde_json::from_slice(json).ok()?;
        if unread.len() > limits.hosts {
            return None;
        }
        let (mut kinds, mut hosts) = (Vec::new(), Vec::with_capacity(unread.len()));
        let mut known: HashMap<(&str, &str), usize> = HashMap::new();
        for host in unread {
            let (before, name, behind) = cut(host.get())?;
            // A name without quotes, escapes and control bytes changes nothing of what stands around it.
            let kind = match known.get(&(before, behind)) {
                Some(kind) => *kind,
                None => {
                    kinds.push(serde_json::from_str(&format!("{before}{behind}")).ok()?);
                    known.insert((before, behind), kinds.len() - 1);
                    kinds.len() - 1
                }
            };
            hosts.push(Named { name, kind });
        }
        let rest = Table { version, revision, view, zones, hosts: Vec::new() };
        let names = hosts.iter().map(|host| host.name);
        validate::is_sound(&rest, &kinds, names, limits).then_some(Self { rest, kinds, hosts })
    }

    /// All of the table but its hosts.
    pub(crate) fn rest(&self) -> &Table {
        &self.rest
    }

    /// What hosts are beside their names, in the order of the first host of each kind.
    pub(crate) fn kinds(&self) -> &[Host] {
        &self.kinds
    }

    /// The hosts in the table's order.
    pub(crate) fn hosts(&self) -> &[Named<'a>] {
        &self.hosts
    }

    /// As [`super::Table::digest`].
    pub(crate) fn digest(&self) -> Digest {
        canonical::digest_of_outline(self)
    }
}

#[cfg(test)]
mod tests;
