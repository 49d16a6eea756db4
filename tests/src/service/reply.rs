//! The answers of a service to plain requests: the report, echoes, gRPC and slow streams.

use std::time::Duration;

use futures_util::stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::header::{CONTENT_TYPE, HOST, HeaderMap, HeaderValue};
use hyper::{Request, Response, StatusCode};

use super::{Report, Service};

/// The body of every answer.
pub(super) type Body = UnsyncBoxBody<Bytes, hyper::Error>;

/// A body that is there already.
pub(super) fn whole(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// An answer without more than a status and a text.
pub(super) fn status(status: StatusCode, text: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(whole(text));
    *response.status_mut() = status;
    response
}

pub(super) async fn reply(service: &Service, request: Request<Incoming>) -> Response<Body> {
    let grpc = request
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"));
    match request.uri().path() {
        _ if grpc => echo_grpc(request),
        "/echo" => Response::new(request.into_body().boxed_unsync()),
        "/stream" => stream_lines(request.uri().query().unwrap_or_default()),
        _ => report(service, request).await,
    }
}

async fn report(service: &Service, request: Request<Incoming>) -> Response<Body> {
    let (head, body) = request.into_parts();
    let body = match body.collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => return status(StatusCode::BAD_REQUEST, error.to_string()),
    };
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let authority = head.uri.authority().map(ToString::to_string);
    let mut headers: Vec<(String, String)> =
        head.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
    headers.sort();
    let report = Report {
        service: service.name.clone(),
        node: service.node.clone(),
        method: head.method.to_string(),
        path: head.uri.path_and_query().map_or_else(String::new, ToString::to_string),
        host: authority.or_else(|| head.headers.get(HOST).map(text)).unwrap_or_default(),
        version: format!("{:?}", head.version),
        headers,
        body_bytes: body.len(),
    };
    let mut json = serde_json::to_vec_pretty(&report).unwrap_or_default();
    json.push(b'\n');
    let mut response = Response::new(whole(json));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The framing of gRPC is left as it is: what came is what goes back.
fn echo_grpc(request: Request<Incoming>) -> Response<Body> {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    let data = request.into_body().map_frame(|frame| Frame::data(frame.into_data().unwrap_or_default()));
    let body = data.with_trailers(std::future::ready(Some(Ok(trailers))));
    let mut response = Response::new(body.boxed_unsync());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    response
}

fn stream_lines(query: &str) -> Response<Body> {
    let number = |name: &str| -> Option<u64> {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.filter(|(key, _)| *key == name).find_map(|(_, value)| value.parse().ok())
    };
    let chunks = number("chunks").unwrap_or(5);
    let pause = Duration::from_millis(number("pause_ms").unwrap_or(20));
    let lines = stream::unfold(0, move |line| async move {
        if line == chunks {
            return None;
        }
        tokio::time::sleep(pause).await;
        Some((Ok(Frame::data(Bytes::from(format!("{line}\n")))), line + 1))
    });
    Response::new(StreamBody::new(lines).boxed_unsync())
}
