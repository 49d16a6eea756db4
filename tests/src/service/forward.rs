//! A service that is a client itself: the request goes on to another address with the headers it came with.

use std::net::SocketAddr;

use anyhow::Result;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{HOST, HeaderValue};
use hyper::{Request, Response, StatusCode, Uri, Version};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::reply::{Body, status};

pub(super) async fn forward(request: Request<Incoming>, next: SocketAddr) -> Response<Body> {
    match ask(request, next).await {
        Ok(response) => response,
        Err(error) => status(StatusCode::BAD_GATEWAY, format!("{error:#}")),
    }
}

/// Towards `next` it is always HTTP/1.1: what came as HTTP/2 brings its host in another place.
async fn ask(mut request: Request<Incoming>, next: SocketAddr) -> Result<Response<Body>> {
    let uri = std::mem::take(request.uri_mut());
    if let Some(authority) = uri.authority() {
        request.headers_mut().insert(HOST, HeaderValue::from_str(authority.as_str())?);
    }
    *request.version_mut() = Version::HTTP_11;
    *request.uri_mut() =
        uri.path_and_query().map_or_else(|| Ok(Uri::from_static("/")), |path| path.as_str().parse())?;
    let stream = TcpStream::connect(next).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender.send_request(request).await?.map(BodyExt::boxed_unsync))
}
