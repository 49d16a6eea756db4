//! Where a path matches more or less here than at the controller, one rule answers for requests that are another one's there: it is
//! open to no more than both are.
//!
//! The requests about a path come in four parts, and no claim of the host tells two requests of one part apart. Of each part
//! it is known which rule answers here, and whose it is there, in the order in which Contour looks (`internal/sorter/sorter.go`,
//! `routeSorter`): what is exact, then prefixes, the longer first. What prefixes of one path
//! have is taken for all of theirs.

use std::sync::Arc;

use zoneway_core::name::HostPattern;

use super::super::super::super::super::objects::Kind;
use super::super::super::super::super::picture::Reason;
use super::super::super::super::digest::path::Matching;
use super::super::super::Notes;
use super::super::super::claim::Where;
use super::super::super::topology::Topology;
use super::super::super::zone_set::ZoneSet;
use super::super::stand_in::StandsIn;
use super::solver::is_solver;
use super::{HostMerge, RuleMerge};

/// Some requests about a path, `/a`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// `/a`.
    Itself,
    /// `/a/`.
    Slash,
    /// `/a/x`, where no other path has it.
    Below,
    /// `/ax`, where no other path has it: the rule around `/a` answers here.
    Longer,
}

/// What the controller serves at a path by one kind of matching.
struct Served {
    matching: Matching,
    /// Whether it serves every request that is matched, on whatever conditions those before it are.
    whole: bool,
    /// To whom every object is open that gets some of them.
    open_to: ZoneSet,
}

/// A path, and all that the controller serves there.
type Place = (Arc<str>, Vec<Served>);

