//! What the state folder keeps of a source: the last good picture, and the held hosts with the pictures they are from.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Intake;
use crate::agent::feed::Time;
use crate::agent::hold::Hold;
use crate::agent::picture::{Kind, Picture};
use crate::agent::table_endpoint::PathError;

/// The kept form. Texts stand as the source had them: they are read by the same rules as the source itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Kept<T = String> {
    version: u64,
    kind: Kind,
    text: T,
    #[serde(default = "Vec::new", skip_serializing_if = "Vec::is_empty")]
    held: Vec<HeldFrom<T>>,
}

/// Hosts that are held, and the text that had them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HeldFrom<T> {
    text: T,
    /// Seconds that are left for each host.
    hosts: BTreeMap<String, u64>,
}

/// The version of the kept form.
const VERSION: u64 = 1;

/// What is to be kept. To write it down takes time, and another thread may do that.
pub(crate) struct ToKeep {
    kind: Kind,
    own: Arc<Picture>,
    held: Vec<(Arc<Picture>, BTreeMap<String, u64>)>,
}

impl ToKeep {
    /// As it is kept.
    pub(crate) fn kept(&self) -> Kept<&Picture> {
        let held = self.held.iter();
        let held = held.map(|(from, hosts)| HeldFrom { text: from.as_ref(), hosts: hosts.clone() }).collect();
        Kept { version: VERSION, kind: self.kind, text: &self.own, held }
    }
}

impl Intake {
    /// What to keep; `None` before the source said anything good.
    pub(crate) fn to_keep(&self, kind: Kind, now: Time) -> Option<ToKeep> {
        let own = Arc::clone(self.own.as_ref()?);
        let mut held: Vec<(Arc<Picture>, BTreeMap<String, u64>)> = Vec::new();
        for (host, left) in self.hold.left(now) {
            let Some(from) = self.origins.get(host) else { continue };
            let (host, seconds) = (host.to_owned(), left.as_secs());
            match held.iter_mut().find(|(picture, _)| Arc::ptr_eq(picture, from)) {
                Some((_, hosts)) => drop(hosts.insert(host, seconds)),
                None => held.push((Arc::clone(from), BTreeMap::from([(host, seconds)]))),
            }
        }
        Some(ToKeep { kind, own, held })
    }

    /// Starts from what was kept, until the source is read. What was kept of another kind of source is nothing here.
    ///
    /// # Errors
    /// When what was kept is of another version, or is refused by this program.
    pub(crate) fn restore(
        &mut self,
        kept: Kept,
        kind: Kind,
        file: &Path,
        now: Time,
    ) -> Result<(), Vec<PathError>> {
        if kept.version != VERSION {
            let message = format!("is version {}: this program reads version {VERSION}", kept.version);
            return Err(vec![PathError { path: "version".to_owned(), message }]);
        }
        if kept.kind != kind {
            return Ok(());
        }
        let own = Picture::parse(kind, kept.text, file)?;
        let mut left = Vec::new();
        for group in kept.held {
            let from = Arc::new(Picture::parse(kind, group.text, file)?);
            for (host, seconds) in group.hosts {
                self.origins.insert(host.clone(), Arc::clone(&from));
                left.push((host, Duration::from_secs(seconds)));
            }
        }
        self.hold = Hold::restored(left, now);
        self.own = Some(Arc::new(own));
        self.kept = true;
        self.settle(&mut Vec::new());
        Ok(())
    }
}
