//! Hosts that a table has no room for: where a wildcard answers for one, it is open to no more than that host is.

use std::collections::BTreeMap;
use std::sync::Arc;

use zoneway_core::name::HostPattern;

use super::super::claim::{Claim, Where};
use super::super::topology::Topology;
use super::super::zone_set::ZoneSet;
use super::host::is_solver;
use super::nearest;

/// The hosts for which a wildcard answers, since there is no room for them.
pub(super) struct StandsIn {
    /// One of them.
    pub(super) first: Arc<str>,
    /// How many there are.
    pub(super) count: usize,
    /// Who may ask for all of them.
    pub(super) open_to: ZoneSet,
}

/// The wildcards that answer for hosts which are left out; `gone`: the claims of each of these.
pub(super) fn stand_ins<'c, 'a: 'c, W>(
    gone: impl Iterator<Item = &'c [Claim<'a>]>,
    wildcards: &BTreeMap<Arc<str>, W>,
    topology: &Topology,
) -> BTreeMap<Arc<str>, StandsIn> {
    let mut stand_ins: BTreeMap<Arc<str>, StandsIn> = BTreeMap::new();
    for claims in gone {
        let Some(first) = claims.first().map(|claim| &claim.host) else { continue };
        let Ok(pattern) = HostPattern::parse(first) else { continue };
        let (Some((wildcard, _)), Some(open_to)) =
            (nearest(&pattern, wildcards), open_to(claims, &pattern, topology))
        else {
            continue;
        };
        match stand_ins.get_mut(wildcard) {
            Some(stands_in) => {
                (stands_in.count, stands_in.open_to) = (stands_in.count + 1, stands_in.open_to & open_to);
            }
            None => {
                let first = Arc::clone(first);
                stand_ins.insert(Arc::clone(wildcard), StandsIn { first, count: 1, open_to });
            }
        }
    }
    stand_ins
}

/// Who may ask for everything of a host that the controller answers; a solver's path is as open as the wildcard anyhow.
fn open_to(claims: &[Claim<'_>], host: &HostPattern, topology: &Topology) -> Option<ZoneSet> {
    let solves = |claim: &Claim<'_>| claim.path.as_ref().is_some_and(|path| is_solver(path, claim.by));
    let answered = claims.iter().filter(|claim| !matches!(claim.goes, Where::Unserved) && !solves(claim));
    answered.map(|claim| claim.open_to(host, topology)).reduce(|all, open_to| all & open_to)
}
