//! A bootstrap token: by it home knows a machine once, before that has a certificate.
//!
//! Home keeps the token beside the authority; the machine gets it in its bundle and never sends it. What it sends is a proof
//! that it has it: an HMAC over home's nonce and its own public key, so that whoever hears the proof can use it for no
//! other key. The first key that proves it has it to itself.

use std::path::{Path, PathBuf};

use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zoneway_core::name::NodeId;

use super::files::put_key;
use super::{Error, Existing, hex};

/// How long a token is good for, in minutes.
pub(crate) const GOOD_FOR_MINUTES: i64 = 60;

/// A token as the machine has it, in a file of its own (0600).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Token {
    /// 32 random bytes, hex.
    secret: String,
    /// When it runs out, in seconds since 1970.
    pub(crate) expires: i64,
}

/// A token as home keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Record {
    token: Token,
    /// SHA-256 of the public key that proved it, hex; none before that.
    key: Option<String>,
}

/// Why a machine is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// There is none for it.
    #[error("no bootstrap token was made for it: make a bundle with `zoneway edge bundle`")]
    None,
    /// It is over, for so many minutes.
    #[error("its bootstrap token ran out {0} minutes ago: make a new bundle with `zoneway edge bundle`")]
    Expired(i64),
    /// Another key has it.
    #[error(
        "its bootstrap token was used already, by another key: make a new bundle with `zoneway edge bundle`"
    )]
    Used,
    /// Another token.
    #[error("it does not have the bootstrap token that was made last: install the newest bundle")]
    Wrong,
}

impl Token {
    fn new(now: i64) -> Result<Self, Error> {
        Ok(Self { secret: random_hex()?, expires: now + GOOD_FOR_MINUTES * 60 })
    }

    /// Whether it may be used still.
    ///
    /// # Errors
    /// For how long it has been over.
    pub(crate) fn is_good(&self, now: i64) -> Result<(), Refusal> {
        match now - self.expires {
            late if late > 0 => Err(Refusal::Expired((late + 59) / 60)),
            _ => Ok(()),
        }
    }

    /// The proof of having it.
    pub(crate) fn prove(&self, nonce: &str, public_key: &[u8]) -> String {
        hex::encode(hmac::sign(&self.key(), &Self::message(nonce, public_key)).as_ref())
    }

    fn proves(&self, nonce: &str, public_key: &[u8], proof: &str) -> bool {
        let Some(proof) = hex::decode(proof) else { return false };
        hmac::verify(&self.key(), &Self::message(nonce, public_key), &proof).is_ok()
    }

    fn key(&self) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, self.secret.as_bytes())
    }

    fn message(nonce: &str, public_key: &[u8]) -> Vec<u8> {
        [b"zoneway bootstrap 1\0".as_slice(), nonce.as_bytes(), b"\0", public_key].concat()
    }
}

impl Record {
    /// Makes a token for a node, in place of any that was made before, and gives what the machine is to have.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn make(authority: &Path, node: &NodeId, now: i64) -> Result<Token, Error> {
        let record = Self { token: Token::new(now)?, key: None };
        record.keep(authority, node)?;
        Ok(record.token)
    }

    /// Reads a node's; `None` where none was made.
    ///
    /// # Errors
    /// When there is a file that cannot be read, or is none of these.
    pub(crate) fn read(authority: &Path, node: &NodeId) -> Result<Option<Self>, Error> {
        let path = file(authority, node);
        match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map(Some)
                .map_err(|error| Error::NotOurs { path, what: format!("no bootstrap token: {error}") }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(Error::Read { path, source }),
        }
    }

    /// Keeps it (0600).
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn keep(&self, authority: &Path, node: &NodeId) -> Result<(), Error> {
        let json = serde_json::to_string(self).unwrap_or_default();
        put_key(&file(authority, node), &json, Existing::Replace)
    }

    /// Whether this very key has proved the token before: it needs no further proof, however old the token is.
    pub(crate) fn knows(&self, public_key: &[u8]) -> bool {
        self.key.as_ref() == Some(&fingerprint(public_key))
    }

    /// Whether there is any use in asking for a proof.
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn is_open(&self, now: i64) -> Result<(), Refusal> {
        match &self.key {
            Some(_) => Err(Refusal::Used),
            None => self.token.is_good(now),
        }
    }

    /// Takes a proof, once: the token is this key's from then on.
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn take(
        &mut self,
        nonce: &str,
        public_key: &[u8],
        proof: &str,
        now: i64,
    ) -> Result<(), Refusal> {
        self.is_open(now)?;
        if !self.token.proves(nonce, public_key, proof) {
            return Err(Refusal::Wrong);
        }
        self.key = Some(fingerprint(public_key));
        Ok(())
    }
}

