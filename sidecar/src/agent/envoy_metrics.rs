//! What this sidecar's Envoys count, asked of their admin when somebody asks: an Envoy's admin is a socket that only its own user
//! may open, and has more than anybody else should reach.
//!
//! It knows nothing of what is counted.

use std::time::Duration;

use hyper::StatusCode;
use tokio::sync::Mutex;

use super::client::{Answer, Ask, Client, ClientError};
use super::config::EnvoyPlaces;

/// What was counted at least once: an Envoy of a large household has hundreds of counters for each cluster, most of them 0 for ever.
const COUNTED: &str = "/stats/prometheus?usedonly";
/// How long an Envoy may take to tell.
const WITHIN: Duration = Duration::from_secs(5);

/// The Envoys that can be asked, by their nodes.
#[derive(Debug)]
pub(crate) struct EnvoyMetrics {
    /// An answer may be of megabytes: of each one at a time is read.
    envoys: Vec<(String, Mutex<Client>)>,
}

/// Why there are no figures.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoMetrics {
    /// It is not one Envoy that is asked for.
    #[error("the Envoys that can be asked here are {nodes}: name one, as in /envoy-metrics/NODE")]
    Which {
        /// Their nodes.
        nodes: String,
    },
    /// No Envoy of this sidecar has an admin that it knows.
    #[error("no Envoy here can be asked: `envoys` has neither `run_dir` nor `admin`")]
    Nobody,
    /// It does not answer.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// It answers something else.
    #[error("Envoy answers {0}")]
    Status(StatusCode),
}

impl NoMetrics {
    /// What whoever asked is answered.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Which { .. } | Self::Nobody => StatusCode::NOT_FOUND,
            Self::Client(_) | Self::Status(_) => StatusCode::BAD_GATEWAY,
        }
    }
}

impl EnvoyMetrics {
    /// Those of these Envoys whose admin is known. None is asked yet.
    pub(crate) fn new(envoys: &[EnvoyPlaces]) -> Self {
        let known = |envoy: &EnvoyPlaces| {
            let admin = envoy.files.as_ref()?.admin.clone();
            Some((envoy.node.to_string(), Mutex::new(Client::new(admin, None))))
        };
        Self { envoys: envoys.iter().filter_map(known).collect() }
    }

    /// What a node's Envoy has counted, in Prometheus's text format; of the only one where no node is named.
    ///
    /// # Errors
    /// There is no such Envoy, it is not named and there are several, or it does not answer.
    pub(crate) async fn of(&self, node: Option<&str>) -> Result<Answer, NoMetrics> {
        let client = match (node, self.envoys.as_slice()) {
            (_, []) => return Err(NoMetrics::Nobody),
            (None, [(_, only)]) => Some(only),
            (None, _) => None,
            (Some(node), envoys) => envoys.iter().find(|(name, _)| name == node).map(|(_, client)| client),
        };
        let Some(client) = client else {
            let nodes: Vec<_> = self.envoys.iter().map(|(name, _)| name.as_str()).collect();
            return Err(NoMetrics::Which { nodes: nodes.join(", ") });
        };
        let answer = client.lock().await.ask(&Ask::get(COUNTED, WITHIN)).await?;
        if answer.status == StatusCode::OK { Ok(answer) } else { Err(NoMetrics::Status(answer.status)) }
    }
}
