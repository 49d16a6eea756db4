//! Asks a node at its peer listener which authorities it believes and which certificate it shows. Both are said in the
//! handshake, before this end has to show anything; it shows nothing and hangs up.

use std::fmt;
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio_rustls::rustls::client::ResolvesClientCert;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme, version,
};

use super::facts::Facts;

/// What a node said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    /// The authorities that it believes, by their names (DER).
    pub(crate) believes: Vec<Vec<u8>>,
    /// The certificate that it shows.
    pub(crate) shows: Facts,
}

/// Asks the node whose peer listener is there. Nothing is believed of the answer but what is looked for in it.
///
/// # Errors
/// When nobody answers in time, or not with TLS.
pub(crate) fn ask(at: SocketAddr, within: Duration) -> Result<Seen, String> {
    let told = |error: std::io::Error| error.to_string();
    let mut stream = TcpStream::connect_timeout(&at, within).map_err(told)?;
    stream
        .set_read_timeout(Some(within))
        .and_then(|()| stream.set_write_timeout(Some(within)))
        .map_err(told)?;
    let provider = Arc::new(ring::default_provider());
    let notes = Arc::new(Notes { provider: Arc::clone(&provider), believes: Mutex::default() });
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&version::TLS13])
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(Arc::<Notes>::clone(&notes))
        .with_client_cert_resolver(Arc::<Notes>::clone(&notes));
    let mut connection = ClientConnection::new(Arc::new(config), ServerName::from(at.ip()))
        .map_err(|error| error.to_string())?;
    while connection.is_handshaking() {
        connection.complete_io(&mut stream).map_err(told)?;
    }
    let shown = connection.peer_certificates().and_then(<[_]>::first).ok_or("no certificate was shown")?;
    let shows = Facts::of_der(shown)?;
    let believes = notes.believes.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Ok(Seen { believes, shows })
}

/// Notes what it hears.
struct Notes {
    provider: Arc<CryptoProvider>,
    believes: Mutex<Vec<Vec<u8>>>,
}

impl fmt::Debug for Notes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notes").finish_non_exhaustive()
    }
}

impl ResolvesClientCert for Notes {
    fn resolve(&self, authorities: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        *self.believes.lock().unwrap_or_else(PoisonError::into_inner) =
            authorities.iter().map(|name| name.to_vec()).collect();
        None
    }

    fn has_certs(&self) -> bool {
        true
    }
}

impl ServerCertVerifier for Notes {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