/// 32 random bytes, hex.
///
/// # Errors
/// When the system has no randomness to give.
pub(crate) fn random_hex() -> Result<String, Error> {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).map_err(|_| Error::NoRandomness)?;
    Ok(hex::encode(&bytes))
}

/// SHA-256, hex.
pub(crate) fn fingerprint(bytes: &[u8]) -> String {
    hex::encode(&Sha256::digest(bytes))
}

fn file(authority: &Path, node: &NodeId) -> PathBuf {
    authority.join("tokens").join(format!("{node}.json"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use zoneway_core::name::NodeId;

    use super::{Record, Refusal};

    const NOW: i64 = 1_000_000;

    fn edge() -> NodeId {
        NodeId::parse("edge").unwrap()
    }

    #[test]
    fn a_token_is_the_first_keys_that_proves_it_and_that_key_is_known_from_then_on() {
        let folder = tempfile::tempdir().unwrap();
        let token = Record::make(folder.path(), &edge(), NOW).unwrap();
        let mut record = Record::read(folder.path(), &edge()).unwrap().unwrap();
        let proof = token.prove("nonce", b"a key");
        assert_eq!(record.take("nonce", b"a key", &proof, NOW), Ok(()));
        record.keep(folder.path(), &edge()).unwrap();
        let mut record = Record::read(folder.path(), &edge()).unwrap().unwrap();
        assert!(record.knows(b"a key") && !record.knows(b"another"));
        let proof = token.prove("nonce", b"another");
        assert_eq!(record.take("nonce", b"another", &proof, NOW), Err(Refusal::Used));
    }

    #[test]
    fn a_proof_is_of_one_key_and_one_nonce() {
        let folder = tempfile::tempdir().unwrap();
        let token = Record::make(folder.path(), &edge(), NOW).unwrap();
        let mut record = Record::read(folder.path(), &edge()).unwrap().unwrap();
        let proof = token.prove("nonce", b"a key");
        assert_eq!(record.take("nonce", b"another", &proof, NOW), Err(Refusal::Wrong));
        assert_eq!(record.take("later", b"a key", &proof, NOW), Err(Refusal::Wrong));
        assert_eq!(record.take("nonce", b"a key", "zz", NOW), Err(Refusal::Wrong));
        // An older bundle's token is none any more.
        Record::make(folder.path(), &edge(), NOW).unwrap();
        let mut record = Record::read(folder.path(), &edge()).unwrap().unwrap();
        assert_eq!(record.take("nonce", b"a key", &proof, NOW), Err(Refusal::Wrong));
    }

    #[test]
    fn a_token_is_good_for_an_hour() {
        let folder = tempfile::tempdir().unwrap();
        let token = Record::make(folder.path(), &edge(), NOW).unwrap();
        let mut record = Record::read(folder.path(), &edge()).unwrap().unwrap();
        let proof = token.prove("nonce", b"a key");
        assert_eq!(record.take("nonce", b"a key", &proof, NOW + 3601), Err(Refusal::Expired(1)));
        assert_eq!(record.take("nonce", b"a key", &proof, NOW + 3600), Ok(()));
    }

    #[test]
    fn a_token_is_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        Record::make(folder.path(), &edge(), NOW).unwrap();
        let mode = std::fs::metadata(folder.path().join("tokens/edge.json")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(Record::read(folder.path(), &NodeId::parse("other").unwrap()).unwrap(), None);
    }
}
