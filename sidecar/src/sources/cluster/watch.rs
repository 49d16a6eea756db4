//! A cluster, watched: every kind that its API server serves and a site is made of, folded into one index.
//!
//! There is no picture before each of them was listed once: half a cluster is not a smaller cluster. After that nothing
//! takes a picture away: while the server is not there, what was seen last stays.

mod debounce;
mod decode;
mod one_kind;
mod pulse;
mod raw;
mod survey;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use kube::{Api, Client};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tracing::{debug, error, info};

use super::index::{Index, Unreadable};
use super::objects::Kind;
use super::picture::Picture;
use super::settings::Settings;
use debounce::Debounce;
use decode::Read;
use one_kind::Heard;
use pulse::KindNow;
pub(crate) use pulse::SharedPulse;

/// How much is heard ahead of being folded. A watch that is ahead waits.
const AHEAD: usize = 256;
/// How long a kind has to be missing among those that the server serves before its objects go. A server that has just
/// started may not know all of them yet.
const FORGET_AFTER: Duration = Duration::from_secs(30);

/// A cluster that is watched. Its watches end with it.
pub(crate) struct ClusterWatch {
    client: Client,
    settings: Settings,
    /// The nodes whose Envoys are fed from here.
    own: Arc<BTreeSet<String>>,
    index: Index,
    start: Instant,
    debounce: Debounce,
    pulse: SharedPulse,
    /// Every kind that is watched, with what ends its watch.
    watched: BTreeMap<Kind, tokio::task::AbortHandle>,
    /// Whether the server was ever asked what it serves.
    surveyed: bool,
    /// Whether it has said of a kind that is watched that it is not there: it is asked again what it serves.
    missed: Arc<AtomicBool>,
    /// Whether everything that it serves was listed once. What comes later holds nothing up.
    whole: bool,
    /// What was listed of kinds that are listed for the first time, and later than the rest.
    late: BTreeMap<Kind, Vec<Read>>,
    heard: mpsc::Receiver<(Kind, Heard<Read>)>,
    tell: mpsc::Sender<(Kind, Heard<Read>)>,
    found: mpsc::Receiver<survey::Found>,
    rooms: JoinSet<()>,
}

/// A picture that is new.
pub(crate) struct Drawn {
    /// What it shows.
    pub(crate) picture: Picture,
    /// When the first change was heard that is in no picture before it.
    pub(crate) changed_at: Instant,
}

impl ClusterWatch {
    /// Starts to watch. `server` is for messages alone; `own`: the nodes whose Envoys are fed from here, which are taken
    /// for ready.
    pub(crate) fn start(client: Client, server: String, settings: Settings, own: BTreeSet<String>) -> Self {
        let (tell, heard) = mpsc::channel(AHEAD);
        let (tell_found, found) = mpsc::channel(1);
        let mut rooms = JoinSet::new();
        let kinds = wanted(&settings).into_iter().map(decode::resource).collect();
        let missed = Arc::new(AtomicBool::new(false));
        rooms.spawn(survey::survey(client.clone(), kinds, Arc::clone(&missed), tell_found));
        Self {
            client,
            index: Index::new(settings.clone()),
            settings,
            own: Arc::new(own),
            start: Instant::now(),
            debounce: Debounce::default(),
            pulse: SharedPulse::new(server),
            watched: BTreeMap::new(),
            surveyed: false,
            missed,
            whole: false,
            late: BTreeMap::new(),
            heard,
            tell,
            found,
            rooms,
        }
    }

    /// Returns when there is a new picture to draw. May be dropped and called again at any time.
    pub(crate) async fn changed(&mut self) {
        while !self.turn().await {}
    }

    /// The picture of what is there now, for who wants no other after it.
    ///
    /// # Errors
    /// What keeps it from being drawn: the server is not there, or does not let this account read.
    pub(crate) async fn first(&mut self) -> Result<Picture, String> {
        loop {
            if self.turn().await
                && let Some(drawn) = self.draw(false)
            {
                return Ok(drawn.picture);
            }
            let pulse = self.pulse.now();
            let errors = pulse.kinds.values().filter_map(KindNow::error);
            if let Some(error) = pulse.away.as_deref().into_iter().chain(errors).next() {
                return Err(format!("{}: {error}", pulse.server));
            }
        }
    }

