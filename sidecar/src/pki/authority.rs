//! The authorities in a folder: one that signs, and for a while a second one, while it replaces the first.
//!
//! `ca.pem` holds every authority that nodes are to believe, `ca.key` is the key of the one that signs. While one replaces
//! the other, the key of the other stands beside it: `next.key` before the new one signs, `old.key` after. `crl.pem` has
//! the list of revoked certificates of each. A list is good for as long as its authority: one that expired before would
//! have every node refuse every other.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{
    CertificateRevocationListParams, CertificateSigningRequestParams, Issuer, KeyIdMethod, KeyPair,
    PKCS_ECDSA_P256_SHA256, PublicKeyData, RevokedCertParams, SerialNumber,
};
use zoneway_core::name::{NodeId, ZoneName};

use super::Error;
use super::certificate::{self, CLOCKS_DIFFER, Days};
use super::facts::Facts;
use super::files::{Existing, Pair, put, remove, rename};
use super::ledger::Ledger;
use crate::envoy::spiffe_id;

/// The names that are no node's in an authority's folder.
const RESERVED: [&str; 4] = ["ca", "next", "old", "crl"];

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
        let domain = facts.identity.strip_prefix("spiffe://").unwrap_or_default().to_owned();
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
            nodes.extend(
                files.iter().map(|(_, facts)| facts).filter(is_old).map(|facts| facts.identity.as_str()),
            );
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
        let mut ledger = Ledger::open(&self.folder)?;
        if let Ok(facts) = Facts::of_der(certificate.der()) {
            ledger.add(&facts)?;
        }
        Ok(certificate.pem())
    }

    /// Revokes every certificate of an identity: those that were issued here, and the one in its file. Gives their number.
    ///
    /// # Errors
    /// When the files cannot be written.
    pub(crate) fn revoke(&self, zone: &ZoneName, node: &NodeId) -> Result<usize, Error> {
        let mut ledger = Ledger::open(&self.folder)?;
        let identity = spiffe_id(&self.domain, zone, node);
        // One that was issued before there was a ledger.
        if let Ok(facts) = Facts::read(&self.files_of(node).certificate)
            && facts.identity == identity
        {
            ledger.add(&facts)?;
        }
        let count = ledger.revoke(&identity)?;
        self.write_crl()?;
        Ok(count)
    }

    /// The list of revoked certificates.
    pub(crate) fn crl_file(&self) -> PathBuf {
        self.folder.join("crl.pem")
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

    fn expect(&self, stage: Stage, otherwise: &str) -> Result<(), Error> {
        if self.stage() == stage { Ok(()) } else { Err(Error::TooEarly(otherwise.to_owned())) }
    }

    fn write_believed<'t>(&self, texts: impl Iterator<Item = &'t str>) -> Result<(), Error> {
        let file = Pair::named(&self.folder, "ca").certificate;
        put(&file, &texts.collect::<String>(), 0o644, Existing::Replace, "")
    }

    /// Writes the list of each authority, signed by its own key: an authority without a list would be refused with all that
    /// it signed.
    fn write_crl(&self) -> Result<(), Error> {
        let ledger = Ledger::open(&self.folder)?;
        let mut lists = String::new();
        for (text, facts) in &self.believed {
            let key = ["ca", "next", "old"].iter().filter_map(|name| read_key(&self.key_file(name)).ok());
            let Some(key) = key.into_iter().find(|key| key.subject_public_key_info() == facts.key) else {
                continue;
            };
            let issuer = Issuer::from_ca_cert_pem(text, key)?;
            let revoked = ledger.entries.iter().filter(|entry| entry.signer == facts.signer);
            let revoked = revoked.filter_map(|entry| Some((bytes(&entry.serial)?, entry.revoked?)));
            let now = SystemTime::now();
            let number = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
            let params = CertificateRevocationListParams {
                this_update: (now - CLOCKS_DIFFER).into(),
                next_update: at(facts.not_after).into(),
                crl_number: SerialNumber::from(u64::try_from(number).unwrap_or(u64::MAX)),
                issuing_distribution_point: None,
                revoked_certs: revoked
                    .map(|(serial, when)| RevokedCertParams {
                        serial_number: SerialNumber::from_slice(&serial),
                        revocation_time: at(when).into(),
                        reason_code: None,
                        invalidity_date: None,
                    })
                    .collect(),
                key_identifier_method: KeyIdMethod::Sha256,
            };
            lists.push_str(&params.signed_by(&issuer)?.pem()?);
        }
        put(&self.crl_file(), &lists, 0o644, Existing::Replace, "")
    }
}

/// A new authority: its certificate and its key (PEM). The name tells it from one that it replaces.
fn make(domain: &str, days: Days) -> Result<(String, String), Error> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let tail = key
        .public_key_raw()
        .iter()
        .rev()
        .take(4)
        .fold(String::new(), |tail, byte| format!("{tail}{byte:02x}"));
    let name = format!("Zoneway authority {tail} of {domain}");
    let name =
        if name.len() > certificate::LONGEST_NAME { format!("Zoneway authority {tail}") } else { name };
    // The identity of an authority: its trust domain, without a path (SPIFFE X.509-SVID, section 2).
    let params = certificate::authority(&format!("spiffe://{domain}"), &name, days)?;
    Ok((params.self_signed(&key)?.pem(), key.serialize_pem()))
}

fn at(seconds: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap_or_default())
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let pair = |at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok();
    (0..hex.len()).step_by(2).map(pair).collect()
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
        let domain =
            facts.identity.strip_prefix("spiffe://").ok_or("a certificate without a trust domain")?;
        if facts.authority.is_none() || !is_trust_domain(domain) {
            return Err("no certificate of an authority");
        }
        all.push((part, facts));
    }
    if all.is_empty() { Err("no certificate") } else { Ok(all) }
}

/// The characters of a SPIFFE trust domain (SPIFFE-ID, section 2.1).
fn is_trust_domain(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'_');
    (1..=255).contains(&text.len()) && text.bytes().all(allowed)
}
