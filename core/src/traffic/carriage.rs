//! What a shell does with a request for a decision: leave it, send it on, or refuse it.

use super::header::{
    CDN_LOOP, CLUSTER, ENDPOINTS, PEERS_CLUSTER, PSEUDONYM, SOURCE, TRAIL, TUNNEL, ZONE_CLUSTER_PREFIX,
};
use super::{Arrival, Refusal};
use crate::decision::{Decision, Here, Outcome, Role};
use crate::layout::Layout;

/// How many addresses a forward lists: more are never tried (the route retries five times), and a header has a limit.
pub const ENDPOINTS_IN_HEADER: usize = 16;

/// What is to be done, in the order of the fields. Whoever set or removed a header clears the route cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Carriage<'a> {
    /// Leave it to Envoy's own routes.
    Leave {
        /// Headers that must not go on.
        remove: Vec<&'a [u8]>,
    },
    /// Send it on.
    Forward {
        /// Headers that must not go on.
        remove: Vec<&'a [u8]>,
        /// Headers that replace whatever is there.
        set: Vec<(&'static str, Vec<u8>)>,
        /// A header that is added to whatever is there.
        add: (&'static str, &'static str),
    },
    /// Answer it.
    Refuse(Refusal),
}

/// What to do for a decision that this table gave. `source_zone` is the one that was decided with.
pub fn carry_out<'a>(
    decision: &Decision<'_>,
    table: Option<&Layout>,
    here: &Here<'_>,
    arrival: &Arrival<'a>,
    source_zone: &[u8],
) -> Carriage<'a> {
    let told = || table.is_some_and(|table| may_be_told(table, source_zone));
    let mut carriage = carry(decision, here, arrival, source_zone, told);
    if let Carriage::Leave { remove } | Carriage::Forward { remove, .. } = &mut carriage
        && !arrival.way().is_empty()
        && table.is_none_or(|table| is_public(table, source_zone))
    {
        remove.extend(arrival.way());
    }
    carriage
}

fn is_public(table: &Layout, zone: &[u8]) -> bool {
    table.public_zones().any(|public| public.as_bytes() == zone)
}

/// Whether a zone may know what is inside a refusal: one that the table has, and that is not public.
fn may_be_told(table: &Layout, zone: &[u8]) -> bool {
    table.zone_index(zone).is_some() && !is_public(table, zone)
}

fn carry<'a>(
    decision: &Decision<'_>,
    here: &Here<'_>,
    arrival: &Arrival<'a>,
    source_zone: &[u8],
    tell: impl FnOnce() -> bool,
) -> Carriage<'a> {
    match &decision.outcome {
        // `to_vec` of nothing allocates nothing: the local path stays free of it.
        Outcome::Local | Outcome::Pass(_) => Carriage::Leave { remove: arrival.strays().to_vec() },
        Outcome::Refuse(reason) => {
            Carriage::Refuse(Refusal::new(*reason, decision, here, arrival.role(), tell))
        }
        Outcome::Peer { endpoints, .. } => {
            forward(here, arrival, source_zone, PEERS_CLUSTER.into(), endpoints, &[])
        }
        Outcome::Zone { zone, endpoints, tunnels } => {
            let cluster = [ZONE_CLUSTER_PREFIX, zone].concat().into_bytes();
            forward(here, arrival, source_zone, cluster, endpoints, tunnels)
        }
    }
}

