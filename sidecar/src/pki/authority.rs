//! The authority: made once, read again for every certificate that it signs.

use std::path::{Path, PathBuf};

use rcgen::{Issuer, KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData};
use x509_parser::extensions::GeneralName;
use zoneway_core::name::{NodeId, ZoneName};

use super::Error;
use super::certificate::{self, Days};
use super::files::{Existing, Pair};
use crate::envoy::spiffe_id;

/// The authority's name in its folder: `ca.pem` and `ca.key`.
const NAME: &str = "ca";

/// An authority whose key is at hand.
pub(crate) struct Authority {
    folder: PathBuf,
    domain: String,
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
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let name = format!("Zoneway authority of {domain}");
        let certificate = certificate::authority(&domain_id(domain), &name, days)?.self_signed(&key)?;
        let files = Pair::named(folder, NAME);
        let remedy = "every certificate that it signed would be worthless. Use it, or another folder";
        files.write(&certificate.pem(), &key.serialize_pem(), Existing::Refuse, remedy)?;
        Ok(files)
    }

    /// Reads the authority in a folder.
    ///
    /// # Errors
    /// When there is none, or the files are not those of one.
    pub(crate) fn open(folder: &Path) -> Result<Self, Error> {
        let files = Pair::named(folder, NAME);
        let read = |path: &Path| {
            std::fs::read_to_string(path).map_err(|source| Error::Read { path: path.to_owned(), source })
        };
        let not_ours =
            |path: &Path, what: &str| Error::NotOurs { path: path.to_owned(), what: what.to_owned() };
        let certificate = read(&files.certificate)?;
        let key =
            KeyPair::from_pem(&read(&files.key)?).map_err(|_| not_ours(&files.key, "no private key"))?;
        let (domain, public_key) =
            domain_and_key(&certificate).map_err(|what| not_ours(&files.certificate, what))?;
        if public_key != key.subject_public_key_info() {
            return Err(not_ours(&files.key, "not the key of the certificate beside it"));
        }
        Ok(Self {
            folder: folder.to_owned(),
            domain,
            issuer: Issuer::from_ca_cert_pem(&certificate, key)
                .map_err(|_| not_ours(&files.certificate, "no certificate of an authority"))?,
        })
    }

    /// The trust domain.
    pub(crate) fn domain(&self) -> &str {
        &self.domain
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
        let files = self.files_of(node);
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let identity = spiffe_id(&self.domain, zone, node);
        let certificate = certificate::node(&identity, node.as_str(), days)?.signed_by(&key, &self.issuer)?;
        files.write(&certificate.pem(), &key.serialize_pem(), existing, "say --replace for a new one")?;
        Ok(files)
    }

    /// The files of a node's certificate.
    pub(crate) fn files_of(&self, node: &NodeId) -> Pair {
        Pair::named(&self.folder, node.as_str())
    }
}

/// The identity of an authority: its trust domain, without a path (SPIFFE X.509-SVID, section 2).
fn domain_id(domain: &str) -> String {
    format!("spiffe://{domain}")
}

/// The trust domain and the public key in an authority's certificate.
fn domain_and_key(pem: &str) -> Result<(String, Vec<u8>), &'static str> {
    let none = "no certificate";
    let (_, pem) = x509_parser::pem::parse_x509_pem(pem.as_bytes()).map_err(|_| none)?;
    let certificate = pem.parse_x509().map_err(|_| none)?;
    let names = certificate.subject_alternative_name().ok().flatten();
    let mut uris = names.iter().flat_map(|names| &names.value.general_names).filter_map(|name| match name {
        GeneralName::URI(uri) => uri.strip_prefix("spiffe://"),
        _ => None,
    });
    let domain = uris.next().ok_or("a certificate without a trust domain")?;
    if !certificate.is_ca() || !is_trust_domain(domain) {
        return Err("no certificate of an authority");
    }
    Ok((domain.to_owned(), certificate.public_key().raw.to_vec()))
}

/// The characters of a SPIFFE trust domain (SPIFFE-ID, section 2.1).
fn is_trust_domain(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'_');
    (1..=255).contains(&text.len()) && text.bytes().all(allowed)
}
