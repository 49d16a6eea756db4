//! The settings, and the ingress listeners that they and nodes have.

use core::fmt::Display;
use core::net::SocketAddr;
use core::time::Duration;

use zoneway_core::authority::{Authority, HostKind};
use zoneway_core::decision::{DEFAULT_MAX_HOPS, Missing};
use zoneway_core::name::ZoneName;

use super::Check;
use crate::fault::SiteFault;
use crate::host_port::HostPort;
use crate::network::Network;
use crate::site::{
    AccessLog, Balance, Clients, DEFAULT_MAX_TABLE_BYTES, Ingress, PeerAuthentication, RateLimit, Settings,
    Tls,
};
use crate::wire;

/// An ingress listener before it is known whose node it is.
pub(super) struct Listener {
    listen: SocketAddr,
    source_zone: Option<ZoneName>,
    /// `None`: every client is of the source zone.
    split: Option<Split>,
    tls: Vec<Tls>,
    rate_limit: Option<RateLimit>,
}

/// The most requests that a limit may name: a limit of more is none.
const MOST_REQUESTS: u64 = 1_000_000;

/// Clients by their address.
struct Split {
    networks: Vec<Network>,
    outside: Option<ZoneName>,
}

impl Listener {
    /// The listener on a node of this zone.
    pub(super) fn on_node_of(&self, zone: &ZoneName) -> Ingress {
        let inside = self.source_zone.as_ref().unwrap_or(zone).clone();
        let clients = match &self.split {
            None => Clients::All(inside),
            Some(Split { networks, outside }) => {
                Clients::ByNetwork { inside, networks: networks.clone(), outside: outside.clone() }
            }
        };
        Ingress { listen: self.listen, clients, tls: self.tls.clone(), rate_limit: self.rate_limit }
    }
}

