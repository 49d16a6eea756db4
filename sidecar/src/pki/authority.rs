//! The authorities in a folder: one that signs, and for a while a second one, while it replaces the first.
//!
//! `ca.pem` holds every authority that nodes are to believe, `ca.key` is the key of the one that signs. While one replaces
//! the other, the key of the other stands beside it: `next.key` before the new one signs, `old.key` after.

mod revocation;
mod succession;

use std::path::{Path, PathBuf};

use rcgen::{CertificateSigningRequestParams, Issuer, KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData};
use zoneway_core::name::{NodeId, ZoneName};

use super::certificate::{self, Days};
use super::facts::Facts;
use super::files::{Existing, Pair, put};
use super::ledger::Ledger;
use super::{Error, hex};
use crate::envoy::spiffe_id;
pub(crate) use succession::Stage;

/// The names that are no node's in an authority's folder.
const RESERVED: [&str; 4] = ["ca", "next", "old", "crl"];

/// The authorities of a folder, with the key of the one that signs.
pub(crate) struct Authority {
    folder: PathBuf,
    domain: String,
    /// The text and facts of each that is believed, the one that signs first.
    believed: Vec<(String, Facts)>,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// Makes an authority for a trust domain, in a folder that has none.
    ///
    /// # Errors
    /// When there is one already, the domain is none, or the files cannot be written.
    pub(crate) fn init(folder: &Path, domain: &str, days: Days) -> Result<Pair, Error> {
        if !is_trust_domain(domain) {
            return Err(Error::Domain(domain.to_owned()));
        }
        let (certificate, key) = make(domain, days)?;
        let files = Pair::named(folder, "ca");
        let remedy = "every certificate that it signed would be worthless. Use it, or another folder";
        files.write(&certificate, &key, Existing::Refuse, remedy)?;
        Self::open(folder)?.write_crl()?;
        Ok(files)
    }

    /// Reads the authorities in a folder.
    ///
    /// # Errors
    /// When there is none, or the files are not those of one.
    pub(crate) fn open(folder: &Path) -> Result<Self, Error> {
        let files = Pair::named(folder, "ca");
        let text = read(&files.certificate)?;
        let key = read_key(&files.key)?;
        let mut believed = Vec::new();
        for (text, facts) in authorities(&text).map_err(|what| not_ours(&files.certificate, what))? {
            // The one that signs is first in every file of a folder whose authority was never replaced.
            let at = if facts.key == key.subject_public_key_info() { 0 } else { believed.len() };
            believed.insert(at, (text, facts));
        }
        let signs = believed.first().filter(|(_, facts)| facts.key == key.subject_public_key_info());
        let (text, facts) =
            signs.ok_or_else(|| not_ours(&files.key, "not the key of the certificate beside it"))?;
        let domain = trust_domain(facts).unwrap_or_default().to_owned();
        let issuer = Issuer::from_ca_cert_pem(text, key)
            .map_err(|_| not_ours(&files.certificate, "no certificate of an authority"))?;
        Ok(Self { folder: folder.to_owned(), domain, believed, issuer })
    }

    /// The trust domain.
    pub(crate) fn domain(&self) -> &str {
        &self.domain
    }

    /// Every authority that nodes are to believe, the one that signs first.
    pub(crate) fn believed(&self) -> impl Iterator<Item = &Facts> {
        self.believed.iter().map(|(_, facts)| facts)
    }

    /// The identifier of the key that signs.
    pub(crate) fn signer(&self) -> &str {
        self.believed.first().map_or("", |(_, facts)| facts.signer.as_str())
    }

    /// Refuses any other trust domain than the authority's own.
    ///
    /// # Errors
    /// When it is another.
    pub(crate) fn expect_domain(&self, asked: &str) -> Result<(), Error> {
        if asked == self.domain {
            return Ok(());
        }
        let (folder, authority) = (self.folder.clone(), self.domain.clone());
        Err(Error::OtherDomain { folder, authority, asked: asked.to_owned() })
    }

    /// Issues a node's certificate, with a new key, into the authority's folder.
    ///
    /// # Errors
    /// When the files are there already and not to be replaced, or cannot be written.
    pub(crate) fn issue(
        &self,
        zone: &ZoneName,
        node: &NodeId,
        days: Days,
        existing: Existing,
    ) -> Result<Pair, Error> {
        if RESERVED.contains(&node.as_str()) {
            return Err(Error::Reserved(node.to_string()));
        }
        let files = self.files_of(node);
        let remedy = "say --replace for a new one";
        files.expect(existing, remedy)?;
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let certificate = self.certify(zone, node, &key, days)?;
        files.write(&certificate, &key.serialize_pem(), existing, remedy)?;
        Ok(files)
    }

    /// Issues a certificate for a key that was made elsewhere, by its request (PKCS #10, PEM). Both are in the authority's
    /// folder then, and the request is there for the next certificate.
    ///
    /// # Errors
    /// When the request is none, the node has files already that are not to be replaced, or a key that was made here; or
    /// they cannot be written.
    pub(crate) fn issue_for(
        &self,
        request: &str,
        zone: &ZoneName,
        node: &NodeId,
        days: Days,
        existing: Existing,
    ) -> Result<PathBuf, Error> {
        if RESERVED.contains(&node.as_str()) {
            return Err(Error::Reserved(node.to_string()));
        }
        let files = self.files_of(node);
        if files.key.exists() {
            let remedy = "this node's key was made here, and is not the one of the request: remove it, or its node's request";
            return Err(Error::Exists { path: files.key, remedy });
        }
        files.expect(existing, "say --replace for a new one")?;
        let certificate = self.sign(request, zone, node, days)?;
        put(&self.request_of(node), request, 0o644, Existing::Replace, "")?;
        put(&files.certificate, &certificate, 0o644, Existing::Replace, "")?;
        Ok(files.certificate)
    }

