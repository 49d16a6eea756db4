//! What Ingresses ask for.

use super::super::super::picture::Reason;
use super::super::super::settings::Settings;
use super::super::digest::Store;
use super::super::digest::guard;
use super::claim::{Asked, pattern};

/// The class of Ingresses that say none, where manifests say it: of a cluster no classes are read.
pub(super) fn default_class(store: &Store) -> &str {
    let mut defaults = store.ingress_classes.iter().filter(|(_, class)| class.default);
    // Two defaults are none (the API server refuses Ingresses then).
    match (defaults.next(), defaults.next()) {
        (Some((name, _)), None) => name,
        _ => "",
    }
}

pub(super) fn ask<'a>(settings: &Settings, store: &'a Store, asked: &mut Asked<'_, 'a>) {
    let default = default_class(store);
    for ingress in store.ingresses.values() {
        if !settings.reads_class(ingress.class.as_deref().unwrap_or(default)) {
            continue;
        }
        let by = &ingress.meta;
        asked.tell_strange(by);
        if ingress.catches_all {
            let message = "its default backend has no host and stays local to the Envoy that a client asks";
            asked.notes.add(&by.object, Reason::NoHost, message);
        }
        for rule in &ingress.rules {
            let Some(host) = pattern(&rule.host, by, asked.notes) else { continue };
            for (path, goes) in &rule.paths {
                match &ingress.guard {
                    Some(guard) => asked.hide_path(host, path, by, &guard::told(guard), false),
                    None => asked.path(host, path, goes, by),
                }
            }
        }
    }
}
