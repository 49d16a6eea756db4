//! Envoy's messages as JSON: the few shapes that every other file here builds with.
//!
//! It knows protobuf's `Any`, Envoy's addresses and its file-based configuration sources; nothing of zones or nodes.

use std::net::SocketAddr;
use std::path::Path;

use serde_json::{Map, Value, json};

/// A message as `google.protobuf.Any`: `kind` is its name behind `envoy.`, `message` an object.
pub(super) fn any(kind: &str, message: Value) -> Value {
    let mut object =
        Map::from_iter([("@type".to_owned(), format!("type.googleapis.com/envoy.{kind}").into())]);
    if let Value::Object(fields) = message {
        object.extend(fields);
    }
    Value::Object(object)
}

/// An extension: its name, and its message as `Any`.
pub(super) fn extension(name: &str, kind: &str, message: Value) -> Value {
    json!({"name": name, "typed_config": any(kind, message)})
}

/// A text as `Any`, which is how filters that are configured by JSON of their own get it.
pub(super) fn text(value: String) -> Value {
    json!({"@type": "type.googleapis.com/google.protobuf.StringValue", "value": value})
}

/// Sets a field of a message.
pub(super) fn set(message: &mut Value, field: &str, value: impl Into<Value>) {
    if let Value::Object(fields) = message {
        fields.insert(field.to_owned(), value.into());
    }
}

/// An address to listen on or to dial.
pub(super) fn address(address: SocketAddr) -> Value {
    socket_address(&address.ip().to_string(), address.port())
}

/// A host, by address or by name, and a port.
pub(super) fn socket_address(host: &str, port: u16) -> Value {
    json!({"socket_address": {"address": host, "port_value": port}})
}

/// A Unix socket that only its owner may open (mode 0600; JSON has no octal).
pub(super) fn private_pipe(path: &Path) -> Value {
    json!({"pipe": {"path": path, "mode": 0o600}})
}

/// A file's content as a data source.
pub(super) fn file(path: &Path) -> Value {
    json!({"filename": path})
}

/// Configuration from a file. Envoy reads it again when a file is moved into its folder, so that a whole file is
/// there or none.
pub(super) fn file_source(path: &Path) -> Value {
    let folder = path.parent().unwrap_or(Path::new("."));
    json!({
        "resource_api_version": "V3",
        "path_config_source": {"path": path, "watched_directory": {"path": folder}},
    })
}

/// A discovery response: what a file that Envoy reads its configuration from holds.
pub(super) fn response(resources: Vec<Value>) -> Value {
    json!({"resources": resources})
}
