//! What one pass over a request's headers finds.

use super::cdn_loop;
use super::header::{self, Known, known, says_the_way};
use crate::decision::{Peer, Request, Role, Trail};

/// A request's headers, read once.
#[derive(Debug, Clone)]
pub struct Arrival<'a> {
    role: Role,
    authority: Lines<'a>,
    other_host: bool,
    path: &'a [u8],
    source: Lines<'a>,
    trail: Lines<'a>,
    loops: usize,
    sni: Lines<'a>,
    strays: Vec<&'a [u8]>,
    way: Vec<&'a [u8]>,
}

/// How often a header stood there.
#[derive(Debug, Clone, Copy, Default)]
enum Lines<'a> {
    #[default]
    None,
    One(&'a [u8]),
    Several,
}

impl<'a> Lines<'a> {
    fn add(&mut self, value: &'a [u8]) {
        *self = match self {
            Self::None => Self::One(value),
            Self::One(_) | Self::Several => Self::Several,
        };
    }

    /// The value, where it stood exactly once; empty otherwise.
    fn only(self) -> &'a [u8] {
        match self {
            Self::One(value) => value,
            Self::None | Self::Several => &[],
        }
    }
}

impl<'a> Arrival<'a> {
    /// Reads the headers of a request that came to a listener of this role. Values need not be UTF-8.
    pub fn read(role: Role, headers: impl IntoIterator<Item = (&'a [u8], &'a [u8])>) -> Self {
        let mut arrival = Self {
            role,
            authority: Lines::None,
            other_host: false,
            path: &[],
            source: Lines::None,
            trail: Lines::None,
            loops: 0,
            sni: Lines::None,
            strays: Vec::new(),
            way: Vec::new(),
        };
        for (name, value) in headers {
            match known(name) {
                None => {
                    if role == Role::Peer && says_the_way(name) {
                        arrival.way.push(name);
                    }
                }
                Some(Known::Authority) => arrival.authority.add(value),
                Some(Known::Host) => arrival.other_host = true,
                Some(Known::Path) => arrival.path = value,
                Some(Known::CdnLoop) => arrival.loops += cdn_loop::count(value),
                Some(Known::Source) => {
                    arrival.source.add(value);
                    arrival.stray(name, role == Role::Ingress);
                }
                Some(Known::Trail) => {
                    arrival.trail.add(value);
                    arrival.stray(name, role == Role::Ingress);
                }
                Some(Known::Steering) => arrival.stray(name, true),
                Some(Known::Sni) => arrival.sni.add(value),
                Some(Known::OtherOfOurs) => arrival.stray(name, role == Role::Ingress),
            }
        }
        arrival
    }

    fn stray(&mut self, name: &'a [u8], is_stray: bool) {
        if is_stray && !self.strays.iter().any(|stray| stray.eq_ignore_ascii_case(name)) {
            self.strays.push(name);
        }
    }

