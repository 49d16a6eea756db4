//! What a cluster's objects come to: the site, what made each entry of it, and what people have to be told.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use zoneway_site::wire;

use super::objects::ObjectRef;

/// All of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Picture {
    /// The site. It passes the site's checks.
    pub(crate) site: Arc<wire::Site>,
    /// Which object made each entry.
    pub(crate) origins: Arc<Origins>,
    /// What is wrong, or probably not meant, with which object; sorted, each once.
    pub(crate) notes: Vec<Note>,
    /// The hosts that are there only so that no wildcard answers for them.
    pub(crate) hidden: Arc<BTreeSet<Arc<str>>>,
    /// Every zone.
    pub(crate) zones: Vec<ZoneSummary>,
}

/// Which object made each entry of a site. What no object made, as a zone that is only a label, is not there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Origins {
    /// Zones, by name.
    pub(crate) zones: BTreeMap<String, ObjectRef>,
    /// Nodes, by id.
    pub(crate) nodes: BTreeMap<String, ObjectRef>,
    /// Paths, by host: what made each. In order; nearly every host has one, which is no reason for a tree.
    pub(crate) paths: BTreeMap<Arc<str>, PathOrigins>,
}

/// Which object made each path of a host.
pub(crate) type PathOrigins = Box<[(Arc<str>, ObjectRef)]>;

/// A zone, in figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ZoneSummary {
    /// Its name.
    pub(crate) name: String,
    /// Its `Zone`, where it has one.
    pub(crate) object: Option<ObjectRef>,
    /// How many nodes it has.
    pub(crate) nodes: usize,
    /// How many links it has.
    pub(crate) links: usize,
}

/// Something to tell of an object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Note {
    /// Of which.
    pub(crate) object: ObjectRef,
    /// What kind of thing.
    pub(crate) reason: Reason,
    /// What is wrong and what to do.
    pub(crate) message: String,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.object, self.reason.as_str(), self.message)
    }
}

/// What kind of thing a note tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Reason {
    /// A node without a zone label is taken for one of the home zone.
    NoZoneLabel,
    /// A node's zone label, address or other word about it cannot be used.
    NodeUnusable,
    /// A rule has no host.
    NoHost,
    /// The object cannot be used as written, and what it asks for is hidden.
    Hidden,
    /// A table has no room for what it asks for.
    NoRoom,
    /// The object is not of its kind's fields and types.
    Unreadable,
    /// A path belongs to an older object.
    PathTaken,
    /// A zone that is named is not there.
    UnknownZone,
    /// A zone does not allow what would be exposed to it.
    NotAllowed,
    /// A path matches more, or less, here than at the controller, and its exposure is cut so that nothing leaks.
    ExposureCut,
    /// A path's conditions besides the path are left to the controller.
    LeftToController,
    /// A Service that is named is not there, or has no such port.
    ServiceNotFound,
    /// A Gateway that is named is not there.
    NotFound,
    /// No listener of a Gateway takes the route, or a listener takes none.
    NotAttached,
    /// A word of ours on the object is ignored.
    Ignored,
    /// What a `Zone` says cannot be used as written.
    ZoneUnusable,
}

impl Reason {
    /// As an Event and a metric's label have it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::NoZoneLabel => "NoZoneLabel",
            Self::NodeUnusable => "NodeUnusable",
            Self::NoHost => "NoHost",
            Self::Hidden => "Hidden",
            Self::NoRoom => "NoRoom",
            Self::Unreadable => "Unreadable",
            Self::PathTaken => "PathTaken",
            Self::UnknownZone => "UnknownZone",
            Self::NotAllowed => "NotAllowed",
            Self::ExposureCut => "ExposureCut",
            Self::LeftToController => "LeftToController",
            Self::ServiceNotFound => "ServiceNotFound",
            Self::NotFound => "NotFound",
            Self::NotAttached => "NotAttached",
            Self::Ignored => "Ignored",
            Self::ZoneUnusable => "ZoneUnusable",
        }
    }
}
