//! Clients: HTTP/1.1 and HTTP/2 with prior knowledge, with and without TLS, from any loopback address.
//!
//! A [`Client`] opens a connection for each request unless one is kept with [`Client::connect`], so that no test sees
//! another's connection state. What hyper refuses to send goes through [`raw`].

pub mod grpc;
pub mod raw;
pub mod tls;
pub mod unix;
pub mod websocket;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::{http1, http2};
use hyper::header::{HOST, HeaderMap};
use hyper::{Request, Response, Uri};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::namespace;
use crate::service::Report;

/// No answer may take longer: a hanging request is a failed test, not a hanging run.
pub const ANSWER_LIMIT: Duration = Duration::from_secs(20);

/// The body of a request.
pub type Body = UnsyncBoxBody<Bytes, hyper::Error>;

/// Which version a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2 with prior knowledge, or by ALPN.
    Http2,
}

/// Both versions, for tests that hold for either.
pub const PROTOCOLS: [Protocol; 2] = [Protocol::Http1, Protocol::Http2];

/// A request: a method, a host, a path, header lines and a body.
#[derive(Clone, Debug, Default)]
pub struct Ask {
    method: hyper::Method,
    host: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Bytes,
}

impl Ask {
    /// A GET.
    #[must_use]
    pub fn get(host: &str, path: &str) -> Self {
        Self { host: host.to_owned(), path: path.to_owned(), ..Self::default() }
    }

    /// A POST.
    #[must_use]
    pub fn post(host: &str, path: &str, body: impl Into<Bytes>) -> Self {
        Self { method: hyper::Method::POST, body: body.into(), ..Self::get(host, path) }
    }

    /// The same with another method.
    #[must_use]
    pub fn method(self, method: hyper::Method) -> Self {
        Self { method, ..self }
    }

    /// One more header line.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Its header lines.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
    /// Its trailers; empty where there were none.
    pub trailers: HeaderMap,
}

impl Answer {
    /// The first value of a header, or nothing.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// What the demonstration service said of the request.
    ///
    /// # Errors
    /// The answer is not one of a demonstration service.
    pub fn report(&self) -> Result<Report> {
        ensure!(self.status == 200, "the answer was {self:?}");
        serde_json::from_slice(&self.body).with_context(|| format!("no report: {self:?}"))
    }

    /// The header lines without `date`, sorted, and the body: what must be the same in two answers that may not be told
    /// apart.
    #[must_use]
    pub fn without_date(&self) -> (u16, Vec<(String, String)>, Bytes) {
        let lines = self.headers.iter().filter(|(name, _)| name.as_str() != "date");
        let mut lines: Vec<_> = lines
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into()))
            .collect();
        lines.sort();
        (self.status, lines, self.body.clone())
    }
}

/// Where and how to connect.
#[derive(Clone, Debug)]
pub struct Client {
    at: SocketAddr,
    from: Option<Ipv4Addr>,
    namespace: Option<String>,
    tls: Option<Arc<ClientConfig>>,
    protocol: Protocol,
}

impl Client {
    /// A client of the listener at `at`, in the given version, without TLS.
    #[must_use]
    pub fn new(at: SocketAddr, protocol: Protocol) -> Self {
        Self { at, from: None, namespace: None, tls: None, protocol }
    }

    /// The same, dialling from this address of the machine.
    #[must_use]
    pub fn from(mut self, address: Ipv4Addr) -> Self {
        self.from = Some(address);
        self
    }

    /// The same, dialling in the network of this name.
    #[must_use]
    pub(crate) fn inside(mut self, namespace: &str) -> Self {
        self.namespace = Some(namespace.to_owned());
        self
    }

    /// The same, over TLS; see [`tls::identity`].
    #[must_use]
    pub fn tls(mut self, config: Arc<ClientConfig>) -> Self {
        self.tls = Some(config);
        self
    }

    /// Sends a request on a connection of its own.
    ///
    /// # Errors
    /// There was no whole answer in [`ANSWER_LIMIT`].
    pub async fn send(&self, ask: &Ask) -> Result<Answer> {
        let answer = async { self.connect().await?.send(ask).await };
        let answer = tokio::time::timeout(ANSWER_LIMIT, answer).await;
        answer.with_context(|| format!("no answer from {} to {ask:?}", self.at))?
    }

