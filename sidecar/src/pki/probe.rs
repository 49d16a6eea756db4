//! Asks a node at its peer listener which authorities it believes and which certificate it shows. Both are said in the
//! handshake, before this end has to show anything; it shows nothing and hangs up.

use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio_rustls::rustls::client::ResolvesClientCert;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{ClientConfig, ClientConnection, SignatureScheme, version};

use super::anybody::Anybody;
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
    let notes = Arc::new(Notes::default());
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&version::TLS13])
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(Anybody::new(provider))
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

/// Notes which authorities the server names, and shows no certificate.
#[derive(Debug, Default)]
struct Notes {
    believes: Mutex<Vec<Vec<u8>>>,
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