impl Check<'_> {
    pub(super) fn settings(&mut self) -> (Settings, Vec<Listener>) {
        let defaults = wire::Settings::default();
        let written = self.wire.settings.as_ref().unwrap_or(&defaults);
        let policies = written.policies.unwrap_or_default();
        let settings = Settings {
            home: self.home(written.home.as_ref().map(wire::Name::as_str)),
            domain: written.domain.as_deref().and_then(|domain| self.domain(domain)),
            peer_authentication: written
                .peer_authentication
                .as_ref()
                .and_then(|p| self.peer_authentication(p)),
            unknown_host: missing(policies.unknown_host),
            no_table: missing(policies.no_table),
            balance: self.balance(written.balance.as_ref()),
            access_log: self.access_log(written.access_log.as_deref()),
            max_hops: written
                .max_hops
                .map_or(DEFAULT_MAX_HOPS, |hops| usize::try_from(hops).unwrap_or(usize::MAX)),
            max_table_bytes: written.max_table_bytes.unwrap_or(DEFAULT_MAX_TABLE_BYTES),
        };
        let ingress = self.listeners("settings.ingress", written.ingress.as_deref().unwrap_or_default());
        (settings, ingress)
    }

    /// The home that is written, else the only zone that is not public.
    fn home(&mut self, written: Option<&str>) -> Option<ZoneName> {
        if let Some(name) = written {
            let zone = self.zone("settings.home", name)?;
            if self.public.contains(name) {
                self.fault("settings.home", SiteFault::PublicHome(name.to_owned()));
                return None;
            }
            return Some(zone);
        }
        let mut inner = self.wire.zones.keys().filter(|name| !self.public.contains(name.as_str()));
        match (inner.next(), inner.next()) {
            (Some(only), None) => ZoneName::parse(only).ok(),
            _ => None,
        }
    }

    fn domain(&mut self, text: &str) -> Option<String> {
        let name = Authority::parse(text.as_bytes()).filter(|name| name.kind() == HostKind::Name);
        if name.is_some_and(|name| name.as_str() == text) {
            return Some(text.to_owned());
        }
        self.fault("settings.domain", SiteFault::Domain(text.to_owned()));
        None
    }

    fn peer_authentication(&mut self, written: &wire::PeerAuthentication) -> Option<PeerAuthentication> {
        let wire::PeerAuthentication { ca, certificate, key, crl, none } = written;
        match (ca, certificate, key, none) {
            (Some(ca), Some(certificate), Some(key), None) => Some(PeerAuthentication::Tls {
                ca: ca.clone(),
                certificate: certificate.clone(),
                key: key.clone(),
                crl: crl.clone(),
            }),
            (None, None, None, Some(none)) if crl.is_none() => {
                let zones = self.zone_list("settings.peer_authentication.none.zones", &none.zones);
                Some(PeerAuthentication::None { zones })
            }
            _ => {
                self.fault("settings.peer_authentication", SiteFault::PeerAuthentication);
                None
            }
        }
    }

    fn balance(&mut self, written: Option<&Balance>) -> Balance {
        if let Some(Balance::Cookie(name)) = written {
            let token = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
            if name.is_empty() || !name.bytes().all(token) {
                self.fault("settings.balance.cookie", SiteFault::Cookie(name.clone()));
            }
        }
        written.cloned().unwrap_or(Balance::Random)
    }

    fn access_log(&mut self, written: Option<&str>) -> AccessLog {
        match written {
            None | Some("stdout") => AccessLog::Stdout,
            Some("none") => AccessLog::None,
            Some(path) => {
                if !path.starts_with('/') {
                    self.fault("settings.access_log", SiteFault::AccessLog(path.to_owned()));
                }
                AccessLog::File(path.to_owned())
            }
        }
    }

    /// A list of ingress listeners, wherever it is written.
    pub(super) fn listeners(&mut self, path: impl Display, written: &[wire::Ingress]) -> Vec<Listener> {
        let mut seen = Vec::new();
        let mut listeners = Vec::with_capacity(written.len());
        for (index, entry) in written.iter().enumerate() {
            let path = format!("{path}[{index}]");
            let Some(listener) = self.listener(&path, entry) else { continue };
            if seen.contains(&listener.listen) {
                let name = listener.listen.to_string();
                self.fault(path, SiteFault::Repeated { what: "listener", name });
            } else {
                seen.push(listener.listen);
                listeners.push(listener);
            }
        }
        listeners
    }

    fn listener(&mut self, path: &str, written: &wire::Ingress) -> Option<Listener> {
        let parsed = HostPort::parse_listen(&written.listen, None);
        let listen = self.parsed(format_args!("{path}.listen"), parsed);
        let mut named = |what: &str, zone: &Option<wire::Name>| {
            zone.as_ref().map(|zone| self.zone(format_args!("{path}.{what}"), zone.as_str()))
        };
        let source_zone = named("source_zone", &written.source_zone);
        let outside_zone = named("outside_zone", &written.outside_zone);
        let split = match (&written.source_networks, &source_zone) {
            (None, Some(_)) => None,
            (None, None) => Some(Network::HOUSEHOLD.to_vec()),
            (Some(networks), _) => Some(self.networks(path, networks)),
        };
        let split = split.map(|networks| {
            let outside = match outside_zone {
                Some(named) => named,
                None => self.public_zone(path),
            };
            Split { networks, outside }
        });
        let tls = written.tls.as_ref().map_or_else(Vec::new, |tls| self.certificates(path, tls));
        let rate_limit = written.rate_limit.map(|limit| self.rate_limit(path, limit));
        Some(Listener { listen: listen?, source_zone: source_zone.flatten(), split, tls, rate_limit })
    }

    fn certificates(&mut self, path: &str, written: &wire::Certificates) -> Vec<Tls> {
        let wire::Certificates(written) = written;
        if written.is_empty() {
            self.fault(format_args!("{path}.tls"), SiteFault::NoCertificate);
        }
        for (index, tls) in written.iter().enumerate() {
            let path = match written.as_slice() {
                [_] => format!("{path}.tls"),
                _ => format!("{path}.tls[{index}]"),
            };
            for (field, file) in [("certificate", &tls.certificate), ("key", &tls.key)] {
                if file.is_empty() {
                    self.fault(format_args!("{path}.{field}"), SiteFault::NoFile);
                }
            }
            if written.iter().take(index).any(|other| other.certificate == tls.certificate) {
                let name = tls.certificate.clone();
                self.fault(path, SiteFault::Repeated { what: "certificate", name });
            }
        }
        written.clone()
    }

    fn rate_limit(&mut self, path: &str, written: wire::RateLimit) -> RateLimit {
        let requests = written.requests;
        if !(1..=MOST_REQUESTS).contains(&requests) {
            let fault = SiteFault::Range { value: requests, least: 1, most: MOST_REQUESTS };
            self.fault(format_args!("{path}.rate_limit.requests"), fault);
        }
        let seconds = match written.per.unwrap_or_default() {
            wire::Period::Second => 1,
            wire::Period::Minute => 60,
            wire::Period::Hour => 3_600,
        };
        RateLimit { requests, per: Duration::from_secs(seconds) }
    }

    fn networks(&mut self, path: &str, written: &[String]) -> Vec<Network> {
        let mut networks = Vec::with_capacity(written.len());
        for (index, text) in written.iter().enumerate() {
            let path = format!("{path}.source_networks[{index}]");
            let Some(network) = self.parsed(&path, Network::parse(text)) else { continue };
            if networks.contains(&network) {
                self.fault(path, SiteFault::Repeated { what: "network", name: text.clone() });
            } else {
                networks.push(network);
            }
        }
        networks.sort_unstable();
        networks
    }

    /// The public zone, where there is one; several are a fault of the listener that does not say which.
    fn public_zone(&mut self, path: &str) -> Option<ZoneName> {
        let mut public = self.public.iter();
        let first = public.next();
        if public.next().is_some() {
            let all = self.public.iter().map(|name| (*name).to_owned()).collect();
            self.fault(path, SiteFault::OutsideZone(all));
            return None;
        }
        first.and_then(|name| ZoneName::parse(name).ok())
    }
}

fn missing(policy: Option<wire::Policy>) -> Missing {
    match policy {
        Some(wire::Policy::Pass) => Missing::Pass,
        Some(wire::Policy::Refuse) | None => Missing::Refuse,
    }
}