    /// GETs a path of a host.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn get(&self, host: &str, path: &str) -> Result<Answer> {
        self.send(&Ask::get(host, path)).await
    }

    /// Opens a connection to keep.
    ///
    /// # Errors
    /// Nobody listens, or the TLS handshake fails.
    pub async fn connect(&self) -> Result<Connection> {
        let stream = self.stream().await.with_context(|| format!("cannot connect to {}", self.at))?;
        let io = TokioIo::new(stream);
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        Ok(match self.protocol {
            Protocol::Http1 => {
                let (sender, connection) = http1::handshake(io).await?;
                tokio::spawn(connection.with_upgrades());
                Connection::Http1(sender)
            }
            Protocol::Http2 => {
                let (sender, connection) = http2::handshake(TokioExecutor::new(), io).await?;
                tokio::spawn(connection);
                Connection::Http2(sender, scheme)
            }
        })
    }

    async fn stream(&self) -> Result<Box<dyn Stream>> {
        let socket = match &self.namespace {
            Some(namespace) => namespace::open(namespace, TcpSocket::new_v4)?,
            None => TcpSocket::new_v4()?,
        };
        socket.set_nodelay(true)?;
        if let Some(from) = self.from {
            socket.bind((from, 0).into())?;
        }
        let stream: TcpStream = socket.connect(self.at).await?;
        let Some(config) = &self.tls else { return Ok(Box::new(stream)) };
        // Certificates of nodes are known by their URI, so no name is asked for: the address stands in its place.
        let name = ServerName::from(self.at.ip());
        Ok(Box::new(TlsConnector::from(Arc::clone(config)).connect(name, stream).await?))
    }
}

/// What a connection runs over.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// An open connection.
#[derive(Debug)]
pub enum Connection {
    /// In HTTP/1.1.
    Http1(http1::SendRequest<Body>),
    /// In HTTP/2, with the scheme of its requests.
    Http2(http2::SendRequest<Body>, &'static str),
}

impl Connection {
    /// Whether the other side has closed it.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        match self {
            Self::Http1(sender) => sender.is_closed(),
            Self::Http2(sender, _) => sender.is_closed(),
        }
    }

    /// Sends a request and reads the whole answer.
    ///
    /// # Errors
    /// The request cannot be written as it is, or the connection ends before the answer does.
    pub async fn send(&mut self, ask: &Ask) -> Result<Answer> {
        let body = Full::new(ask.body.clone()).map_err(|never| match never {}).boxed_unsync();
        let response = self.open(ask, body).await?;
        let (head, body) = response.into_parts();
        let body = body.collect().await?;
        let trailers = body.trailers().cloned().unwrap_or_default();
        Ok(Answer { status: head.status.as_u16(), headers: head.headers, body: body.to_bytes(), trailers })
    }

    /// Sends a request with a body of the caller's, and gives the answer when its headers are there.
    ///
    /// # Errors
    /// As [`Connection::send`].
    pub async fn open(&mut self, ask: &Ask, body: Body) -> Result<Response<Incoming>> {
        let mut request = Request::new(body);
        *request.method_mut() = ask.method.clone();
        for (name, value) in &ask.headers {
            let name: hyper::header::HeaderName = name.parse()?;
            request.headers_mut().append(name, value.parse()?);
        }
        match self {
            Self::Http1(sender) => {
                request.headers_mut().insert(HOST, ask.host.parse()?);
                *request.uri_mut() = ask.path.parse()?;
                sender.ready().await?;
                Ok(sender.send_request(request).await?)
            }
            Self::Http2(sender, scheme) => {
                let uri = Uri::builder()
                    .scheme(*scheme)
                    .authority(ask.host.as_str())
                    .path_and_query(ask.path.as_str());
                *request.uri_mut() = uri.build()?;
                *request.version_mut() = hyper::Version::HTTP_2;
                sender.ready().await?;
                Ok(sender.send_request(request).await?)
            }
        }
    }
}
