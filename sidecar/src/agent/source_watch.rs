//! Tells when a file may have changed: the kernel's word on its folder, and a look now and then where there is none.
//!
//! The folder is watched and not the file: editors put a new file in the old one's place.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, timeout};

/// How long the folder has to be quiet: an editor is done writing then.
const QUIET: Duration = Duration::from_millis(60);
/// How long a folder that is never quiet may delay a look.
const LONGEST_WAIT: Duration = Duration::from_millis(500);
/// How often the file is looked at all the same: network file systems, and folders that were replaced, say nothing.
const LOOK: Duration = Duration::from_secs(2);

/// A watched file.
#[derive(Debug)]
pub(crate) struct SourceWatch {
    file: PathBuf,
    seen: Option<Fingerprint>,
    events: mpsc::Receiver<()>,
    look: tokio::time::Interval,
    /// Watches as long as it is there.
    _watcher: Option<RecommendedWatcher>,
}

/// What of a file changes when it does.
type Fingerprint = (u64, u64, i64, i64, u64);

impl SourceWatch {
    /// Starts to watch. Gives also why the kernel does not help, where it does not.
    pub(crate) fn start(file: &Path) -> (Self, Option<notify::Error>) {
        // One word that something happened is enough, however much did.
        let (tell, events) = mpsc::channel(1);
        let watcher = notify::recommended_watcher(move |_event| {
            let _ = tell.try_send(());
        })
        .and_then(|mut watcher| {
            let folder = file.parent().unwrap_or(Path::new("/"));
            watcher.watch(folder, RecursiveMode::NonRecursive)?;
            Ok(watcher)
        });
        let (watcher, error) = match watcher {
            Ok(watcher) => (Some(watcher), None),
            Err(error) => (None, Some(error)),
        };
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let watch = Self { file: file.to_owned(), seen: fingerprint(file), events, look, _watcher: watcher };
        (watch, error)
    }

    /// Returns when the file is another one than at the last return, or was written to. May be dropped and called
    /// again at any time.
    pub(crate) async fn changed(&mut self) {
        loop {
            tokio::select! {
                Some(()) = self.events.recv() => {
                    let quiet = async { while let Ok(Some(())) = timeout(QUIET, self.events.recv()).await {} };
                    let _ = timeout(LONGEST_WAIT, quiet).await;
                }
                _ = self.look.tick() => {}
            }
            let now = fingerprint(&self.file);
            if now != self.seen {
                self.seen = now;
                return;
            }
        }
    }
}

/// `None` where there is no file. A link is followed: what it leads to is the file.
fn fingerprint(file: &Path) -> Option<Fingerprint> {
    let metadata = fs::metadata(file).ok()?;
    Some((metadata.dev(), metadata.ino(), metadata.mtime(), metadata.mtime_nsec(), metadata.size()))
}
