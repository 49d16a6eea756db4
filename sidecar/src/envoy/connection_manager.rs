//! HTTP connection managers: how a request is read, and what happens to it before the filter sees it.
//!
//! Each rule under "In Envoy" of DESIGN that is about reading a request stands here. The filter is the first HTTP
//! filter, and here the only one: any other that is added stands behind it in an `ExtensionWithMatcher` that skips
//! requests with `x-zoneway-cluster` (envoy-config/README.md shows one).

use std::path::Path;

use serde_json::{Value, json};

use zoneway_core::name::ZoneName;
use zoneway_site::{AccessLog, RateLimit};

use super::access_log::access_log;
use super::header_rules;
use super::message::{extension, file_source, set};
use super::rate_limit::rate_limit;
use super::route::{self, not_found};

/// Whose requests a connection manager reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum From {
    /// Clients of the house.
    Inside,
    /// Clients that may be anybody.
    Outside,
    /// Other nodes, which dial.
    Peers,
    /// Other nodes, over tunnels that this one dialled.
    Tunnel,
}

impl From {
    fn is_peers(self) -> bool {
        matches!(self, Self::Peers | Self::Tunnel)
    }
}

/// What of a connection manager is not the same everywhere.
#[derive(Debug, Clone)]
pub(super) struct Manners<'a> {
    /// Whose requests it reads.
    pub(super) from: From,
    /// Where it logs them.
    pub(super) log: &'a AccessLog,
    /// The site's public zones: these are not believed about their clients' addresses.
    pub(super) public_zones: &'a [&'a ZoneName],
    /// How much each client may ask for.
    pub(super) rate_limit: Option<RateLimit>,
    /// Whether the filter is to know the name that the TLS handshake asked for.
    pub(super) sni: bool,
}

impl Manners<'_> {
    /// What happens to a request's headers before a route is picked.
    fn early_headers(&self) -> Value {
        let mut mutations = match self.from {
            From::Inside | From::Outside => header_rules::before_ingress_routes(),
            From::Peers | From::Tunnel => header_rules::before_peer_routes(),
        };
        match self.from {
            From::Inside => {}
            From::Outside => mutations.extend(header_rules::forget_the_way()),
            From::Peers | From::Tunnel if self.public_zones.is_empty() => {}
            From::Peers | From::Tunnel => {
                mutations.push(header_rules::only_public_addresses(self.public_zones));
            }
        }
        if self.sni {
            mutations.push(header_rules::name_of_handshake());
        }
        header_rules::early(mutations)
    }

    /// The zone's filter comes first: whoever is refused is refused for free. A limit is the ingress's own, so it holds
    /// for what is forwarded too.
    fn filters(&self, zoneway: Value) -> Vec<Value> {
        let limit = self.rate_limit.map(rate_limit);
        [Some(zoneway), limit, Some(router())].into_iter().flatten().collect()
    }
}

/// A connection manager for clients or peers, with its filter and the file of its routes.
pub(super) fn connection_manager(manners: &Manners<'_>, filter: Value, routes: &Path) -> Value {
    let from = manners.from;
    let name = match from {
        From::Inside => "inside",
        From::Outside => "outside",
        From::Peers => "peer",
        From::Tunnel => "tunnel",
    };
    let mut manager = json!({
        "stat_prefix": name,
        "rds": {"route_config_name": route::NAME, "config_source": file_source(routes)},
        "http_filters": manners.filters(filter),
        "access_log": access_log(name, manners.log),
        "early_header_mutation_extensions": manners.early_headers(),
        // Envoy's router and the filter must read the same host and the same path.
        "strip_any_host_port": true,
        "strip_trailing_host_dot": true,
        "normalize_path": true,
        "merge_slashes": true,
        "path_with_escaped_slashes_action": "REJECT_REQUEST",
        "upgrade_configs": [{"upgrade_type": "websocket"}],
        "local_reply_config": same_not_found(),
        "max_request_headers_kb": if from.is_peers() { HEADER_KILOBYTES + 32 } else { HEADER_KILOBYTES },
        "request_headers_timeout": "10s",
        "stream_idle_timeout": "300s",
        "use_remote_address": !from.is_peers(),
        "common_http_protocol_options": common_options(from),
        "http2_protocol_options": http2_options(from),
    });
    if from == From::Outside {
        // The time to send a whole request; a response, a WebSocket or a stream that has begun is not cut off.
        set(&mut manager, "request_timeout", "300s");
    }
    match from {
        From::Inside | From::Outside | From::Peers => extension(NAME, KIND, manager),
        // A tunnel that has reached its age is replaced before it closes: closed like any other connection, requests
        // would find no tunnel meanwhile.
        From::Tunnel => extension(
            "envoy.filters.network.reverse_tunnel_drain_aware_http_connection_manager",
            "extensions.filters.network.reverse_tunnel.v3.DrainAwareHttpConnectionManager",
            json!({"hcm_config": manager, "enable_drain_with_goaway": true}),
        ),
    }
}

