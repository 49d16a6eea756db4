//! The sidecar's configuration: read, checked whole, every error with its path.

mod check;
mod hold_time;
#[cfg(test)]
mod tests;
mod wire;

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use zoneway_core::name::{NodeId, ZoneName};

use super::client::{Identity, TlsFiles};
use super::endpoint_url::EndpointUrl;
use super::mounted::Mounted;
use super::table_endpoint::{PathError, faults_of};
use crate::sources::cluster::access::Access;
use crate::sources::cluster::settings::Settings;
use crate::sources::file;

/// What `zoneway run` does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Config {
    /// Where the tables come from.
    pub(crate) source: Source,
    /// The folder of what outlives a restart.
    pub(crate) state: PathBuf,
    /// The Envoys that are fed.
    pub(crate) envoys: Vec<EnvoyPlaces>,
    /// Where `/metrics`, `/envoy-metrics`, `/healthz`, `/readyz` and `/v1/status` are served.
    pub(crate) listen: Vec<Listen>,
    /// How long hosts stay that went all at once.
    pub(crate) hold: Duration,
    /// Who resolves names; the system's resolvers where empty.
    pub(crate) dns_servers: Vec<SocketAddr>,
    /// The lease of who writes into the cluster; where there is none, nothing is written.
    pub(crate) lease: Option<LeaseName>,
    /// How long what failed its probes has to be well before it is in a table again.
    pub(crate) back_after: Duration,
    /// The public nodes that are fed from here; none where this is not written.
    pub(crate) outside: Option<Outside>,
    /// Where certificates are brought from and to, where Envoy does not read them where something else leaves them.
    pub(crate) certificates: Option<Mounted>,
}

/// What tables come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// The file of a site: each Envoy gets its zone's view.
    Site(PathBuf),
    /// The file of a table: each Envoy gets it as it is. For a public node, which knows its own view and no more.
    Table(PathBuf),
    /// A cluster's own objects: each Envoy gets its zone's view.
    Cluster(Box<Settings>, Access),
    /// What home delivers: a public node dials nobody, and knows nothing but that.
    Receive(Box<Receive>),
}

/// Where and from whom a public node takes what it is to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Receive {
    /// Where home dials.
    pub(crate) listen: SocketAddr,
    /// The trust domain.
    pub(crate) domain: String,
    /// The node's zone.
    pub(crate) zone: ZoneName,
    /// The identities that may deliver first. Each delivery names those that may after it.
    pub(crate) gateways: Vec<String>,
    /// The folder of the node's key and certificates.
    pub(crate) certificates: PathBuf,
    /// The file of its bootstrap token, which goes when it was used.
    pub(crate) token: Option<PathBuf>,
}

/// How the public nodes that this node's zone reaches are delivered what they are to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outside {
    /// The port of their sidecars.
    pub(crate) port: u16,
    /// Where the sidecar of a node is, if not at the node's address and that port.
    pub(crate) places: BTreeMap<NodeId, String>,
    /// What this node shows of itself, and whom it believes.
    pub(crate) ca: PathBuf,
    /// What is revoked, where there is a list.
    pub(crate) crl: Option<PathBuf>,
    /// This node's certificate and key.
    pub(crate) identity: Identity,
    /// The folder of the authority that signs their keys; without it another gateway does, or an authority elsewhere.
    pub(crate) authority: Option<PathBuf>,
    /// The folder of what an authority elsewhere has signed for them, as `NODE.pem`.
    pub(crate) signed: Option<PathBuf>,
    /// The folder that the certificates' names in the site are relative to.
    pub(crate) folder: PathBuf,
}

/// The port of a public node's sidecar.
pub(crate) const DEFAULT_RECEIVE_PORT: u16 = 15_444;

/// A lease, `coordination.k8s.io`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LeaseName {
    /// Its namespace.
    pub(crate) namespace: String,
    /// Its name.
    pub(crate) name: String,
}

/// The name of a lease that has none.
const DEFAULT_LEASE: &str = "zoneway";
/// What stands for the name of the machine that a sidecar runs on.
const THIS_NODE: &str = "{node}";

/// One Envoy, and where its parts are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EnvoyPlaces {
    /// Its node.
    pub(crate) node: NodeId,
    /// Its table endpoint.
    pub(crate) table: EndpointUrl,
    /// For an https endpoint.
    pub(crate) tls: Option<TlsFiles>,
    /// Its files and its admin; without them it is pushed and no more.
    pub(crate) files: Option<XdsPlaces>,
}

/// Where an Envoy's clusters, members and routes are written, and where it tells which it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct XdsPlaces {
    /// The folder of the files.
    pub(crate) folder: PathBuf,
    /// Envoy's admin.
    pub(crate) admin: EndpointUrl,
}

/// Where the sidecar listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Listen {
    /// A TCP address.
    Tcp(SocketAddr),
    /// A Unix socket.
    Unix(PathBuf),
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "http://{address}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// How long hosts that went all at once stay, where the configuration does not say.
const DEFAULT_HOLD: Duration = Duration::from_secs(3600);

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// The file cannot be read.
    #[error("{}: {source}", .file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// It says something wrong.
    #[error("{}", lines(.file, .faults))]
    Invalid {
        /// The file.
        file: PathBuf,
        /// Every fault.
        faults: Vec<PathError>,
    },
}

fn lines(file: &Path, faults: &[PathError]) -> String {
    let line = |fault: &PathError| format!("{}: {fault}", file.display());
    faults.iter().map(line).collect::<Vec<_>>().join("\n")
}

impl Config {
    /// Reads and checks a configuration. Paths in it are relative to its folder; `node` is what `{node}` stands for.
    ///
    /// # Errors
    /// When the file cannot be read or says something wrong.
    pub(crate) fn load(file: &Path, node: Option<&str>) -> Result<Self, ConfigError> {
        let read = |source| ConfigError::Read { file: file.to_owned(), source };
        let text = std::fs::read_to_string(file).map_err(read)?;
        let whole = std::path::absolute(file).map_err(read)?;
        let folder = whole.parent().unwrap_or(&whole);
        Self::parse(&text, folder, node)
            .map_err(|faults| ConfigError::Invalid { file: file.to_owned(), faults })
    }

    fn parse(text: &str, folder: &Path, node: Option<&str>) -> Result<Self, Vec<PathError>> {
        let wire: wire::Config =
            file::read_yaml(folder, text.as_bytes()).map_err(|error| faults_of(&error))?;
        check::checked(wire, folder, node)
    }
}
