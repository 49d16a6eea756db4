//! The watch of one kind of object: lists it page by page, then follows it, for ever.
//!
//! What breaks is taken up where it was; where the server does not know that place any more (410 Gone, after etcd was
//! compacted), everything is listed again. It knows nothing of what an object means.

use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt;
use kube::Api;
use kube::runtime::watcher::{self, Event, watcher};
use tokio::sync::mpsc::Sender;

use super::raw::Raw;
use crate::agent::backoff::Backoff;

/// How many objects are listed at once: enough for few requests, few enough to be held in their long form, which takes some
/// 40 KiB of an Ingress with ten hosts.
const PAGE: u32 = 100;
/// How long the server lets a watch live without a word. A connection that died silently (a partition, a NAT that
/// forgot it) is noticed fifteen seconds after, when nothing was read of it for `SILENT_FOR` (`access`).
const WATCH_S: u32 = 60;
/// The first and the longest pause before a watch that broke is taken up again.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(10));

/// What is heard of a kind.
#[derive(Debug)]
pub(super) enum Heard<T> {
    /// All objects of it are listed from here on.
    Begun,
    /// This is one of them.
    Listed(T),
    /// These were all.
    All,
    /// One is new, or another than before.
    Apply(T),
    /// One is gone.
    Delete(T),
    /// The watch broke, and is taken up again.
    Broke(String),
    /// The server does not serve this kind any more, or this account may not read it. It is tried again all the same.
    Denied(String, u16),
}

/// Watches what `api` names until nobody listens. `labels` may restrict it; `read` makes what is kept of an object, at
/// once, so that the rest of it goes. What is heard goes to `tell`, each with `key` to know it by.
pub(super) async fn watch<K: Copy + Send, T: Send>(
    key: K,
    api: Api<Raw>,
    labels: Option<String>,
    read: impl Fn(Raw) -> T + Send,
    tell: Sender<(K, Heard<T>)>,
) {
    let mut config = watcher::Config::default().timeout(WATCH_S).page_size(PAGE);
    config.label_selector = labels;
    let mut backoff = Backoff::new(PAUSES.0, PAUSES.1, seed(api.resource_url()));
    loop {
        let mut events = pin!(watcher(api.clone(), config.clone()));
        while let Some(event) = events.next().await {
            let heard = match event {
                Ok(Event::Init) => Heard::Begun,
                Ok(Event::InitApply(object)) => Heard::Listed(read(object)),
                Ok(Event::InitDone) => Heard::All,
                Ok(Event::Apply(object)) => Heard::Apply(read(object)),
                Ok(Event::Delete(object)) => Heard::Delete(read(object)),
                Err(error) => {
                    let status = status_of(&error);
                    let heard = match status {
                        Some(status @ (403 | 404)) => Heard::Denied(in_words(&error), status),
                        _ => Heard::Broke(in_words(&error)),
                    };
                    if tell.send((key, heard)).await.is_err() {
                        return;
                    }
                    tokio::time::sleep(backoff.after_failure()).await;
                    // The library tries the same place for ever where the refusal is the answer's own status.
                    if status == Some(410) {
                        break;
                    }
                    continue;
                }
            };
            // A list that breaks off on every page is no success.
            if !matches!(heard, Heard::Begun) {
                backoff.reset();
            }
            if tell.send((key, heard)).await.is_err() {
                return;
            }
        }
    }
}

/// The HTTP status that the server refused with.
fn status_of(error: &watcher::Error) -> Option<u16> {
    match error {
        watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchStartFailed(kube::Error::Api(status))
        | watcher::Error::WatchFailed(kube::Error::Api(status))
        | watcher::Error::WatchError(status) => Some(status.code),
        _ => None,
    }
}

/// An error without the library's own names for it.
fn in_words(error: &watcher::Error) -> String {
    match error {
        watcher::Error::InitialListFailed(error)
        | watcher::Error::WatchStartFailed(error)
        | watcher::Error::WatchFailed(error) => super::said(error),
        watcher::Error::WatchError(status) => status.message.clone(),
        watcher::Error::NoResourceVersion => error.to_string(),
    }
}

/// Watches of one process do not knock at the same moment, nor those of many processes.
fn seed(url: &str) -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(url)
}