impl HostMerge<'_> {
    /// Of the requests of a path the controller hands some to another object, where it tells the two apart: by another kind of
    /// path or of object, or by conditions. Here one rule answers for all of them, so it is open to whom both are.
    pub(super) fn share(&self, path: &str, rule: &mut RuleMerge<'_>, topology: &Topology, notes: &mut Notes) {
        for claim in rule.claims.iter().filter(|claim| claim.by.object != rule.by.object) {
            let is_same = is_the_oldest(claim.by.object.kind)
                && rule.by.object.kind == claim.by.object.kind
                && claim.matching != Matching::Regex
                && rule.matching.contains(&claim.matching);
            if !claim.is_served() || (is_same && !claim.conditional && !rule.conditional) {
                continue;
            }
            rule.cut(
                &self.pattern,
                path,
                claim.open_to(&self.pattern, topology),
                topology,
                notes,
                |host, kept| {
                    format!(
                        "is exposed to {kept} alone: some requests of {host}{path} are {}'s, which is exposed to fewer: give \
                         the two different paths, or expose them alike",
                        claim.by.object
                    )
                },
            );
        }
    }

    /// Cuts exposures where a path matches more or less here than at the controller.
    pub(in super::super) fn cut(&mut self, topology: &Topology, notes: &mut Notes) {
        if self.is_alike() {
            return;
        }
        let served = |(path, rule): (&Arc<str>, &RuleMerge<'_>)| {
            (Arc::clone(path), rule.served(path, &self.pattern, topology))
        };
        let places: Vec<Place> = self.rules.iter().map(served).collect();
        // The places whose paths a path begins with, up to itself. They stand before it, and nothing between them ends that.
        let mut above: Vec<&Place> = Vec::new();
        for place in &places {
            while above.pop_if(|(other, _)| !place.0.starts_with(other.as_ref())).is_some() {}
            self.cut_longer(place, &above, topology, notes);
            above.push(place);
            for part in [Part::Itself, Part::Slash, Part::Below] {
                self.cut_part(part, &above, topology, notes);
            }
        }
    }

    /// Whether everything is exposed alike, as most is.
    fn is_alike(&self) -> bool {
        let mut rules = self.rules.values();
        let Some(first) = rules.next().map(|rule| rule.exposed_to) else { return true };
        // With one path there is nothing around it, and what shares it has been heeded.
        self.rules.len() < 2
            || (rules.all(|rule| rule.exposed_to == first)
                && self.claims.iter().all(|claim| !claim.is_served() || claim.exposed_to == first))
    }

    /// `/foo` as a text matches `/foobar` there, for which the rule around it answers here.
    fn cut_longer(
        &mut self,
        (path, served): &Place,
        above: &[&Place],
        topology: &Topology,
        notes: &mut Notes,
    ) {
        let around = above.iter().rev().find(|(other, _)| is_border(other, path));
        let Some((around, _)) = around else { return };
        for text in served.iter().filter(|one| one.matching.has(Part::Longer)) {
            self.cut_to(around, text.open_to, topology, notes, |host, kept| {
                format!(
                    "is exposed to {kept} alone: {host}{path} matches whatever begins with that text, `{path}x` too, and \
                     is exposed to fewer: end it with a slash, in an Ingress use `Prefix`, or expose the two alike"
                )
            });
        }
    }

    /// `/foo` alone there leaves `/foo/x` to what is around it, for which this rule answers here; a condition leaves what does
    /// not meet it. `above`: the path, behind all that it begins with.
    fn cut_part(&mut self, part: Part, above: &[&Place], topology: &Topology, notes: &mut Notes) {
        let Some((path, own)) = above.last() else { return };
        let Some(rule) = self.rules.get(path) else { return };
        // The root has no slash to come, and a certificate's solver nothing below it.
        let (is_solver, conditional) = (is_solver(path, rule.by), rule.conditional);
        if part == Part::Slash && path.as_ref() == "/" {
            return;
        }
        for (outer, served) in above.iter().rev() {
            let is_own = outer == path;
            if is_solver && !is_own {
                return;
            }
            let seen_as = match (is_own, is_border(outer, path)) {
                (true, _) => part,
                (false, true) => Part::Below,
                (false, false) => Part::Longer,
            };
            for rank in 0..=1 {
                let mut whole = false;
                for one in
                    served.iter().filter(|one| one.matching.rank() == rank && one.matching.has(seen_as))
                {
                    whole |= one.whole;
                    let slashed = part == Part::Itself && !own.iter().any(|own| own.matching.has(part));
                    self.cut_to(path, one.open_to, topology, notes, |host, kept| match (conditional, slashed) {
                        (true, _) => format!(
                            "is exposed to {kept} alone: what does not meet its conditions on headers, queries or methods is \
                             {outer}'s at the controller, and is not told apart here: expose the two alike"
                        ),
                        (false, true) => format!(
                            "is exposed to {kept} alone: {host}{path} itself is {outer}'s at the controller, since the text \
                             ends with a slash: leave that out, use `Prefix`, or expose the two alike"
                        ),
                        (false, false) => format!(
                            "is exposed to {kept} alone: a rule's path is a prefix, so it would open all of {host}{path}/ to \
                             whoever may ask for it, which is {outer}'s: use `Prefix` if all below may be asked for"
                        ),
                    });
                }
                if whole {
                    return;
                }
            }
        }
    }

    /// It answers for hosts that there is no room for: it is open to no more than they are.
    pub(in super::super) fn stand_in(&mut self, hosts: &StandsIn, topology: &Topology, notes: &mut Notes) {
        let StandsIn { first, count, open_to } = hosts;
        for path in self.rules.keys().cloned().collect::<Vec<_>>() {
            self.cut_to(&path, *open_to, topology, notes, |_, kept| {
                format!(
                    "is exposed to {kept} alone: it answers for {first}{}, for which a table has no room: expose them \
                     alike, or make room",
                    if *count > 1 { format!(" and {} more hosts", count - 1) } else { String::new() }
                )
            });
        }
    }

    fn cut_to(
        &mut self,
        path: &Arc<str>,
        limit: ZoneSet,
        topology: &Topology,
        notes: &mut Notes,
        message: impl FnOnce(&str, &str) -> String,
    ) {
        if let Some(rule) = self.rules.get_mut(path) {
            rule.cut(&self.pattern, path, limit, topology, notes, message);
        }
    }
}

