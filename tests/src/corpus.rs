//! The shared corpus, `tests/cases/*.yaml`: a table, requests, and what must be decided. Two runners stand on it here:
//! `zoneway decide`, and Envoy with the filter ([`envoy`]).

pub mod command_line;
pub mod envoy;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::Value;

use crate::artefact;

/// One file: cases that share a table.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Topic {
    /// The file's name, without its ending.
    #[serde(skip)]
    pub name: String,
    /// What it is about, in a sentence.
    pub topic: String,
    /// The table; `null` where none has come yet.
    pub table: Option<Value>,
    /// The zone that decides where there is no table to say so; `here` says the same.
    pub zone: Option<String>,
    /// Where the cases are decided.
    pub here: Place,
    /// The cases.
    pub cases: Vec<Case>,
}

/// The zone and the node of an Envoy.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The zone.
    pub zone: String,
    /// The node.
    pub node: String,
}

/// A request and the decision that must come.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// The behaviour.
    pub name: String,
    /// The request, as `zoneway decide --requests -` takes it.
    pub request: BTreeMap<String, Value>,
    /// The filter's configuration where it is not the default.
    #[serde(default)]
    pub policy: Policy,
    /// The decision, as `zoneway decide` prints it.
    pub expect: Option<BTreeMap<String, Value>>,
    /// The status and reason of Envoy, where it changes or refuses the request before any filter.
    pub envoy: Option<BTreeMap<String, Value>>,
    /// How often the request is decided, for shares.
    pub requests: Option<u64>,
    /// Between which parts of all requests the first endpoint (or `local`) is each of these.
    pub expect_shares: Option<BTreeMap<String, [f64; 2]>>,
}

/// The policies and limits of a case.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// `pass` or `refuse`, the default.
    pub unknown_host: Option<String>,
    /// `pass` or `refuse`, the default.
    pub no_table: Option<String>,
    /// The longest trail.
    pub max_hops: Option<u32>,
}

impl Case {
    /// A member of the request that is a text.
    #[must_use]
    pub fn text(&self, member: &str) -> Option<&str> {
        self.request.get(member).and_then(Value::as_str)
    }

    /// The node that decides.
    #[must_use]
    pub fn node<'a>(&'a self, here: &'a Place) -> &'a str {
        self.text("node").unwrap_or(&here.node)
    }

    /// The trail as it stands in its header; nothing where there is none.
    #[must_use]
    pub fn trail(&self) -> Option<String> {
        match self.request.get("trail")? {
            Value::Array(items) => Some(items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(",")),
            Value::String(text) => Some(text.clone()),
            _ => None,
        }
    }

    /// Whether the order of its endpoints is drawn.
    #[must_use]
    pub fn seeded(&self) -> bool {
        self.request.contains_key("seed") || self.expect_shares.is_some()
    }
}

/// How many cases they have.
#[must_use]
pub fn count(topics: &[Topic]) -> usize {
    topics.iter().map(|topic| topic.cases.len()).sum()
}

/// Every file of the corpus, in order of name.
///
/// # Errors
/// A file is no corpus file, or there is none.
pub fn topics() -> Result<Vec<Topic>> {
    let folder = artefact::repository().join("tests/cases");
    let entries = fs::read_dir(&folder).with_context(|| format!("no corpus in {}", folder.display()))?;
    let mut files: Vec<PathBuf> = entries.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    files.retain(|file| file.extension().is_some_and(|ending| ending == "yaml"));
    files.sort();
    ensure!(!files.is_empty(), "{} has no cases", folder.display());
    files.iter().map(|file| topic(file)).collect()
}

fn topic(file: &Path) -> Result<Topic> {
    let read = || -> Result<Topic> { Ok(serde_saphyr::from_str(&fs::read_to_string(file)?)?) };
    let mut topic = read().with_context(|| format!("{} is no file of the corpus", file.display()))?;
    topic.name = file.file_stem().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    Ok(topic)
}

/// Says which of the shares are not within their bounds, widened by `slack` on either side.
#[must_use]
pub fn wrong_shares(
    counted: &BTreeMap<String, u64>,
    bounds: &BTreeMap<String, [f64; 2]>,
    slack: f64,
) -> Vec<String> {
    let total: u64 = counted.values().sum();
    let mut wrong: Vec<String> = counted
        .keys()
        .filter(|first| !bounds.contains_key(*first))
        .map(|first| format!("{first} is first, and no share is expected of it"))
        .collect();
    for (first, [least, most]) in bounds {
        let count = counted.get(first).copied().unwrap_or(0);
        // Counts are far below 2^52.
        #[expect(clippy::cast_precision_loss, reason = "counts of requests are small")]
        let share = count as f64 / total.max(1) as f64;
        if share < *least - slack || share > *most + slack {
            wrong.push(format!("{first} is first in {share:.3} of {total}, and not in {least} to {most}"));
        }
    }
    wrong
}
