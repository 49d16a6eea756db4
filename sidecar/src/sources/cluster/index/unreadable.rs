//! An object that is not of its kind's fields and types, as of a CRD's version that is not known here: nobody knows what it
//! asks for, so what is known of it is hidden.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::Value;

use super::super::objects::Kind;
use super::digest::class;

/// What is known of an object that cannot be read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Unreadable {
    pub(crate) metadata: ObjectMeta,
    /// The hosts that it names, where they stand where they usually do.
    pub(super) hosts: Vec<String>,
    /// Its class.
    pub(super) class: Option<String>,
    /// Why it cannot be read.
    pub(crate) message: String,
}

impl Unreadable {
    /// What is known of an object of a kind; `message`: why it cannot be read.
    pub(crate) fn of(kind: Kind, metadata: ObjectMeta, whole: &Value, message: String) -> Self {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let list = |place: &str| whole.pointer(place).and_then(Value::as_array).into_iter().flatten();
        let hosts = match kind {
            Kind::Ingress => list("/spec/rules").filter_map(|rule| text(rule.get("host")?)).collect(),
            Kind::HttpProxy => whole.pointer("/spec/virtualhost/fqdn").and_then(text).into_iter().collect(),
            Kind::HttpRoute | Kind::GrpcRoute => list("/spec/hostnames").filter_map(text).collect(),
            _ => Vec::new(),
        };
        let written = whole.pointer("/spec/ingressClassName").and_then(Value::as_str);
        let class = class(&metadata, written).map(str::to_owned);
        Self { metadata, hosts, class, message }
    }
}
