//! The names of the headers that Zoneway reads and writes, in lower case as Envoy has them.

/// What every header of ours begins with.
pub const PREFIX: &str = "x-zoneway-";
/// The cluster that a forward goes to: `zoneway/peers` or `zoneway/zone/NAME`.
pub const CLUSTER: &str = "x-zoneway-cluster";
/// The addresses to try, in order, joined by `,` without blanks.
pub const ENDPOINTS: &str = "x-zoneway-endpoints";
/// The gateway that has dialled in, where none can be dialled.
pub const TUNNEL: &str = "x-zoneway-tunnel";
/// The zone that the request came from, fixed where it first arrived.
pub const SOURCE: &str = "x-zoneway-source";
/// The `zone/node` items that the request has passed, joined by `,` without blanks.
pub const TRAIL: &str = "x-zoneway-trail";
/// The name that the client's TLS handshake asked for: written by Envoy where the filter's configuration says so, and taken out
/// by its routes.
pub const SNI: &str = "x-zoneway-sni";
/// RFC 8586: every proxy that may be part of a loop adds itself.
pub const CDN_LOOP: &str = "cdn-loop";
/// Our name in `cdn-loop` and `proxy-status`.
pub const PSEUDONYM: &str = "zoneway";
/// RFC 9209: why a proxy answered by itself.
pub const PROXY_STATUS: &str = "proxy-status";
/// RFC 9110, section 10.2.3.
pub const RETRY_AFTER: &str = "retry-after";
/// On a peer's refusal alone: it has no table yet and nothing was done, so another endpoint may be asked. Whoever
/// forwards takes it out of the answer.
pub const NO_TABLE: &str = "x-zoneway-no-table";

/// The cluster of this zone's other nodes.
pub const PEERS_CLUSTER: &str = "zoneway/peers";
/// What stands before a zone's name in the name of its gateways' cluster.
pub const ZONE_CLUSTER_PREFIX: &str = "zoneway/zone/";

/// A header that the decision is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    Authority,
    Host,
    Path,
    CdnLoop,
    Source,
    Trail,
    /// Cluster, endpoints and tunnel: what steers a forward.
    Steering,
    Sni,
    /// Anything else under `x-zoneway-`.
    OtherOfOurs,
}

/// Tells the few headers of interest from all others, which cost one look at the first byte and the length.
pub(super) fn known(name: &[u8]) -> Option<Known> {
    let is = |text: &str| name.eq_ignore_ascii_case(text.as_bytes());
    match name.first()? {
        b':' if is(":authority") => Some(Known::Authority),
        b':' if is(":path") => Some(Known::Path),
        b'c' | b'C' if is(CDN_LOOP) => Some(Known::CdnLoop),
        b'h' | b'H' if is("host") => Some(Known::Host),
        b'x' | b'X' => {
            let start = name.get(..PREFIX.len())?;
            if !start.eq_ignore_ascii_case(PREFIX.as_bytes()) {
                None
            } else if is(SOURCE) {
                Some(Known::Source)
            } else if is(TRAIL) {
                Some(Known::Trail)
            } else if is(CLUSTER) || is(ENDPOINTS) || is(TUNNEL) {
                Some(Known::Steering)
            } else if is(SNI) {
                Some(Known::Sni)
            } else {
                Some(Known::OtherOfOurs)
            }
        }
        _ => None,
    }
}

/// Whether a header says where a request came from, besides `x-forwarded-for` (which Envoy judges before any filter) and
/// `x-forwarded-proto` (which is no address).
pub(super) fn says_the_way(name: &[u8]) -> bool {
    let is = |text: &str| name.eq_ignore_ascii_case(text.as_bytes());
    let forwarded = name.get(..12).is_some_and(|start| start.eq_ignore_ascii_case(b"x-forwarded-"));
    is("forwarded") || is("x-real-ip") || (forwarded && !is("x-forwarded-for") && !is("x-forwarded-proto"))
}
