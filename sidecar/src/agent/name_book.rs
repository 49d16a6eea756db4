//! The addresses of the DNS names in a site, kept resolved: a state machine without I/O.
//!
//! The last address of a name stays when the name stops resolving, and an address that is still among a name's
//! answers stays too: answers come in any order.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use zoneway_site::Names;

use super::feed::Time;

/// The shortest time between two lookups of a name, whatever its time to live.
const SHORTEST: Duration = Duration::from_secs(5);
/// The longest.
const LONGEST: Duration = Duration::from_secs(300);

/// The names that are wanted, and the last address of each that ever was.
#[derive(Debug, Default)]
pub(crate) struct NameBook {
    wanted: BTreeMap<String, Lookup>,
    known: BTreeMap<String, IpAddr>,
}

/// The state of a name.
#[derive(Debug, Default, Clone)]
struct Lookup {
    due: Time,
    running: bool,
    answered: bool,
    error: Option<String>,
}

/// What came of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// Nothing new.
    None,
    /// The name has another address now.
    Address(IpAddr),
    /// The name stopped resolving, or never did; its last address, if any, stays.
    Lost(String),
    /// The name resolves again, to the address that it had.
    Back,
}

impl NameBook {
    /// A book with the addresses of an earlier run.
    pub(crate) fn new(known: BTreeMap<String, IpAddr>) -> Self {
        Self { wanted: BTreeMap::new(), known }
    }

