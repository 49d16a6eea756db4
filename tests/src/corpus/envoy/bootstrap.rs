//! The configuration of a corpus Envoy: what DESIGN asks of every connection manager, and routes that show the decision
//! instead of acting on it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::Configuration;

const ROUTER: &str = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router";
const MANAGER: &str =
    "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";

/// Renders the bootstrap: a listener for each configuration, the table endpoint and, of the Wasm filter, the compiler.
/// Without a `.wasm` the native module is the filter.
pub(super) fn render(
    zone: &str,
    zones: &[String],
    listeners: &BTreeMap<Configuration, SocketAddr>,
    folder: &Path,
    wasm: Option<&Path>,
) -> Value {
    let node = listeners.keys().next().map_or("none", |configuration| configuration.node.as_str());
    let own = |role: &str| json!({"role": role, "zone": zone, "node": node});
    let table = json!({"pipe": {"path": folder.join("table.sock"), "mode": 384}});
    let mut rendered: Vec<Value> = listeners
        .iter()
        .map(|(configuration, at)| {
            let address = json!({"socket_address": {"address": at.ip(), "port_value": at.port()}});
            listener(
                &address,
                &filter(&settings(zone, zones, configuration), "router", wasm),
                &configuration.role,
            )
        })
        .collect();
    rendered.push(listener(&table, &filter(&own("table"), "table", wasm), "table"));
    let compiler = wasm.map(|wasm| {
        json!({
            "name": "envoy.bootstrap.wasm",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.wasm.v3.WasmService",
                "singleton": true,
                "config": plugin(&own("compiler"), "compiler", wasm),
            },
        })
    });
    json!({
        "admin": {"address": {"pipe": {"path": folder.join("admin.sock")}}},
        "bootstrap_extensions": compiler.into_iter().collect::<Vec<_>>(),
        "static_resources": {"listeners": rendered},
    })
}

/// The filter's configuration for one listener.
fn settings(zone: &str, zones: &[String], configuration: &Configuration) -> Value {
    let mut settings = Map::new();
    let mut set = |name: &str, value: Value| settings.insert(name.to_owned(), value);
    set("role", json!(configuration.role));
    set("zone", json!(zone));
    set("node", json!(configuration.node));
    set("balance", json!(if configuration.random { "random" } else { "none" }));
    if configuration.role == "ingress" {
        set("source_zone", json!(configuration.source_zone));
        let policy = &configuration.policy;
        policy.unknown_host.as_ref().map(|policy| set("unknown_host", json!(policy)));
        policy.no_table.as_ref().map(|policy| set("no_table", json!(policy)));
    } else {
        // Who the peer is the corpus says by the trail alone; certificates have tests of their own.
        set("peer_authentication", json!({"none": {"zones": zones}}));
    }
    configuration.policy.max_hops.map(|hops| set("max_hops", json!(hops)));
    Value::Object(settings)
}

fn text(value: &str) -> Value {
    json!({"@type": "type.googleapis.com/google.protobuf.StringValue", "value": value})
}

/// The filter, in either build.
fn filter(settings: &Value, vm: &str, wasm: Option<&Path>) -> Value {
    match wasm {
        Some(wasm) => json!({
            "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
            "config": plugin(settings, vm, wasm),
        }),
        None => json!({
            "@type": "type.googleapis.com/envoy.extensions.filters.http.dynamic_modules.v3.DynamicModuleFilter",
            "dynamic_module_config": {"name": "zoneway", "metrics_namespace": "zoneway"},
            "filter_name": "zoneway",
            "filter_config": text(&settings.to_string()),
        }),
    }
}

/// The Wasm filter as a plugin: plugins of one `vm` share a VM, and all share data.
fn plugin(settings: &Value, vm: &str, wasm: &Path) -> Value {
    json!({
        "name": "zoneway",
        "failure_policy": "FAIL_RELOAD",
        "allow_on_headers_stop_iteration": true,
        "configuration": text(&settings.to_string()),
        "vm_config": {
            "vm_id": "zoneway",
            "runtime": "envoy.wasm.runtime.v8",
            "configuration": text(vm),
            "code": {"local": {"filename": wasm}},
        },
    })
}

fn listener(address: &Value, filter: &Value, role: &str) -> Value {
    let reveal = |name: &str, value: &str| json!({"header": {"key": name, "value": value}});
    let removed: Vec<Value> = match role {
        "ingress" => {
            vec![json!({"remove_on_match": {"key_matcher": {"prefix": "x-zoneway-", "ignore_case": true}}})]
        }
        _ => ["cluster", "endpoints", "tunnel"]
            .iter()
            .map(|name| json!({"remove": format!("x-zoneway-{name}")}))
            .collect(),
    };
    let mutation = json!({
        "name": "envoy.http.early_header_mutation.header_mutation",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation",
            "mutations": removed,
        },
    });
    // Every answer of Envoy's own shows the decision: those of the routes, and the filter's refusals.
    let shown = json!({
        "filter": {"status_code_filter": {
            "comparison": {"op": "GE", "value": {"default_value": 100, "runtime_key": "corpus.shown"}},
        }},
        "headers_to_add": [
            reveal("seen-log", "%FILTER_STATE(wasm.zoneway:PLAIN)%"),
            reveal("seen-cluster", "%REQ(x-zoneway-cluster)%"),
            reveal("seen-endpoints", "%REQ(x-zoneway-endpoints)%"),
        ],
    });
    let manager = json!({
        "@type": MANAGER,
        "stat_prefix": role,
        "strip_any_host_port": true,
        "strip_trailing_host_dot": true,
        "normalize_path": true,
        "merge_slashes": true,
        "path_with_escaped_slashes_action": "REJECT_REQUEST",
        "early_header_mutation_extensions": [mutation],
        "local_reply_config": {"mappers": [shown]},
        "route_config": {"virtual_hosts": [
            {"name": "all", "domains": ["*"], "routes": [{"match": {"prefix": ""}, "direct_response": {"status": 200}}]},
        ]},
        "http_filters": [
            {"name": "zoneway", "typed_config": filter},
            {"name": "envoy.filters.http.router", "typed_config": {"@type": ROUTER}},
        ],
    });
    json!({
        "address": address,
        "per_connection_buffer_limit_bytes": 16 << 20,
        "filter_chains": [{"filters": [{"name": "manager", "typed_config": manager}]}],
    })
}