    /// The request of a node whose key was made elsewhere, where there is one.
    pub(crate) fn request_of(&self, node: &NodeId) -> PathBuf {
        self.folder.join(format!("{node}.csr"))
    }

    /// Signs a node's key, and takes note of it; gives the certificate (PEM).
    ///
    /// # Errors
    /// When it cannot be made, or not noted.
    pub(super) fn certify(
        &self,
        zone: &ZoneName,
        node: &NodeId,
        key: &impl PublicKeyData,
        days: Days,
    ) -> Result<String, Error> {
        let identity = spiffe_id(&self.domain, zone, node);
        let certificate = certificate::node(&identity, node.as_str(), days)?.signed_by(key, &self.issuer)?;
        if let Ok(facts) = Facts::of_der(certificate.der()) {
            Ledger::change(&self.folder, |ledger| ledger.add(&facts))?;
        }
        Ok(certificate.pem())
    }

    /// Signs a key that was made elsewhere: the one of a request (PKCS #10, PEM), for this node whatever else the request
    /// says. Gives the certificate (PEM).
    ///
    /// # Errors
    /// When the request is none, or not signed by the key in it.
    pub(crate) fn sign(
        &self,
        request: &str,
        zone: &ZoneName,
        node: &NodeId,
        days: Days,
    ) -> Result<String, Error> {
        let request = CertificateSigningRequestParams::from_pem(request)?;
        self.certify(zone, node, &request.public_key, days)
    }

    /// The files of a node's certificate.
    pub(crate) fn files_of(&self, node: &NodeId) -> Pair {
        Pair::named(&self.folder, node.as_str())
    }

    /// The nodes' certificates in the folder, by the names of their files.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub(crate) fn certificates(&self) -> Result<Vec<(String, Facts)>, Error> {
        let failed = |source| Error::Read { path: self.folder.clone(), source };
        let mut found = Vec::new();
        for entry in std::fs::read_dir(&self.folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
            if path.extension().is_none_or(|extension| extension != "pem")
                || RESERVED.contains(&name.as_str())
            {
                continue;
            }
            if let Ok(facts) = Facts::read(&path)
                && facts.node().is_some()
            {
                found.push((name, facts));
            }
        }
        found.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(found)
    }

    /// The folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    fn key_file(&self, name: &str) -> PathBuf {
        Pair::named(&self.folder, name).key
    }
}

/// A new authority: its certificate and its key (PEM). The name tells it from one that it replaces.
fn make(domain: &str, days: Days) -> Result<(String, String), Error> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let tail = hex::encode(key.public_key_raw().last_chunk::<4>().map_or(&[], <[u8; 4]>::as_slice));
    let name = format!("Zoneway authority {tail} of {domain}");
    let name =
        if name.len() > certificate::LONGEST_NAME { format!("Zoneway authority {tail}") } else { name };
    // The identity of an authority: its trust domain, without a path (SPIFFE X.509-SVID, section 2).
    let params = certificate::authority(&format!("spiffe://{domain}"), &name, days)?;
    Ok((params.self_signed(&key)?.pem(), key.serialize_pem()))
}

fn read(path: &Path) -> Result<String, Error> {
    std::fs::read_to_string(path).map_err(|source| Error::Read { path: path.to_owned(), source })
}

fn read_key(path: &Path) -> Result<KeyPair, Error> {
    KeyPair::from_pem(&read(path)?).map_err(|_| not_ours(path, "no private key"))
}

fn not_ours(path: &Path, what: &str) -> Error {
    Error::NotOurs { path: path.to_owned(), what: what.to_owned() }
}

/// Each certificate of an authority in a text, which has no others.
fn authorities(text: &str) -> Result<Vec<(String, Facts)>, &'static str> {
    const END: &str = "-----END CERTIFICATE-----";
    let mut all = Vec::new();
    for part in text.split_inclusive(END).filter(|part| part.contains(END)) {
        let part = format!("{}\n", part.trim_start());
        let facts = Facts::all_of(&part)?.into_iter().next().ok_or("no certificate")?;
        let domain = trust_domain(&facts).ok_or("a certificate without a trust domain")?;
        if facts.authority.is_none() || !is_trust_domain(domain) {
            return Err("no certificate of an authority");
        }
        all.push((part, facts));
    }
    if all.is_empty() { Err("no certificate") } else { Ok(all) }
}

/// What an authority's identity says: `spiffe://DOMAIN`.
fn trust_domain(facts: &Facts) -> Option<&str> {
    facts.identity.as_deref()?.strip_prefix("spiffe://")
}

/// The characters of a SPIFFE trust domain (SPIFFE-ID, section 2.1).
fn is_trust_domain(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'_');
    (1..=255).contains(&text.len()) && text.bytes().all(allowed)
}
