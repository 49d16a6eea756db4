//! One host: its paths, each with the object that has it.

mod cut;
mod solver;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use zoneway_core::name::HostPattern;
use zoneway_core::table::Limits;
use zoneway_site::wire;

use super::super::super::super::objects::ObjectRef;
use super::super::super::super::picture::{PathOrigins, Reason};
use super::super::super::digest::meta::RouteMeta;
use super::super::super::digest::path::{Backend, Matching};
use super::super::Notes;
use super::super::claim::{Claim, Where};
use super::super::topology::Topology;
use super::super::zone_set::ZoneSet;
use super::Uses;
pub(super) use solver::{Standing, is_solver};

/// The name of what Envoy answers by itself; no Service has it, for theirs have a slash.
const ANSWERED: &str = "envoy";

/// One host.
pub(super) struct HostMerge<'a> {
    pub(super) host: Arc<str>,
    pattern: HostPattern,
    prefer: Option<wire::Prefer>,
    /// All that is asked for of it, by path and age.
    claims: &'a [Claim<'a>],
    /// None: the host is hidden.
    rules: BTreeMap<Arc<str>, RuleMerge<'a>>,
}

/// One path.
struct RuleMerge<'a> {
    by: &'a RouteMeta,
    /// All that is asked for of it, the older first.
    claims: &'a [Claim<'a>],
    /// What it matches at the controller, over all claims of its object.
    matching: BTreeSet<Matching>,
    /// Whether one claim of its object is for some requests alone.
    conditional: bool,
    backends: Vec<&'a Backend>,
    answered: bool,
    hidden: bool,
    exposed_to: ZoneSet,
}

