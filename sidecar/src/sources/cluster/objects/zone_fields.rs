//! Which fields a `Zone` may have: an API server is asked to refuse others, and of manifests nobody else does.

use kube::CustomResourceExt as _;
use serde::de::Error as _;
use serde_json::Value;

use super::{ReadError, Zone};

/// The first field that no Zone has, by the schema that its definition gives to an API server.
pub(crate) fn unknown(zone: &Value) -> Option<ReadError> {
    let definition = serde_json::to_value(Zone::crd()).ok()?;
    let schema = definition.pointer("/spec/versions/0/schema/openAPIV3Schema/properties/spec")?;
    unknown_of(zone.get("spec")?, schema, "spec")
}

fn unknown_of(value: &Value, schema: &Value, path: &str) -> Option<ReadError> {
    match value {
        Value::Array(items) => {
            let of = schema.get("items")?;
            let mut items = items.iter().enumerate();
            items.find_map(|(number, item)| unknown_of(item, of, &format!("{path}[{number}]")))
        }
        Value::Object(fields) => {
            // A map's names are its writer's.
            let known = schema.get("properties")?.as_object()?;
            fields.iter().find_map(|(name, field)| match known.get(name) {
                Some(schema) => unknown_of(field, schema, &format!("{path}.{name}")),
                None => {
                    let names: Vec<&str> = known.keys().map(String::as_str).collect();
                    let message = format!("there is no such field: write one of {}", names.join(", "));
                    let source = serde_json::Error::custom(message);
                    Some(ReadError { path: format!("{path}.{name}"), source })
                }
            })
        }
        _ => None,
    }
}
