//! A corpus file as it is written.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// One file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Topic {
    #[serde(rename = "topic")]
    _topic: String,
    pub(super) table: Option<Value>,
    pub(super) zone: Option<String>,
    pub(super) here: Option<Here>,
    pub(super) cases: Vec<Case>,
}

/// The node that decides, where a case does not say otherwise.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Here {
    pub(super) zone: Option<String>,
    pub(super) node: Option<String>,
}

/// One case.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    pub(super) name: String,
    pub(super) request: Asked,
    pub(super) policy: Option<Policy>,
    pub(super) expect: Option<Expected>,
    /// What Envoy answers where its own normalisation changes the request first; not this runner's.
    #[serde(rename = "envoy")]
    _envoy: Option<Value>,
    pub(super) requests: Option<usize>,
    pub(super) expect_shares: Option<BTreeMap<String, [f64; 2]>>,
}

/// The request of a case.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    pub(super) host: Option<String>,
    pub(super) path: Option<String>,
    pub(super) node: Option<String>,
    pub(super) role: Option<String>,
    pub(super) source_zone: Option<String>,
    pub(super) trail: Option<Trail>,
    pub(super) loops: Option<usize>,
    pub(super) seed: Option<u64>,
}

/// A trail, item by item or as on the wire.
#[derive(Debug)]
pub(super) struct Trail(String);

impl Trail {
    pub(super) fn joined(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Trail {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(text) => Ok(Self(text)),
            Value::Array(items) => {
                let text = |item: &Value| item.as_str().map(str::to_owned);
                let items: Option<Vec<_>> = items.iter().map(text).collect();
                items
                    .map(|items| Self(items.join(",")))
                    .ok_or_else(|| serde::de::Error::custom("a trail's items are texts"))
            }
            _ => Err(serde::de::Error::custom("a trail is a list of items or one text")),
        }
    }
}

/// The policies of a case.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Policy {
    pub(super) unknown_host: Option<String>,
    pub(super) no_table: Option<String>,
    pub(super) max_hops: Option<u64>,
}

/// What `zoneway decide` prints for a case; empty lists and texts are left out.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Expected {
    pub(super) action: String,
    pub(super) reason: String,
    pub(super) status: Option<u32>,
    pub(super) zone: Option<String>,
    #[serde(default)]
    pub(super) endpoints: Vec<String>,
    #[serde(default)]
    pub(super) tunnels: Vec<String>,
}
