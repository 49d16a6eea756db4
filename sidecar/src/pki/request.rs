//! A key that is made where it is used and never leaves that machine: its request to be signed, and the certificate that
//! it shows until it was.

use std::path::Path;

use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData, SanType};

use super::certificate::{self, Days};
use super::files::put_key;
use super::{Error, Existing};

/// A node's own key.
pub(crate) struct OwnKey(KeyPair);

impl OwnKey {
    /// Reads the key in a file (PEM), or makes one there (0600).
    ///
    /// # Errors
    /// When the file holds no key, or cannot be read or written.
    pub(crate) fn open_or_make(path: &Path) -> Result<Self, Error> {
        match std::fs::read_to_string(path) {
            Ok(pem) => KeyPair::from_pem(&pem)
                .map(Self)
                .map_err(|_| Error::NotOurs { path: path.to_owned(), what: "no private key".to_owned() }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
                put_key(path, &key.serialize_pem(), Existing::Refuse)?;
                Ok(Self(key))
            }
            Err(source) => Err(Error::Read { path: path.to_owned(), source }),
        }
    }

    /// The request to sign it for an identity (PKCS #10, PEM).
    ///
    /// # Errors
    /// When the identity is no URI.
    pub(crate) fn request(&self, identity: &str) -> Result<String, Error> {
        let mut params = CertificateParams::default();
        params.subject_alt_names = vec![SanType::URI(identity.try_into()?)];
        Ok(params.serialize_request(&self.0)?.pem()?)
    }

    /// A certificate that it signed itself (DER): it says which key this is, and nobody believes it more than that.
    ///
    /// # Errors
    /// When the identity is no URI.
    pub(crate) fn placeholder(&self, identity: &str) -> Result<Vec<u8>, Error> {
        Ok(certificate::node(identity, "not signed yet", Days(1))?.self_signed(&self.0)?.der().to_vec())
    }

    /// The key itself (PKCS #8, DER).
    pub(crate) fn secret(&self) -> Vec<u8> {
        self.0.serialize_der()
    }

    /// Its public half (SubjectPublicKeyInfo, DER).
    pub(crate) fn public(&self) -> Vec<u8> {
        self.0.subject_public_key_info()
    }
}
