//! An HTTP/1.1 client for one endpoint: over a Unix socket, TCP or TLS, one connection kept open.
//!
//! It knows nothing of tables: what is asked and what an answer means is `table_endpoint`'s and `admin`'s.

mod tls;

use std::io;
use std::time::Duration;

use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Method, Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::rustls::pki_types::ServerName;

use super::endpoint_url::EndpointUrl;
pub(crate) use tls::{Identity, TlsError, TlsFiles};

/// A client of one endpoint.
#[derive(Debug)]
pub(crate) struct Client {
    url: EndpointUrl,
    tls: Option<TlsFiles>,
    connection: Option<SendRequest<Full<Bytes>>>,
}

/// An answer, whole.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// Its status.
    pub(crate) status: StatusCode,
    /// Its body.
    pub(crate) body: Bytes,
}

/// What is asked.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    /// `GET` or `PUT`.
    pub(crate) method: Method,
    /// The path, with its query.
    pub(crate) path: &'static str,
    /// A JSON body; empty for none.
    pub(crate) body: Bytes,
    /// How long the whole exchange may take.
    pub(crate) within: Duration,
}

impl Ask {
    /// A `GET`.
    pub(crate) fn get(path: &'static str, within: Duration) -> Self {
        Self { method: Method::GET, path, body: Bytes::new(), within }
    }

    /// A `PUT` of JSON.
    pub(crate) fn put(path: &'static str, body: Bytes, within: Duration) -> Self {
        Self { method: Method::PUT, path, body, within }
    }
}

/// Why there was no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    /// Nobody listens there.
    #[error("{url}: {source}: is it running, and may this user reach it?")]
    Connect {
        /// The endpoint.
        url: EndpointUrl,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The files for TLS are of no use.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// `https` without an authority to believe.
    #[error(
        "{0}: https needs the endpoint's authority: name its certificate file (`--ca`, or `ca` in `tls`)"
    )]
    NoAuthority(EndpointUrl),
    /// A host that TLS cannot check.
    #[error("{0}: its host is neither a name nor an address that a certificate could be for")]
    Host(EndpointUrl),
    /// The exchange broke off.
    #[error("{url}: {source}")]
    Exchange {
        /// The endpoint.
        url: EndpointUrl,
        /// Why.
        #[source]
        source: hyper::Error,
    },
    /// The answer broke off, or is larger than any answer of this protocol.
    #[error("{url}: the answer cannot be read: {message}")]
    Body {
        /// The endpoint.
        url: EndpointUrl,
        /// Why.
        message: String,
    },
    /// No answer in time.
    #[error("{url}: no answer within {} ms", .within.as_millis())]
    Late {
        /// The endpoint.
        url: EndpointUrl,
        /// How long was waited.
        within: Duration,
    },
}

/// The largest answer that is read: a table (32 MiB) and some.
const LARGEST_ANSWER: usize = 48 << 20;

/// How much of an answer is read at once, and so the most that a kept connection holds: left alone, its buffer grows to some
/// 800 KB with the first long answer and stays so.
const READ_AT_ONCE: usize = 32 << 10;

impl Client {
    /// A client that has not connected yet.
    pub(crate) fn new(url: EndpointUrl, tls: Option<TlsFiles>) -> Self {
        Self { url, tls, connection: None }
    }

    /// The endpoint.
    pub(crate) fn url(&self) -> &EndpointUrl {
        &self.url
    }

    /// Asks, and reads the whole answer. A kept connection that has gone meanwhile is replaced once: every request of
    /// these protocols may be sent twice.
    ///
    /// # Errors
    /// When nobody listens, TLS fails, the exchange breaks off or is not over in time.
    pub(crate) async fn ask(&mut self, ask: &Ask) -> Result<Answer, ClientError> {
        let within = ask.within;
        let url = self.url.clone();
        match tokio::time::timeout(within, self.exchange(ask)).await {
            Ok(result) => result,
            // The dropped exchange took its connection with it.
            Err(_) => Err(ClientError::Late { url, within }),
        }
    }

    async fn exchange(&mut self, ask: &Ask) -> Result<Answer, ClientError> {
        if let Some(mut kept) = self.connection.take().filter(|kept| !kept.is_closed())
            && let Ok(answer) = self.send(&mut kept, ask).await
        {
            self.connection = Some(kept);
            return Ok(answer);
        }
        let mut fresh = self.connect().await?;
        let answer = self.send(&mut fresh, ask).await?;
        self.connection = Some(fresh);
        Ok(answer)
    }

    async fn send(
        &self,
        connection: &mut SendRequest<Full<Bytes>>,
        ask: &Ask,
    ) -> Result<Answer, ClientError> {
        let broke = |source| ClientError::Exchange { url: self.url.clone(), source };
        connection.ready().await.map_err(broke)?;
        let mut request = Request::new(Full::new(ask.body.clone()));
        *request.method_mut() = ask.method.clone();
        *request.uri_mut() = hyper::Uri::from_static(ask.path);
        let authority = header::HeaderValue::from_str(&self.url.authority())
            .map_err(|_| ClientError::Host(self.url.clone()))?;
        request.headers_mut().insert(header::HOST, authority);
        if !ask.body.is_empty() {
            let json = header::HeaderValue::from_static("application/json");
            request.headers_mut().insert(header::CONTENT_TYPE, json);
        }
        let (head, body) = connection.send_request(request).await.map_err(broke)?.into_parts();
        let body = Limited::new(body, LARGEST_ANSWER).collect().await.map_err(|error| {
            let message = if error.is::<LengthLimitError>() {
                format!("it has over {LARGEST_ANSWER} bytes: this is no table endpoint")
            } else {
                error.to_string()
            };
            ClientError::Body { url: self.url.clone(), message }
        })?;
        Ok(Answer { status: head.status, body: body.to_bytes() })
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, ClientError> {
        let failed = |source| ClientError::Connect { url: self.url.clone(), source };
        match &self.url {
            EndpointUrl::Unix(path) => self.handshake(UnixStream::connect(path).await.map_err(failed)?).await,
            EndpointUrl::Tcp { tls, host, port } => {
                let stream = TcpStream::connect((host.as_str(), *port)).await.map_err(failed)?;
                stream.set_nodelay(true).map_err(failed)?;
                if !tls {
                    return self.handshake(stream).await;
                }
                let files = self.tls.as_ref().ok_or_else(|| ClientError::NoAuthority(self.url.clone()))?;
                let name =
                    ServerName::try_from(host.clone()).map_err(|_| ClientError::Host(self.url.clone()))?;
                let stream = tls::connector(files)?.connect(name, stream).await.map_err(failed)?;
                self.handshake(stream).await
            }
        }
    }

    async fn handshake<S>(&self, stream: S) -> Result<SendRequest<Full<Bytes>>, ClientError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (sender, connection) = http1::Builder::new()
            .max_buf_size(READ_AT_ONCE)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|source| ClientError::Exchange { url: self.url.clone(), source })?;
        // Ends with the connection; what breaks it is told by the exchange that it breaks.
        tokio::spawn(async move {
            let _ = connection.await;
        });
        Ok(sender)
    }
}