impl<'a> HostMerge<'a> {
    /// The host of these claims, sorted by path and age.
    pub(super) fn of(claims: &'a [Claim<'a>], topology: &Topology, notes: &mut Notes) -> Option<Self> {
        let host = Arc::clone(&claims.first()?.host);
        let pattern = HostPattern::parse(&host).ok()?;
        let mut merge = Self { host, pattern, prefer: None, claims, rules: BTreeMap::new() };
        let hidden = claims.iter().find(|claim| claim.path.is_none());
        for claims in claims.chunk_by(|a, b| a.path == b.path) {
            let Some(path) = claims.first().and_then(|claim| claim.path.as_ref()) else { continue };
            if let Some(hidden) = hidden {
                merge.tell_of(hidden.by, claims, notes);
            } else {
                merge.path(path, claims, topology, notes);
            }
        }
        merge.preference(notes);
        Some(merge)
    }

    /// Who shares a host that another object hides has to know.
    fn tell_of(&self, hidden: &RouteMeta, claims: &[Claim<'_>], notes: &mut Notes) {
        for claim in claims.iter().filter(|claim| claim.by.object != hidden.object) {
            let message = format!("{} is hidden by {}, which shares it", self.host, hidden.object);
            notes.add(&claim.by.object, Reason::Hidden, message);
        }
    }

    /// A path goes to the oldest object that claims it as its own: a pattern of paths does not, nor does a redirect, which
    /// stands beside the real thing wherever another listener has that (`http` to `https`).
    fn path(&mut self, path: &Arc<str>, claims: &'a [Claim<'a>], topology: &Topology, notes: &mut Notes) {
        let owns =
            |claim: &&Claim<'a>| claim.matching != Matching::Regex && !matches!(claim.goes, Where::Answered);
        let Some(winner) = claims.iter().find(owns).or(claims.first()) else { return };
        let mut rule = RuleMerge {
            by: winner.by,
            claims,
            matching: BTreeSet::new(),
            conditional: false,
            backends: Vec::new(),
            answered: false,
            hidden: false,
            exposed_to: winner.exposed_to,
        };
        let mut told: Option<&ObjectRef> = None;
        for claim in claims {
            if claim.by.object == winner.by.object {
                rule.matching.insert(claim.matching);
                rule.conditional |= claim.conditional;
                match claim.goes {
                    Where::To(backends) => rule.backends.extend(backends),
                    Where::Answered => rule.answered = true,
                    Where::Hidden | Where::Unserved => rule.hidden = true,
                }
            } else if owns(&claim) && told != Some(&claim.by.object) {
                told = Some(&claim.by.object);
                let message = format!(
                    "{}{path} belongs to {}, which is older: take the path out of one of the two",
                    self.host, winner.by.object
                );
                notes.add(&claim.by.object, Reason::PathTaken, message);
            }
        }
        if rule.hidden {
            (rule.exposed_to, rule.answered) = (ZoneSet::default(), false);
            rule.backends.clear();
        }
        rule.allow(&self.pattern, path, topology, notes);
        self.share(path, &mut rule, topology, notes);
        self.rules.insert(Arc::clone(path), rule);
    }

    /// A pattern of paths can match what any rule has: with one exposure for all of them that does no harm, with
    /// several nobody knows which one holds.
    pub(super) fn regexes(&mut self, notes: &mut Notes) {
        let mut exposures = self.rules.values().map(|rule| rule.exposed_to);
        let first = exposures.next();
        let same = exposures.all(|exposed_to| Some(exposed_to) == first);
        let mut regexes = self.claims.iter().filter(|claim| claim.matching == Matching::Regex).peekable();
        if same || regexes.peek().is_none() {
            return;
        }
        for claim in regexes {
            let message = format!(
                "{} is hidden, for all who share it: a pattern of paths (regular expression) can match any path, and the \
                 host's paths are exposed to different zones: write prefixes, or expose all of them alike",
                self.host
            );
            notes.add(&claim.by.object, Reason::Hidden, message);
        }
        self.rules.clear();
    }

    /// The oldest object's word on who serves.
    fn preference(&mut self, notes: &mut Notes) {
        let with_one = self.claims.iter().map(|claim| claim.by).filter(|by| by.prefer.is_some());
        let mut by: Vec<&RouteMeta> = with_one.collect();
        by.sort_unstable_by_key(|by| by.age());
        by.dedup_by(|a, b| a.object == b.object);
        for by in by {
            let Some(text) = by.prefer.as_deref() else { continue };
            let prefer = match text.trim() {
                "node" => wire::Prefer::Node,
                "zone" => wire::Prefer::Zone,
                _ => {
                    let message = format!("prefer: \"{text}\" is ignored: write `node` or `zone`");
                    notes.add(&by.object, Reason::Ignored, message);
                    continue;
                }
            };
            match self.prefer {
                None => self.prefer = Some(prefer),
                Some(other) if other != prefer => {
                    let message = format!(
                        "prefer: an older object of {} says otherwise, and its word holds",
                        self.host
                    );
                    notes.add(&by.object, Reason::Ignored, message);
                }
                Some(_) => {}
            }
        }
    }

    /// As the site has it, and what made each path. The services that it names are noted in `uses`.
    pub(super) fn written(
        mut self,
        topology: &Topology,
        notes: &mut Notes,
        uses: &mut Uses,
    ) -> (wire::Host, PathOrigins) {
        self.fit(notes);
        if self.rules.values().all(|rule| rule.hidden) {
            // Exposed to nobody, without rules: no wildcard answers for it.
            return (wire::Host::default(), Box::default());
        }
        let home = ZoneSet::one(topology.home);
        let mut exposures = self.rules.values().map(|rule| rule.exposed_to);
        let first = exposures.next().unwrap_or_default();
        let shared = exposures.all(|exposed_to| exposed_to == first).then_some(first);
        let zones = |zones: ZoneSet| Some(topology.named(zones).map(Into::into).collect());
        let mut paths = BTreeMap::new();
        let mut origins = Vec::with_capacity(self.rules.len());
        for (path, rule) in &self.rules {
            let service =
                rule.service().map(|(name, backends)| uses.note(name, backends, &rule.by.object).into());
            let expose_to =
                if shared.is_some() || rule.exposed_to == home { None } else { zones(rule.exposed_to) };
            paths.insert(path.to_string(), wire::Rule { expose_to, service });
            origins.push((Arc::clone(path), rule.by.object.clone()));
        }
        let expose_to = shared.filter(|shared| *shared != home).and_then(zones);
        let mut host = wire::Host { expose_to, prefer: self.prefer, service: None, paths: None };
        let alone = paths.len() == 1;
        match paths.remove("/") {
            Some(wire::Rule { service: Some(service), .. }) if alone => host.service = Some(service),
            whole => {
                paths.extend(whole.map(|rule| ("/".to_owned(), rule)));
                host.paths = Some(paths);
            }
        }
        (host, origins.into())
    }

    /// A table has a limit of rules a host. What says the same as the rule around it can go; what is too many still
    /// hides the host.
    fn fit(&mut self, notes: &mut Notes) {
        let most = Limits::default().rules;
        if self.rules.len() <= most {
            return;
        }
        let paths: Vec<Arc<str>> = self.rules.keys().rev().cloned().collect();
        for path in paths {
            let mut above = core::iter::successors(parent(&path), |path| parent(path));
            let outer = above.find_map(|above| self.rules.get(above));
            let says_the_same = |outer: &RuleMerge<'_>| {
                self.rules.get(&path).is_some_and(|rule| {
                    rule.exposed_to == outer.exposed_to
                        && rule.hidden == outer.hidden
                        && rule.service() == outer.service()
                })
            };
            if outer.is_some_and(says_the_same) {
                self.rules.remove(&path);
            }
        }
        if self.rules.len() > most {
            let objects: BTreeSet<&ObjectRef> = self.rules.values().map(|rule| &rule.by.object).collect();
            for object in objects {
                let message = format!(
                    "{} is hidden, for all who share it: it has {} paths, {most} at most: write fewer, shorter prefixes",
                    self.host,
                    self.rules.len()
                );
                notes.add(object, Reason::Hidden, message);
            }
            self.rules.clear();
        }
    }
}

