//! An object as the server sent it, less what nobody here reads: who wrote which field, and the text it was applied from.

use std::borrow::Cow;
use std::fmt;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use kube::api::ApiResource;
use kube::core::DynamicResourceScope;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};

/// Where `kubectl apply` keeps the whole text of an object once more.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Any object, whole but for that.
#[derive(Debug, Clone)]
pub(super) struct Raw {
    pub(super) metadata: ObjectMeta,
    /// All of it, `metadata` too.
    pub(super) whole: Value,
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Kept(whole) = Pruned(&["metadata"]).deserialize(deserializer)?;
        let metadata = match whole.get("metadata") {
            None => ObjectMeta::default(),
            Some(metadata) => ObjectMeta::deserialize(metadata).map_err(D::Error::custom)?,
        };
        Ok(Self { metadata, whole })
    }
}

/// A value in which nothing stands below these keys, one in the other, that nobody reads.
struct Pruned(&'static [&'static str]);

/// The value, less that.
struct Kept(Value);

/// Who wrote which field, which is longer than the fields are.
const FIELDS: &str = "managedFields";

impl<'de> DeserializeSeed<'de> for Pruned {
    type Value = Kept;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Kept, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Pruned {
    type Value = Kept;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of the API")
    }

    fn visit_unit<E: Error>(self) -> Result<Kept, E> {
        Ok(Kept(Value::Null))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Kept, A::Error> {
        let mut kept = Map::new();
        while let Some(key) = fields.next_key::<String>()? {
            let value = match (self.0, key.as_str()) {
                (["metadata"], "metadata") => fields.next_value_seed(Pruned(&["annotations"]))?.0,
                (["annotations"], "annotations") => fields.next_value_seed(Pruned(&[]))?.0,
                (["annotations"], FIELDS) | ([], LAST_APPLIED) => {
                    fields.next_value::<IgnoredAny>()?;
                    continue;
                }
                _ => fields.next_value()?,
            };
            kept.insert(key, value);
        }
        Ok(Kept(Value::Object(kept)))
    }
}

impl Resource for Raw {
    type DynamicType = ApiResource;
    type Scope = DynamicResourceScope;

    fn kind(resource: &ApiResource) -> Cow<'_, str> {
        resource.kind.as_str().into()
    }

    fn group(resource: &ApiResource) -> Cow<'_, str> {
        resource.group.as_str().into()
    }

    fn version(resource: &ApiResource) -> Cow<'_, str> {
        resource.version.as_str().into()
    }

    fn api_version(resource: &ApiResource) -> Cow<'_, str> {
        resource.api_version.as_str().into()
    }

    fn plural(resource: &ApiResource) -> Cow<'_, str> {
        resource.plural.as_str().into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

#[cfg(test)]
mod tests {
    use kube::ResourceExt;
    use serde_json::json;

    use super::{LAST_APPLIED, Raw};

    #[test]
    fn what_nobody_reads_is_gone_before_it_is_kept() {
        let metadata = json!({
            "name": "a", "namespace": "b", "resourceVersion": "7", "managedFields": [{"manager": "x"}],
            "annotations": {LAST_APPLIED: "{…}", "keep": "me"},
        });
        let raw: Raw = serde_json::from_value(json!({"metadata": metadata, "spec": {"x": 1}})).unwrap();
        assert_eq!(raw.name_any(), "a");
        assert_eq!(raw.resource_version().as_deref(), Some("7"));
        let expected = json!({
            "metadata": {"name": "a", "namespace": "b", "resourceVersion": "7", "annotations": {"keep": "me"}},
            "spec": {"x": 1},
        });
        assert_eq!(raw.whole, expected);
    }

    #[test]
    fn an_object_without_metadata_breaks_nothing() {
        let raw: Raw = serde_json::from_value(json!({"spec": {}})).unwrap();
        assert_eq!(raw.name_any(), "");
    }
}
