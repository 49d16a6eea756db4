//! TLS towards an endpoint: whom to believe, and who we are.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};

/// The PEM files of a connection with mutual TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TlsFiles {
    /// The certificates of the authorities that may sign the endpoint's.
    pub(crate) ca: PathBuf,
    /// Our certificate, with any that lead from it to its authority, and its key.
    pub(crate) identity: Option<Identity>,
}

/// A client certificate and its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    /// The certificate's file.
    pub(crate) certificate: PathBuf,
    /// The key's file.
    pub(crate) key: PathBuf,
}

/// Why there is no TLS with these files.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    /// A file that cannot be read, or is no PEM of the kind that is needed.
    #[error("{}: {source}: a PEM file with {what} is needed", .file.display())]
    Pem {
        /// The file.
        file: PathBuf,
        /// What it should hold.
        what: &'static str,
        /// Why it does not.
        #[source]
        source: pem::Error,
    },
    /// A file that holds nothing.
    #[error("{}: no certificate in it", .0.display())]
    Empty(PathBuf),
    /// What rustls does not take.
    #[error("{}: {source}", .file.display())]
    Rejected {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        source: rustls::Error,
    },
}

/// Reads the files. They are read anew for every connection, so a renewed certificate needs no restart.
///
/// # Errors
/// When a file cannot be read, is not PEM, or holds what TLS cannot use.
pub(crate) fn connector(files: &TlsFiles) -> Result<TlsConnector, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(&files.ca)? {
        roots.add(certificate).map_err(|source| TlsError::Rejected { file: files.ca.clone(), source })?;
    }
    let builder = ClientConfig::builder().with_root_certificates(roots);
    let mut config = match &files.identity {
        None => builder.with_no_client_auth(),
        Some(Identity { certificate, key }) => {
            let chain = certificates(certificate)?;
            let secret = PrivateKeyDer::from_pem_file(key).map_err(|source| TlsError::Pem {
                file: key.clone(),
                what: "a private key",
                source,
            })?;
            builder
                .with_client_auth_cert(chain, secret)
                .map_err(|source| TlsError::Rejected { file: certificate.clone(), source })?
        }
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let fault = |source| TlsError::Pem { file: file.to_owned(), what: "certificates", source };
    let found =
        CertificateDer::pem_file_iter(file).map_err(fault)?.collect::<Result<Vec<_>, _>>().map_err(fault)?;
    if found.is_empty() { Err(TlsError::Empty(file.to_owned())) } else { Ok(found) }
}
