//! Which headers of a request are believed, and how far they travel (DESIGN, "In Envoy"): those under `x-zoneway-`, and
//! those that say where a client is.
//!
//! Envoy picks a route, and takes a client's address from `x-forwarded-for`, before any filter runs, so what a client sends
//! must be gone before that; and the endpoint is chosen after the route was, so what steers it leaves no sooner than in the
//! upstream cluster's own filters.

use serde_json::{Value, json};
use zoneway_core::name::ZoneName;
use zoneway_core::traffic::header::SNI;

use super::message::extension;

/// The prefix of every header that is ours.
const PREFIX: &str = "x-zoneway-";
/// What Envoy takes for orders of its own: timeouts, retries, whose request it is.
const ENVOY_PREFIX: &str = "x-envoy-";
/// Names the cluster of a forward; its presence is what the first route of every virtual host matches.
pub(super) const CLUSTER: &str = "x-zoneway-cluster";
/// The ordered list of addresses to dial.
pub(super) const ENDPOINTS: &str = "x-zoneway-endpoints";
/// The node to reach through a reverse tunnel.
pub(super) const TUNNEL: &str = "x-zoneway-tunnel";
/// Those that steer one Envoy alone: no other may send them, and none leaves with a request.
const STEERING: [&str; 3] = [CLUSTER, ENDPOINTS, TUNNEL];

/// Where the request came from.
const SOURCE: &str = "x-zoneway-source";
/// The addresses that a request has passed, the client's first.
const FORWARDED_FOR: &str = "x-forwarded-for";
/// In place of an address that a public zone may not name: the IPv4 dummy address (RFC 7600, section 4), which is
/// nobody's.
const NOBODY: &str = "192.0.0.8";

/// Takes from a client's request all that is ours and all that is Envoy's, before a route is picked.
pub(super) fn before_ingress_routes() -> Vec<Value> {
    [PREFIX, ENVOY_PREFIX].map(remove_prefix).to_vec()
}

/// Writes the name that a client's TLS handshake asked for where the filter finds it among the headers that it reads anyhow.
pub(super) fn name_of_handshake() -> Value {
    overwrite(SNI, "%REQUESTED_SERVER_NAME%")
}

/// Takes from a request what says where it came from: whoever dials a public listener may write anything there. Envoy
/// then writes down the address that it sees.
pub(super) fn forget_the_way() -> Vec<Value> {
    vec![remove_prefix("x-forwarded-"), remove("forwarded"), remove("x-real-ip")]
}

/// Takes from a peer's request what steers, before a route is picked. Source and trail are the peer's to say, and
/// the filter's to check.
pub(super) fn before_peer_routes() -> Vec<Value> {
    let mut mutations: Vec<_> = STEERING.iter().map(|header| remove(header)).collect();
    mutations.push(remove_prefix(ENVOY_PREFIX));
    mutations
}

/// A request of one of these zones has a client with one public address, or one that is nobody's: a public node could
/// otherwise say that its clients are the household's, to Envoy too, which takes the client's address from there.
pub(super) fn only_public_addresses(public: &[&ZoneName]) -> Value {
    let public: Vec<_> = public.iter().map(|zone| format!("'{zone}'")).collect();
    let forwarded = header(FORWARDED_FOR);
    let is_public = format!(
        "('{FORWARDED_FOR}' in request.headers && ({forwarded}.matches('{PUBLIC_V6}') || \
         ({forwarded}.matches('{V4}') && !{forwarded}.matches('{OTHER_V4}'))))"
    );
    let is_of_them = format!("'{SOURCE}' in request.headers && {} in [{}]", header(SOURCE), public.join(","));
    // Without the header, what is to be kept is no value, and nothing is written.
    overwrite(FORWARDED_FOR, &format!("%CEL({is_of_them} && !{is_public} ? '{NOBODY}' : {forwarded})%"))
}

/// Global unicast is all in 2000::/3 (RFC 4291, section 2.4).
const PUBLIC_V6: &str = "^[23][0-9a-f]{3}:[0-9a-f:]+$";
/// Four octets without leading zeros.
const V4: &str = "^((25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])([.]|$)){4}$";
/// This network, private, loopback, shared, link-local, protocol assignments, multicast and above (RFC 6890).
const OTHER_V4: &str = "^(0|10|127|22[4-9]|2[3-5][0-9])[.]|^100[.](6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])[.]|\
                        ^169[.]254[.]|^172[.](1[6-9]|2[0-9]|3[01])[.]|^192[.]168[.]|^192[.]0[.]0[.]";

fn header(name: &str) -> String {
    format!("request.headers['{name}']")
}

fn remove(name: &str) -> Value {
    json!({"remove": name})
}

fn remove_prefix(prefix: &str) -> Value {
    json!({"remove_on_match": {"key_matcher": {"prefix": prefix}}})
}

fn overwrite(name: &str, value: &str) -> Value {
    json!({"append": {
        "header": {"key": name, "value": value},
        "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
    }})
}

/// Changes to a request's headers before a route is picked, in this order.
pub(super) fn early(mutations: Vec<Value>) -> Value {
    json!([extension(
        "zoneway/early_headers",
        "extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation",
        json!({"mutations": mutations}),
    )])
}

/// The filters of a cluster of peers: what steered has done its work once the endpoint is chosen.
pub(super) fn upstream_filters() -> Value {
    json!([
        extension(
            "zoneway/steering_headers",
            "extensions.filters.http.header_mutation.v3.HeaderMutation",
            json!({"mutations": {"request_mutations": STEERING.map(remove)}}),
        ),
        extension(
            "envoy.filters.http.upstream_codec",
            "extensions.filters.http.upstream_codec.v3.UpstreamCodec",
            json!({}),
        ),
    ])
}
