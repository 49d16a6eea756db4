//! From what the server sent to what an index takes, and from a kind to what the server calls it.

use std::collections::BTreeSet;

use kube::ResourceExt;
use kube::api::ApiResource;
use serde_json::{Value, json};

use super::raw::Raw;
use crate::sources::cluster::index::Unreadable;
use crate::sources::cluster::objects::{Kind, Object};

/// An object as it is kept, or why it cannot be.
pub(super) type Read = Result<Object, Box<Unreadable>>;

/// Reads an object of a kind. `own`: the nodes whose Envoys are fed from here. They are taken for ready: what is for
/// others to go by must not keep an Envoy, which is ready when it has a table, from getting one.
pub(super) fn read(kind: Kind, mut raw: Raw, own: &BTreeSet<String>) -> Read {
    let name = raw.name_any();
    let is_own = match kind {
        Kind::Node => own.contains(&name),
        Kind::Pod => {
            let node = raw.whole.pointer("/spec/nodeName").and_then(Value::as_str);
            node.is_some_and(|node| own.contains(node))
        }
        _ => false,
    };
    if is_own {
        take_for_ready(&mut raw.whole);
    }
    kind.read(&raw.whole)
        .map_err(|error| Box::new(Unreadable::of(kind, raw.metadata, &raw.whole, error.to_string())))
}

fn take_for_ready(object: &mut Value) {
    let Some(object) = object.as_object_mut() else { return };
    let status = object.entry("status").or_insert_with(|| json!({}));
    let Some(status) = status.as_object_mut() else { return };
    let conditions = status.entry("conditions").or_insert_with(|| json!([]));
    if let Some(conditions) = conditions.as_array_mut() {
        conditions.retain(|condition| condition.get("type").is_none_or(|kind| kind != "Ready"));
        conditions.push(json!({"type": "Ready", "status": "True"}));
    }
}

/// What the server calls a kind.
pub(super) fn resource(kind: Kind) -> ApiResource {
    let (group, version) = (kind.group().to_owned(), kind.version().to_owned());
    let api_version = if group.is_empty() { version.clone() } else { format!("{group}/{version}") };
    let (kind, plural) = (kind.name().to_owned(), kind.plural().to_owned());
    ApiResource { group, version, api_version, kind, plural }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::{Value, json};

    use super::{read, resource};
    use crate::sources::cluster::objects::{Kind, Object};

    fn node(name: &str, own: &[&str]) -> Vec<(String, String)> {
        let conditions =
            json!([{"type": "Ready", "status": "False"}, {"type": "DiskPressure", "status": "False"}]);
        let whole: Value = json!({"metadata": {"name": name}, "status": {"conditions": conditions}});
        let own: BTreeSet<String> = own.iter().map(|own| (*own).to_owned()).collect();
        let Ok(Object::Node(node)) = read(Kind::Node, serde_json::from_value(whole).unwrap(), &own) else {
            panic!("a node");
        };
        let conditions = node.status.unwrap().conditions.unwrap_or_default();
        conditions.into_iter().map(|condition| (condition.type_, condition.status)).collect()
    }

    #[test]
    fn a_node_of_one_s_own_is_ready_and_no_other_is_made_so() {
        assert!(node("a", &["a"]).contains(&("Ready".to_owned(), "True".to_owned())));
        assert!(!node("a", &["a"]).contains(&("Ready".to_owned(), "False".to_owned())));
        assert!(node("b", &["a"]).contains(&("Ready".to_owned(), "False".to_owned())));
    }

    #[test]
    fn what_is_not_of_its_kind_says_where() {
        let raw =
            serde_json::from_value(json!({"metadata": {"name": "x", "namespace": "n"}, "spec": 7})).unwrap();
        let unreadable = read(Kind::Ingress, raw, &BTreeSet::new()).unwrap_err();
        let metadata = &unreadable.metadata;
        assert_eq!((metadata.namespace.as_deref(), metadata.name.as_deref()), (Some("n"), Some("x")));
        assert!(unreadable.message.contains("spec"), "{}", unreadable.message);
    }

    #[test]
    fn a_kind_is_asked_for_by_its_group() {
        assert_eq!(resource(Kind::Node).api_version, "v1");
        assert_eq!(resource(Kind::Ingress).api_version, "networking.k8s.io/v1");
    }
}