impl RuleMerge<'_> {
    /// What the controller serves at the path. Patterns aside: where there is one, all is exposed alike.
    fn served(&self, path: &str, host: &HostPattern, topology: &Topology) -> Vec<Served> {
        let mut served: Vec<Served> = Vec::new();
        // The whole of one kind of path is the oldest object's, of a kind of object; but for requests that meet a condition.
        let mut taken: Vec<(Kind, Matching)> = Vec::new();
        for claims in self.claims.chunk_by(|a, b| a.by.object == b.by.object) {
            let before = taken.len();
            for claim in claims {
                let (what, own) = ((claim.by.object.kind, claim.matching), claim.by.object == self.by.object);
                let is_served = claim.is_served() || (own && matches!(claim.goes, Where::Answered));
                let older = taken.get(..before).unwrap_or_default();
                let is_taken = !claim.conditional && older.contains(&what);
                if !is_served || is_taken || claim.matching == Matching::Regex {
                    continue;
                }
                if !claim.conditional && is_the_oldest(what.0) && !taken.contains(&what) {
                    taken.push(what);
                }
                let open_to = match own && is_solver(path, self.by) {
                    true => self.exposed_to,
                    false => claim.open_to(host, topology),
                };
                match served.iter_mut().find(|one| one.matching == claim.matching) {
                    Some(one) => {
                        (one.whole, one.open_to) = (one.whole || !claim.conditional, one.open_to & open_to);
                    }
                    None => {
                        served.push(Served { matching: claim.matching, whole: !claim.conditional, open_to });
                    }
                }
            }
        }
        served
    }

    /// Takes away who is not within a limit. `message`: why, made of the host and of who is left.
    fn cut(
        &mut self,
        host: &HostPattern,
        path: &str,
        limit: ZoneSet,
        topology: &Topology,
        notes: &mut Notes,
        message: impl FnOnce(&str, &str) -> String,
    ) {
        if self.exposed_to.within(limit) {
            return;
        }
        self.exposed_to = self.exposed_to & limit;
        let kept: Vec<&str> = topology.named(self.exposed_to).collect();
        let kept = if kept.is_empty() { "nobody".to_owned() } else { kept.join(", ") };
        let message = format!("{host}{path} {}", message(host.as_str(), &kept), host = host.as_str());
        notes.add(&self.by.object, Reason::ExposureCut, message);
    }
}

impl Matching {
    /// Whether it matches a part of the requests about its path.
    const fn has(self, part: Part) -> bool {
        match self {
            Self::Segments | Self::Slashed => !matches!(part, Part::Longer),
            Self::Text => true,
            Self::Below => matches!(part, Part::Slash | Part::Below),
            Self::Exact | Self::Literal => matches!(part, Part::Itself),
            Self::ExactSlash => matches!(part, Part::Slash),
            Self::Regex => false,
        }
    }

    /// Its place in the order in which a controller looks, among those of one path. Those of one place may come in any order.
    const fn rank(self) -> u8 {
        match self {
            Self::Exact | Self::ExactSlash | Self::Literal | Self::Regex => 0,
            // Contour looks at segments first, others may not.
            Self::Below | Self::Slashed | Self::Segments | Self::Text => 1,
        }
    }
}

/// Whether of several objects of a kind the oldest has a path. Of the HTTPProxies of a host Contour takes the one that it comes to
/// last, whatever their age: an includer before what it includes.
fn is_the_oldest(kind: Kind) -> bool {
    kind != Kind::HttpProxy
}

/// Whether a path is below another, which it begins with, and not only a longer text.
fn is_border(above: &str, path: &str) -> bool {
    above == "/" || path.strip_prefix(above).is_some_and(|rest| rest.starts_with('/'))
}
