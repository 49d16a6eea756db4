//! What HTTPProxies ask for, as Contour reads them: a root has the host, and includes others below a prefix.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::super::picture::Reason;
use super::super::super::settings::Settings;
use super::super::Texts;
use super::super::digest::Store;
use super::super::digest::guard;
use super::super::digest::http_proxy::{PathCondition, ProxyDigest, RootDigest};
use super::super::digest::path::{HostAsk, PathAsk};
use super::claim::{Asked, REWRITES, pattern};

/// How deep includes may go: deeper is a mistake, and nobody's stack is to depend on it.
const DEEPEST: usize = 32;
/// How many includes of one host are followed: with two includes of each in the next, their number doubles at each depth.
const MOST_VISITS: usize = 1024;

pub(super) fn ask<'a>(settings: &Settings, store: &'a Store, asked: &mut Asked<'_, 'a>) {
    let read = |proxy: &&ProxyDigest| settings.reads_class(proxy.class.as_deref().unwrap_or_default());
    let proxies = || store.proxies.values().filter(read);
    let mut roots: BTreeMap<&str, usize> = BTreeMap::new();
    for root in proxies().filter_map(|proxy| proxy.root.as_ref()) {
        if let HostAsk::Pattern(host) = &root.host {
            *roots.entry(host).or_default() += 1;
        }
    }
    let mut included = BTreeSet::new();
    for proxy in proxies() {
        asked.tell_strange(&proxy.meta);
        let (by, Some(root)) = (&proxy.meta, &proxy.root) else { continue };
        let Some(host) = pattern(&root.host, by, asked.notes) else { continue };
        if roots.get(host.as_ref()).is_some_and(|roots| *roots > 1) {
            let why = "several HTTPProxies have this fqdn, and Contour serves none of them: keep one, and include the others";
            asked.hide(host, by, Some(why));
            continue;
        }
        if let Some(why) = refused(root, proxy, store) {
            asked.hide(host, by, Some(&why));
            continue;
        }
        let certificate = root.secret.as_ref().map(|(namespace, _)| namespace.as_ref());
        let holders = core::iter::once(by.namespace()).chain(certificate);
        asked.holders.extend(holders.map(|namespace| (Arc::clone(host), namespace)));
        let (included, mut texts) = (&mut included, Texts::default());
        let mut walk = Walk { settings, store, asked, host, root, included, texts: &mut texts, visits: 0 };
        walk.proxy(proxy, &Place::default(), &mut Vec::new());
        if walk.visits > MOST_VISITS {
            let why = format!("it includes others {MOST_VISITS} times over: include fewer, each once");
            asked.hide(host, by, Some(&why));
        }
    }
    for (key, proxy) in store.proxies.iter().filter(|(_, proxy)| read(proxy)) {
        if proxy.root.is_none() && !included.contains(key) {
            let message = "it has no virtualhost and no HTTPProxy with one includes it: include it, or give it a virtualhost";
            asked.notes.add(&proxy.meta.object, Reason::NoHost, message);
        }
    }
}

/// Why Contour would not serve the host, or nobody here could.
fn refused(root: &RootDigest, proxy: &ProxyDigest, store: &Store) -> Option<String> {
    if let Some(fault) = root.fault {
        return Some(fault.to_owned());
    }
    if let Some(guard) = root.guard {
        return Some(guard::told(guard));
    }
    if proxy.routes.is_empty() && proxy.includes.is_empty() {
        return Some("it has neither routes nor includes: write one".to_owned());
    }
    let (namespace, secret) = root.secret.as_ref()?;
    let of_namespace = |key: &str| key.split_once('/').is_some_and(|(its, _)| *its == **namespace);
    let delegated = store.delegations.iter().filter(|(key, _)| of_namespace(key));
    let delegated = delegated.into_iter().any(|(_, one)| one.allows(secret, proxy.meta.namespace()));
    (!delegated).then(|| {
        format!(
            "no TLSCertificateDelegation lets namespace \"{}\" use the Secret {namespace}/{secret}: write one there",
            proxy.meta.namespace()
        )
    })
}

/// One host's way through what is included.
struct Walk<'w, 's, 'a> {
    settings: &'w Settings,
    store: &'a Store,
    asked: &'w mut Asked<'s, 'a>,
    host: &'w Arc<str>,
    root: &'a RootDigest,
    included: &'w mut BTreeSet<Arc<str>>,
    texts: &'w mut Texts,
    /// How many HTTPProxies were gone through.
    visits: usize,
}

/// Where in a host an included HTTPProxy stands.
#[derive(Default)]
struct Place {
    prefix: String,
    /// Whether an include on the way asks for more than the path.
    conditional: bool,
    /// Why all of it is hidden, where it is.
    hidden: Option<String>,
}

