//! An object as the server sent it, less what nobody here reads: who wrote which field, and the text it was applied from.

use std::borrow::Cow;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use kube::api::ApiResource;
use kube::core::DynamicResourceScope;
use serde::de::{Deserialize, Deserializer, Error};
use serde_json::Value;

/// Where `kubectl apply` keeps the whole text of an object once more.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Any object, whole but for that.
#[derive(Debug, Clone)]
pub(super) struct Raw {
    metadata: ObjectMeta,
    /// All of it, `metadata` too.
    pub(super) whole: Value,
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut whole = Value::deserialize(deserializer)?;
        let metadata = match whole.get_mut("metadata") {
            None => ObjectMeta::default(),
            Some(metadata) => {
                if let Some(fields) = metadata.as_object_mut() {
                    fields.remove("managedFields");
                }
                if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
                    annotations.remove(LAST_APPLIED);
                }
                ObjectMeta::deserialize(&*metadata).map_err(D::Error::custom)?
            }
        };
        Ok(Self { metadata, whole })
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
