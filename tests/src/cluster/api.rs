//! The API server's REST, as little of it as tests need: no Kubernetes library, so that a fault of the one that the
//! sidecar is built on is not shared by its tests.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use hyper::Method;
use hyper::body::Bytes;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::Mutex;

use super::credentials::Account;
use crate::client::{Answer, Ask, Client, Connection, Protocol, tls};

/// Whose fields an applied object has.
const FIELD_MANAGER: &str = "zoneway-tests";

/// Which object.
#[derive(Clone, Copy, Debug)]
pub struct Name<'n> {
    api_version: &'n str,
    kind: &'n str,
    namespace: Option<&'n str>,
    name: &'n str,
}

impl<'n> Name<'n> {
    /// An object of a namespace: `Name::of("v1", "Service", "default", "notes")`.
    #[must_use]
    pub fn of(api_version: &'n str, kind: &'n str, namespace: &'n str, name: &'n str) -> Self {
        Self { api_version, kind, namespace: Some(namespace), name }
    }

    /// An object of the whole cluster: `Name::cluster("v1", "Node", "studtop")`.
    #[must_use]
    pub fn cluster(api_version: &'n str, kind: &'n str, name: &'n str) -> Self {
        Self { api_version, kind, namespace: None, name }
    }

    /// The name of a written object.
    ///
    /// # Errors
    /// It lacks one of its parts.
    pub fn in_object(object: &'n Value) -> Result<Self> {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
        let part =
            |pointer: &str| text(pointer).with_context(|| format!("an object has no {pointer}: {object}"));
        Ok(Self {
            api_version: part("/apiVersion")?,
            kind: part("/kind")?,
            namespace: text("/metadata/namespace"),
            name: part("/metadata/name")?,
        })
    }
}

/// What the API server says of a kind.
#[derive(Clone, Debug)]
struct Resource {
    plural: String,
    namespaced: bool,
    has_status: bool,
}

/// The API as one account sees it. Requests go one after the other over one connection; for more at once there are more of
/// these.
#[derive(Debug)]
pub struct Api {
    client: Client,
    host: String,
    token: String,
    connection: Mutex<Option<Connection>>,
    resources: Mutex<BTreeMap<(String, String), Resource>>,
}

impl Api {
    pub(super) fn new(at: SocketAddr, account: &Account) -> Result<Self> {
        Ok(Self {
            client: Client::new(at, Protocol::Http2).tls(tls::anonymous()?),
            host: at.to_string(),
            token: account.token.clone(),
            connection: Mutex::default(),
            resources: Mutex::default(),
        })
    }

    /// Sends a request and gives the answer, whatever its status.
    ///
    /// # Errors
    /// The API server cannot be reached.
    pub async fn send(
        &self,
        method: &str,
        path: &str,
        content_type: &str,
        body: impl Into<Bytes>,
    ) -> Result<Answer> {
        let ask = Ask::post(&self.host, path, body)
            .method(Method::from_bytes(method.as_bytes())?)
            .header("authorization", &format!("Bearer {}", self.token))
            .header("accept", "application/json")
            .header("content-type", content_type);
        let mut kept = self.connection.lock().await;
        // One that the API server has closed, or that failed, is not used again.
        let mut connection = match kept.take().filter(|connection| !connection.is_closed()) {
            Some(connection) => connection,
            None => self.client.connect().await?,
        };
        let answer = tokio::time::timeout(crate::client::ANSWER_LIMIT, connection.send(&ask)).await;
        let answer = answer.with_context(|| format!("no answer to {method} {path}"))??;
        *kept = Some(connection);
        Ok(answer)
    }

    /// Applies objects in their order (server-side apply, by force): a status that an object has is written too where its kind
    /// has one of its own.
    ///
    /// # Errors
    /// The first that is refused, with the API server's reason.
    pub async fn apply_all(&self, objects: &[Value]) -> Result<()> {
        for object in objects {
            let name = Name::in_object(object)?;
            let resource = self.resource(name.api_version, name.kind).await?;
            let path = path(&resource, &name);
            self.patch(&path, object).await.with_context(|| format!("cannot apply {name:?}"))?;
            if resource.has_status && object.get("status").is_some() {
                let path = format!("{path}/status");
                self.patch(&path, object)
                    .await
                    .with_context(|| format!("cannot apply the status of {name:?}"))?;
            }
        }
        Ok(())
    }

