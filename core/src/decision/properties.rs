//! What holds for every table and every request.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::{Action, Here, Missing, Outcome, Peer, Policy, Reason, Request, Role, Trail, decide};
use crate::layout::Layout;
use crate::layout::tests::{HOSTS, NODES, PATHS, ZONES, table};
use crate::table::Table;
use crate::table::wire::Table as Wire;

/// A text of these, or any bytes.
fn one_of(known: Vec<String>) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![4 => select(known).prop_map(String::into_bytes), 1 => vec(any::<u8>(), 0..20)]
}

fn texts(of: &[&str]) -> Vec<String> {
    of.iter().map(|text| (*text).to_owned()).collect()
}

/// Names that patterns of [`HOSTS`] match, and some that none does.
fn hosts() -> Vec<String> {
    let filled =
        |with: &'static str| HOSTS.iter().map(move |host| host.replace("**", with).replace('*', with));
    filled("q").chain(filled("p.q")).chain(texts(&["b.a.example.:80", "[::1]", "10.0.0.1"])).collect()
}

fn trail() -> impl Strategy<Value = Vec<u8>> {
    let hop =
        (select(ZONES.to_vec()), select(NODES.to_vec())).prop_map(|(zone, node)| format!("{zone}/{node}"));
    let hops = vec(hop, 0..9).prop_map(|hops| hops.join(",").into_bytes());
    prop_oneof![8 => hops, 1 => vec(any::<u8>(), 0..20)]
}

/// The same table, every list of it written the other way round.
fn turned(wire: &Wire) -> Wire {
    let mut wire = wire.clone();
    wire.hosts.reverse();
    for host in &mut wire.hosts {
        host.exposed_to.reverse();
        for rule in host.rules.iter_mut().flatten() {
            rule.exposed_to.iter_mut().for_each(|list| list.reverse());
            rule.backends.iter_mut().for_each(|list| list.reverse());
        }
        host.rules.iter_mut().for_each(|list| list.reverse());
    }
    for zone in wire.zones.values_mut() {
        zone.speaks_for.iter_mut().for_each(|list| list.reverse());
        for link in zone.links.iter_mut().flatten() {
            link.egress.iter_mut().for_each(|list| list.reverse());
            link.gateways.iter_mut().for_each(|list| list.reverse());
        }
        zone.links.iter_mut().for_each(|list| list.reverse());
    }
    wire
}

proptest! {
    #[test]
    fn a_decision_is_total_and_blind_to_the_order_of_what_is_written(
        table in table(),
        host in one_of(hosts()),
        path in one_of(texts(&PATHS)),
        source_zone in one_of(texts(&ZONES)),
        trail in trail(),
        (role, node, loops) in (select(vec![Role::Ingress, Role::Peer]), select(NODES.to_vec()), 0..9_usize),
        seed in option::of(any::<u64>()),
        passes in any::<bool>(),
    ) {
        let here = Here { zone: ZONES[0], node };
        let missing = if passes { Missing::Pass } else { Missing::Refuse };
        let policy = Policy { unknown_host: missing, no_table: missing, ..Policy::default() };
        let request = Request {
            host: &host,
            path: &path,
            role,
            source_zone: &source_zone,
            trail: Trail::Joined(&trail),
            loops,
            peer: Peer::Unchecked,
        };
        let written = Layout::compile(&table);
        let turned = Table::try_from(turned(table.wire())).expect("the order is no fault");
        let turned = Layout::compile(&turned);
        for table in [None, Some((&written, &turned))] {
            let mut drawn = 0;
            let mut draw = || { drawn += 1; seed };
            let decision = decide(table.map(|(written, _)| written), &here, &policy, &request, &mut draw);
            prop_assert!(drawn <= 1);
            prop_assert_eq!(decision.status().is_some(), decision.action() == Action::Refuse);
            match &decision.outcome {
                Outcome::Local | Outcome::Refuse(_) => {}
                Outcome::Peer { endpoints, .. } => prop_assert!(!endpoints.is_empty()),
                Outcome::Zone { endpoints, tunnels, .. } => prop_assert!(endpoints.len() + tunnels.len() > 0),
                Outcome::Pass(reason) => {
                    prop_assert!(matches!(reason, Reason::NoTable | Reason::UnknownHost));
                    prop_assert!(passes && role == Role::Ingress && source_zone == here.zone.as_bytes());
                }
            }
            if let Some((_, turned)) = table {
                let other = decide(Some(turned), &here, &policy, &request, &mut || seed);
                prop_assert_eq!(other.outcome, decision.outcome);
            }
        }
    }
}
