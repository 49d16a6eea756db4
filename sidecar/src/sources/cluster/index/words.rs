//! The labels and annotations that are read, by their full names.

/// Every label and annotation under our own prefix.
#[derive(Debug, Clone)]
pub(super) struct Words {
    /// The prefix and its slash.
    prefix: String,
    /// Label of nodes, and of Services and EndpointSlices whose endpoints have no node: the zone.
    pub(super) zone: String,
    /// Annotation of nodes: where the zone's nodes dial it.
    pub(super) address: String,
    /// Annotation or label of nodes: it is to serve nothing.
    pub(super) drain: String,
    /// Annotation of what has hosts, and of namespaces: the zones that may ask.
    pub(super) expose_to: String,
    /// Annotation of what has hosts: `node` or `zone`.
    pub(super) prefer: String,
    /// Annotation of nodes and Services: what each endpoint counts for.
    pub(super) weight: String,
}

impl Words {
    pub(super) fn new(prefix: &str) -> Self {
        let word = |name: &str| format!("{prefix}/{name}");
        Self {
            prefix: word(""),
            zone: word("zone"),
            address: word("address"),
            drain: word("drain"),
            expose_to: word("expose-to"),
            prefer: word("prefer"),
            weight: word("weight"),
        }
    }

    /// Whether it has our prefix, and says nothing of what has hosts.
    pub(super) fn is_strange_on_route(&self, name: &str) -> bool {
        name.starts_with(&self.prefix) && name != self.expose_to && name != self.prefer
    }
}

/// The label of a cert-manager solver's objects (its constant `DomainLabelKey`'s neighbour, `SolverIdentificationLabelKey`).
pub(super) const ACME_SOLVER: &str = "acme.cert-manager.io/http01-solver";

/// Where a solver answers (RFC 8555, section 8.3).
pub(super) const ACME_PATH: &str = "/.well-known/acme-challenge";
