//! How a watched cluster is: whether its API server is there, what was listed, what is wrong.

use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tracing::{info, warn};

use crate::sources::cluster::objects::Kind;

/// How long a watch's complaint is believed. One that stays broken complains again before that; one that works again
/// says nothing until there is something to say.
const BELIEVED_FOR: Duration = Duration::from_secs(45);

/// How a cluster is, for whoever asks while it is watched.
#[derive(Debug, Clone)]
pub(crate) struct SharedPulse(Arc<Mutex<Pulse>>);

impl SharedPulse {
    /// Of a cluster of which nothing is known.
    pub(super) fn new(server: String) -> Self {
        Self(Arc::new(Mutex::new(Pulse::new(server))))
    }

    /// How it is now. Not to be held over a wait.
    pub(crate) fn now(&self) -> MutexGuard<'_, Pulse> {
        // Nobody panics with the lock held; if one did, what it wrote is whole all the same.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How the cluster is.
#[derive(Debug)]
pub(crate) struct Pulse {
    /// The API server's address.
    pub(crate) server: String,
    /// Whether it answered when it was asked last; `None` before that.
    pub(crate) reachable: Option<bool>,
    /// What it, or the way to it, said when it did not.
    pub(crate) away: Option<String>,
    /// Every kind that is watched.
    pub(crate) kinds: BTreeMap<Kind, KindNow>,
    /// How many notes the last picture has, by their reason.
    pub(crate) notes: BTreeMap<&'static str, usize>,
    /// When anything was heard last.
    pub(crate) last_event: Option<Instant>,
}

/// One kind that is watched.
#[derive(Debug, Default)]
pub(crate) struct KindNow {
    /// Namespace and name of every object, hashed; `None` before they were listed once.
    known: Option<HashSet<u64>>,
    /// The same of a list that is under way.
    listing: HashSet<u64>,
    error: Option<(String, Instant)>,
    /// Since when the server does not name it among what it serves.
    missing_since: Option<Instant>,
}

impl Pulse {
    fn new(server: String) -> Self {
        let (reachable, away, last_event) = (None, None, None);
        Self { server, reachable, away, kinds: BTreeMap::new(), notes: BTreeMap::new(), last_event }
    }

    /// The API server answered.
    pub(super) fn there(&mut self) {
        if self.reachable.replace(true) != Some(true) {
            info!("the API server at {} answers", self.server);
        }
        self.away = None;
    }

    /// It did not.
    pub(super) fn away(&mut self, message: String) {
        if self.reachable.replace(false) != Some(false) {
            warn!("the API server at {} does not answer, what was seen last stays: {message}", self.server);
        }
        self.away = Some(message);
    }
}

impl KindNow {
    /// How many objects there are; `None` before they were listed once.
    pub(crate) fn objects(&self) -> Option<usize> {
        self.known.as_ref().map(HashSet::len)
    }

    /// What is wrong with its watch.
    pub(crate) fn error(&self) -> Option<&str> {
        self.error.as_ref().filter(|(_, at)| at.elapsed() < BELIEVED_FOR).map(|(message, _)| message.as_str())
    }

    /// Whether its objects were listed once.
    pub(super) fn is_listed(&self) -> bool {
        self.known.is_some()
    }

    /// The server was asked what it serves: how long this kind has been missing there.
    pub(super) fn missing_for(&mut self, is_served: bool) -> Duration {
        if is_served {
            self.missing_since = None;
            return Duration::ZERO;
        }
        self.missing_since.get_or_insert_with(Instant::now).elapsed()
    }

    /// A list begins.
    pub(super) fn begun(&mut self) {
        self.listing.clear();
    }

    /// This one is in the list.
    pub(super) fn listed(&mut self, place: (Option<&str>, &str)) {
        self.listing.insert(hashed(place));
    }

    /// Those in the list are all of them. Gives their number.
    pub(super) fn all(&mut self) -> usize {
        self.error = None;
        self.known.insert(std::mem::take(&mut self.listing)).len()
    }

    /// Whether this one is there.
    pub(super) fn has(&self, place: (Option<&str>, &str)) -> bool {
        self.known.as_ref().is_some_and(|known| known.contains(&hashed(place)))
    }

    /// This one is there, or is gone.
    pub(super) fn one(&mut self, place: (Option<&str>, &str), is_there: bool) {
        self.error = None;
        let Some(known) = &mut self.known else { return };
        match is_there {
            true => known.insert(hashed(place)),
            false => known.remove(&hashed(place)),
        };
    }

    /// Its watch broke.
    pub(super) fn broke(&mut self, kind: Kind, message: String) {
        if self.error().is_none_or(|before| before != message) {
            warn!(kind = kind.plural(), "the watch broke and is taken up again: {message}");
        }
        self.error = Some((message, Instant::now()));
    }
}

fn hashed(place: (Option<&str>, &str)) -> u64 {
    let mut hasher = DefaultHasher::new();
    place.hash(&mut hasher);
    hasher.finish()
}
