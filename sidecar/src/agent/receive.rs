//! The receive-only sidecar of a public node: it has no site and no credential of home's. Home dials it, and delivers what
//! its Envoy is to have.
//!
//! What is believed is decided here: who may deliver, that a delivery is for this node, whole, and nothing older than what
//! is there. From a delivery that was taken on it is a source like any other.

mod credentials;
mod listener;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hyper::StatusCode;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tracing::{error, info};
use zoneway_core::name::NodeId;

use super::config::{Config, Receive, XdsPlaces};
use super::delivery::{self, Challenge, Delivery, Held, Hello, Proof};
use super::mutual::Refused;
use super::shared::Shared;
use super::table_endpoint::{PathError, PushAnswer};
use crate::pki;
use crate::pki::token::Token;
use credentials::{Credentials, Session};
pub(crate) use listener::WRITER;

/// How long home's sidecar that delivered last has this node to itself: another one that comes later waits until the
/// first was not heard of for so long.
const ITS_OWN_FOR: Duration = Duration::from_secs(10);

/// The last delivery as it came; none before the first.
pub(crate) type Deliveries = watch::Receiver<Option<Arc<str>>>;

/// Why a public node cannot receive.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReceiveError {
    /// Its key is not to be had.
    #[error(transparent)]
    Key(#[from] pki::Error),
    /// The authorities that it starts with are not.
    #[error("{0}: put the authority's certificate (ca.pem) there: a bundle of `zoneway edge bundle` has it")]
    Authorities(String),
    /// TLS does not take what there is.
    #[error("TLS cannot be served: {0}")]
    Tls(String),
    /// It cannot listen.
    #[error("{place}: {source}: `source.receive.listen` needs an address that is free")]
    Listen {
        /// Where.
        place: std::net::SocketAddr,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// There is no Envoy, several, or one whose files are not here.
    #[error("envoys: a public node that receives has one Envoy, with its `run_dir`")]
    Envoys,
}

/// What every connection shares.
pub(crate) struct Desk {
    config: Receive,
    node: NodeId,
    places: XdsPlaces,
    credentials: Credentials,
    inner: Mutex<Inner>,
    deliveries: watch::Sender<Option<Arc<str>>>,
    pub(super) shared: Arc<Shared>,
}

struct Inner {
    session: Arc<Session>,
    held: Option<Held>,
    /// When the writer of what is held was heard of last.
    heard: Option<Instant>,
}

/// What became of a delivery.
type Taken = (StatusCode, PushAnswer);

/// Starts to listen. `kept`: the delivery of an earlier run.
///
/// # Errors
/// When key, authorities or address are not to be had.
pub(crate) async fn start(
    config: &Config,
    receive: &Receive,
    kept: Option<String>,
    shared: &Arc<Shared>,
    rooms: &mut JoinSet<()>,
) -> Result<Deliveries, ReceiveError> {
    let [envoy] = config.envoys.as_slice() else { return Err(ReceiveError::Envoys) };
    let places = envoy.files.clone().ok_or(ReceiveError::Envoys)?;
    let kept_delivery = kept.as_deref().and_then(|text| Delivery::parse(text.as_bytes()).ok());
    let gateways = match &kept_delivery {
        Some(delivery) => delivery.content.gateways.clone(),
        None => receive.gateways.clone(),
    };
    let credentials = Credentials::open(receive, &envoy.node)?;
    let session = Arc::new(credentials.session(gateways)?);
    let listener = tokio::net::TcpListener::bind(receive.listen)
        .await
        .map_err(|source| ReceiveError::Listen { place: receive.listen, source })?;
    let address = listener.local_addr().unwrap_or(receive.listen);
    info!("home may deliver at {address}: {}", session.gateways().join(", "));
    if !credentials.has_leaf() {
        info!("this node's key is not signed yet: home does that when it dials");
    }
    let (deliveries, delivered) = watch::channel(kept.map(Arc::from));
    let inner = Inner { session, held: kept_delivery.map(|delivery| delivery.held), heard: None };
    let desk = Desk {
        config: receive.clone(),
        node: envoy.node.clone(),
        places,
        credentials,
        inner: Mutex::new(inner),
        deliveries,
        shared: Arc::clone(shared),
    };
    rooms.spawn(listener::serve(listener, Arc::new(desk)));
    Ok(delivered)
}

impl Desk {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whom to let in now.
    pub(super) fn session(&self) -> Arc<Session> {
        Arc::clone(&self.inner().session)
    }

    /// Whether a client that was let in may still be here.
    pub(super) fn refuses(&self, shown: &[CertificateDer<'_>]) -> Option<Refused> {
        self.session().refuses(shown)
    }

    /// What this node says of itself to `writer`.
    pub(super) fn hello(&self, writer: Option<&str>) -> Hello {
        let mut inner = self.inner();
        if inner.held.as_ref().is_some_and(|held| Some(held.writer.as_str()) == writer) {
            inner.heard = Some(Instant::now());
        }
        Hello {
            version: delivery::VERSION,
            node: self.node.to_string(),
            zone: self.config.zone.to_string(),
            xds: self.places.folder.clone(),
            certificates: self.config.certificates.clone(),
            request: self.credentials.request().to_owned(),
            held: inner.held.clone(),
            is_taken: inner.is_taken_for(writer),
        }
    }

    /// The proof that this node has its bootstrap token; or why it has none to give.
    pub(super) fn prove(&self, challenge: &Challenge) -> Result<Proof, String> {
        let remedy = "make a new bundle with `zoneway edge bundle` and install it";
        let path = self.config.token.as_deref().filter(|path| path.exists());
        let path = path.ok_or_else(|| format!("this node has no bootstrap token: {remedy}"))?;
        let told = |error: &dyn std::fmt::Display| format!("{}: {error}: {remedy}", path.display());
        let token = std::fs::read(path).map_err(|error| told(&error))?;
        let token: Token = serde_json::from_slice(&token).map_err(|error| told(&error))?;
        if let Err(refusal) = token.is_good(pki::now()) {
            error!("{refusal}");
            return Err(refusal.to_string());
        }
        Ok(Proof { proof: token.prove(&challenge.nonce, &self.credentials.public_key()) })
    }

    /// Takes a delivery, or says what is wrong with it. Its files are in place when this returns; its table is fed from
    /// then on.
    pub(super) fn take(&self, bytes: &[u8]) -> Taken {
        let refused = |errors: Vec<PathError>| {
            for fault in &errors {
                error!("a delivery is refused whole, what was there serves on: {fault}");
            }
            (StatusCode::UNPROCESSABLE_ENTITY, PushAnswer { accepted: false, revision: None, errors })
        };
        let delivery = match Delivery::parse(bytes) {
            Ok(delivery) => delivery,
            Err(fault) => return refused(vec![fault]),
        };
        let mut faults = delivery.checked().err().unwrap_or_default();
        faults.extend(delivery.faults_for(&self.config.zone, &self.node, &self.config.domain));
        if !faults.is_empty() {
            return refused(faults);
        }
        let mut inner = self.inner();
        if let Some(message) = inner.stands_against(&delivery.held) {
            let errors = vec![PathError { path: "held".to_owned(), message }];
            return (StatusCode::CONFLICT, PushAnswer { accepted: false, revision: None, errors });
        }
        if let Err(message) = self.credentials.take(&delivery) {
            return refused(vec![PathError { path: "content.certificates".to_owned(), message }]);
        }
        match self.credentials.session(delivery.content.gateways.clone()) {
            Ok(session) => inner.session = Arc::new(session),
            Err(error) => {
                return refused(vec![PathError { path: String::new(), message: error.to_string() }]);
            }
        }
        if let Some(token) = &self.config.token {
            // It was used up: home knows this key from now on.
            let _ = std::fs::remove_file(token);
        }
        let revision = delivery.held.revision;
        info!(writer = delivery.held.writer, %revision, "a delivery from home");
        (inner.held, inner.heard) = (Some(delivery.held), Some(Instant::now()));
        self.deliveries.send_replace(Some(String::from_utf8_lossy(bytes).into()));
        (StatusCode::OK, PushAnswer { accepted: true, revision: Some(revision), errors: Vec::new() })
    }
}

impl Inner {
    /// Whether another than `writer` delivered what is held, and was heard of a short while ago.
    fn is_taken_for(&self, writer: Option<&str>) -> bool {
        let is_anothers = self.held.as_ref().is_some_and(|held| Some(held.writer.as_str()) != writer);
        is_anothers && self.heard.is_some_and(|at| at.elapsed() < ITS_OWN_FOR)
    }

    /// Why what is held may not be replaced by this.
    fn stands_against(&self, next: &Held) -> Option<String> {
        let held = self.held.as_ref()?;
        if self.is_taken_for(Some(&next.writer)) {
            return Some(format!(
                "{} delivers here: another may when it was not heard of for 10 s",
                held.writer
            ));
        }
        (!delivery::may_replace(held, next))
            .then(|| format!("{} is not newer than {}, which is there", next.revision, held.revision))
    }
}