fn forward<'a>(
    here: &Here<'_>,
    arrival: &Arrival<'a>,
    source_zone: &[u8],
    cluster: Vec<u8>,
    endpoints: &[&str],
    tunnels: &[&str],
) -> Carriage<'a> {
    let mut set = Vec::with_capacity(4);
    set.push((CLUSTER, cluster));
    // One connection is dialled or has dialled in, not both: a tunnel is for where nothing can be dialled.
    match (endpoints.get(..ENDPOINTS_IN_HEADER).unwrap_or(endpoints), tunnels.first()) {
        ([], Some(tunnel)) => set.push((TUNNEL, tunnel.as_bytes().to_vec())),
        (listed, _) => set.push((ENDPOINTS, listed.join(",").into_bytes())),
    }
    // From a peer the source is there already, exactly once.
    if arrival.role() == Role::Ingress {
        set.push((SOURCE, source_zone.to_vec()));
    }
    let mut trail = arrival.trail().to_vec();
    if !trail.is_empty() {
        trail.push(b',');
    }
    trail.extend_from_slice(here.zone.as_bytes());
    trail.push(b'/');
    trail.extend_from_slice(here.node.as_bytes());
    set.push((TRAIL, trail));
    let replaced = |stray: &&&[u8]| set.iter().any(|(name, _)| stray.eq_ignore_ascii_case(name.as_bytes()));
    let remove = arrival.strays().iter().filter(|stray| !replaced(stray)).copied().collect();
    Carriage::Forward { remove, set, add: (CDN_LOOP, PSEUDONYM) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::Reason;
    use crate::table::wire::Revision;

    const HERE: Here<'static> = Here { zone: "403", node: "studtop" };

    fn carried<'a>(role: Role, headers: &[(&'a str, &'a str)], outcome: Outcome<'_>) -> Carriage<'a> {
        let headers = headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
        let arrival = Arrival::read(role, headers);
        let source = if role == Role::Ingress { &b"403"[..] } else { arrival.source() };
        let decision = Decision { outcome, revision: Some(Revision { epoch: 7, sequence: 42 }) };
        carry(&decision, &HERE, &arrival, source, || true)
    }

    fn texts(set: Vec<(&'static str, Vec<u8>)>) -> Vec<(&'static str, String)> {
        set.into_iter().map(|(name, value)| (name, String::from_utf8(value).expect("text"))).collect()
    }

    #[test]
    fn a_local_request_is_left_without_what_steers() {
        let left = carried(Role::Ingress, &[("accept", "*/*")], Outcome::Local);
        assert_eq!(left, Carriage::Leave { remove: Vec::new() });
        let left =
            carried(Role::Peer, &[("x-zoneway-cluster", "x"), ("x-zoneway-trail", "a/b")], Outcome::Local);
        assert_eq!(left, Carriage::Leave { remove: vec![b"x-zoneway-cluster"] });
    }

    #[test]
    fn a_forward_from_an_ingress_starts_the_trail() {
        let sent = [("x-zoneway-source", "spoofed"), ("x-zoneway-tunnel", "spoofed")];
        let outcome = Outcome::Peer { reason: Reason::Peer, endpoints: vec!["10.0.0.1:1", "10.0.0.2:1"] };
        let Carriage::Forward { remove, set, add } = carried(Role::Ingress, &sent, outcome) else {
            panic!("a forward")
        };
        assert_eq!(remove, [b"x-zoneway-tunnel"]);
        assert_eq!(
            texts(set),
            [
                ("x-zoneway-cluster", "zoneway/peers".to_owned()),
                ("x-zoneway-endpoints", "10.0.0.1:1,10.0.0.2:1".to_owned()),
                ("x-zoneway-source", "403".to_owned()),
                ("x-zoneway-trail", "403/studtop".to_owned()),
            ]
        );
        assert_eq!(add, ("cdn-loop", "zoneway"));
    }

    #[test]
    fn a_forward_from_a_peer_gains_here_and_keeps_its_source() {
        let sent = [("x-zoneway-source", "exposed"), ("x-zoneway-trail", "exposed/edge")];
        let outcome = Outcome::Zone { zone: "b.2", endpoints: vec!["[::1]:1"], tunnels: vec!["gate"] };
        let Carriage::Forward { set, .. } = carried(Role::Peer, &sent, outcome) else { panic!("a forward") };
        assert_eq!(
            texts(set),
            [
                ("x-zoneway-cluster", "zoneway/zone/b.2".to_owned()),
                ("x-zoneway-endpoints", "[::1]:1".to_owned()),
                ("x-zoneway-trail", "exposed/edge,403/studtop".to_owned()),
            ]
        );
    }

    #[test]
    fn a_tunnel_is_named_where_nothing_can_be_dialled() {
        let outcome = Outcome::Zone { zone: "b", endpoints: Vec::new(), tunnels: vec!["gate", "way"] };
        let Carriage::Forward { set, .. } = carried(Role::Ingress, &[], outcome) else { panic!("a forward") };
        assert!(texts(set).contains(&("x-zoneway-tunnel", "gate".to_owned())));
    }

    #[test]
    fn sixteen_endpoints_at_most_are_listed() {
        let all: Vec<String> = (1..=40).map(|port| format!("10.0.0.1:{port}")).collect();
        let endpoints = all.iter().map(String::as_str).collect();
        let outcome = Outcome::Peer { reason: Reason::PeerEgress, endpoints };
        let Carriage::Forward { set, .. } = carried(Role::Ingress, &[], outcome) else { panic!("a forward") };
        let listed = texts(set).into_iter().find(|(name, _)| *name == ENDPOINTS).expect("a list").1;
        assert_eq!(listed, all[..16].join(","));
    }

    #[track_caller]
    fn refused(reason: Reason, tell: bool, status: u16, headers: &[(&'static str, &str)]) {
        let revision = (reason != Reason::NoTable).then_some(Revision { epoch: 7, sequence: 42 });
        let decision = Decision { outcome: Outcome::Refuse(reason), revision };
        let arrival = Arrival::read(Role::Ingress, []);
        let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let answer = carry(&decision, &HERE, &arrival, b"403", || tell);
        assert_eq!(answer, Carriage::Refuse(Refusal { status, headers }), "{reason:?}");
    }

    #[test]
    fn a_peer_without_a_table_says_so_to_whoever_may_ask_another() {
        let said = |role, reason| {
            let Carriage::Refuse(refusal) = carried(role, &[], Outcome::Refuse(reason)) else {
                panic!("a refusal")
            };
            refusal.headers.iter().any(|(name, _)| *name == "x-zoneway-no-table")
        };
        assert!(said(Role::Peer, Reason::NoTable));
        assert!(!said(Role::Ingress, Reason::NoTable));
        assert!(!said(Role::Peer, Reason::NoPath), "asking another would not help");
    }

    #[test]
    fn every_404_is_the_same() {
        for reason in [Reason::UnknownHost, Reason::NotExposed, Reason::NoRule] {
            for tell in [true, false] {
                refused(reason, tell, 404, &[("proxy-status", "zoneway; error=destination_not_found")]);
            }
        }
    }

    fn household() -> Layout {
        let table = br#"{"version": 1, "revision": {"epoch": 7, "sequence": 42}, "view": "403",
            "zones": {"403": {"links": [{"to": "web"}]}, "web": {"public": true}}, "hosts": []}"#;
        Layout::compile(&crate::table::Table::parse(table).expect("a table"))
    }

    /// A captured public node could make its clients look like the household's.
    #[test]
    fn what_a_public_zone_says_of_the_way_goes_no_further() {
        let table = household();
        let way =
            [("forwarded", "for=192.168.0.1"), ("x-forwarded-host", "a"), ("x-forwarded-for", "203.0.113.9")];
        for (source, removed) in [("web", vec![&b"forwarded"[..], b"x-forwarded-host"]), ("403", vec![])] {
            let sent = [&way[..], &[("x-zoneway-source", source), ("x-zoneway-trail", "a/b")]].concat();
            let sent = sent.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
            let arrival = Arrival::read(Role::Peer, sent);
            for outcome in
                [Outcome::Local, Outcome::Peer { reason: Reason::Peer, endpoints: vec!["10.0.0.1:1"] }]
            {
                let decision = Decision { outcome, revision: None };
                let (Carriage::Leave { remove } | Carriage::Forward { remove, .. }) =
                    carry_out(&decision, Some(&table), &HERE, &arrival, arrival.source())
                else {
                    panic!("nothing is refused")
                };
                assert_eq!(remove, removed, "{source}");
            }
        }
    }

    #[test]
    fn a_zone_that_is_public_or_unknown_is_told_nothing() {
        let layout = household();
        assert!(may_be_told(&layout, b"403"));
        assert!(!may_be_told(&layout, b"web"));
        assert!(!may_be_told(&layout, b"elsewhere"));
        assert!(!may_be_told(&layout, b""));
    }

    #[test]
    fn a_refusal_says_why_to_those_who_may_know() {
        refused(Reason::BadHop, false, 400, &[("proxy-status", "zoneway; error=http_request_error")]);
        refused(
            Reason::BadPeer,
            true,
            403,
            &[(
                "proxy-status",
                "zoneway; error=http_request_denied; details=\"node=studtop reason=bad_peer revision=7.42\"",
            )],
        );
        refused(Reason::Loop, false, 508, &[("proxy-status", "zoneway; error=proxy_loop_detected")]);
        refused(
            Reason::NoTable,
            true,
            503,
            &[
                (
                    "proxy-status",
                    "zoneway; error=destination_unavailable; details=\"node=studtop reason=no_table\"",
                ),
                ("retry-after", "1"),
            ],
        );
    }
}
