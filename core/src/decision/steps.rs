//! The steps of the decision, in their order. The first that answers ends it.

use super::order::{Candidate, order};
use super::trail::Hop;
use super::{Decision, Here, Missing, Outcome, Peer, Policy, Reason, Request, Role, Trail};
use crate::authority::{Authority, HostKind};
use crate::layout::{Entry, Exclusion, Layout, Path, Rule, Target};
use crate::name::path_fault;
use crate::words::same;

/// Decides one request. Pure and total; allocates nothing where the answer is [`Outcome::Local`].
///
/// `seed` is called at most once, and only where two or more endpoints are to be ordered; `None` orders them by
/// weight and id.
pub fn decide<'t>(
    table: Option<&'t Layout>,
    here: &Here<'_>,
    policy: &Policy,
    request: &Request<'_>,
    seed: &mut dyn FnMut() -> Option<u64>,
) -> Decision<'t> {
    // A trail is the peers' alone.
    let trail = if request.role == Role::Peer { request.trail } else { Trail::EMPTY };
    let steps = Steps { here, policy, request, trail };
    let outcome = match steps.answer(table, seed) {
        Ok(outcome) => outcome,
        Err(reason) => Outcome::Refuse(reason),
    };
    Decision { outcome, revision: table.map(Layout::revision) }
}

struct Steps<'a> {
    here: &'a Here<'a>,
    policy: &'a Policy,
    request: &'a Request<'a>,
    trail: Trail<'a>,
}