impl<'a> Walk<'_, '_, 'a> {
    fn proxy(&mut self, proxy: &'a ProxyDigest, here: &Place, above: &mut Vec<&'a ProxyDigest>) {
        let (by, prefix) = (&proxy.meta, here.prefix.as_str());
        self.visits += 1;
        if self.visits > MOST_VISITS {
            return;
        }
        // With one route that cannot be used, Contour takes none of that HTTPProxy's, nor what it includes.
        let fault = proxy.routes.iter().find_map(|route| route.path.as_ref().err());
        if let Some(why) = fault {
            self.hide_below(proxy, prefix, why);
        }
        let hidden = here.hidden.clone().or_else(|| fault.map(|why| format!("{}: {why}", by.object)));
        if proxy.rewrites {
            self.asked.notes.add(&by.object, Reason::LeftToController, REWRITES);
        }
        if proxy.is_conditional() {
            let message = "its conditions on headers and queries are left to Contour: a request is routed by host and path, \
                           to a node of any service that has them";
            self.asked.notes.add(&by.object, Reason::LeftToController, message);
        }
        above.push(proxy);
        let mut prefixes = BTreeSet::new();
        for include in &proxy.includes {
            let below = match &include.prefix {
                Ok(below) if is_repeated(include.conditional, joined("", below), &mut prefixes) => {
                    let message = format!(
                        "its include of {} is left out, as Contour does: an earlier one has the same conditions",
                        include.proxy
                    );
                    self.asked.notes.add(&by.object, Reason::Ignored, message);
                    self.included.insert(Arc::clone(&include.proxy));
                    continue;
                }
                Ok(below) => Place {
                    prefix: joined(prefix, below),
                    conditional: here.conditional || include.conditional,
                    hidden: hidden.clone(),
                },
                Err(why) => {
                    self.asked.hide(self.host, by, Some(&format!("an include of {}: {why}", include.proxy)));
                    continue;
                }
            };
            match self.include(&include.proxy, above) {
                Ok(included) => self.proxy(included, &below, above),
                Err(why) => self.hide_below(proxy, &below.prefix, &why),
            }
        }
        above.pop();
        for route in &proxy.routes {
            let path = match &route.path {
                Ok(PathCondition::None) => self.prefix(prefix),
                Ok(PathCondition::Prefix(text)) => self.prefix(&joined(prefix, text)),
                Ok(PathCondition::Exact(text)) => PathAsk::exact(&joined(prefix, text), self.texts),
                Ok(PathCondition::Regex(text)) => PathAsk::regex(&joined(prefix, text), self.texts),
                Err(_) => continue,
            };
            let path = path.map(|path| path.where_more_holds(here.conditional || route.conditional));
            let guard = route.guard.or_else(|| self.root.guard_of(route));
            match (&hidden, guard) {
                (Some(why), _) => self.asked.hide_path(self.host, &path, by, why, true),
                (None, Some(guard)) => self.asked.hide_path(self.host, &path, by, &guard::told(guard), false),
                (None, None) => self.asked.path(self.host, &path, &route.goes, by),
            }
        }
    }

    fn prefix(&mut self, text: &str) -> Result<PathAsk, Box<str>> {
        PathAsk::text(if text.is_empty() { "/" } else { text }, self.texts)
    }

    /// What a prefix leads to cannot be used.
    fn hide_below(&mut self, proxy: &'a ProxyDigest, prefix: &str, why: &str) {
        let path = self.prefix(prefix);
        self.asked.hide_path(self.host, &path, &proxy.meta, why, true);
    }

    fn include(&mut self, key: &Arc<str>, above: &[&ProxyDigest]) -> Result<&'a ProxyDigest, String> {
        let found = self.store.proxies.get(key);
        let Some(found) =
            found.filter(|it| self.settings.reads_class(it.class.as_deref().unwrap_or_default()))
        else {
            return Err(format!(
                "it includes {key}, which is not there: write that HTTPProxy or take the include out"
            ));
        };
        if found.root.is_some() {
            return Err(format!(
                "it includes {key}, which has a virtualhost of its own: take one of the two out"
            ));
        }
        if above.iter().any(|one| core::ptr::eq(*one, found)) || above.len() > DEEPEST {
            return Err(format!("it includes {key}, which leads back to it: break the circle"));
        }
        self.included.insert(Arc::clone(key));
        Ok(found)
    }
}

/// Whether an earlier include has the same conditions. Two that have none are no repetition (Contour's
/// `includeMatchConditionsIdentical` says why); of those with conditions on headers or queries nobody knows here.
fn is_repeated(conditional: bool, prefix: String, earlier: &mut BTreeSet<String>) -> bool {
    !conditional && !matches!(prefix.as_str(), "" | "/") && !earlier.insert(prefix)
}

/// Two prefixes one behind the other, with one slash where there were several.
fn joined(prefix: &str, text: &str) -> String {
    let mut path = String::with_capacity(prefix.len() + text.len());
    for c in prefix.chars().chain(text.chars()) {
        if c != '/' || !path.ends_with('/') {
            path.push(c);
        }
    }
    path
}
