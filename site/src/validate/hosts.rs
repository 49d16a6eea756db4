//! The hosts, their paths and who may ask for them.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use core::hash::Hash;

use zoneway_core::fault::Step;
use zoneway_core::name::{HostPattern, RulePath, ZoneName};

use super::{Beside, Check, place};
use crate::fault::SiteFault;
use crate::site::{ExposedBy, Host, Rule};
use crate::suggestion::closest;
use crate::wire;

/// An exposure and what made it so; `None` where nothing did.
type Exposure = Option<(Arc<BTreeSet<ZoneName>>, ExposedBy)>;

impl Check<'_> {
    /// Comes after the services, which hosts name.
    pub(super) fn hosts(&mut self, home: Option<&ZoneName>) -> Arc<BTreeMap<HostPattern, Arc<Host>>> {
        let wire = self.wire.hosts.as_ref();
        let before = self.before.filter(|_| self.services_stay);
        let before = before.and_then(|(old, site)| Some((old.hosts.as_ref()?, site)));
        if let Some((old, site)) = before
            && wire.is_some_and(|wire| wire.is(old))
        {
            return Arc::clone(&site.hosts);
        }
        let mut written_before = Beside(before.into_iter().flat_map(|(old, _)| old.iter()).peekable());
        let mut meant_before = Beside(before.into_iter().flat_map(|(_, site)| site.hosts.iter()).peekable());
        // A map that is made of a list has no room for more entries, which is half of one that they are put into.
        let mut hosts = Vec::with_capacity(wire.map_or(0, |wire| wire.len()));
        for (name, written) in wire.into_iter().flatten() {
            if written_before.at(name).is_some_and(|(_, old)| Arc::ptr_eq(old, written))
                && let Some((pattern, host)) = meant_before.at(name)
            {
                hosts.push((pattern.clone(), Arc::clone(host)));
                continue;
            }
            let path = place("hosts", name);
            let pattern = self.parsed(&path, HostPattern::parse(name));
            let host = self.host(&path, written, home);
            let host = once(&mut self.meant, host);
            hosts.extend(pattern.map(|pattern| (pattern, host)));
        }
        Arc::new(hosts.into_iter().collect())
    }

    /// The zones of an `expose_to`.
    fn exposure(&mut self, path: &str, zones: Option<&Vec<wire::Name>>, by: ExposedBy) -> Exposure {
        let zones = self.zone_list(format_args!("{path}.expose_to"), zones?);
        Some((once(&mut self.exposures, zones), by))
    }

    fn host(&mut self, path: &str, written: &wire::Host, home: Option<&ZoneName>) -> Host {
        let own = self.exposure(path, written.expose_to.as_ref(), ExposedBy::Host);
        if written.service.is_some() && written.paths.is_some() {
            self.fault(path, SiteFault::ServiceAndPaths);
        }
        let exposure: Exposure = own
            .or_else(|| Some((once(&mut self.exposures, BTreeSet::from([home?.clone()])), ExposedBy::Home)));
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
            let own = self.exposure(&path, written.expose_to.as_ref(), ExposedBy::Path);
            let service = written.service.as_ref();
            let service =
                service.and_then(|name| self.service(format_args!("{path}.service"), name.as_str()));
            let rule = self.rule(&path, own.or_else(|| exposure.clone()), service);
            rules.extend(parsed.map(|parsed| (parsed, rule)));
        }
        Host { prefer: written.prefer.unwrap_or_default(), rules: rules.into() }
    }

    fn rule(&mut self, path: &str, exposure: Exposure, service: Option<Arc<str>>) -> Rule {
        let (exposed_to, exposed_by) = exposure.unwrap_or_else(|| {
            // A home that is written and faulty is reported there.
            if self.wire.settings.as_ref().is_none_or(|settings| settings.home.is_none()) {
                let inner = self.wire.zones.len() - self.public.len();
                let why = if inner == 0 { "every zone is public" } else { "several zones could be home" };
                self.fault(path, SiteFault::NoHome(why));
            }
            (once(&mut self.exposures, BTreeSet::new()), ExposedBy::Home)
        });
        Rule { exposed_to, exposed_by, service, short: false }
    }

    fn service(&mut self, path: impl core::fmt::Display, name: &str) -> Option<Arc<str>> {
        let services = self.wire.services.as_ref();
        if let Some((name, _)) = services.and_then(|services| services.get_key_value(name)) {
            return Some(Arc::clone(name));
        }
        let known = services.into_iter().flat_map(|services| services.keys());
        let closest = closest(name, known.map(AsRef::as_ref)).map(str::to_owned);
        self.fault(path, SiteFault::UnknownService { name: name.to_owned(), closest });
        None
    }
}

/// The one piece of memory for all that are the same.
fn once<T: Eq + Hash>(known: &mut HashSet<Arc<T>>, one: T) -> Arc<T> {
    if let Some(known) = known.get(&one) {
        return Arc::clone(known);
    }
    let one = Arc::new(one);
    known.insert(Arc::clone(&one));
    one
}
