//! A pushed table as whoever serves it reads it: what many hosts have in common is read, checked and hashed once.
//!
//! Of 10,000 hosts most differ in their names alone: the text behind a name is that of some host before. An outline holds
//! such a text's meaning once, and borrows names from what was sent. It is there for a table that holds to every rule
//! and is written as `zoneway` writes it; anything else gives `None`, and is read by [`super::Table`], which says what is
//! wrong and where. The two agree on every table (`core/src/table/outline/tests.rs`, `core/fuzz`).

use hashbrown::HashMap;

use super::wire::{Host, Table};
use super::{Digest, Limits, canonical, validate};

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

/// What stands before the first host. In valid JSON no text has these bytes in it, and no other key of a table a list.
const LIST: &str = "\"hosts\":[";

impl<'a> Outline<'a> {
    /// Reads and checks a table; `None` where it is faulty, or written in another way.
    pub(crate) fn parse(json: &'a [u8], limits: &Limits) -> Option<Self> {
        if json.len() > limits.bytes {
            return None;
        }
        let json = core::str::from_utf8(json).ok()?;
        let (before, list) = json.split_at_checked(json.find(LIST)? + LIST.len())?;
        let (mut kinds, mut hosts, mut behind) = (Kinds::default(), Vec::new(), list);
        let mut next = (!list.starts_with(']')).then_some(list);
        while let Some(text) = next {
            let (host, rest) = kinds.next(text)?;
            if hosts.len() == limits.hosts {
                return None;
            }
            hosts.push(host);
            (next, behind) = (rest.strip_prefix(','), rest);
        }
        if !behind.starts_with(']') {
            return None;
        }
        let rest: Table = serde_json::from_slice(format!("{before}{behind}").as_bytes()).ok()?;
        let names = hosts.iter().map(|host| host.name);
        validate::is_sound(&rest, &kinds.all, names, limits).then_some(Self { rest, kinds: kinds.all, hosts })
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

/// How many kinds are tried before a host is read to its end: it is most often of the kind of one right before it.
const RECENT: usize = 8;

/// The kinds that were met.
#[derive(Default)]
struct Kinds<'a> {
    all: Vec<Host>,
    /// What each has before its name, and behind.
    texts: Vec<(&'a str, &'a str)>,
    known: HashMap<(&'a str, &'a str), usize>,
    /// Those that were met last, the latest first.
    recent: Vec<usize>,
}

impl<'a> Kinds<'a> {
    /// Reads the host that a text begins with, and gives what is behind it.
    fn next(&mut self, text: &'a str) -> Option<(Named<'a>, &'a str)> {
        let (before, name, rest) = cut(text)?;
        // No object begins another one: a text that goes on as a kind does is of that kind.
        let is_met = |kind: &usize| {
            self.texts.get(*kind).is_some_and(|kind| kind.0 == before && rest.starts_with(kind.1))
        };
        let kind = if let Some(place) = self.recent.iter().position(is_met) {
            self.recent.get_mut(..=place)?.rotate_right(1);
            *self.recent.first()?
        } else {
            let (behind, _) = rest.split_at_checked(end(text)?.checked_sub(before.len() + name.len())?)?;
            let kind = self.of(before, behind)?;
            self.recent.truncate(RECENT - 1);
            self.recent.insert(0, kind);
            kind
        };
        let (_, behind) = self.texts.get(kind)?;
        Some((Named { name, kind }, rest.get(behind.len()..)?))
    }

    /// The kind of a whole host. A name without quotes, escapes and control bytes changes nothing of what stands around it.
    fn of(&mut self, before: &'a str, behind: &'a str) -> Option<usize> {
        if let Some(kind) = self.known.get(&(before, behind)) {
            return Some(*kind);
        }
        self.all.push(serde_json::from_slice(format!("{before}{behind}").as_bytes()).ok()?);
        self.texts.push((before, behind));
        self.known.insert((before, behind), self.all.len() - 1);
        Some(self.all.len() - 1)
    }
}

/// Of the host that a text begins with what is up to the quote before its name, the name, and all from the quote behind
/// it. The name stands first, or behind `exposed_to`, as in canonical JSON.
fn cut(text: &str) -> Option<(&str, &str, &str)> {
    const FIRST: &str = "{\"host\":\"";
    const SECOND: &str = "],\"host\":\"";
    let start = if text.starts_with(FIRST) {
        FIRST.len()
    } else {
        let list = text.strip_prefix("{\"exposed_to\":[").and_then(|_| text.find(']'))?;
        text.get(list..)?.starts_with(SECOND).then_some(list + SECOND.len())?
    };
    let (before, rest) = text.split_at_checked(start)?;
    let (name, behind) = rest.split_at_checked(rest.find('"')?)?;
    (!name.contains('\\')).then_some((before, name, behind))
}

/// Where the object ends that a text begins with, if it is one; `None` too where there is a `\` in it.
fn end(text: &str) -> Option<usize> {
    let (mut depth, mut is_quoted) = (0_usize, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'\\' => return None,
            b'"' => is_quoted = !is_quoted,
            b'{' if !is_quoted => depth += 1,
            b'}' if !is_quoted => depth = depth.checked_sub(1)?,
            _ => continue,
        }
        if depth == 0 {
            return Some(at + 1);
        }
    }
    None
}

#[cfg(test)]
mod tests;
