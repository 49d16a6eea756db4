//! What an authority has issued and revoked: `issued.jsonl` beside it, a line of JSON for each certificate that has not
//! expired. Without it a certificate that was replaced could not be revoked: its number would stand nowhere.

use std::fs::File;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Error;
use super::clock::now;
use super::facts::Facts;
use super::files::{Existing, put};

/// A certificate that was issued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Issued {
    /// Its number, in hex.
    pub(crate) serial: String,
    /// Whose it is.
    pub(crate) identity: String,
    /// The authority that signed it, by the identifier of its key.
    pub(crate) signer: String,
    /// Until when it is good, in seconds since 1970.
    pub(crate) not_after: i64,
    /// When it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) revoked: Option<i64>,
}

/// Every certificate that was issued and has not expired, in that order.
#[derive(Debug)]
pub(crate) struct Ledger {
    path: PathBuf,
    pub(super) entries: Vec<Issued>,
}

impl Ledger {
    /// Reads the ledger in a folder; an empty one where there is none yet.
    ///
    /// # Errors
    /// When it cannot be read, or is none.
    pub(crate) fn open(folder: &Path) -> Result<Self, Error> {
        let path = folder.join("issued.jsonl");
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(source) => return Err(Error::Read { path, source }),
        };
        let mut entries = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let entry: Issued = serde_json::from_str(line).map_err(|error| Error::NotOurs {
                path: path.clone(),
                what: format!("broken in line {}: {error}", index + 1),
            })?;
            if entry.not_after > now() {
                entries.push(entry);
            }
        }
        Ok(Self { path, entries })
    }

    /// Changes the ledger in a folder. A sidecar that signs and a command that does wait for one another: what one of them
    /// overwrote could not be revoked.
    ///
    /// # Errors
    /// When it cannot be read or written, or is none.
    pub(super) fn change<T>(folder: &Path, change: impl FnOnce(&mut Self) -> T) -> Result<T, Error> {
        let failed = |source| Error::Write { path: folder.to_owned(), source };
        // Until it is dropped.
        let lock = File::open(folder).map_err(failed)?;
        lock.lock().map_err(failed)?;
        let mut ledger = Self::open(folder)?;
        let done = change(&mut ledger);
        ledger.write()?;
        Ok(done)
    }

    /// Takes note of a certificate.
    pub(super) fn add(&mut self, facts: &Facts) {
        if self.entries.iter().any(|entry| entry.serial == facts.serial) {
            return;
        }
        self.entries.push(Issued {
            serial: facts.serial.clone(),
            identity: facts.identity.clone().unwrap_or_default(),
            signer: facts.signer.clone(),
            not_after: facts.not_after,
            revoked: None,
        });
    }

    /// Revokes every certificate of an identity; gives their number.
    pub(super) fn revoke(&mut self, identity: &str) -> usize {
        let mut count = 0;
        for entry in
            self.entries.iter_mut().filter(|entry| entry.identity == identity && entry.revoked.is_none())
        {
            entry.revoked = Some(now());
            count += 1;
        }
        count
    }

    /// Whether a certificate of that number was revoked.
    pub(crate) fn is_revoked(&self, serial: &str) -> bool {
        self.entries.iter().any(|entry| entry.serial == serial && entry.revoked.is_some())
    }

    /// The identities that have a certificate of an authority and none of another, revoked ones aside.
    pub(super) fn only_by(&self, signer: &str) -> Vec<&str> {
        let good = || self.entries.iter().filter(|entry| entry.revoked.is_none());
        let mut identities: Vec<_> = good()
            .filter(|entry| entry.signer == signer)
            .map(|entry| entry.identity.as_str())
            .filter(|identity| !good().any(|other| other.signer != signer && other.identity == *identity))
            .collect();
        identities.sort_unstable();
        identities.dedup();
        identities
    }

    /// Every identity that has a certificate.
    pub(crate) fn identities(&self) -> impl Iterator<Item = String> {
        self.entries.iter().map(|entry| entry.identity.clone())
    }

    fn write(&self) -> Result<(), Error> {
        let mut text = String::new();
        for entry in &self.entries {
            text.push_str(&serde_json::to_string(entry).unwrap_or_default());
            text.push('\n');
        }
        put(&self.path, &text, 0o644, Existing::Replace, "")
    }
}
