//! The public node's listener for home: the handshake, who is refused and why, and what is answered.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::Serialize;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::{CertificateError, Error};
use tracing::warn;

use super::Desk;
use crate::agent::delivery::{self, Challenge};
use crate::agent::mutual::Refused;
use crate::agent::server;

/// How many handshakes are under way at a time; one more ends the oldest. Anybody on the internet may begin one, so whoever only
/// opens connections must not keep home waiting.
const HANDSHAKES: usize = 64;
/// How many gateways are connected at a time.
const CONNECTIONS: usize = 32;
/// How long a handshake may take.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(5);
/// The age at which a connection ends, whatever it does: who is behind it is looked at anew then.
const OLDEST: Duration = Duration::from_secs(60 * 60);
/// How long a client may take to begin a request: home asks several times in that.
const ASK_WITHIN: Duration = Duration::from_secs(30);
/// The largest delivery: a table (32 MiB), and some for files.
const LARGEST: usize = 48 << 20;
/// How many refusals are told of in a second; the rest is counted.
const TOLD_A_SECOND: u32 = 5;
/// Who delivers says so in this header.
pub(crate) const WRITER: &str = "x-zoneway-writer";

/// Serves for ever. May be dropped at any time.
pub(super) async fn serve(listener: TcpListener, desk: Arc<Desk>) {
    let mut handshakes = Handshakes::default();
    let connections = Arc::new(Semaphore::new(CONNECTIONS));
    let mut teller = Teller::default();
    let (tell, mut told) = tokio::sync::mpsc::channel::<(SocketAddr, Refused)>(HANDSHAKES);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some((client, refused)) = told.recv() => {
                desk.shared.metrics.client_refused(refused.name());
                teller.tell(client, &refused);
                continue;
            }
        };
        let (stream, client) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of descriptors, most likely: others have to close first.
                warn!("cannot accept a connection: {error}");
                tokio::time::sleep(Duration::from_secs(1)).await;
                continue;
            }
        };
        let (desk, connections, tell) = (Arc::clone(&desk), Arc::clone(&connections), tell.clone());
        handshakes.begin(async move {
            let acceptor = TlsAcceptor::from(Arc::clone(&desk.session().tls));
            let shaken = tokio::time::timeout(HANDSHAKE_WITHIN, acceptor.accept(stream)).await;
            let stream = match shaken {
                Ok(Ok(stream)) => stream,
                Ok(Err(error)) => {
                    let _ = tell.try_send((client, refusal(&error)));
                    return;
                }
                Err(_) => return,
            };
            // It is one of home's gateways: a task of its own, which no stranger's handshake ends.
            let shown = stream.get_ref().1.peer_certificates().map(<[_]>::to_vec);
            if let (Some(shown), Ok(place)) = (shown, connections.try_acquire_owned()) {
                let refused = move |refused| drop(tell.try_send((client, refused)));
                tokio::spawn(async move {
                    let _ = tokio::time::timeout(OLDEST, connection(stream, shown, desk, refused)).await;
                    drop(place);
                });
            }
        });
    }
}

/// The handshakes that are under way, the oldest first.
#[derive(Default)]
struct Handshakes(VecDeque<AbortHandle>);

impl Handshakes {
    /// Begins one. Where there are [`HANDSHAKES`] already, the oldest ends, and its connection closes.
    fn begin(&mut self, handshake: impl Future<Output = ()> + Send + 'static) {
        self.0.retain(|begun| !begun.is_finished());
        if self.0.len() >= HANDSHAKES
            && let Some(oldest) = self.0.pop_front()
        {
            oldest.abort();
        }
        self.0.push_back(tokio::spawn(handshake).abort_handle());
    }
}

/// Why a handshake failed.
fn refusal(error: &io::Error) -> Refused {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    match tls {
        Some(Error::InvalidCertificate(CertificateError::Other(other))) => {
            other.0.downcast_ref::<Refused>().cloned().unwrap_or_else(|| Refused::Tls(other.to_string()))
        }
        Some(error) => Refused::of(error),
        None => Refused::Tls(format!("it is no TLS: {error}")),
    }
}

/// Tells of refusals, but not of a flood of them.
#[derive(Default)]
struct Teller {
    since: Option<Instant>,
    told: u32,
    left_out: u64,
}

impl Teller {
    fn tell(&mut self, client: SocketAddr, refused: &Refused) {
        if self.since.is_none_or(|since| since.elapsed() > Duration::from_secs(1)) {
            if self.left_out > 0 {
                warn!("{} more clients were refused", self.left_out);
            }
            *self = Self { since: Some(Instant::now()), told: 0, left_out: 0 };
        }
        if self.told < TOLD_A_SECOND {
            self.told += 1;
            warn!(%client, reason = refused.name(), "a client is refused: {refused}");
        } else {
            self.left_out += 1;
        }
    }
}

