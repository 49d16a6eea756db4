//! The hosts, their paths and who may ask for them.

use std::collections::{BTreeMap, BTreeSet};

use zoneway_core::fault::Step;
use zoneway_core::name::{HostPattern, RulePath, ZoneName};

use super::{Check, place};
use crate::fault::SiteFault;
use crate::site::{ExposedBy, Host, Rule};
use crate::suggestion::closest;
use crate::wire;

/// An exposure and what made it so; `None` where nothing did.
type Exposure = Option<(BTreeSet<ZoneName>, ExposedBy)>;

impl Check<'_> {
    pub(super) fn hosts(&mut self, home: Option<&ZoneName>) -> BTreeMap<HostPattern, Host> {
        let mut hosts = BTreeMap::new();
        for (name, written) in self.wire.hosts.iter().flatten() {
            let path = place("hosts", name);
            let pattern = self.parsed(&path, HostPattern::parse(name));
            let host = self.host(&path, written, home);
            hosts.extend(pattern.map(|pattern| (pattern, host)));
        }
        hosts
    }

    fn host(&mut self, path: &str, written: &wire::Host, home: Option<&ZoneName>) -> Host {
        let own = written
            .expose_to
            .as_ref()
            .map(|zones| (self.zone_list(format_args!("{path}.expose_to"), zones), ExposedBy::Host));
        if written.service.is_some() && written.paths.is_some() {
            self.fault(path, SiteFault::ServiceAndPaths);
        }
        let exposure: Exposure = own.or_else(|| Some((BTreeSet::from([home?.clone()]), ExposedBy::Home)));
        let mut rules = BTreeMap::new();
        if let Some(service) = &written.service {
            let service = self.service(format_args!("{path}.service"), service.as_str());
            let rule = Rule { short: true, ..self.rule(path, exposure.clone(), service) };
            // `/` is a path, whatever else is.
            rules.extend(RulePath::parse("/").ok().map(|path| (path, rule)));
        }
        let paths = written.paths.iter().flatten();
        self.at_most(format_args!("{path}.paths"), "rules", paths.clone().count(), self.limits.rules);
        for (text, written) in paths {
            let path = format!("{path}.paths{}", Step(text));
            let parsed = self.parsed(&path, RulePath::parse(text));
            let own = written
                .expose_to
                .as_ref()
                .map(|zones| (self.zone_list(format_args!("{path}.expose_to"), zones), ExposedBy::Path));
            let service = written.service.as_ref();
            let service =
                service.and_then(|name| self.service(format_args!("{path}.service"), name.as_str()));
            let rule = self.rule(&path, own.or_else(|| exposure.clone()), service);
            rules.extend(parsed.map(|parsed| (parsed, rule)));
        }
        Host { prefer: written.prefer.unwrap_or_default(), rules }
    }

    fn rule(&mut self, path: &str, exposure: Exposure, service: Option<String>) -> Rule {
        let (exposed_to, exposed_by) = exposure.unwrap_or_else(|| {
            // A home that is written and faulty is reported there.
            if self.wire.settings.as_ref().is_none_or(|settings| settings.home.is_none()) {
                let inner = self.wire.zones.len() - self.public.len();
                let why = if inner == 0 { "every zone is public" } else { "several zones could be home" };
                self.fault(path, SiteFault::NoHome(why));
            }
            (BTreeSet::new(), ExposedBy::Home)
        });
        Rule { exposed_to, exposed_by, service, short: false }
    }

    fn service(&mut self, path: impl core::fmt::Display, name: &str) -> Option<String> {
        let services = self.wire.services.as_ref();
        if services.is_some_and(|services| services.contains_key(name)) {
            return Some(name.to_owned());
        }
        let known = services.into_iter().flat_map(|services| services.keys());
        let closest = closest(name, known.map(String::as_str)).map(str::to_owned);
        self.fault(path, SiteFault::UnknownService { name: name.to_owned(), closest });
        None
    }
}