    /// The name that the client's handshake asked for, where Envoy is to write it down (`written`); where not, the header is a
    /// client's own, and goes no further.
    pub(super) fn sni(&mut self, written: bool) -> Option<&'a [u8]> {
        if written && self.role == Role::Ingress {
            return Some(self.sni.only()).filter(|name| !name.is_empty());
        }
        if !matches!(self.sni, Lines::None) {
            self.stray(header::SNI.as_bytes(), true);
        }
        None
    }

    /// The headers of a peer's request that say where it came from, besides `x-forwarded-for`.
    #[must_use]
    pub fn way(&self) -> &[&'a [u8]] {
        &self.way
    }

    /// The request, as the decision wants it. `source_zone` is the listener's own, for [`Role::Ingress`]; a peer
    /// brings its own in a header.
    #[must_use]
    pub fn request<'r>(&'r self, source_zone: &'r [u8], peer: Peer<'r>) -> Request<'r> {
        let (source_zone, trail) = match self.role {
            Role::Ingress => (source_zone, &[][..]),
            Role::Peer => (self.source.only(), self.trail.only()),
        };
        Request {
            host: self.host(),
            path: self.path,
            role: self.role,
            source_zone,
            trail: Trail::Joined(trail),
            loops: self.loops,
            peer,
        }
    }

    /// The value of `:authority`; empty, which no host is, where there is none, several, or where Envoy's router
    /// would match another text than the decision: one with a port, or with a dot at its end.
    fn host(&self) -> &'a [u8] {
        let host = self.authority.only();
        let port = match host {
            [b'[', ..] => !host.ends_with(b"]"),
            _ => host.contains(&b':'),
        };
        if self.other_host || port || host.ends_with(b".") { &[] } else { host }
    }

    /// The zone that a peer says the request came from; empty where that is not said once.
    #[must_use]
    pub fn source(&self) -> &'a [u8] {
        self.source.only()
    }

    /// The trail as it came; empty for an ingress, or where it is not there exactly once.
    #[must_use]
    pub fn trail(&self) -> &'a [u8] {
        match self.role {
            Role::Ingress => &[],
            Role::Peer => self.trail.only(),
        }
    }

    /// Who dials the listener.
    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }

    /// The headers that must not go on: everything under `x-zoneway-` that a client sent, and what steers a forward
    /// that a peer sent. Empty where Envoy's early header mutation took them out before.
    #[must_use]
    pub fn strays(&self) -> &[&'a [u8]] {
        &self.strays
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<'a>(role: Role, headers: &[(&'a str, &'a str)]) -> Arrival<'a> {
        Arrival::read(role, headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())))
    }

    #[track_caller]
    fn host(headers: &[(&str, &str)], expected: &str) {
        let arrival = read(Role::Ingress, headers);
        let host = arrival.request(b"403", Peer::Unchecked).host;
        assert_eq!(host, expected.as_bytes(), "{headers:?}");
    }

    #[test]
    fn the_host_is_the_one_authority() {
        host(&[(":authority", "Notes.Example")], "Notes.Example");
        host(&[(":authority", "[::1]")], "[::1]");
        host(&[], "");
        host(&[("host", "notes.example")], "");
        host(&[(":authority", "a"), (":authority", "a")], "");
        host(&[(":authority", "a"), ("Host", "b")], "");
    }

    #[test]
    fn a_host_that_the_router_would_read_otherwise_is_none() {
        for other in ["a.example:80", "a.example.", "[::1]:80", "a.example.:80", "10.0.0.1.", "[::1"] {
            host(&[(":authority", other)], "");
        }
    }

    #[test]
    fn a_peer_says_source_and_trail_once_each() {
        let said = |headers: &[(&str, &str)]| {
            let arrival = read(Role::Peer, headers);
            let request = arrival.request(b"ignored", Peer::Unchecked);
            let Trail::Joined(trail) = request.trail else { panic!("a trail in a header is joined") };
            (request.source_zone.to_vec(), trail.to_vec())
        };
        let once = [("x-zoneway-source", "403"), ("X-Zoneway-Trail", "403/a,exposed/b")];
        assert_eq!(said(&once), (b"403".to_vec(), b"403/a,exposed/b".to_vec()));
        let twice = [
            ("x-zoneway-source", "403"),
            ("x-zoneway-source", "403"),
            ("x-zoneway-trail", "403/a"),
            ("x-zoneway-trail", "403/b"),
        ];
        assert_eq!(said(&twice), (Vec::new(), Vec::new()));
        assert_eq!(said(&[]), (Vec::new(), Vec::new()));
    }

    #[test]
    fn what_a_client_says_of_itself_is_not_read() {
        let sent = [
            (":authority", "a.example"),
            ("x-zoneway-source", "exposed"),
            ("x-zoneway-trail", "403/a"),
            ("X-Zoneway-Cluster", "secret"),
            ("x-zoneway-cluster", "secret"),
            ("x-zoneway-new", "1"),
            ("x-zonewa", "1"),
        ];
        let arrival = read(Role::Ingress, &sent);
        let request = arrival.request(b"403", Peer::Unchecked);
        assert_eq!(request.source_zone, b"403");
        assert!(matches!(request.trail, Trail::Joined(b"")));
        let strays: Vec<_> = arrival.strays().iter().map(|name| String::from_utf8_lossy(name)).collect();
        assert_eq!(strays, ["x-zoneway-source", "x-zoneway-trail", "X-Zoneway-Cluster", "x-zoneway-new"]);
        let peer = read(Role::Peer, &sent);
        assert_eq!(peer.strays(), [b"X-Zoneway-Cluster"]);
    }

    #[test]
    fn the_name_of_the_handshake_is_envoys_to_say() {
        let sent = [(":authority", "a.example"), ("x-zoneway-sni", "b.example")];
        let mut arrival = read(Role::Ingress, &sent);
        assert_eq!(arrival.sni(true), Some(&b"b.example"[..]));
        assert!(arrival.strays().is_empty(), "Envoy's routes take it out");
        for role in [Role::Ingress, Role::Peer] {
            let mut arrival = read(role, &sent);
            assert_eq!(arrival.sni(role == Role::Peer), None);
            assert_eq!(arrival.strays(), [b"x-zoneway-sni"]);
        }
        assert_eq!(read(Role::Ingress, &[("x-zoneway-sni", "a"), ("x-zoneway-sni", "b")]).sni(true), None);
    }

    #[test]
    fn what_a_peer_says_of_the_way_is_known() {
        let names = [
            "Forwarded",
            "x-real-ip",
            "X-Forwarded-Host",
            "x-forwarded-for",
            "x-forwarded-proto",
            "x-forwardedx",
        ];
        let sent = names.map(|name| (name, "192.168.0.1"));
        let way: Vec<_> = read(Role::Peer, &sent).way().iter().map(|name| name.to_vec()).collect();
        assert_eq!(way, [&b"Forwarded"[..], b"x-real-ip", b"X-Forwarded-Host"]);
        assert!(
            read(Role::Ingress, &sent).way().is_empty(),
            "an ingress forgets it before any filter, where it has to"
        );
    }

    #[test]
    fn loops_are_counted_over_all_lines() {
        let arrival = read(
            Role::Ingress,
            &[("cdn-loop", "zoneway, a"), ("CDN-Loop", "zoneway;x=1"), ("cdn-loop", "b")],
        );
        assert_eq!(arrival.request(b"403", Peer::Unchecked).loops, 2);
    }
}
