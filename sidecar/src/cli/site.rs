//! `zoneway site`: the site itself, each entry with what made it.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::site_source::{Found, SiteSource};
use super::{Exit, Format, Output};
use crate::envoy::to_yaml;
use crate::sources::cluster::objects::ObjectRef;
use crate::sources::cluster::picture::Origins;

/// Print the site, each entry with the object that made it.
///
/// It is a site file: YAML, with the objects in comments. With `--format json` it is
/// `{"site", "origins", "hidden", "notes"}`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    site: SiteSource,
}

pub(crate) fn run(args: &Args, out: &mut Output) -> anyhow::Result<Exit> {
    let found = args.site.find(None)?;
    match out.format() {
        Format::Json => out.json(&as_json(&found)?)?,
        Format::Text => out.write_all(as_text(&found)?.as_bytes())?,
    }
    Ok(Exit::Well)
}

/// The whole answer: `origins` has the object of each zone, node and path (by host); what no object made is not there.
fn as_json(found: &Found) -> anyhow::Result<Value> {
    let Origins { zones, nodes, paths } = found.origins.as_ref();
    let objects = |objects: &BTreeMap<String, ObjectRef>| -> Map<String, Value> {
        objects.iter().map(|(name, object)| (name.clone(), reference(object))).collect()
    };
    let of_host = |paths: &[(Arc<str>, ObjectRef)]| -> Map<String, Value> {
        paths.iter().map(|(path, object)| (path.to_string(), reference(object))).collect()
    };
    let paths: Map<String, Value> =
        paths.iter().map(|(host, paths)| (host.to_string(), of_host(paths).into())).collect();
    let notes = found.notes.iter().map(
        |note| json!({"object": reference(&note.object), "reason": note.reason.as_str(), "message": note.message}),
    );
    Ok(json!({
        "site": found.site.as_ref(),
        "origins": {"zones": objects(zones), "nodes": objects(nodes), "paths": paths},
        "hidden": found.hidden.iter().map(AsRef::as_ref).collect::<Vec<&str>>(),
        "notes": notes.collect::<Vec<_>>(),
    }))
}

fn reference(object: &ObjectRef) -> Value {
    let mut fields = Map::new();
    fields.insert("kind".to_owned(), object.kind.name().into());
    fields.extend(object.namespace.as_deref().map(|namespace| ("namespace".to_owned(), namespace.into())));
    fields.insert("name".to_owned(), object.name.as_ref().into());
    fields.into()
}

/// A site file, with comments.
fn as_text(found: &Found) -> anyhow::Result<String> {
    let Origins { zones, nodes, paths } = found.origins.as_ref();
    let site = found.site.as_ref();
    let mut text = String::from("version: 1\n");
    if let Some(settings) = &site.settings {
        text += &to_yaml(&json!({ "settings": settings }))?;
    }
    let of_zone = |name: &str| {
        let own = zones.get(name).map(|object| format!("by {object}"));
        let there = site.zones.get(name).and_then(|zone| zone.nodes.as_ref());
        let nodes = there.into_iter().flatten().filter_map(|(node, _)| {
            let object = nodes.get(node)?;
            Some(format!("node {node} by {object}"))
        });
        own.into_iter().chain(nodes).collect()
    };
    section(&mut text, "zones", site.zones.iter().map(|(name, zone)| (name.as_str(), zone)), of_zone)?;
    section(&mut text, "services", site.services.iter().flat_map(|all| all.iter()).map(shown), |_| {
        Vec::new()
    })?;
    let of_host = |host: &str| match paths.get(host) {
        Some(paths) => paths.iter().map(|(path, object)| format!("{path} by {object}")).collect(),
        None if found.hidden.contains(host) => vec!["hidden: it cannot be used as written".to_owned()],
        None => Vec::new(),
    };
    section(&mut text, "hosts", site.hosts.iter().flat_map(|all| all.iter()).map(shown), of_host)?;
    Ok(text)
}

/// An entry that sites share.
fn shown<'a, T>((name, entry): (&'a Arc<str>, &'a Arc<T>)) -> (&'a str, &'a T) {
    (name, entry)
}

/// A map of the site, each entry with its comments above it.
fn section<'a, T: Serialize + 'a>(
    text: &mut String,
    name: &str,
    entries: impl Iterator<Item = (&'a str, &'a T)>,
    comments: impl Fn(&str) -> Vec<String>,
) -> anyhow::Result<()> {
    let mut entries = entries.peekable();
    if entries.peek().is_none() {
        return Ok(());
    }
    *text += &format!("{name}:\n");
    for (key, entry) in entries {
        for comment in comments(key) {
            *text += &format!("  # {comment}\n");
        }
        let entry =
            to_yaml(&Value::Object(Map::from_iter([(key.to_owned(), serde_json::to_value(entry)?)])))?;
        for line in entry.lines() {
            *text += &format!("  {line}\n");
        }
    }
    Ok(())
}
