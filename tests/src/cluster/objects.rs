//! Objects of a household's cluster, as short as a test can say them; what else an object needs, a test adds.

use serde_json::{Map, Value, json};

/// The prefix of this project's labels and annotations.
pub const PREFIX: &str = "st8s.stuartpb.com";

/// A node of a zone, ready; other nodes dial it at `address`. It is nothing but an object.
#[must_use]
pub fn node(name: &str, zone: &str, address: &str) -> Value {
    let node = json!({
        "apiVersion": "v1", "kind": "Node",
        "metadata": {
            "name": name,
            "labels": {format!("{PREFIX}/zone"): zone, "kubernetes.io/hostname": name},
            "annotations": {format!("{PREFIX}/address"): address},
        },
    });
    ready(node, true)
}

/// The same object with its condition `Ready` as given.
#[must_use]
pub fn ready(object: Value, ready: bool) -> Value {
    let status = if ready { "True" } else { "False" };
    let at = "2026-01-01T00:00:00Z";
    let conditions = json!([{
        "type": "Ready", "status": status, "reason": "Test", "message": "a test says so",
        "lastHeartbeatTime": at, "lastTransitionTime": at,
    }]);
    with(object, &["status", "conditions"], conditions)
}

/// A namespace; `expose_to` is what its objects are exposed to where they do not say themselves.
#[must_use]
pub fn namespace(name: &str, expose_to: Option<&str>) -> Value {
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
    match expose_to {
        Some(zones) => annotate(namespace, &format!("{PREFIX}/expose-to"), zones),
        None => namespace,
    }
}

/// A Service with one port, named `http`.
#[must_use]
pub fn service(namespace: &str, name: &str, port: u16) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"namespace": namespace, "name": name},
        "spec": {
            "selector": {"app": name},
            "ports": [{"name": "http", "port": port, "targetPort": port, "protocol": "TCP"}],
        },
    })
}

/// An endpoint of a slice, ready, on a node. Its address may not be loopback: the API server refuses that.
#[must_use]
pub fn endpoint(ip: &str, node: &str) -> Value {
    json!({
        "addresses": [ip], "nodeName": node,
        "conditions": {"ready": true, "serving": true, "terminating": false},
    })
}

/// The EndpointSlice `SERVICE-1` of a Service, with port 8080 named `http`.
#[must_use]
pub fn slice(namespace: &str, service: &str, endpoints: &[Value]) -> Value {
    json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": {
            "namespace": namespace, "name": format!("{service}-1"),
            "labels": {"kubernetes.io/service-name": service},
        },
        "addressType": "IPv4",
        "endpoints": endpoints,
        "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
    })
}

/// An Ingress of one host, whose every path goes to a Service's port `http`.
#[must_use]
pub fn ingress(namespace: &str, name: &str, host: &str, service: &str) -> Value {
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
        "metadata": {"namespace": namespace, "name": name},
        "spec": {"rules": [{"host": host, "http": {"paths": [{
            "path": "/", "pathType": "Prefix",
            "backend": {"service": {"name": service, "port": {"name": "http"}}},
        }]}}]},
    })
}

/// The same object with one more annotation.
#[must_use]
pub fn annotate(object: Value, name: &str, text: &str) -> Value {
    with(object, &["metadata", "annotations", name], text.into())
}

/// What stands at a JSON pointer, `/metadata/name`; null where nothing does.
#[must_use]
pub fn at<'v>(object: &'v Value, pointer: &str) -> &'v Value {
    object.pointer(pointer).unwrap_or(&Value::Null)
}

/// What a member of an object lists; nothing where it is no list.
pub fn list<'v>(object: &'v Value, member: &str) -> impl Iterator<Item = &'v Value> {
    object.get(member).and_then(Value::as_array).into_iter().flatten()
}

/// The same object with a value where a path of names leads; what is missing on the way is made.
#[must_use]
pub fn with(object: Value, path: &[&str], value: Value) -> Value {
    let Some((first, rest)) = path.split_first() else { return value };
    let mut members = if let Value::Object(members) = object { members } else { Map::new() };
    let inner = members.remove(*first).unwrap_or_default();
    members.insert((*first).to_owned(), with(inner, rest, value));
    Value::Object(members)
}
