//! Why there is no configuration for a node.

use zoneway_core::name::{NodeId, ZoneName};

/// What keeps a site from being rendered for a node, each with what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Error {
    /// The site has no such node.
    #[error("the site has no node {node}; it has {}", list(known))]
    UnknownNode {
        /// The node that was asked for.
        node: NodeId,
        /// Those that there are.
        known: Vec<NodeId>,
    },
    /// A link of this node goes through a reverse tunnel that anybody could register.
    #[error(
        "the link from {from} to {to} uses a reverse tunnel, and nodes do not know each other by certificates: \
         write the files of mutual TLS (settings.peer_authentication), or an address that {from} can dial \
         (zones.{from}.links, `address`)"
    )]
    TunnelInClear {
        /// The zone that sends.
        from: ZoneName,
        /// The zone that dials in.
        to: ZoneName,
    },
    /// Nodes are to know each other by certificates of no trust domain.
    #[error(
        "settings.peer_authentication names certificates, but settings.domain is missing: \
         identities are spiffe://DOMAIN/zone/Z/node/N, write the domain"
    )]
    NoDomain,
    /// There are other nodes, and nothing says how to know them.
    #[error(
        "{node} is not alone, and settings.peer_authentication is missing: write the files of mutual TLS \
         (`zoneway pki init` and `zoneway pki issue` make them), or `none` with the zones that are private already"
    )]
    NoPeerAuthentication {
        /// The node that was asked for.
        node: NodeId,
    },
    /// A public zone is to be believed without a certificate.
    #[error(
        "settings.peer_authentication.none names {zone}, which is public: anybody could speak for it. \
         Use mutual TLS, or take {zone} out"
    )]
    PublicWithoutAuthentication {
        /// The public zone.
        zone: ZoneName,
    },
    /// The clusters that are there are not what `zoneway envoy` wrote.
    #[error("{0}: run `zoneway envoy` for this node again, with an empty run folder")]
    Clusters(String),
}

fn list(nodes: &[NodeId]) -> String {
    if nodes.is_empty() {
        return "none".to_owned();
    }
    nodes.iter().map(NodeId::as_str).collect::<Vec<_>>().join(", ")
}