impl Steps<'_> {
    /// The answer, or the reason of a refusal.
    fn answer<'t>(
        &self,
        table: Option<&'t Layout>,
        seed: &mut dyn FnMut() -> Option<u64>,
    ) -> Result<Outcome<'t>, Reason> {
        self.arrival(table)?;
        let sent = self.request.host;
        // Most hosts come as they stand in the table, and what stands there need not be read.
        let (table, entry) = match table.and_then(|table| Some((table, table.find_exact(sent)?))) {
            Some(found) => found,
            None => {
                let mut host = Authority::unread();
                if !host.read(sent) {
                    return Err(Reason::MalformedHost);
                }
                let Some(table) = table else { return self.missing(self.policy.no_table, Reason::NoTable) };
                let entry = match host.kind() {
                    HostKind::Name if same(host.as_bytes(), sent) => table.find_wildcard(&host),
                    HostKind::Name => table.find(&host),
                    HostKind::Address => None,
                };
                let Some(entry) = entry else {
                    return self.missing(self.policy.unknown_host, Reason::UnknownHost);
                };
                (table, entry)
            }
        };
        let source = table.zone_index(self.request.source_zone).ok_or(Reason::NotExposed)?;
        if !table.host_is_exposed_to(entry, source) {
            return Err(Reason::NotExposed);
        }
        let rule = self.rule(table, entry, source)?;
        self.circles()?;
        match self.this_zone(table, entry, rule, seed) {
            Some(outcome) => Ok(outcome),
            None => self.other_zones(table, rule, source, seed),
        }
    }

    /// Step 0: who passes this request on, and may they?
    fn arrival(&self, table: Option<&Layout>) -> Result<(), Reason> {
        if self.request.role != Role::Peer {
            return Ok(());
        }
        let last = self.trail.last_if_well_formed().ok_or(Reason::BadHop)?;
        if !crate::name::ZoneName::is_valid(self.request.source_zone) {
            return Err(Reason::BadHop);
        }
        if !is_peer(&self.request.peer, &last) {
            return Err(Reason::BadPeer);
        }
        let Some(table) = table else { return Ok(()) };
        if last.is_of(self.here) {
            return Ok(());
        }
        let zones = (table.zone_index(last.zone), table.zone_index(self.request.source_zone));
        match zones {
            (Some(last), Some(source)) if table.speaks_for(last, source) => Ok(()),
            _ => Err(Reason::NotSpokenFor),
        }
    }

    /// Steps 2 and 3: what came from outside never reaches a route that the table does not name.
    fn missing<'t>(&self, configured: Missing, reason: Reason) -> Result<Outcome<'t>, Reason> {
        let own =
            self.request.role == Role::Ingress && same(self.request.source_zone, self.here.zone.as_bytes());
        match configured {
            Missing::Pass if own => Ok(Outcome::Pass(reason)),
            Missing::Pass | Missing::Refuse => Err(reason),
        }
    }

    /// Step 5.
    fn rule(&self, table: &Layout, entry: Entry, source: usize) -> Result<Rule, Reason> {
        // Where `/` is the only rule every path fits, whatever it looks like.
        let mut path = &b"/"[..];
        if table.host_has_paths(entry) {
            path = self.request.path.split(|byte| matches!(byte, b'?' | b'#')).next().unwrap_or_default();
            if path_fault(path).is_some() {
                return Err(Reason::MalformedPath);
            }
        }
        let rule = table.rule(entry, path).ok_or(Reason::NoRule)?;
        if table.rule_is_exposed_to(rule, source) { Ok(rule) } else { Err(Reason::NotExposed) }
    }

    /// Step 6.
    fn circles(&self) -> Result<(), Reason> {
        let passed = match self.request.role {
            Role::Ingress => self.request.loops,
            Role::Peer if self.trail.loops_at(self.here) => return Err(Reason::Loop),
            Role::Peer => self.trail.length(),
        };
        if passed >= self.policy.max_hops { Err(Reason::TooManyHops) } else { Ok(()) }
    }

    /// Step 7.
    fn this_zone<'t>(
        &self,
        table: &'t Layout,
        entry: Entry,
        rule: Rule,
        seed: &mut dyn FnMut() -> Option<u64>,
    ) -> Option<Outcome<'t>> {
        let nodes = || {
            table.backends(rule).filter_map(|backend| match backend.target {
                Target::Node(node) if backend.weight > 0 => Some((node, backend.weight)),
                _ => None,
            })
        };
        let from_own_zone = || self.trail.hops().last().is_some_and(|last| last.is_of(self.here));
        if (!table.host_prefers_zone(entry) || from_own_zone())
            && nodes().any(|(node, _)| table.is_here(node, self.here))
        {
            return Some(Outcome::Local);
        }
        let mut candidates: Vec<_> = nodes()
            .map(|(node, weight)| Candidate {
                id: table.node_id(node),
                weight,
                value: table.node_address(node),
            })
            .filter(|candidate| !self.trail.has(self.here.zone, candidate.id))
            .collect();
        order(&mut candidates, seed);
        if candidates.first()?.id == self.here.node {
            return Some(Outcome::Local);
        }
        let others = candidates.iter().filter(|candidate| candidate.id != self.here.node);
        Some(Outcome::Peer {
            reason: Reason::Peer,
            endpoints: others.map(|candidate| candidate.value).collect(),
        })
    }

    /// Steps 8 and 9.
    fn other_zones<'t>(
        &self,
        table: &'t Layout,
        rule: Rule,
        source: usize,
        seed: &mut dyn FnMut() -> Option<u64>,
    ) -> Result<Outcome<'t>, Reason> {
        if table.backends(rule).all(|backend| backend.weight == 0) {
            return Err(Reason::NoBackend);
        }
        self.paths(table, rule, source)
            .into_iter()
            .find_map(|path| self.first_link(table, &path, seed))
            .ok_or(Reason::NoPath)
    }

    /// The paths to the rule's other zones, the best backend first.
    fn paths(&self, table: &Layout, rule: Rule, source: usize) -> Vec<Path> {
        let mut visited = Exclusion::default();
        for hop in self.trail.hops().filter(|hop| !hop.is_of(self.here)) {
            if let Some(zone) = table.zone_index(hop.zone) {
                visited.add(zone);
            }
        }
        // Searched once for a request, and only where a computed path leads through a visited zone.
        let mut around: Option<Vec<Option<Path>>> = None;
        let mut found: Vec<_> = table
            .backends(rule)
            .filter_map(|backend| match backend.target {
                Target::Zone(zone) if backend.weight > 0 => Some((zone, backend.weight)),
                _ => None,
            })
            .filter_map(|(zone, weight)| {
                let mut path = table.path(source, zone)?;
                if !visited.is_empty() && table.path_meets(&path, &visited) {
                    let around = around.get_or_insert_with(|| table.paths_around(source, &visited));
                    path = around.get(zone).copied().flatten()?;
                }
                Some((path.cost, core::cmp::Reverse(weight), zone, path))
            })
            .collect();
        // Zones are numbered in the order of their names.
        found.sort_by_key(|(cost, weight, zone, _)| (*cost, *weight, *zone));
        found.into_iter().map(|(.., path)| path).collect()
    }

    /// The first link of a path: by a node of this zone that can use it, or by its gateways.
    fn first_link<'t>(
        &self,
        table: &'t Layout,
        path: &Path,
        seed: &mut dyn FnMut() -> Option<u64>,
    ) -> Option<Outcome<'t>> {
        let link = table.link(path.link);
        if let Some(egress) = link.egress() {
            let mut nodes: Vec<usize> = egress.collect();
            if !nodes.iter().any(|node| table.is_here(*node, self.here)) {
                // Nodes are numbered in the order of their ids.
                nodes.sort_unstable();
                let usable =
                    nodes.into_iter().filter(|node| !self.trail.has(self.here.zone, table.node_id(*node)));
                let endpoints: Vec<_> = usable.map(|node| table.node_address(node)).collect();
                return (!endpoints.is_empty())
                    .then_some(Outcome::Peer { reason: Reason::PeerEgress, endpoints });
            }
        }
        let zone = table.zone_name(link.target());
        let mut gateways: Vec<_> = link
            .gateways()
            .filter(|gateway| !self.trail.has(zone, gateway.node))
            .map(|gateway| Candidate { id: gateway.node, weight: 1, value: gateway.address })
            .collect();
        order(&mut gateways, seed);
        let endpoints: Vec<_> = gateways.iter().filter_map(|gateway| gateway.value).collect();
        let tunnels: Vec<_> =
            gateways.iter().filter(|gateway| gateway.value.is_none()).map(|g| g.id).collect();
        (!gateways.is_empty()).then_some(Outcome::Zone { zone, endpoints, tunnels })
    }
}

/// Whether whoever dialled is the last item of the trail, as far as the listener can tell.
fn is_peer(peer: &Peer<'_>, last: &Hop<'_>) -> bool {
    match peer {
        Peer::Unchecked => true,
        Peer::Certificate { domain, uri_san } => {
            let parts = [b"spiffe://", domain.as_bytes(), b"/zone/", last.zone, b"/node/", last.node];
            parts
                .iter()
                .try_fold(*uri_san, |rest, part| rest.strip_prefix(*part))
                .is_some_and(<[u8]>::is_empty)
        }
        Peer::Zones(zones) => zones.iter().any(|zone| zone.as_str().as_bytes() == last.zone),
    }
}