    /// Waits for one thing to happen; `true` where a picture is to be drawn.
    async fn turn(&mut self) -> bool {
        let is_whole = self.is_whole();
        let due = self.debounce.due().filter(|_| is_whole).map(|due| self.start + due);
        if due.is_some_and(|due| due <= Instant::now()) {
            return true;
        }
        let sleep = async {
            match due {
                Some(due) => tokio::time::sleep_until(due.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            // Both senders are this value's own: neither channel ends before it.
            Some((kind, heard)) = self.heard.recv() => self.fold(kind, heard),
            Some(found) = self.found.recv() => self.surveyed(found),
            () = sleep => return true,
        }
        false
    }

    /// Draws what [`ClusterWatch::changed`] told of; `None` where there is nothing new, unless it is wanted `again`, or
    /// where not everything was listed once.
    pub(crate) fn draw(&mut self, again: bool) -> Option<Drawn> {
        if !self.is_whole() {
            return None;
        }
        // What was heard already belongs into this picture.
        for _ in 0..AHEAD {
            let Ok((kind, heard)) = self.heard.try_recv() else { break };
            self.fold(kind, heard);
        }
        let now = again.then(|| self.start.elapsed());
        let changed_at = self.start + self.debounce.draw().or(now)?;
        let picture = self.index.site();
        let mut notes = BTreeMap::new();
        for note in &picture.notes {
            *notes.entry(note.reason.as_str()).or_default() += 1;
        }
        self.pulse.now().notes = notes;
        Some(Drawn { picture, changed_at })
    }

    /// A picture, and all that followed from it, took until now since `begun`: as long is left to others.
    pub(crate) fn took(&mut self, begun: Instant) {
        self.debounce.took(begun.elapsed(), self.start.elapsed());
    }

    /// How the cluster is.
    pub(crate) fn pulse(&self) -> &SharedPulse {
        &self.pulse
    }

    /// The API's client, for whoever writes there.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Whether every kind was listed once.
    fn is_whole(&mut self) -> bool {
        self.whole |= self.surveyed && self.pulse.now().kinds.values().all(KindNow::is_listed);
        self.whole
    }

    fn fold(&mut self, kind: Kind, heard: Heard<Read>) {
        let mut pulse = self.pulse.now();
        let Some(now) = pulse.kinds.get_mut(&kind) else { return };
        let changed = match heard {
            Heard::Begun => {
                self.late.remove(&kind);
                return now.begun();
            }
            Heard::Listed(read) => {
                now.listed(place(&read));
                // Half of a kind that comes when all else is there is no picture: routes without what they name.
                if self.whole && !now.is_listed() {
                    self.late.entry(kind).or_default().push(read);
                    return;
                }
                apply(&mut self.index, kind, read)
            }
            Heard::All => {
                let first = !now.is_listed();
                let objects = now.all();
                let how = if first { "listed" } else { "listed again" };
                info!(kind = kind.plural(), objects, "{how}");
                for read in self.late.remove(&kind).into_iter().flatten() {
                    apply(&mut self.index, kind, read);
                }
                // Nothing at all is news too where nothing was known before.
                self.index.retain(kind, |namespace, name| now.has((namespace, name))) || first
            }
            Heard::Apply(read) => {
                now.one(place(&read), true);
                apply(&mut self.index, kind, read)
            }
            Heard::Delete(read) => {
                let (namespace, name) = place(&read);
                now.one((namespace, name), false);
                self.index.delete(kind, namespace, name)
            }
            Heard::Broke(message) => return now.broke(kind, message),
            Heard::Denied(message, status) => {
                if status == 404 {
                    self.missed.store(true, Ordering::Relaxed);
                }
                return now.broke(kind, format!("{message}{}", remedy(kind, status)));
            }
        };
        pulse.last_event = Some(Instant::now());
        drop(pulse);
        if changed {
            self.debounce.changed(self.start.elapsed());
        }
    }

    fn surveyed(&mut self, found: survey::Found) {
        let served = match found {
            Ok(served) => served,
            Err(message) => return self.pulse.now().away(message),
        };
        self.pulse.now().there();
        for kind in wanted(&self.settings) {
            let is_served = served.contains(&survey::name(&decode::resource(kind)));
            let known = self.pulse.now().kinds.get_mut(&kind).map(|now| now.missing_for(is_served));
            match (is_served, known) {
                (true, None) => self.watch(kind),
                (false, Some(missing_for)) if missing_for >= FORGET_AFTER => self.forget(kind),
                _ => {}
            }
        }
        self.surveyed = true;
    }

    fn watch(&mut self, kind: Kind) {
        let resource = decode::resource(kind);
        let (api, labels) = match (kind, &self.settings.envoys) {
            (Kind::Pod, Some(pods)) => {
                let labels = pods.labels.iter().map(|(name, value)| format!("{name}={value}"));
                let api = Api::namespaced_with(self.client.clone(), &pods.namespace, &resource);
                (api, Some(labels.collect::<Vec<_>>().join(",")))
            }
            _ => (Api::all_with(self.client.clone(), &resource), None),
        };
        debug!(kind = kind.plural(), "is served: it is watched");
        let own = Arc::clone(&self.own);
        let read = move |raw| decode::read(kind, raw, &own);
        let watch = one_kind::watch(kind, api, labels, read, self.tell.clone());
        self.watched.insert(kind, self.rooms.spawn(watch));
        self.pulse.now().kinds.insert(kind, KindNow::default());
    }

    fn forget(&mut self, kind: Kind) {
        info!(kind = kind.plural(), "is served no more");
        if let Some(watch) = self.watched.remove(&kind) {
            watch.abort();
        }
        self.pulse.now().kinds.remove(&kind);
        self.late.remove(&kind);
        if self.index.retain(kind, |_, _| false) {
            self.debounce.changed(self.start.elapsed());
        }
    }
}

/// The kinds that a site may be made of. Pods are read only where they say which Envoys are ready. The default class is
/// nobody's to look up: the API server wrote it into every Ingress that had none when it was made.
fn wanted(settings: &Settings) -> Vec<Kind> {
    let is_wanted = |kind: &Kind| match kind {
        Kind::Pod => settings.envoys.is_some(),
        Kind::IngressClass => false,
        _ => true,
    };
    Kind::ALL.iter().copied().filter(is_wanted).collect()
}

/// Namespace and name.
fn place(read: &Read) -> (Option<&str>, &str) {
    match read {
        Ok(object) => {
            let metadata = object.metadata();
            (metadata.namespace.as_deref(), metadata.name.as_deref().unwrap_or_default())
        }
        Err(unreadable) => place_of(unreadable),
    }
}

fn place_of(unreadable: &Unreadable) -> (Option<&str>, &str) {
    let metadata = &unreadable.metadata;
    (metadata.namespace.as_deref(), metadata.name.as_deref().unwrap_or_default())
}

/// An object is there, or that one is there which cannot be read. Tells whether anything that matters changed.
fn apply(index: &mut Index, kind: Kind, read: Read) -> bool {
    match read {
        Ok(object) => index.apply(object),
        Err(unreadable) => {
            let Unreadable { message, .. } = unreadable.as_ref();
            let (namespace, name) = place_of(&unreadable);
            let namespace = namespace.unwrap_or_default();
            let changed = index.apply_unreadable(kind, &unreadable);
            if changed {
                error!(
                    kind = kind.plural(),
                    namespace, name, "cannot be read, what it has is hidden: {message}"
                );
            }
            changed
        }
    }
}

/// As RBAC and people name a kind.
pub(crate) fn title(kind: Kind) -> String {
    match kind.group() {
        "" => kind.plural().to_owned(),
        group => format!("{}.{group}", kind.plural()),
    }
}

/// What helps where the server refuses.
fn remedy(kind: Kind, status: u16) -> String {
    match status {
        403 => format!(": give this account `list` and `watch` of {}", title(kind)),
        _ => String::new(),
    }
}

/// An error of the library's, in words that name no type of it.
pub(crate) fn said(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) if status.message.is_empty() => format!("answered {}", status.code),
        kube::Error::Api(status) => status.message.clone(),
        other => {
            let mut said: &dyn std::error::Error = other;
            while let Some(source) = said.source() {
                said = source;
            }
            said.to_string()
        }
    }
}
