//! What is allowed in a site and is probably not meant.

use std::collections::{BTreeMap, BTreeSet};

use core::fmt::Display;

use zoneway_core::fault::Step;
use zoneway_core::name::{HostPattern, RulePath, ZoneName};

use crate::reach::reachable;
use crate::site::{PeerAuthentication, Protocol, Rule, Service, Site, Verify};
use crate::view::Patterns;
use crate::wire;

/// One finding and its place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Where, as `hosts["notes.stuartpb.com"].paths["/"]`.
    pub path: String,
    /// What.
    pub doubt: Doubt,
}

impl Display for Finding {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}: {}", self.path, self.doubt)
    }
}

/// What is probably not meant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Doubt {
    /// Who may ask and cannot get there.
    #[error(
        "zone \"{source_zone}\" may ask, but no path leads from its nodes to {}: add a link, or let the zones on the \
         way speak for \"{source_zone}\"",
        quoted(.served)
    )]
    NoPath {
        /// The source zone.
        source_zone: String,
        /// The zones that serve it.
        served: Vec<String>,
    },
    /// A path that nothing serves.
    #[error("nothing serves it: {0}")]
    NotServed(&'static str),
    /// A host without paths.
    #[error("the host has no paths, so no zone may ask for it: write `service` or `paths`")]
    NoPaths,
    /// A public zone's own wildcard answers for it, for a public view names no other host.
    #[error(
        "a wildcard that zone \"{0}\" serves itself answers for it there, for a public zone knows of no host that is \
         not exposed to it: serve the wildcard elsewhere, or rename the host"
    )]
    PublicWildcard(String),
    /// A public zone's own rule answers for a path, for a public view names no other path.
    #[error(
        "the rule \"{path}\" that zone \"{zone}\" serves itself answers for it there, for a public zone knows of no \
         path that is not exposed to it: serve both paths there or neither"
    )]
    PublicRule {
        /// The public zone.
        zone: String,
        /// The path of the rule that answers.
        path: String,
    },
    /// A service that no host uses.
    #[error("no host uses this service: add it to a host or take it out")]
    Unused,
    /// A link that cannot be used.
    #[error("the link cannot be used: {0}")]
    DeadLink(&'static str),
    /// Two nodes at one address.
    #[error("node \"{0}\" has the same address: requests for one reach the other")]
    SameAddress(String),
    /// What is written has no effect.
    #[error("has no effect: {0}")]
    NoEffect(&'static str),
    /// A public zone's word is taken without a certificate.
    #[error("zone \"{0}\" is public: use mutual TLS, `zoneway envoy` refuses this")]
    PublicWithoutTls(String),
    /// Identities need a domain.
    #[error("certificates name nodes as spiffe://DOMAIN/…: write `settings.domain`")]
    NoDomain,
    /// Every request is one too many.
    #[error("every request is refused: write 1 or more, 8 is usual")]
    NoHops,
}

/// What of a valid site is probably not meant. `written` is what the site was made of.
#[must_use]
pub fn lint(site: &Site, written: &wire::Site) -> Vec<Finding> {
    let mut lint = Lint { site, found: Vec::new() };
    lint.settings();
    lint.zones();
    lint.listeners(written);
    lint.services();
    lint.hosts();
    lint.public_views();
    lint.found
}

struct Lint<'a> {
    site: &'a Site,
    found: Vec<Finding>,
}

impl<'a> Lint<'a> {
    fn doubt(&mut self, path: impl Display, doubt: Doubt) {
        self.found.push(Finding { path: path.to_string(), doubt });
    }

    fn settings(&mut self) {
        let site = self.site;
        match &site.settings().peer_authentication {
            Some(PeerAuthentication::None { zones }) => {
                for zone in site.public_zones().filter(|zone| zones.contains(zone.as_str())) {
                    let path = "settings.peer_authentication.none.zones";
                    self.doubt(path, Doubt::PublicWithoutTls(zone.to_string()));
                }
            }
            Some(PeerAuthentication::Tls { .. }) if site.settings().domain.is_none() => {
                self.doubt("settings.peer_authentication", Doubt::NoDomain);
            }
            _ => {}
        }
        if site.settings().max_hops == 0 {
            self.doubt("settings.max_hops", Doubt::NoHops);
        }
    }

    fn zones(&mut self) {
        for (name, zone) in self.site.zones() {
            let path = format!("zones{}", Step(name.as_str()));
            let mut addresses = BTreeMap::new();
            for (id, node) in &zone.nodes {
                if let Some(first) = addresses.insert(&node.address, id) {
                    let path = format!("{path}.nodes{}", Step(id.as_str()));
                    self.doubt(path, Doubt::SameAddress(first.to_string()));
                }
            }
            for link in zone.links.values() {
                let path = format!("{path}.links[{}]", link.index);
                if link.gateways.is_empty() {
                    let why = "its target has no node that is a gateway, add one";
                    self.doubt(&path, Doubt::DeadLink(why));
                }
                if link.egress.as_ref().is_some_and(BTreeSet::is_empty) {
                    let why = "`egress` names no node, name one or take `egress` out";
                    self.doubt(&path, Doubt::DeadLink(why));
                }
            }
        }
    }

