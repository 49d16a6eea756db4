//! A claim: one object asks for one path of one host, or cannot be used and takes the host out of sight.

use std::collections::BTreeSet;
use std::sync::Arc;

use zoneway_core::name::HostPattern;

use super::super::super::picture::Reason;
use super::super::digest::meta::RouteMeta;
use super::super::digest::path::{Backend, Goes, HostAsk, Matching, PathAsk};
use super::Notes;
use super::exposure::Exposures;
use super::topology::Topology;
use super::zone_set::ZoneSet;

/// What to tell of an object that changes what it sends on.
pub(super) const REWRITES: &str = "its rewriting of paths and headers is left to the controller: an Envoy of Zoneway's sends on \
                                   what was asked for, and what is answered";

/// What one object asks for.
#[derive(Debug)]
pub(super) struct Claim<'a> {
    pub(super) host: Arc<str>,
    /// `None`: the whole host is hidden.
    pub(super) path: Option<Arc<str>>,
    pub(super) matching: Matching,
    /// Whether it is only for requests of which more holds than the path.
    pub(super) conditional: bool,
    pub(super) goes: Where<'a>,
    pub(super) by: &'a RouteMeta,
    pub(super) exposed_to: ZoneSet,
}

impl Claim<'_> {
    /// Whether the controller has something there to which requests go. A redirect stands beside the real thing.
    pub(super) fn is_served(&self) -> bool {
        !matches!(self.goes, Where::Answered | Where::Unserved)
    }

    /// The zones that may ask and whose Zone allows it.
    pub(super) fn open_to(&self, host: &HostPattern, topology: &Topology) -> ZoneSet {
        let refusing = topology.refusing(self.exposed_to, self.by.namespace(), host);
        refusing.fold(self.exposed_to, ZoneSet::without)
    }
}

/// Where requests go.
#[derive(Debug, Clone, Copy)]
pub(super) enum Where<'a> {
    /// To one of these.
    To(&'a [Backend]),
    /// Envoy answers by itself.
    Answered,
    /// Nowhere that anybody may ask for, though the controller serves something.
    Hidden,
    /// Nowhere, and the controller serves nothing either.
    Unserved,
}

/// Hosts, each with a namespace that has it by more than a path: the root of its HTTPProxies, its certificate, its Gateway.
pub(super) type Holders<'a> = BTreeSet<(Arc<str>, &'a str)>;

/// The claims so far, and what is needed to make one.
pub(super) struct Asked<'s, 'a> {
    pub(super) exposures: &'s mut Exposures<'a>,
    pub(super) claims: &'s mut Vec<Claim<'a>>,
    pub(super) holders: &'s mut Holders<'a>,
    pub(super) notes: &'s mut Notes,
}

/// Where a host stands, for messages; `None` where the object is not about a host.
pub(super) fn pattern<'h>(host: &'h HostAsk, by: &RouteMeta, notes: &mut Notes) -> Option<&'h Arc<str>> {
    match host {
        HostAsk::Pattern(pattern) => Some(pattern),
        HostAsk::Any => {
            let message = "a rule without a host stays local to the Envoy that a client asks: give it a host to route it \
                           between nodes and zones";
            notes.add(&by.object, Reason::NoHost, message);
            None
        }
        HostAsk::Bad(why) => {
            notes.add(&by.object, Reason::Hidden, format!("it is left out: {why}"));
            None
        }
    }
}

impl<'a> Asked<'_, 'a> {
    /// Tells what of an object itself nobody reads.
    pub(super) fn tell_strange(&mut self, by: &RouteMeta) {
        if let Some(name) = &by.strange {
            let message = format!("the annotation `{name}` is not read here: `expose-to` and `prefer` are");
            self.notes.add(&by.object, Reason::Ignored, message);
        }
    }

    /// The object asks for a path of a host.
    pub(super) fn path(
        &mut self,
        host: &Arc<str>,
        path: &Result<PathAsk, Box<str>>,
        goes: &'a Goes,
        by: &'a RouteMeta,
    ) {
        let Some(exposed_to) = self.exposures.of(by, self.notes) else {
            // Its word on who may ask cannot be read: nobody may.
            return match path {
                Ok(ask) => self.push(host, ask.clone(), Where::Hidden, by, ZoneSet::default()),
                Err(_) => self.hide(host, by, None),
            };
        };
        let goes = match goes {
            Goes::To(backends) => Where::To(backends),
            Goes::Answered => Where::Answered,
            Goes::Unusable(why) | Goes::PartlyUnusable(why) => {
                let place = path.as_ref().map_or("/", |ask| ask.path.as_ref());
                self.notes.add(&by.object, Reason::Hidden, format!("{host}{place} is hidden: {why}"));
                // The controller serves what goes to the other backends.
                if matches!(goes, Goes::Unusable(_)) { Where::Unserved } else { Where::Hidden }
            }
        };
        match path {
            Ok(ask) => self.push(host, ask.clone(), goes, by, exposed_to),
            Err(why) => self.hide(host, by, Some(why)),
        }
    }

    /// The object asks for a path of a host, and nobody is to get there: neither here nor, where it is `unserved`, at the
    /// controller.
    pub(super) fn hide_path(
        &mut self,
        host: &Arc<str>,
        path: &Result<PathAsk, Box<str>>,
        by: &'a RouteMeta,
        why: &str,
        unserved: bool,
    ) {
        match path {
            Ok(path) => {
                self.notes.add(&by.object, Reason::Hidden, format!("{host}{} is hidden: {why}", path.path));
                let goes = if unserved { Where::Unserved } else { Where::Hidden };
                self.push(host, path.clone(), goes, by, ZoneSet::default());
            }
            Err(fault) => self.hide(host, by, Some(&format!("{why}; {fault}"))),
        }
    }

    /// What the object asks for of the host is not known, so nobody is to get there.
    pub(super) fn hide(&mut self, host: &Arc<str>, by: &'a RouteMeta, why: Option<&str>) {
        if let Some(why) = why {
            self.notes.add(
                &by.object,
                Reason::Hidden,
                format!("{host} is hidden, for all who share it: {why}"),
            );
        }
        let (goes, matching) = (Where::Hidden, Matching::Segments);
        let host = Arc::clone(host);
        let (conditional, exposed_to) = (false, ZoneSet::default());
        self.claims.push(Claim { host, path: None, matching, conditional, goes, by, exposed_to });
    }

    fn push(
        &mut self,
        host: &Arc<str>,
        ask: PathAsk,
        goes: Where<'a>,
        by: &'a RouteMeta,
        exposed_to: ZoneSet,
    ) {
        let nobody = matches!(goes, Where::Hidden | Where::Unserved);
        let exposed_to = if nobody { ZoneSet::default() } else { exposed_to };
        let PathAsk { path, matching, conditional } = ask;
        let (host, path) = (Arc::clone(host), Some(path));
        self.claims.push(Claim { host, path, matching, conditional, goes, by, exposed_to });
    }
}
