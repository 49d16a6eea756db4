//! The folder of what outlives a restart: the lock, the epochs, the last good picture and the addresses of names.
//!
//! Each file is replaced whole, so that a power cut leaves the old one or the new one.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::net::IpAddr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// An open state folder. It is this process's alone until it ends.
#[derive(Debug)]
pub(crate) struct StateFolder {
    path: PathBuf,
    epochs: Epochs,
    /// Locked as long as it is open.
    _lock: File,
}

/// The highest epoch that was used for each node.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Epochs {
    epochs: BTreeMap<String, u64>,
}

/// The last address of each name.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Addresses {
    addresses: BTreeMap<String, IpAddr>,
}

/// What is wrong with the folder.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StateError {
    /// Something cannot be read or written.
    #[error("{}: {source}", .path.display())]
    Io {
        /// What.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Another process has it.
    #[error(
        "{}: another `zoneway run` uses this state folder: stop it, or give each a folder of its own", .0.display()
    )]
    InUse(PathBuf),
    /// A file of it is damaged.
    #[error("{}: {source}: the file is damaged, remove it to go on without it", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
}

/// The file of the last good picture.
#[derive(Debug, Clone)]
pub(crate) struct LastGood(PathBuf);

impl LastGood {
    /// Keeps what serves.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn keep<T: Serialize>(&self, picture: &T) -> Result<(), StateError> {
        write(&self.0, picture)
    }
}

impl StateFolder {
    /// Makes the folder (0700) where it is not there, and locks it.
    ///
    /// # Errors
    /// When it cannot be made or read, or another process has it.
    pub(crate) fn open(path: &Path) -> Result<Self, StateError> {
        let fault = |path: &Path| {
            let path = path.to_owned();
            move |source| StateError::Io { path, source }
        };
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(fault(path))?;
        let lock_path = path.join("lock");
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&lock_path)
            .map_err(fault(&lock_path))?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive).map_err(|error| {
            if error == rustix::io::Errno::WOULDBLOCK {
                StateError::InUse(path.to_owned())
            } else {
                StateError::Io { path: lock_path.clone(), source: error.into() }
            }
        })?;
        let epochs = read(&path.join("epochs.json"))?.unwrap_or_default();
        Ok(Self { path: path.to_owned(), epochs, _lock: lock })
    }

    /// The highest epoch that was ever used for a node, 0 for none.
    pub(crate) fn epoch(&self, node: &str) -> u64 {
        self.epochs.epochs.get(node).copied().unwrap_or(0)
    }

    /// Keeps an epoch before it is used.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn keep_epoch(&mut self, node: &str, epoch: u64) -> Result<(), StateError> {
        if self.epoch(node) >= epoch {
            return Ok(());
        }
        self.epochs.epochs.insert(node.to_owned(), epoch);
        write(&self.path.join("epochs.json"), &self.epochs)
    }

    /// What was kept of the source; `None` where nothing was.
    ///
    /// # Errors
    /// When the file cannot be read or is damaged.
    pub(crate) fn kept<T: DeserializeOwned>(&self) -> Result<Option<T>, StateError> {
        read(&self.last_good().0)
    }

    /// Where the last good picture is kept, for who keeps it while others use the folder.
    pub(crate) fn last_good(&self) -> LastGood {
        LastGood(self.path.join("last-good.json"))
    }

    /// The last address of each name.
    ///
    /// # Errors
    /// When the file cannot be read or is damaged.
    pub(crate) fn addresses(&self) -> Result<BTreeMap<String, IpAddr>, StateError> {
        Ok(read::<Addresses>(&self.path.join("addresses.json"))?.unwrap_or_default().addresses)
    }

    /// Keeps the address of each name.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn keep_addresses(&self, addresses: &BTreeMap<String, IpAddr>) -> Result<(), StateError> {
        write(&self.path.join("addresses.json"), &Addresses { addresses: addresses.clone() })
    }
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, StateError> {
    match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|source| StateError::Damaged { path: path.to_owned(), source }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(StateError::Io { path: path.to_owned(), source }),
    }
}

fn write(path: &Path, value: &impl Serialize) -> Result<(), StateError> {
    let fault = |source: io::Error| StateError::Io { path: path.to_owned(), source };
    replace(path, value).map_err(fault)
}

/// Puts a file (0600) in the place of another, whole, and has both on the disk before it returns.
fn replace(path: &Path, value: &impl Serialize) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    let mut out = BufWriter::new(file.as_file_mut());
    serde_json::to_writer(&mut out, value)?;
    out.flush()?;
    drop(out);
    file.as_file().sync_all()?;
    file.persist(path)?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{StateError, StateFolder};

    #[test]
    fn a_folder_is_one_process_s_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let first = StateFolder::open(&path).unwrap();
        assert!(matches!(StateFolder::open(&path), Err(StateError::InUse(_))));
        drop(first);
        StateFolder::open(&path).unwrap();
    }

    #[test]
    fn what_is_kept_is_there_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let mut state = StateFolder::open(folder.path()).unwrap();
        assert_eq!(state.kept::<String>().unwrap(), None);
        let addresses = BTreeMap::from([("home.example".to_owned(), "10.0.0.1".parse().unwrap())]);
        state.last_good().keep(&"a picture").unwrap();
        state.keep_epoch("studtop", 7).unwrap();
        state.keep_epoch("studtop", 3).unwrap();
        state.keep_addresses(&addresses).unwrap();
        drop(state);
        let state = StateFolder::open(folder.path()).unwrap();
        assert_eq!(state.kept::<String>().unwrap().as_deref(), Some("a picture"));
        assert_eq!((state.epoch("studtop"), state.epoch("edge")), (7, 0));
        assert_eq!(state.addresses().unwrap(), addresses);
    }

    #[test]
    fn a_damaged_file_is_told_and_not_taken_for_nothing() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("last-good.json"), "{").unwrap();
        let state = StateFolder::open(folder.path()).unwrap();
        assert!(matches!(state.kept::<String>(), Err(StateError::Damaged { .. })));
    }
}