/// The connection manager of the table endpoint: the filter answers every request, the route none.
pub(super) fn endpoint_manager(filter: Value) -> Value {
    extension(
        NAME,
        KIND,
        json!({
            "stat_prefix": "table",
            "http_filters": [filter, router()],
            "route_config": {"virtual_hosts": [{"name": "table", "domains": ["*"], "routes": [not_found()]}]},
        }),
    )
}

const NAME: &str = "envoy.filters.network.http_connection_manager";
const KIND: &str = "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";

/// No `x-envoy-` header of its own: they would tell a refusal of this node from one of another.
fn router() -> Value {
    extension(
        "envoy.filters.http.router",
        "extensions.filters.http.router.v3.Router",
        json!({"suppress_envoy_headers": true}),
    )
}

/// Every 404 that this Envoy makes up is the filter's, whoever made it up: a route that is not there, a request that
/// Envoy would not read. The text is that of the filter's refusal. A 503 that Envoy makes up, for a gateway or a service
/// that cannot be reached, says so as well; one of the filter's has said more already.
fn same_not_found() -> Value {
    let mapper = |status: u16, runtime_key: &str, value: &str, append_action: &str| {
        json!({
            "filter": {"status_code_filter": {"comparison": {
                "op": "EQ",
                // Envoy wants a key of its runtime; nobody sets this one.
                "value": {"default_value": status, "runtime_key": runtime_key},
            }}},
            "headers_to_add": [{
                "header": {"key": "proxy-status", "value": value},
                "append_action": append_action,
            }],
        })
    };
    let not_found = "zoneway; error=destination_not_found";
    let unavailable = "zoneway; error=destination_unavailable";
    json!({"mappers": [
        mapper(404, "zoneway.not_found", not_found, "OVERWRITE_IF_EXISTS_OR_ADD"),
        mapper(503, "zoneway.unavailable", unavailable, "ADD_IF_ABSENT"),
    ]})
}

/// Kilobytes of a request's headers. A forward is longer by what the filter and Envoy add to it: so is the limit of a peer.
const HEADER_KILOBYTES: u32 = 60;

/// Lines of a request's header.
const HEADERS: u32 = 100;

/// For clients, Envoy's edge guide. A connection of a peer is closed, without harm to its requests, after ten minutes or a
/// little more: who is believed no longer, or has outlived its certificate, is heard for no longer than that.
fn common_options(from: From) -> Value {
    match from {
        // Many a service takes `_` for `-`: a header is not to come in by a second name.
        From::Inside | From::Outside => json!({
            "idle_timeout": "3600s",
            "max_headers_count": HEADERS,
            "headers_with_underscores_action": "REJECT_REQUEST",
        }),
        From::Peers | From::Tunnel => json!({
            "idle_timeout": "3600s",
            "max_headers_count": 2 * HEADERS,
            "headers_with_underscores_action": "DROP_HEADER",
            "max_connection_duration": "600s",
            "max_connection_duration_jitter": {"value": 10.0},
        }),
    }
}

/// `allow_connect` lets a WebSocket through as an extended CONNECT (RFC 8441). For clients the windows and streams of
/// Envoy's edge guide; peers multiplex the requests of many clients, and are known.
fn http2_options(from: From) -> Value {
    match from {
        From::Inside | From::Outside => json!({
            "allow_connect": true,
            "max_concurrent_streams": 100,
            "initial_stream_window_size": 65_536,
            "initial_connection_window_size": 1_048_576,
        }),
        From::Peers | From::Tunnel => {
            let mut options = json!({
                "allow_connect": true,
                "max_concurrent_streams": 1024,
                "initial_stream_window_size": 1_048_576,
                "initial_connection_window_size": 16_777_216,
            });
            if from == From::Tunnel {
                // The end that dialled has to notice when the other is gone: nobody else can dial again.
                set(&mut options, "connection_keepalive", json!({"interval": "5s", "timeout": "5s"}));
            }
            options
        }
    }
}