    async fn patch(&self, path: &str, object: &Value) -> Result<Value> {
        let path = format!("{path}?fieldManager={FIELD_MANAGER}&force=true");
        read(&self.send("PATCH", &path, "application/apply-patch+yaml", object.to_string()).await?)
    }

    /// Reads an object.
    ///
    /// # Errors
    /// There is none, or the account may not.
    pub async fn get(&self, name: &Name<'_>) -> Result<Value> {
        let resource = self.resource(name.api_version, name.kind).await?;
        read(&self.send("GET", &path(&resource, name), "application/json", "").await?)
    }

    /// Every object of a kind, in all namespaces.
    ///
    /// # Errors
    /// The cluster does not have the kind, or the account may not.
    pub async fn list(&self, api_version: &str, kind: &str) -> Result<Vec<Value>> {
        let resource = self.resource(api_version, kind).await?;
        let path = format!("{}/{}", group(api_version), resource.plural);
        let mut list: Value = read(&self.send("GET", &path, "application/json", "").await?)?;
        match list.get_mut("items").map(Value::take) {
            Some(Value::Array(items)) => Ok(items),
            _ => Err(anyhow::anyhow!("no list: {list}")),
        }
    }

    /// Deletes an object.
    ///
    /// # Errors
    /// There is none, or the account may not.
    pub async fn delete(&self, name: &Name<'_>) -> Result<()> {
        let resource = self.resource(name.api_version, name.kind).await?;
        let answer = self.send("DELETE", &path(&resource, name), "application/json", "").await?;
        read::<Value>(&answer).map(drop)
    }

    /// A kind as the API server serves it. What is found is remembered; a kind that is not there yet is asked for again.
    async fn resource(&self, api_version: &str, kind: &str) -> Result<Resource> {
        let key = (api_version.to_owned(), kind.to_owned());
        let mut known = self.resources.lock().await;
        if let Some(resource) = known.get(&key) {
            return Ok(resource.clone());
        }
        let found: Value = read(&self.send("GET", &group(api_version), "application/json", "").await?)?;
        let entries = found.get("resources").and_then(Value::as_array).cloned().unwrap_or_default();
        let named = |entry: &Value| entry.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        let entry = entries.iter().find(|entry| entry["kind"] == kind && !named(entry).contains('/'));
        let entry = entry.with_context(|| format!("the cluster has no {kind} of {api_version}"))?;
        let plural = named(entry);
        let status = format!("{plural}/status");
        let resource = Resource {
            namespaced: entry.get("namespaced").is_some_and(|namespaced| namespaced == true),
            has_status: entries.iter().any(|entry| named(entry) == status),
            plural,
        };
        known.insert(key, resource.clone());
        Ok(resource)
    }
}

/// Reads what the API server answered, if that is no refusal.
///
/// # Errors
/// The status is not one of success: the error has the API server's message.
pub(super) fn read<T: DeserializeOwned>(answer: &Answer) -> Result<T> {
    let text = || String::from_utf8_lossy(&answer.body).into_owned();
    ensure!((200..300).contains(&answer.status), "the API server answered {}: {}", answer.status, text());
    serde_json::from_slice(&answer.body).with_context(|| format!("no JSON: {}", text()))
}

/// Every document of a YAML text that is not empty.
///
/// # Errors
/// It is no YAML.
pub fn documents(yaml: &str) -> Result<Vec<Value>> {
    let budget = serde_saphyr::budget! { max_events: 20_000_000, max_nodes: 10_000_000 };
    let options = serde_saphyr::options! { budget: budget, with_snippet: false };
    let documents: Vec<Value> = serde_saphyr::from_multiple_with_options(yaml, options)?;
    Ok(documents.into_iter().filter(|document| !document.is_null()).collect())
}

fn group(api_version: &str) -> String {
    let root = if api_version.contains('/') { "/apis" } else { "/api" };
    format!("{root}/{api_version}")
}

fn path(resource: &Resource, name: &Name<'_>) -> String {
    let group = group(name.api_version);
    match name.namespace.filter(|_| resource.namespaced) {
        Some(namespace) => format!("{group}/namespaces/{namespace}/{}/{}", resource.plural, name.name),
        None => format!("{group}/{}/{}", resource.plural, name.name),
    }
}
