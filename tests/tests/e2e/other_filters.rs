//! Other HTTP filters of a connection manager: what they do is done once, where a request is served, and is not done
//! where it is only handed on.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use zoneway_tests::client::PROTOCOLS;
use zoneway_tests::household::Household;
use zoneway_tests::household::sites::TWO_ZONES;

/// A Lua filter that marks each request with the node's name, skipped as DESIGN asks where a request is forwarded.
fn marking(node: &str) -> Value {
    let code = format!("function envoy_on_request(handle) handle:headers():add('x-marked-by', '{node}') end");
    let forwarded = json!({
        "single_predicate": {
            "input": {
                "name": "request-headers",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.type.matcher.v3.HttpRequestHeaderMatchInput",
                    "header_name": "x-zoneway-cluster",
                },
            },
            "value_match": {"prefix": "zoneway/"},
        },
    });
    let skip = json!({
        "action": {
            "name": "skip",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.common.matcher.action.v3.SkipFilter",
            },
        },
    });
    json!({
        "name": "marking",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.common.matching.v3.ExtensionWithMatcher",
            "extension_config": {
                "name": "envoy.filters.http.lua",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua",
                    "default_source_code": {"inline_string": code},
                },
            },
            "xds_matcher": {"matcher_list": {"matchers": [{"predicate": forwarded, "on_match": skip}]}},
        },
    })
}

/// Puts a filter behind zoneway's in every connection manager that has a zoneway filter and routes.
fn add_filter(configuration: &Path, filter: &Value) -> Result<usize> {
    let mut bootstrap: Value = serde_saphyr::from_str(&fs::read_to_string(configuration)?)?;
    let added = add_behind_zoneway(&mut bootstrap, filter);
    fs::write(configuration, bootstrap.to_string())?;
    Ok(added)
}

fn add_behind_zoneway(value: &mut Value, filter: &Value) -> usize {
    let mut added = 0;
    if let Value::Object(members) = value {
        // The table endpoint routes nothing.
        let routes =
            members.contains_key("rds") || members.get("stat_prefix").is_some_and(|name| name != "table");
        if let Some(filters) =
            members.get_mut("http_filters").and_then(Value::as_array_mut).filter(|_| routes)
        {
            filters.insert(1, filter.clone());
            added += 1;
        }
    }
    let inner: Vec<&mut Value> = match value {
        Value::Object(members) => members.values_mut().collect(),
        Value::Array(items) => items.iter_mut().collect(),
        _ => Vec::new(),
    };
    added + inner.into_iter().map(|value| add_behind_zoneway(value, filter)).sum::<usize>()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_filter_acts_once_where_a_request_is_served() -> Result<()> {
    let mut household = Household::prepare(TWO_ZONES).await?;
    for node in ["studtop", "stuchip", "edge"] {
        let site = household.site_file();
        let configuration = household.node(node)?.render(&site)?;
        let added = add_filter(&configuration, &marking(node))?;
        assert!(added >= 2, "{node} has {added} connection managers with routes");
        household.start_node(node)?;
    }
    household.settled().await.context("with another filter")?;
    for protocol in PROTOCOLS {
        for (node, host, served_by) in [
            ("studtop", "music.stuartpb.com", "studtop"),
            ("studtop", "films.stuartpb.com", "stuchip"),
            ("studtop", "status.stuartpb.com", "edge"),
            ("edge", "films.stuartpb.com", "stuchip"),
        ] {
            let report = household.client_of(node, protocol)?.get(host, "/").await?.report()?;
            assert_eq!(report.header("x-marked-by"), [served_by], "{host} from {node} in {protocol:?}");
        }
        // A client cannot have it skipped.
        let ask = zoneway_tests::client::Ask::get("music.stuartpb.com", "/")
            .header("x-zoneway-cluster", "zoneway/peers");
        let report = household.client_of("studtop", protocol)?.send(&ask).await?.report()?;
        assert_eq!(report.header("x-marked-by"), ["studtop"], "in {protocol:?}");
    }
    Ok(())
}
