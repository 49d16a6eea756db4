//! One zone's view of the site: the table that its Envoys get (DESIGN, "Views", whose numbers stand here).

mod book;
mod hidden;
mod hosts;
mod sheet;
mod zones;

pub use book::ViewBook;
pub(crate) use hidden::Patterns;
pub use sheet::Sheet;

use zoneway_core::fault::Step;
use zoneway_core::name::{HostPattern, NodeId, ZoneName};
use zoneway_core::table::wire::{self, Revision};
use zoneway_core::table::{Limits, TABLE_VERSION, Table, TableError};

use crate::names::Names;
use crate::site::Site;

/// A view, and what had to be left out of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct View {
    /// The table.
    pub table: Table,
    /// What left the view because a name has never resolved.
    pub warnings: Vec<Warning>,
}

/// Why there is no view.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// The site has no such zone.
    #[error("zone \"{0}\" is not in the site: its zones are {known}", known = .1.join(", "))]
    UnknownZone(ZoneName, Vec<String>),
    /// The view is more than a table may be.
    #[error("the view of zone \"{zone}\" is no valid table:\n{faults}")]
    Refused {
        /// The zone.
        zone: ZoneName,
        /// What is wrong with it.
        faults: TableError,
    },
}

/// Something that left a view because its name has never resolved (rule 8).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Warning {
    /// A node, with its backends and egress.
    #[error(
        "node \"{node}\" of zone \"{zone}\" is left out: its name {name} does not resolve, check it or write an IP \
         address"
    )]
    Node {
        /// The zone.
        zone: ZoneName,
        /// The node.
        node: NodeId,
        /// The name.
        name: String,
    },
    /// A gateway of a link.
    #[error(
        "gateway \"{node}\" of the link from zone \"{zone}\" to zone \"{to}\" is left out: its name {name} does not \
         resolve, check it or write an IP address in the link's `address`"
    )]
    Gateway {
        /// The link's own zone.
        zone: ZoneName,
        /// Its target.
        to: ZoneName,
        /// Its place in the written list.
        index: usize,
        /// The gateway.
        node: NodeId,
        /// The name.
        name: String,
    },
}

impl Warning {
    /// Where the name is written, as `zones.403.nodes.studtop`.
    #[must_use]
    pub fn path(&self) -> String {
        match self {
            Self::Node { zone, node, .. } => {
                format!("zones{}.nodes{}", Step(zone.as_str()), Step(node.as_str()))
            }
            Self::Gateway { zone, index, node, .. } => {
                format!("zones{}.links[{index}].address{}", Step(zone.as_str()), Step(node.as_str()))
            }
        }
    }
}

/// The view of one zone. Blind to the order in which the site was written.
///
/// `names` has the last known address of every DNS name among [`Site::names`]; what is not there leaves the view, with
/// a warning.
///
/// # Errors
/// When the site has no such zone, or the view is larger than a table may be.
pub fn view(site: &Site, zone: &ZoneName, revision: Revision, names: &Names) -> Result<View, ViewError> {
    let own = site.zones().get(zone).ok_or_else(|| {
        ViewError::UnknownZone(zone.clone(), site.zones().keys().map(ToString::to_string).collect())
    })?;
    let seen = Seen { site, zone, own, names };
    let mut warnings = Vec::new();
    let zones = seen.zones(&mut warnings);
    let mut hosts: Vec<(&HostPattern, wire::Host)> = site
        .hosts()
        .iter()
        .filter_map(|(pattern, host)| Some((pattern, seen.host(pattern, host)?)))
        .collect();
    if !own.public {
        hidden::add(site, &mut hosts);
    }
    hosts.sort_unstable_by_key(|(pattern, _)| *pattern);
    let hosts = hosts.into_iter().map(|(_, host)| host).collect();
    let wire = wire::Table { version: TABLE_VERSION, revision, view: zone.to_string(), zones, hosts };
    let bytes = usize::try_from(site.settings().max_table_bytes).unwrap_or(usize::MAX);
    let table = Table::check(wire, &Limits { bytes, ..Limits::default() })
        .map_err(|faults| ViewError::Refused { zone: zone.clone(), faults })?;
    Ok(View { table, warnings })
}

/// The site, as seen from one zone.
#[derive(Clone, Copy)]
struct Seen<'a> {
    site: &'a Site,
    zone: &'a ZoneName,
    own: &'a crate::Zone,
    names: &'a Names,
}

impl Seen<'_> {
    /// Whether a node is there at all: its name resolves, or has once (rule 8).
    fn is_there(&self, node: &NodeId) -> bool {
        self.site.node(node).is_some_and(|(_, node)| self.names.resolve(&node.address).is_some())
    }
}

#[cfg(test)]
mod tests;
