//! Mutual TLS 1.3 between a sidecar at home and a public node's: whose certificate is believed, and why one is not.
//!
//! Both ends are known by the URI in their certificates, so no name is checked. No session is resumed: a resumed one would
//! outlive its certificate.

use std::path::Path;
use std::sync::Arc;

use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, CertificateRevocationListDer, UnixTime};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::server::danger::ClientCertVerifier;
use tokio_rustls::rustls::{CertificateError, Error, RootCertStore};

/// What there is to judge certificates by.
pub(crate) type Judge = Arc<dyn ClientCertVerifier>;

/// A judge that believes these authorities (PEM), but for what the list says is revoked.
///
/// # Errors
/// What is wrong with either text.
pub(crate) fn judge(authorities: &[u8], revoked: Option<&[u8]>) -> Result<Judge, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(authorities) {
        let certificate = certificate.map_err(|error| format!("the authorities: {error}"))?;
        roots.add(certificate).map_err(|error| format!("the authorities: {error}"))?;
    }
    let mut builder = WebPkiClientVerifier::builder(Arc::new(roots));
    if let Some(revoked) = revoked {
        let lists = CertificateRevocationListDer::pem_slice_iter(revoked).collect::<Result<Vec<_>, _>>();
        let lists = lists.map_err(|error| format!("the list of revoked certificates: {error}"))?;
        builder =
            builder.with_crls(lists).only_check_end_entity_revocation().allow_unknown_revocation_status();
    }
    builder.build().map_err(|error| format!("the authorities: {error}"))
}

/// A judge from two files. A list of revoked certificates that is named has to be there: without it who is revoked would be
/// believed.
///
/// # Errors
/// What is wrong with either.
pub(crate) fn judge_of(authorities: &Path, revoked: Option<&Path>) -> Result<Judge, String> {
    let told = |path: &Path, error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let read = |path: &Path| std::fs::read(path).map_err(|error| told(path, &error));
    let (ca, list) = (read(authorities)?, revoked.map(read).transpose()?);
    judge(&ca, list.as_deref()).map_err(|message| told(authorities, &message))
}

/// Why a judge does not believe a certificate; `None` where it does.
pub(crate) fn refused(judge: &Judge, certificate: &CertificateDer<'_>) -> Option<Refused> {
    judge.verify_client_cert(certificate, &[], UnixTime::now()).err().map(|error| Refused::of(&error))
}

/// Why whoever is at the other end is not let in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    /// None at all.
    #[error("it shows no certificate")]
    NoCertificate,
    /// Not from the authorities that are believed here.
    #[error("its certificate is of another authority")]
    OtherAuthority,
    /// Over.
    #[error("its certificate has expired")]
    Expired,
    /// Not begun: clocks differ by over an hour.
    #[error("its certificate is not good yet: compare the clocks of the two machines")]
    NotYet,
    /// On the list.
    #[error("its certificate is revoked")]
    Revoked,
    /// Another node.
    #[error("it is {is}, where {expected} is expected")]
    OtherNode {
        /// What it shows.
        is: String,
        /// Who is dialled.
        expected: String,
    },
    /// Somebody else.
    #[error("it is {0}, who may not deliver here")]
    OtherIdentity(String),
    /// Anything else, in the words of TLS.
    #[error("{0}")]
    Tls(String),
}

impl Refused {
    /// The name, a label of metrics.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::NoCertificate => "no_certificate",
            Self::OtherAuthority => "other_authority",
            Self::Expired => "expired",
            Self::NotYet => "not_yet_valid",
            Self::Revoked => "revoked",
            Self::OtherNode { .. } | Self::OtherIdentity(_) => "other_identity",
            Self::Tls(_) => "tls",
        }
    }

    /// What an error of TLS means.
    pub(crate) fn of(error: &Error) -> Self {
        match error {
            Error::NoCertificatesPresented => Self::NoCertificate,
            Error::InvalidCertificate(error) => match error {
                CertificateError::UnknownIssuer | CertificateError::BadSignature => Self::OtherAuthority,
                CertificateError::Expired | CertificateError::ExpiredContext { .. } => Self::Expired,
                CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Self::NotYet,
                CertificateError::Revoked => Self::Revoked,
                other => Self::Tls(format!("its certificate is of no use: {other}")),
            },
            other => Self::Tls(other.to_string()),
        }
    }
}
