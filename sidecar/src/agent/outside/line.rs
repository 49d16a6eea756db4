//! One connection to a public node's sidecar: mutual TLS 1.3, HTTP/1.1 in it.
//!
//! Whom it is with is not judged here: who opens it looks at the certificate before asking for anything that matters.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Method, Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::Resumption;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, Error, version};

use crate::agent::client::Identity;
use crate::agent::receive::WRITER;
use crate::pki::Anybody;

/// How long the connection itself may take: a machine that was off is found within a second of its start.
const CONNECT_WITHIN: Duration = Duration::from_secs(2);
/// How long TLS may take.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(5);
/// The largest answer: metrics, and some.
const LARGEST_ANSWER: usize = 8 << 20;

/// An open connection.
pub(super) struct Line {
    sender: SendRequest<Full<Bytes>>,
    writer: String,
    /// What the other end showed.
    pub(super) certificate: CertificateDer<'static>,
}

impl Line {
    /// Dials. The other end has the key of the certificate that it shows: that much is checked, and no more.
    pub(super) async fn open(address: &str, identity: &Identity, writer: &str) -> Result<Self, String> {
        let config = config(identity)?;
        let connected = timeout(CONNECT_WITHIN, TcpStream::connect(address)).await;
        let late = |within: Duration| format!("no answer within {} s", within.as_secs());
        let stream = connected.map_err(|_| late(CONNECT_WITHIN))?.map_err(|error| error.to_string())?;
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        // It is known by its certificate's URI: no name is asked for, and none is sent.
        let name = ServerName::try_from("public-node.invalid").map_err(|error| error.to_string())?;
        let shaken = timeout(HANDSHAKE_WITHIN, TlsConnector::from(config).connect(name, stream)).await;
        let stream = shaken.map_err(|_| late(HANDSHAKE_WITHIN))?.map_err(|error| refusal(&error))?;
        let certificate = stream.get_ref().1.peer_certificates().and_then(|all| all.first().cloned());
        let certificate = certificate.ok_or("it shows no certificate")?.into_owned();
        let (sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
        // Ends with the connection; what breaks it is told by the exchange that it breaks.
        tokio::spawn(async move {
            let _ = connection.await;
        });
        Ok(Self { sender, writer: writer.to_owned(), certificate })
    }

    /// Whether it is of any use still.
    pub(super) fn is_open(&self) -> bool {
        !self.sender.is_closed()
    }

    /// Asks, and reads the whole answer.
    pub(super) async fn ask(
        &mut self,
        method: Method,
        path: &'static str,
        body: Vec<u8>,
        within: Duration,
    ) -> Result<(StatusCode, Bytes), String> {
        match timeout(within, self.exchange(method, path, body)).await {
            Ok(answer) => answer,
            Err(_) => Err(format!("no answer within {} s", within.as_secs())),
        }
    }

    async fn exchange(
        &mut self,
        method: Method,
        path: &'static str,
        body: Vec<u8>,
    ) -> Result<(StatusCode, Bytes), String> {
        // TLS 1.3: a client whose certificate is refused learns it when it first reads.
        self.sender.ready().await.map_err(|error| broken(&error))?;
        let mut request = Request::new(Full::new(Bytes::from(body)));
        *request.method_mut() = method;
        *request.uri_mut() = hyper::Uri::from_static(path);
        request.headers_mut().insert(header::HOST, header::HeaderValue::from_static("public-node"));
        if let Ok(writer) = header::HeaderValue::from_str(&self.writer) {
            request.headers_mut().insert(WRITER, writer);
        }
        let answer = self.sender.send_request(request).await.map_err(|error| broken(&error))?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, LARGEST_ANSWER).collect().await.map_err(|error| error.to_string())?;
        Ok((head.status, body.to_bytes()))
    }
}

fn broken(error: &hyper::Error) -> String {
    use std::error::Error as _;
    let mut source = error.source();
    while let Some(inner) = source {
        if let Some(error) = inner.downcast_ref::<std::io::Error>() {
            return refusal(error);
        }
        source = inner.source();
    }
    error.to_string()
}

/// What TLS says at the other end, in words.
fn refusal(error: &std::io::Error) -> String {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        Some(Error::AlertReceived(alert)) => {
            format!("it refuses this sidecar's certificate ({alert:?}): its log says why")
        }
        Some(error) => error.to_string(),
        None => error.to_string(),
    }
}

/// The files are read anew for every connection: a renewed certificate needs no restart. A node that is set up shows a
/// certificate that nobody has signed yet: none is refused here.
fn config(identity: &Identity) -> Result<Arc<ClientConfig>, String> {
    let told = |path: &std::path::Path, error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let chain = CertificateDer::pem_file_iter(&identity.certificate)
        .and_then(Iterator::collect)
        .map_err(|error| told(&identity.certificate, &error))?;
    let key = PrivateKeyDer::from_pem_file(&identity.key).map_err(|error| told(&identity.key, &error))?;
    let provider = Arc::new(ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&version::TLS13])
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(Anybody::new(provider))
        .with_client_auth_cert(chain, key)
        .map_err(|error| told(&identity.certificate, &error))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.resumption = Resumption::disabled();
    config.enable_sni = false;
    Ok(Arc::new(config))
}
