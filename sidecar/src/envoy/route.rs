//! The routes of one node: forwards first, then what is served here, then the one 404.

mod local;

pub(crate) use local::{Local, LocalHost};

use serde_json::{Value, json};
use zoneway_core::name::RulePath;
use zoneway_core::traffic::header;

use super::header_rules;
use super::message::{any, extension, response};

/// The name of the route configuration.
pub(super) const NAME: &str = "local";

/// So many endpoints are tried for a forward after the first.
pub(super) const FORWARD_RETRIES: usize = 5;

/// Bytes of a request's body that are kept for the next endpoint. A body that is longer is not sent twice: where the
/// first endpoint does not answer at all, rather than refuse, such a request fails.
const KEPT_BODY: u64 = 1 << 20;

/// The file of the route configuration.
pub(super) fn routes(local: &Local) -> Value {
    let mut hosts = local.virtual_hosts();
    hosts.push(virtual_host("*", "*", Vec::new()));
    response(vec![any(
        "config.route.v3.RouteConfiguration",
        // The filter has read it by then, and it is nobody else's.
        json!({"name": NAME, "virtual_hosts": hosts, "request_headers_to_remove": [header::SNI]}),
    )])
}

/// A virtual host: what the filter forwards, then its own routes, then 404.
fn virtual_host(name: &str, domain: &str, own: Vec<Value>) -> Value {
    let mut routes = vec![forward()];
    routes.extend(own);
    routes.push(not_found());
    json!({"name": name, "domains": [domain], "routes": routes, "retry_policy": retries()})
}

/// What the filter forwards goes to the cluster that it names. Timeouts are the serving node's; a peer that refuses
/// costs no more than a try of the next, at once. One that has just started refuses too, by a 503 of its filter: it has
/// no table yet, and no service has seen the request.
fn forward() -> Value {
    json!({
        "name": "forward",
        "match": {"prefix": "/", "headers": [{"name": header_rules::CLUSTER, "present_match": true}]},
        "request_body_buffer_limit": KEPT_BODY,
        "response_headers_to_remove": [header::NO_TABLE],
        "route": {
            "cluster_header": header_rules::CLUSTER,
            "timeout": "0s",
            "retry_policy": {
                "retry_on": "connect-failure,refused-stream,reset-before-request,retriable-headers",
                "retriable_headers": [{"name": header::NO_TABLE, "present_match": true}],
                "num_retries": FORWARD_RETRIES,
                // Each try is of another endpoint: there is nothing to wait for, and while Envoy waits a body that
                // is longer than what is kept ends the request.
                "retry_back_off": {"base_interval": "0.001s", "max_interval": "0.001s"},
            },
        },
    })
}

/// A path of a service. Its limits are its own: no timeout but that of an idle stream.
fn serve(path: &RulePath, cluster: &str) -> Value {
    json!({"match": path_match(path), "route": {"cluster": cluster, "timeout": "0s"}})
}

/// A service that closed an idle connection, or one of whose addresses is gone, is asked again; elsewhere, if it has
/// another address.
fn retries() -> Value {
    json!({
        "retry_on": "connect-failure,refused-stream,reset-before-request",
        "num_retries": 2,
        "retry_host_predicate": [extension(
            "envoy.retry_host_predicates.previous_hosts",
            "extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate",
            json!({}),
        )],
        "host_selection_retry_max_attempts": 3,
    })
}

/// The refusal for whatever no route takes: the filter's own 404 (its header comes from the connection manager).
pub(super) fn not_found() -> Value {
    json!({"match": {"prefix": "/"}, "direct_response": {"status": 404}})
}

/// A rule's path is a prefix at segment borders, which is what Envoy calls a separated prefix; it wants `/` apart.
fn path_match(path: &RulePath) -> Value {
    match path.as_str() {
        "/" => json!({"prefix": "/"}),
        path => json!({"path_separated_prefix": path}),
    }
}
