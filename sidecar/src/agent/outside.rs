//! Home's part of feeding public nodes: which there are, and what each is to have. They hold no site and dial nobody, so
//! this sidecar dials each and delivers.
//!
//! Where several gateways do the same, the public node says whose turn it is; in a cluster the lease does, if who holds it is
//! a gateway.

mod content;
mod line;
mod placement;
mod room;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tracing::error;
use zoneway_core::name::{NodeId, ZoneName};
use zoneway_site::{PeerAuthentication, Site, Way};

use super::cluster::LeaseNow;
use super::config::Outside;
use super::delivery::{CA, CRL};
use super::node_picture::{NodePicture, Views};
use super::picture::Meant;
use super::probes::Subject;
use super::shared::Shared;
use crate::envoy::spiffe_id;
pub(crate) use placement::Placement;
use room::Room;

/// What one public node is to have.
#[derive(Debug)]
struct Want {
    /// Its zone's view, and the site that it is of.
    picture: NodePicture,
    zone: ZoneName,
    /// Its identity.
    identity: String,
    /// Where its sidecar is dialled.
    address: String,
    /// The identities of those that may deliver to it.
    gateways: Vec<String>,
    /// The node whose sidecar this is, as a gateway that the public node may send requests to.
    own: Subject,
    /// Files that are delivered, by the name that they have there.
    files: BTreeMap<String, PathBuf>,
    /// Where it has the files that the site names.
    placement: Placement,
}

impl Want {
    /// Whether a node of that name may deliver.
    fn has_gateway(&self, node: &str) -> bool {
        self.gateways.iter().any(|identity| identity.rsplit('/').next() == Some(node))
    }
}

/// Every public node that is fed from here.
pub(crate) struct Outlets {
    config: Arc<Outside>,
    /// The node whose sidecar this is.
    own: NodeId,
    /// Who delivers: this process.
    writer: String,
    lease: Option<watch::Receiver<LeaseNow>>,
    shared: Arc<Shared>,
    rooms: BTreeMap<NodeId, (watch::Sender<Arc<Want>>, AbortHandle)>,
    told: BTreeSet<String>,
}

impl Outlets {
    /// None yet. With a lease, only its holder delivers, if it may.
    pub(crate) fn new(
        config: Outside,
        own: NodeId,
        lease: Option<watch::Receiver<LeaseNow>>,
        shared: Arc<Shared>,
    ) -> Self {
        use std::hash::{BuildHasher, RandomState};
        let writer = format!("{own}_{:08x}", RandomState::new().hash_one(std::process::id()) >> 32);
        let (rooms, told) = (BTreeMap::new(), BTreeSet::new());
        Self { config: Arc::new(config), own, writer, lease, shared, rooms, told }
    }

    /// A new picture of the site: every public node that its own zone has a link to is to have its part of it.
    pub(crate) fn give(&mut self, meant: &Arc<Meant>, views: &mut Views<'_>, tasks: &mut JoinSet<()>) {
        let Meant::Site(site) = meant.as_ref() else { return };
        let mut wanted = BTreeMap::new();
        for (node, want) in self.wants(site, views) {
            match want {
                Ok(want) => {
                    wanted.insert(node, Arc::new(want));
                }
                Err(message) => {
                    // What it has serves on.
                    if self.told.insert(format!("{node}: {message}")) {
                        error!("public node {node} is delivered nothing new: {message}");
                    }
                    if let Some((sender, _)) = self.rooms.get(&node) {
                        let before = Arc::clone(&sender.borrow());
                        wanted.insert(node, before);
                    }
                }
            }
        }
        self.rooms.retain(|node, (_, task)| {
            let stays = wanted.contains_key(node);
            if !stays {
                task.abort();
                self.shared.board.forget_outside(node.as_str());
            }
            stays
        });
        for (node, want) in wanted {
            match self.rooms.get(&node) {
                Some((sender, _)) => drop(sender.send_replace(want)),
                None => {
                    let (sender, wanted) = watch::channel(want);
                    let room = Room::new(
                        node.clone(),
                        self.own.clone(),
                        Arc::clone(&self.config),
                        self.writer.clone(),
                        wanted,
                        self.lease.clone(),
                        Arc::clone(&self.shared),
                    );
                    let task = tasks.spawn(room.run());
                    self.rooms.insert(node, (sender, task));
                }
            }
        }
    }

    fn wants(&self, site: &Site, views: &mut Views<'_>) -> Vec<(NodeId, Result<Want, String>)> {
        let Some((own_zone, _)) = site.node(&self.own) else { return Vec::new() };
        let links = site.zones().get(own_zone).map(|zone| &zone.links);
        let mut wants = Vec::new();
        for (name, link) in links.into_iter().flatten() {
            let Some(zone) = site.zones().get(name).filter(|zone| zone.public) else { continue };
            for (id, node) in &zone.nodes {
                let place = match link.gateways.get(id) {
                    Some(Way::Dial(place)) => place,
                    Some(Way::Tunnel) | None => &node.address,
                };
                let by_address = || {
                    let host = place.host();
                    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
                    format!("{host}:{}", self.config.port)
                };
                let address = self.config.places.get(id).cloned().unwrap_or_else(by_address);
                wants.push((id.clone(), self.want(site, views, name, id, address)));
            }
        }
        wants
    }

    fn want(
        &self,
        site: &Site,
        views: &mut Views<'_>,
        zone: &ZoneName,
        node: &NodeId,
        address: String,
    ) -> Result<Want, String> {
        let picture = views.picture(node).map_err(|error| error.to_string())?;
        let settings = site.settings();
        let domain = settings.domain.as_deref().ok_or("settings.domain is not written")?;
        let Some(PeerAuthentication::Tls { crl, .. }) = &settings.peer_authentication else {
            return Err("settings.peer_authentication is no mutual TLS".to_owned());
        };
        let links = site.zones().get(zone).map(|zone| &zone.links);
        let gateways = links
            .into_iter()
            .flatten()
            .flat_map(|(to, link)| link.gateways.keys().map(move |gateway| spiffe_id(domain, to, gateway)));
        let gateways = gateways.collect::<Vec<_>>();
        if gateways.is_empty() {
            return Err(format!("zone {zone} has no link with gateways: nobody may deliver there"));
        }
        let mut files = BTreeMap::from([(CA.to_owned(), self.config.ca.clone())]);
        let crl = self.config.crl.clone().or_else(|| Some(self.config.folder.join(crl.as_deref()?)));
        files.extend(crl.map(|crl| (CRL.to_owned(), crl)));
        let placement = Placement::of(site, node);
        let delivered = placement.delivered();
        files.extend(delivered.map(|(path, name)| (name.to_owned(), self.config.folder.join(path))));
        let identity = spiffe_id(domain, zone, node);
        let home = site.zone_of(&self.own).ok_or("this node is in no zone of the site")?;
        let own = Subject::Gateway { to: home.to_string(), node: self.own.to_string() };
        Ok(Want { picture, zone: zone.clone(), identity, address, gateways, own, files, placement })
    }
}
