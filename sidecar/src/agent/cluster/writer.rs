//! What is written into the cluster, by the one sidecar that holds the lease: Events of notes, and the status of zones.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use k8s_openapi::api::events::v1::Event;
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client, Resource};
use serde_json::json;
use tokio::sync::watch;
use tracing::{debug, warn};
use zoneway_site::Names;

use super::lease::LeaseNow;
use super::notes::{self, Telling};
use super::zone_status;
use crate::agent::node_picture::Books;
use crate::agent::picture::Meant;
use crate::sources::cluster::objects::{ObjectRef, Zone, ZoneStatus};
use crate::sources::cluster::picture::{Note, ZoneSummary};
use crate::sources::cluster::watch::said;

/// How often it is looked whether there is anything to write.
const EVERY: Duration = Duration::from_secs(1);
/// How many Events are written at a time: ten a second at most.
const EVENTS_AT_ONCE: usize = 10;
/// After an error.
const PAUSE: Duration = Duration::from_secs(5);
/// How long one request may take.
const WITHIN: Duration = Duration::from_secs(5);
/// Who writes, as `managedFields` name it.
const MANAGER: &str = "zoneway";

/// What there is to write about.
#[derive(Debug, Clone)]
pub(crate) struct Report {
    /// What has to be told of objects.
    pub(crate) notes: Vec<Note>,
    /// Every zone.
    pub(crate) zones: Vec<ZoneSummary>,
    /// What serves.
    pub(crate) meant: Arc<Meant>,
    /// What its names resolve to.
    pub(crate) names: Names,
}

/// Who writes.
pub(crate) struct Writer {
    client: Client,
    reporter: String,
    lease: watch::Receiver<LeaseNow>,
    reports: watch::Receiver<Option<Report>>,
    start: Instant,
    telling: Telling,
    /// What is to be written, and then what was written last, of each zone. One that is deleted and made again is another.
    wanted: BTreeMap<ObjectRef, ZoneStatus>,
    written: BTreeMap<ObjectRef, ZoneStatus>,
    /// The zones' views, of which a status tells.
    books: Books,
    complaint: Option<String>,
}

impl Writer {
    /// Who writes while the lease is held; `reporter` is the name that Events give.
    pub(crate) fn new(
        client: Client,
        reporter: String,
        lease: watch::Receiver<LeaseNow>,
        reports: watch::Receiver<Option<Report>>,
    ) -> Self {
        Self {
            client,
            reporter,
            lease,
            reports,
            start: Instant::now(),
            telling: Telling::default(),
            wanted: BTreeMap::new(),
            written: BTreeMap::new(),
            books: Books::new(),
            complaint: None,
        }
    }

    /// Writes for ever. May be dropped at any time.
    pub(crate) async fn run(mut self) {
        loop {
            tokio::time::sleep(EVERY).await;
            if !self.lease.borrow().held {
                self.telling.forget();
                self.written.clear();
                self.books.clear();
                self.reports.mark_changed();
                continue;
            }
            self.take_report();
            let result = match self.write_events().await {
                Ok(()) => self.write_zones().await,
                Err(error) => Err(error),
            };
            let complaint = result.err();
            if let Some(message) = complaint.as_ref().filter(|_| complaint != self.complaint) {
                warn!("the cluster is not written to: {message}");
            }
            if complaint.is_some() {
                tokio::time::sleep(PAUSE).await;
            }
            self.complaint = complaint;
        }
    }

    fn take_report(&mut self) {
        if !self.reports.has_changed().unwrap_or(false) {
            return;
        }
        let Some(report) = self.reports.borrow_and_update().clone() else { return };
        if let Meant::Site(site) = report.meant.as_ref() {
            let zones = report.zones.iter().filter(|zone| zone.object.is_some());
            let books = &mut self.books;
            books.retain(|name, _| zones.clone().any(|zone| zone.name == name.as_str()));
            self.wanted = zones
                .filter_map(|zone| {
                    let status = zone_status::status(zone, &report.notes, site, &report.names, books)?;
                    Some((zone.object.clone()?, status))
                })
                .collect();
            let wanted = &self.wanted;
            self.written.retain(|zone, _| wanted.contains_key(zone));
        }
        self.telling.stand(report.notes);
    }

    async fn write_events(&mut self) -> Result<(), String> {
        for _ in 0..EVENTS_AT_ONCE {
            let now = self.start.elapsed();
            let Some(note) = self.telling.next(now).cloned() else { break };
            let event = notes::event(&note, &self.reporter);
            let namespace = event.metadata.namespace.clone().unwrap_or_default();
            let api: Api<Event> = Api::namespaced(self.client.clone(), &namespace);
            let params = PostParams::default();
            let created = tokio::time::timeout(WITHIN, api.create(&params, &event)).await;
            let is_taken = match created.map_err(|_| "no answer".to_owned())? {
                Ok(_) => true,
                Err(kube::Error::Api(status)) => match status.code {
                    // Told before, by this sidecar or another.
                    409 => true,
                    400..=499 if status.code != 429 => {
                        warn!("no Event could be written about {}: {}", note.object, status.message);
                        false
                    }
                    _ => return Err(status.message.clone()),
                },
                Err(error) => return Err(said(&error)),
            };
            debug!(object = %note.object, reason = note.reason.as_str(), "told");
            self.telling.told(note, is_taken, now);
        }
        Ok(())
    }

    async fn write_zones(&mut self) -> Result<(), String> {
        let api: Api<Zone> = Api::all(self.client.clone());
        for (zone, wanted) in &self.wanted {
            if self.written.get(zone) == Some(wanted) {
                continue;
            }
            let written = tokio::time::timeout(WITHIN, write_zone(&api, zone, wanted.clone())).await;
            match written.map_err(|_| "no answer".to_owned())? {
                Ok(()) => self.written.insert(zone.clone(), wanted.clone()),
                // It went meanwhile, and another of its name may have come: the next picture says so.
                Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => None,
                Err(error) => return Err(format!("the status of {zone}: {}", said(&error))),
            };
        }
        Ok(())
    }
}

/// Writes what the zone does not say yet. The server refuses (409) where another of its name came meanwhile.
async fn write_zone(api: &Api<Zone>, zone: &ObjectRef, wanted: ZoneStatus) -> Result<(), kube::Error> {
    let has = api.get_status(&zone.name).await?;
    // The same status of another zone is no reason to write nothing.
    let has = has.status.filter(|_| has.metadata.uid.as_deref() == Some(&zone.uid));
    let Some(status) = zone_status::difference(wanted, has.as_ref()) else { return Ok(()) };
    let (version, kind) = (Zone::api_version(&()), Zone::kind(&()));
    let metadata = json!({"name": zone.name, "uid": zone.uid});
    let patch = json!({"apiVersion": version, "kind": kind, "metadata": metadata, "status": status});
    let params = PatchParams::apply(MANAGER).force();
    api.patch_status(&zone.name, &params, &Patch::Apply(patch)).await.map(drop)
}