impl RuleMerge<'_> {
    /// Takes away the zones that do not allow it.
    fn allow(&mut self, host: &HostPattern, path: &str, topology: &Topology, notes: &mut Notes) {
        for zone in topology.refusing(self.exposed_to, self.by.namespace(), host) {
            self.exposed_to = self.exposed_to.without(zone);
            let zone = topology.names.get(zone).map(AsRef::as_ref).unwrap_or_default();
            let message = format!(
                "{}{path} is not exposed to zone \"{zone}\", whose Zone does not allow it: add the namespace or the \
                 host to its `allow`",
                host.as_str()
            );
            notes.add(&self.by.object, Reason::NotAllowed, message);
        }
    }

    /// The service that serves it, by name, with its backends.
    fn service(&self) -> Option<(String, Vec<Backend>)> {
        if self.hidden {
            return None;
        }
        if let [only] = self.backends.as_slice() {
            let backend = Backend { weight: 1, ..(*only).clone() };
            return Some((only.to_string(), vec![backend]));
        }
        let mut backends: Vec<Backend> = self.backends.iter().map(|backend| (*backend).clone()).collect();
        backends.sort_unstable();
        backends.dedup();
        let Some(first) = backends.first() else {
            return self.answered.then(|| (ANSWERED.to_owned(), Vec::new()));
        };
        let alike = backends.iter().all(|backend| backend.weight == first.weight);
        if alike {
            backends.iter_mut().for_each(|backend| backend.weight = 1);
        }
        let name = |backend: &Backend| match alike {
            true => backend.to_string(),
            false => format!("{backend}*{}", backend.weight),
        };
        Some((backends.iter().map(name).collect::<Vec<_>>().join("+"), backends))
    }
}

/// The path around a path: `/` around `/a`, `/a` around `/a/b`.
fn parent(path: &str) -> Option<&str> {
    let (above, last) = path.rsplit_once('/')?;
    match (above, last) {
        ("", "") => None,
        ("", _) => Some("/"),
        (above, _) => Some(above),
    }
}