/// Answers a client that shows these certificates, and tells when it is refused.
async fn connection(
    stream: tokio_rustls::server::TlsStream<TcpStream>,
    shown: Vec<CertificateDer<'static>>,
    desk: Arc<Desk>,
    tell: impl Fn(Refused),
) {
    let answer = service_fn(async |request: Request<Incoming>| {
        // It may have been revoked since the handshake, or have expired.
        if let Some(refused) = desk.refuses(&shown) {
            let mut response = server::text(StatusCode::FORBIDDEN, format!("{refused}\n"));
            let close = hyper::header::HeaderValue::from_static("close");
            response.headers_mut().insert(hyper::header::CONNECTION, close);
            tell(refused);
            return Ok(response);
        }
        Ok::<_, Infallible>(answer(request, &desk).await)
    });
    // A client that goes away is no news.
    let _ = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(ASK_WITHIN)
        .serve_connection(TokioIo::new(stream), answer)
        .await;
}

async fn answer(request: Request<Incoming>, desk: &Arc<Desk>) -> Response<Full<Bytes>> {
    match (request.method(), request.uri().path()) {
        (&Method::GET, delivery::HELLO) => {
            let writer = request.headers().get(WRITER).and_then(|value| value.to_str().ok());
            json(StatusCode::OK, &desk.hello(writer))
        }
        (&Method::PUT, delivery::PROOF) => match body(request).await {
            Ok(body) => match serde_json::from_slice::<Challenge>(&body) {
                Ok(challenge) => match desk.prove(&challenge) {
                    Ok(proof) => json(StatusCode::OK, &proof),
                    Err(message) => server::text(StatusCode::GONE, message + "\n"),
                },
                Err(error) => server::text(StatusCode::BAD_REQUEST, format!("{error}\n")),
            },
            Err(refusal) => *refusal,
        },
        (&Method::PUT, delivery::DELIVERY) => match body(request).await {
            Ok(body) => {
                let desk = Arc::clone(desk);
                match tokio::task::spawn_blocking(move || desk.take(&body)).await {
                    Ok((status, answer)) => json(status, &answer),
                    Err(error) => server::text(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")),
                }
            }
            Err(refusal) => *refusal,
        },
        // Home has no other way to this node's Envoy.
        (&Method::GET, delivery::ENVOY_METRICS) => server::envoy_metrics(&desk.shared, None).await,
        _ => server::answer(&request, &desk.shared),
    }
}

async fn body(request: Request<Incoming>) -> Result<Bytes, Box<Response<Full<Bytes>>>> {
    let limited = Limited::new(request.into_body(), LARGEST).collect().await;
    limited
        .map(|body| body.to_bytes())
        .map_err(|error| Box::new(server::text(StatusCode::PAYLOAD_TOO_LARGE, format!("{error}\n"))))
}

fn json(status: StatusCode, value: &impl Serialize) -> Response<Full<Bytes>> {
    match serde_json::to_vec(value) {
        Ok(json) => server::page(status, "application/json", json),
        Err(error) => server::text(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")),
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::time::Duration;

    use tokio::sync::mpsc;

    use super::{HANDSHAKES, Handshakes};

    /// Tells of its end, however it comes.
    struct Tells(usize, mpsc::UnboundedSender<usize>);

    impl Drop for Tells {
        fn drop(&mut self) {
            let _ = self.1.send(self.0);
        }
    }

    #[tokio::test]
    async fn clients_that_say_nothing_keep_no_other_waiting_the_oldest_of_them_goes() {
        let (tell, mut ended) = mpsc::unbounded_channel();
        let mut handshakes = Handshakes::default();
        for number in 0..HANDSHAKES + 3 {
            let tells = Tells(number, tell.clone());
            handshakes.begin(async move {
                let _tells = tells;
                pending::<()>().await;
            });
        }
        for oldest in 0..3 {
            let next = tokio::time::timeout(Duration::from_secs(10), ended.recv()).await;
            assert_eq!(next.ok().flatten(), Some(oldest));
        }
        assert!(ended.try_recv().is_err(), "no other one ended");
    }

    #[tokio::test]
    async fn a_handshake_that_is_over_counts_no_more() {
        let (tell, mut ended) = mpsc::unbounded_channel();
        let mut handshakes = Handshakes::default();
        for number in 0..HANDSHAKES {
            let tells = Tells(number, tell.clone());
            handshakes.begin(async move { drop(tells) });
            assert_eq!(ended.recv().await, Some(number));
        }
        let tells = Tells(HANDSHAKES, tell.clone());
        handshakes.begin(async move {
            let _tells = tells;
            pending::<()>().await;
        });
        // The one before the last has told of its end within its own last step.
        assert!(handshakes.0.len() <= 2, "{} are counted", handshakes.0.len());
        assert!(ended.try_recv().is_err());
    }
}
