//! What objects that cannot be read ask for: nobody knows, so their hosts are hidden.

use super::super::super::objects::Kind;
use super::super::super::picture::Reason;
use super::super::super::settings::Settings;
use super::super::digest::Store;
use super::super::digest::path::HostAsk;
use super::claim::Asked;
use super::from_ingresses::default_class;

pub(super) fn ask<'a>(settings: &Settings, store: &'a Store, asked: &mut Asked<'_, 'a>) {
    let default = default_class(store);
    for object in store.unreadable.values() {
        let by = &object.meta;
        let class = match by.object.kind {
            Kind::Ingress => Some(default),
            Kind::HttpProxy => Some(""),
            _ => None,
        };
        if class.is_some_and(|default| !settings.reads_class(object.class.as_deref().unwrap_or(default))) {
            continue;
        }
        let why = format!(
            "it cannot be read: {}: write it as its definition of version {} has it",
            object.message,
            by.object.kind.version()
        );
        asked.notes.add(&by.object, Reason::Unreadable, why.as_str());
        for host in &object.hosts {
            if let HostAsk::Pattern(host) = host {
                asked.hide(host, by, Some(&why));
            }
        }
    }
}
