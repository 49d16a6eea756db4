//! The access log: one JSON object a request, where the site says, and one a connection of a node that was refused, on
//! standard output.

use serde_json::{Value, json};
use zoneway_site::AccessLog;

use super::message::{any, extension};

/// The log of one connection manager; `listener` tells its lines from those of the others.
pub(super) fn access_log(listener: &str, place: &AccessLog) -> Value {
    let format = format(listener);
    match place {
        AccessLog::None => json!([]),
        AccessLog::Stdout => json!([extension(
            "envoy.access_loggers.stdout",
            "extensions.access_loggers.stream.v3.StdoutAccessLog",
            json!({"log_format": format}),
        )]),
        AccessLog::File(path) => json!([extension(
            "envoy.access_loggers.file",
            "extensions.access_loggers.file.v3.FileAccessLog",
            json!({"path": path, "log_format": format}),
        )]),
    }
}

fn format(listener: &str) -> Value {
    json!({"json_format": {
        "time": "%START_TIME%",
        "listener": listener,
        "client": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
        "method": "%REQ(:METHOD)%",
        "authority": "%REQ(:AUTHORITY)%",
        "path": "%REQ(:PATH)%",
        "protocol": "%PROTOCOL%",
        "status": "%RESPONSE_CODE%",
        "details": "%RESPONSE_CODE_DETAILS%",
        "flags": "%RESPONSE_FLAGS%",
        "received": "%BYTES_RECEIVED%",
        "sent": "%BYTES_SENT%",
        "duration_ms": "%DURATION%",
        "request_id": "%REQ(X-REQUEST-ID)%",
        "upstream": "%UPSTREAM_HOST%",
        "attempts": "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",
        "zoneway": DECISION,
    }})
}

/// The filter's line, and `-` where it left none: a local decision writes nothing. An operator that stands alone in a
/// JSON value becomes `null` where it is absent; beside a second one it becomes `-`, and the second, cut to no
/// characters, adds none.
const DECISION: &str = "%FILTER_STATE(wasm.zoneway:PLAIN)%%REQ(:METHOD):0%";

/// The log of a listener for other nodes: one line for each connection whose handshake failed, with the reason and, where a
/// certificate was shown, whose it is.
pub(super) fn refusals(listener: &str) -> Value {
    json!([{
        "name": "envoy.access_loggers.stdout",
        "filter": {"extension_filter": extension(
            "envoy.access_loggers.extension_filters.cel",
            "extensions.access_loggers.filters.cel.v3.ExpressionFilter",
            json!({"expression": "has(connection.transport_failure_reason)"}),
        )},
        "typed_config": any("extensions.access_loggers.stream.v3.StdoutAccessLog", json!({
            "log_format": {"json_format": {
                "time": "%START_TIME%",
                "listener": listener,
                "client": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
                "refused": "%DOWNSTREAM_TRANSPORT_FAILURE_REASON%",
                "peer": "%DOWNSTREAM_PEER_URI_SAN%",
                "issuer": "%DOWNSTREAM_PEER_ISSUER%",
                "serial": "%DOWNSTREAM_PEER_SERIAL%",
                "not_after": "%DOWNSTREAM_PEER_CERT_V_END%",
            }},
        })),
    }])
}
