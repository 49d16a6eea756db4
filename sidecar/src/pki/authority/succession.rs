//! One authority in another's place, a step at a time: announced, so that nodes believe it; switched, so that it signs;
//! finished, so that the old one is believed no more.

use super::{Authority, make, read};
use crate::pki::Error;
use crate::pki::certificate::Days;
use crate::pki::facts::Facts;
use crate::pki::files::{Existing, Pair, put, remove, rename};
use crate::pki::ledger::Ledger;

/// How far a second authority has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// There is one.
    One,
    /// The next one is believed and signs nothing yet.
    Announced,
    /// The new one signs; the old one is still believed.
    Switched,
}

impl Authority {
    /// How far a second authority has got.
    pub(crate) fn stage(&self) -> Stage {
        if self.key_file("next").exists() {
            Stage::Announced
        } else if self.key_file("old").exists() {
            Stage::Switched
        } else {
            Stage::One
        }
    }

    /// Whether certificates of an authority that is being replaced are to be renewed.
    pub(crate) fn is_switched(&self) -> bool {
        self.stage() == Stage::Switched
    }

    /// Makes the next authority, for nodes to believe beside this one. It signs nothing yet.
    ///
    /// # Errors
    /// When there is a second one already, or the files cannot be written.
    pub(crate) fn announce(&self, days: Days) -> Result<(), Error> {
        self.expect(
            Stage::One,
            "a second authority is there already: finish with it first, with --switch and --finish",
        )?;
        let (certificate, key) = make(&self.domain, days)?;
        put(&self.key_file("next"), &key, 0o600, Existing::Refuse, "remove it")?;
        self.write_believed(
            self.believed.iter().map(|(text, _)| text.as_str()).chain([certificate.as_str()]),
        )?;
        Self::open(&self.folder)?.write_crl()
    }

    /// Has the next authority sign from now on.
    ///
    /// # Errors
    /// When there is none, or the files cannot be moved.
    pub(crate) fn switch(&self) -> Result<(), Error> {
        self.expect(
            Stage::Announced,
            "there is no next authority: make one with --next, and give ca.pem to every node",
        )?;
        let (ca, next, old) = (self.key_file("ca"), self.key_file("next"), self.key_file("old"));
        put(&old, &read(&ca)?, 0o600, Existing::Replace, "")?;
        rename(&next, &ca)
    }

    /// Has nodes believe the new authority alone.
    ///
    /// # Errors
    /// When there is no old one, a node has no certificate of the new one, or the files cannot be written.
    pub(crate) fn finish(&self) -> Result<(), Error> {
        self.expect(
            Stage::Switched,
            "no authority is being replaced: begin with --next, go on with --switch",
        )?;
        let ledger = Ledger::open(&self.folder)?;
        let files = self.certificates()?;
        for old in self.believed().skip(1) {
            let mut nodes = ledger.only_by(&old.signer);
            // Those that were issued before there was a ledger.
            let is_old = |facts: &&Facts| facts.signer == old.signer && !ledger.is_revoked(&facts.serial);
            nodes.extend(files.iter().map(|(_, facts)| facts).filter(is_old).map(Facts::whose));
            nodes.sort_unstable();
            nodes.dedup();
            if !nodes.is_empty() {
                return Err(Error::TooEarly(format!(
                    "these have certificates of the old authority alone: {}. Renew them (`zoneway pki renew --all`), or revoke \
                     them",
                    nodes.join(", ")
                )));
            }
        }
        self.write_believed(self.believed.iter().take(1).map(|(text, _)| text.as_str()))?;
        remove(&self.key_file("old"))?;
        Self::open(&self.folder)?.write_crl()
    }

    fn expect(&self, stage: Stage, otherwise: &str) -> Result<(), Error> {
        if self.stage() == stage { Ok(()) } else { Err(Error::TooEarly(otherwise.to_owned())) }
    }

    fn write_believed<'t>(&self, texts: impl Iterator<Item = &'t str>) -> Result<(), Error> {
        let file = Pair::named(&self.folder, "ca").certificate;
        put(&file, &texts.collect::<String>(), 0o644, Existing::Replace, "")
    }
}