    /// These names are wanted from now on, and no others.
    pub(crate) fn want<'a>(&mut self, names: impl IntoIterator<Item = &'a str>) {
        let names = names.into_iter().map(str::to_ascii_lowercase).collect::<BTreeSet<_>>();
        self.wanted.retain(|name, _| names.contains(name));
        for name in names {
            self.wanted.entry(name).or_default();
        }
    }

    /// The names to look up now; each counts as being looked up until it is answered.
    pub(crate) fn due(&mut self, now: Time) -> Vec<String> {
        let due = self.wanted.iter_mut().filter(|(_, lookup)| !lookup.running && lookup.due <= now);
        due.map(|(name, lookup)| {
            lookup.running = true;
            name.clone()
        })
        .collect()
    }

    /// When [`NameBook::due`] has something.
    pub(crate) fn next(&self) -> Option<Time> {
        self.wanted.values().filter(|lookup| !lookup.running).map(|lookup| lookup.due).min()
    }

    /// A lookup is over: the addresses and how long they hold, or why there are none.
    pub(crate) fn answered(
        &mut self,
        name: &str,
        answer: Result<(Vec<IpAddr>, Duration), String>,
        now: Time,
    ) -> Change {
        let Some(lookup) = self.wanted.get_mut(name) else { return Change::None };
        lookup.running = false;
        lookup.answered = true;
        let answer = answer.and_then(|(addresses, holds)| match addresses.iter().min().copied() {
            Some(first) => Ok((addresses, first, holds)),
            None => Err("it has no address".to_owned()),
        });
        match answer {
            Ok((addresses, first, holds)) => {
                lookup.due = now + holds.clamp(SHORTEST, LONGEST);
                let was_lost = lookup.error.take().is_some();
                match self.known.get(name) {
                    Some(known) if addresses.contains(known) => {
                        if was_lost {
                            Change::Back
                        } else {
                            Change::None
                        }
                    }
                    _ => {
                        self.known.insert(name.to_owned(), first);
                        Change::Address(first)
                    }
                }
            }
            Err(message) => {
                lookup.due = now + SHORTEST;
                let first = lookup.error.replace(message.clone()).is_none();
                if first { Change::Lost(message) } else { Change::None }
            }
        }
    }

    /// Whether every wanted name has an address or was answered at least once: before that, a view would leave out
    /// what is merely not looked up yet.
    pub(crate) fn is_ready(&self) -> bool {
        self.wanted.iter().all(|(name, lookup)| lookup.answered || self.known.contains_key(name))
    }

    /// The addresses of the wanted names.
    pub(crate) fn names(&self) -> Names {
        let known = self.wanted.keys().filter_map(|name| Some((name, *self.known.get(name)?)));
        known.collect()
    }

    /// Every address, to be kept over a restart.
    pub(crate) fn known(&self) -> &BTreeMap<String, IpAddr> {
        &self.known
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::net::IpAddr;
    use std::time::Duration;

    use super::{Change, LONGEST, NameBook, SHORTEST};

    const NAME: &str = "home.example";
    const TTL: Duration = Duration::from_secs(60);

    fn ip(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    fn book() -> NameBook {
        let mut book = NameBook::default();
        book.want([NAME]);
        book
    }

    fn found(book: &mut NameBook, last: &[u8], now: Duration) -> Change {
        book.due(now);
        book.answered(NAME, Ok((last.iter().map(|last| ip(*last)).collect(), TTL)), now)
    }

    fn lost(book: &mut NameBook, now: Duration) -> Change {
        book.due(now);
        book.answered(NAME, Err("no such name".to_owned()), now)
    }

    #[test]
    fn a_name_is_looked_up_once_at_a_time_and_again_when_its_time_is_over() {
        let mut book = book();
        assert_eq!(book.due(Duration::ZERO), [NAME]);
        assert_eq!((book.due(LONGEST), book.next()), (Vec::new(), None));
        book.answered(NAME, Ok((vec![ip(1)], TTL)), Duration::ZERO);
        assert_eq!((book.due(TTL - SHORTEST), book.next()), (Vec::new(), Some(TTL)));
        assert_eq!(book.due(TTL), [NAME]);
    }

    #[test]
    fn a_name_of_no_or_endless_life_is_looked_up_neither_always_nor_never() {
        for (life, due) in [(Duration::ZERO, SHORTEST), (Duration::MAX, LONGEST)] {
            let mut book = book();
            book.due(Duration::ZERO);
            book.answered(NAME, Ok((vec![ip(1)], life)), Duration::ZERO);
            assert_eq!(book.next(), Some(due));
        }
    }

    #[test]
    fn the_last_address_stays_when_a_name_stops_resolving_and_that_is_told_once() {
        let mut book = book();
        assert_eq!(found(&mut book, &[1], Duration::ZERO), Change::Address(ip(1)));
        assert_eq!(lost(&mut book, TTL), Change::Lost("no such name".to_owned()));
        assert_eq!(lost(&mut book, 2 * TTL), Change::None);
        assert_eq!(book.names().get(NAME), Some(ip(1)));
        assert_eq!(found(&mut book, &[1], 3 * TTL), Change::Back);
        assert_eq!(found(&mut book, &[], 4 * TTL), Change::Lost("it has no address".to_owned()));
    }

    #[test]
    fn an_address_that_is_still_an_answer_stays() {
        let mut book = book();
        assert_eq!(found(&mut book, &[3, 2], Duration::ZERO), Change::Address(ip(2)));
        assert_eq!(found(&mut book, &[1, 2], TTL), Change::None);
        assert_eq!(found(&mut book, &[3, 1], 2 * TTL), Change::Address(ip(1)));
    }

    #[test]
    fn a_view_waits_for_names_that_were_never_looked_up_but_not_for_those_that_fail() {
        let mut book = book();
        assert!(!book.is_ready());
        lost(&mut book, Duration::ZERO);
        assert!(book.is_ready());
        let mut kept = NameBook::new(BTreeMap::from([(NAME.to_owned(), ip(9))]));
        kept.want([NAME]);
        assert!(kept.is_ready());
        assert_eq!(kept.names().get(NAME), Some(ip(9)));
    }

    #[test]
    fn what_is_not_wanted_any_more_is_not_looked_up() {
        let mut book = book();
        found(&mut book, &[1], Duration::ZERO);
        book.want([]);
        assert_eq!((book.next(), book.names().get(NAME)), (None, None));
        book.want(["HOME.example"]);
        assert_eq!(book.names().get(NAME), Some(ip(1)));
    }
}