    /// What the meant site does not show any more, because it has no effect.
    fn listeners(&mut self, written: &wire::Site) {
        let settings = written.settings.iter().flat_map(|settings| settings.ingress.iter().flatten());
        let mut all: Vec<(String, &wire::Ingress)> = settings
            .enumerate()
            .map(|(index, entry)| (format!("settings.ingress[{index}]"), entry))
            .collect();
        for (zone, written) in &written.zones {
            let path = format!("zones{}", Step(zone));
            if written.public == Some(true)
                && written.speaks_for.as_ref().is_some_and(|all| all.iter().any(|name| name.as_str() != zone))
            {
                let why = "a public zone speaks for itself alone, take it out";
                self.doubt(format_args!("{path}.speaks_for"), Doubt::NoEffect(why));
            }
            for (node, written) in written.nodes.iter().flatten() {
                let own = written.ingress.iter().flatten().enumerate();
                all.extend(
                    own.map(|(index, entry)| (format!("{path}.nodes{}.ingress[{index}]", Step(node)), entry)),
                );
            }
        }
        for (path, entry) in all {
            if entry.source_zone.is_some() && entry.source_networks.is_none() && entry.outside_zone.is_some()
            {
                let why = "`source_zone` without `source_networks` is every client's, write those too";
                self.doubt(format_args!("{path}.outside_zone"), Doubt::NoEffect(why));
            }
        }
    }

    fn services(&mut self) {
        let rules = self.site.hosts().values().flat_map(|host| host.rules.values());
        let used: BTreeSet<&str> = rules.filter_map(|rule| rule.service.as_deref()).collect();
        for (name, service) in self.site.services() {
            let path = format!("services{}", Step(name));
            if !used.contains(name.as_ref()) {
                self.doubt(&path, Doubt::Unused);
            }
            self.service(&path, service);
        }
    }

    fn service(&mut self, path: &str, service: &Service) {
        let clear = matches!(service.protocol, Protocol::Http | Protocol::H2c);
        if clear && service.verify != Verify::System {
            let why = "without TLS there is no certificate to check, write `protocol: https` or `h2`";
            self.doubt(format_args!("{path}.verify"), Doubt::NoEffect(why));
        }
        for (node, served) in service.at.iter() {
            if served.addresses.is_empty() {
                let path = format!("{path}.at{}", Step(node.as_str()));
                self.doubt(
                    path,
                    Doubt::NotServed("it has no address on this node, add one or take the node out"),
                );
            }
        }
    }

    fn hosts(&mut self) {
        let site = self.site;
        let mut reach: BTreeMap<&ZoneName, BTreeSet<&ZoneName>> = BTreeMap::new();
        for (pattern, host) in site.hosts() {
            if host.rules.is_empty() {
                self.doubt(format_args!("hosts{}", Step(pattern.as_str())), Doubt::NoPaths);
            }
            for (path, rule) in host.rules.iter() {
                self.rule(pattern, path, rule, &mut reach);
            }
        }
    }

    fn rule(
        &mut self,
        pattern: &HostPattern,
        path: &RulePath,
        rule: &'a Rule,
        reach: &mut BTreeMap<&'a ZoneName, BTreeSet<&'a ZoneName>>,
    ) {
        let site = self.site;
        let mut place = format!("hosts{}", Step(pattern.as_str()));
        if !rule.short {
            place.push_str(&format!(".paths{}", Step(path.as_str())));
        }
        let served = site.served_at(rule).filter(|(_, served)| served.weight > 0);
        let served: BTreeSet<&ZoneName> = served.filter_map(|(node, _)| site.zone_of(node)).collect();
        if served.is_empty() {
            let why = if rule.service.is_some() {
                "its service runs on no node with a weight above 0, add one"
            } else {
                "write a `service`"
            };
            self.doubt(place, Doubt::NotServed(why));
            return;
        }
        for source in rule.exposed_to.iter() {
            // Nobody asks in a zone without nodes: its clients come to other zones' listeners.
            if site.zones().get(source).is_none_or(|zone| zone.nodes.is_empty()) {
                continue;
            }
            let reach = reach.entry(source).or_insert_with(|| reachable(site, source));
            if served.is_disjoint(reach) {
                let served = served.iter().map(ToString::to_string).collect();
                self.doubt(&place, Doubt::NoPath { source_zone: source.to_string(), served });
            }
        }
    }
}

impl Lint<'_> {
    fn public_views(&mut self) {
        let site = self.site;
        for zone in site.public_zones() {
            let serves = |rule: &Rule| {
                site.served_at(rule)
                    .any(|(node, served)| served.weight > 0 && site.zone_of(node) == Some(zone))
            };
            let wildcards = site.hosts().iter().filter(|(_, host)| host.rules.values().any(serves));
            let wildcards: Patterns<'_> = wildcards.map(|(pattern, _)| pattern).collect();
            for (pattern, host) in site.hosts() {
                let place = format!("hosts{}", Step(pattern.as_str()));
                let known = |rule: &Rule| rule.exposed_to.contains(zone) || serves(rule);
                if !host.rules.values().any(known) {
                    if wildcards.cover(pattern) {
                        self.doubt(place, Doubt::PublicWildcard(zone.to_string()));
                    }
                    continue;
                }
                for (path, _) in host.rules.iter().filter(|(_, rule)| !known(rule)) {
                    let above =
                        host.rules.iter().filter(|(other, rule)| known(rule) && contains(other, path));
                    let answers = above.max_by_key(|(other, _)| other.as_str().len());
                    if let Some((other, _)) = answers.filter(|(_, rule)| serves(rule)) {
                        let place = format!("{place}.paths{}", Step(path.as_str()));
                        let (zone, path) = (zone.to_string(), other.to_string());
                        self.doubt(place, Doubt::PublicRule { zone, path });
                    }
                }
            }
        }
    }
}

/// Whether a rule of the path `outer` matches `inner`: a prefix at a segment's border.
fn contains(outer: &RulePath, inner: &RulePath) -> bool {
    let rest = inner.as_str().strip_prefix(outer.as_str());
    outer.as_str() == "/" || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn quoted(names: &[String]) -> String {
    let zones = if names.len() == 1 { "zone" } else { "zones" };
    let names: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    format!("{zones} {}", names.join(", "))
}
