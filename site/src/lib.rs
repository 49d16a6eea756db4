//! The site: all zones, nodes, services and hosts; each zone's view of it; and what would happen to a request.
//!
//! Architecture invariant: as pure as `core`. No I/O, clock, threads or logging, and no YAML: who reads a file or a
//! cluster fills [`wire::Site`], and who knows the addresses of names hands them in as [`Names`].

mod answer;
mod diff;
mod fault;
mod host_port;
mod journey;
mod lint;
mod list;
mod names;
mod network;
mod reach;
mod site;
mod sorted;
mod suggestion;
mod validate;
mod view;
pub mod wire;

pub use answer::{Answer, in_words};
pub use diff::{Change, Course, CourseHop, Diff, NodeChange, diff};
pub use fault::{Fault, SiteError, SiteFault};
pub use host_port::{HostPort, HostPortError};
pub use journey::{Atlas, End, Hop, Journey, Start};
pub use lint::{Doubt, Finding, lint};
pub use list::{Because, Listed, Listing, ServedBy, list};
pub use names::Names;
pub use network::{Network, NetworkError};
pub use site::{
    AccessLog, Balance, Clients, DEFAULT_MAX_TABLE_BYTES, DEFAULT_PEER_PORT, ExposedBy, Host, Ingress, Link,
    Node, PeerAuthentication, Protocol, RateLimit, Rule, Served, Service, Settings, Site, Tls, Verify, Way,
    Zone,
};
pub use sorted::Sorted;
pub use view::{Sheet, View, ViewBook, ViewError, Warning, view};
