//! What matters of an object that cannot be read.

use std::sync::Arc;

use super::super::super::objects::Kind;
use super::super::unreadable::Unreadable;
use super::Digester;
use super::meta::RouteMeta;
use super::path::HostAsk;

/// What matters of it.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct UnreadableDigest {
    pub(in super::super) meta: RouteMeta,
    pub(in super::super) class: Option<Arc<str>>,
    pub(in super::super) hosts: Box<[HostAsk]>,
    pub(in super::super) message: Box<str>,
}

impl UnreadableDigest {
    pub(in super::super) fn of(kind: Kind, object: &Unreadable, by: &mut Digester<'_>) -> Self {
        let deep = matches!(kind, Kind::HttpRoute | Kind::GrpcRoute);
        Self {
            meta: RouteMeta::of(kind, &object.metadata, by),
            class: object.class.as_deref().map(|class| by.texts.share(class)),
            hosts: object.hosts.iter().map(|host| HostAsk::of(Some(host), deep)).collect(),
            message: object.message.as_str().into(),
        }
    }
}
