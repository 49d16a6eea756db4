//! A request over a TLS connection that was opened for another host: 421, Misdirected Request (RFC 9110, section 15.5.20).
//!
//! A client may use a connection for every host of its certificate (RFC 9113, section 9.1.1), and does. Where both hosts are
//! exposed to the same zones nothing comes of it. Where they are not, whatever stands before this listener and tells
//! connections apart by their name would have let through what it did not mean to; the client opens another one.

use crate::authority::{Authority, HostKind};
use crate::decision::{Outcome, Request};
use crate::layout::{Entry, Layout};

/// Whether a request that would be served has to come over another connection.
///
/// A name that the source zone may not ask for, or that nobody has, is no reason: an answer of its own would tell which
/// of the two it is.
pub(super) fn is_misdirected(
    table: &Layout,
    sni: &[u8],
    request: &Request<'_>,
    outcome: &Outcome<'_>,
) -> bool {
    if sni.eq_ignore_ascii_case(request.host) || matches!(outcome, Outcome::Refuse(_) | Outcome::Pass(_)) {
        return false;
    }
    let (Some(named), Some(asked)) = (entry(table, sni), entry(table, request.host)) else { return false };
    let may_ask =
        table.zone_index(request.source_zone).is_some_and(|zone| table.host_is_exposed_to(named, zone));
    may_ask && table.differ_in_exposure(named, asked)
}

fn entry(table: &Layout, host: &[u8]) -> Option<Entry> {
    let host = Authority::parse(host).filter(|host| host.kind() == HostKind::Name)?;
    table.find(&host)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::{Here, Peer, Policy, Role, Trail, decide};
    use crate::table::Table;

    /// The public zone's view: what it does not serve is exposed to others too, or not.
    const PUBLIC: &[u8] = br#"{"version": 1, "revision": {"epoch": 7, "sequence": 42}, "view": "web",
        "zones": {"403": {}, "web": {"public": true, "nodes": {"edge": {"address": "10.0.0.2:1"}}, "links": [{"to": "403",
            "gateways": [{"node": "gate", "address": "10.0.0.1:1"}]}]}},
        "hosts": [
            {"host": "films.example", "exposed_to": ["web"], "rules": [{"path": "/", "backends": [{"zone": "403"}]}]},
            {"host": "status.example", "exposed_to": ["403", "web"], "rules": [{"path": "/", "backends": [{"node": "edge"}]}]}
        ]}"#;

    const TABLE: &[u8] = br#"{"version": 1, "revision": {"epoch": 7, "sequence": 42}, "view": "403",
        "zones": {"403": {"nodes": {"studtop": {"address": "10.0.0.1:1"}}, "speaks_for": ["403", "web"]}, "web": {"public": true}},
        "hosts": [
            {"host": "diary.example", "exposed_to": ["403"], "rules": [{"path": "/", "backends": [{"node": "studtop"}]}]},
            {"host": "films.example", "exposed_to": ["403", "web"], "rules": [{"path": "/", "backends": [{"node": "studtop"}]}]},
            {"host": "songs.example", "exposed_to": ["403", "web"], "rules": [{"path": "/", "backends": [{"node": "studtop"}]}]},
            {"host": "*.wild.example", "exposed_to": ["403"], "rules": [{"path": "/", "backends": [{"node": "studtop"}]}]}
        ]}"#;

    #[track_caller]
    fn check(source_zone: &str, sni: &str, host: &str, expected: bool) {
        check_in(TABLE, source_zone, sni, host, expected);
    }

    #[track_caller]
    fn check_in(table: &[u8], source_zone: &str, sni: &str, host: &str, expected: bool) {
        let table = Layout::compile(&Table::parse(table).expect("a table"));
        let request = Request {
            host: host.as_bytes(),
            path: b"/",
            role: Role::Ingress,
            source_zone: source_zone.as_bytes(),
            trail: Trail::EMPTY,
            loops: 0,
            peer: Peer::Unchecked,
        };
        let here = Here { zone: "403", node: "studtop" };
        let decision = decide(Some(&table), &here, &Policy::default(), &request, &mut || None);
        let misdirected = is_misdirected(&table, sni.as_bytes(), &request, &decision.outcome);
        assert_eq!(misdirected, expected, "{source_zone}: {sni}, then {host}");
    }

    #[test]
    fn a_connection_serves_every_host_of_the_same_exposure() {
        for (sni, host) in [
            ("films.example", "films.example"),
            ("films.example", "FILMS.example"),
            ("films.example", "songs.example"),
            ("a.wild.example", "diary.example"),
            ("a.wild.example", "b.wild.example"),
        ] {
            check("403", sni, host, false);
        }
    }

    #[test]
    fn a_host_of_another_exposure_wants_a_connection_of_its_own() {
        check("403", "films.example", "diary.example", true);
        check("403", "diary.example", "films.example", true);
        check("403", "films.example", "a.wild.example", true);
    }

    #[test]
    fn a_view_that_does_not_know_who_else_may_ask_does_not_guess() {
        check_in(PUBLIC, "web", "films.example", "status.example", false);
        check_in(PUBLIC, "web", "status.example", "films.example", false);
    }

    #[test]
    fn what_a_zone_may_not_ask_for_is_as_if_it_were_not_there() {
        for sni in ["diary.example", "a.wild.example", "nobody.example", "", "-", "10.0.0.1", "a b"] {
            check("web", sni, "films.example", false);
        }
        check("web", "films.example", "diary.example", false);
        check("403", "films.example", "nobody.example", false);
    }
}
