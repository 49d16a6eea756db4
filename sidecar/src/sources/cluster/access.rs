//! How a cluster's API is reached: by a kubeconfig, or from inside by the pod's own service account.

use std::path::PathBuf;
use std::time::Duration;

use hyper_timeout::TimeoutConnector;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use kube::client::retry::RetryPolicy;
use kube::client::{ClientBuilder, ConfigExt};
use kube::config::{InClusterError, KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};
use tower::retry::RetryLayer;
use tower::{BoxError, ServiceBuilder};

/// How long a connection to the API server may take to be made, TLS and all.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// How long an answer may be silent: longer than the server keeps a watch without a word (see [`super::watch`]).
const SILENT_FOR: Duration = Duration::from_secs(75);
/// How many bytes of an answer are read at once. Each connection keeps the room for that, and each watch has one: left alone,
/// a list of many objects has them grow to 400 KiB.
const READ_AT_ONCE: usize = 16 << 10;

/// Which cluster, and as whom.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Access {
    /// The kubeconfig file; default: the pod's service account inside a cluster, else `$KUBECONFIG` or
    /// `~/.kube/config`.
    pub(crate) kubeconfig: Option<PathBuf>,
    /// A context of it; default: its current one.
    pub(crate) context: Option<String>,
}

/// Why a cluster's API cannot be asked at all.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AccessError {
    /// The kubeconfig is missing or says something wrong.
    #[error("the kubeconfig {}is of no use: {source}", .file.as_ref().map(|file| format!("{} ", file.display())).unwrap_or_default())]
    Kubeconfig {
        /// The file, where one was named.
        file: Option<PathBuf>,
        /// What is wrong.
        #[source]
        source: Box<KubeconfigError>,
    },
    /// There is no service account in this pod.
    #[error(
        "the pod's service account is of no use: {0}: let it be mounted (`automountServiceAccountToken`)"
    )]
    ServiceAccount(#[source] Box<InClusterError>),
    /// What they say gives no client: a certificate that cannot be read, say.
    #[error("the cluster's API cannot be asked: {0}")]
    Client(#[source] Box<kube::Error>),
}

impl Access {
    /// What `--cluster` names: a kubeconfig file, a context of the default one, or `FILE#CONTEXT`.
    pub(crate) fn parse(text: &str) -> Self {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        match text.split_once('#') {
            Some((file, context)) => {
                Self { kubeconfig: some(file).map(PathBuf::from), context: some(context) }
            }
            None if text.contains(['/', '.']) || PathBuf::from(text).exists() => {
                Self { kubeconfig: some(text).map(PathBuf::from), context: None }
            }
            None => Self { kubeconfig: None, context: some(text) },
        }
    }

    /// A client of that cluster's API. Nothing is asked of it yet.
    ///
    /// # Errors
    /// When there is no configuration, or it is of no use.
    pub(crate) async fn client(&self) -> Result<(Client, String), AccessError> {
        let mut config = self.config().await?;
        config.connect_timeout = Some(CONNECT_WITHIN);
        config.read_timeout = Some(SILENT_FOR);
        config.reset_reader_on_write = true;
        let server = config.cluster_url.to_string();
        let client = client(config).map_err(|error| AccessError::Client(Box::new(error)))?;
        Ok((client, server.trim_end_matches('/').to_owned()))
    }

    async fn config(&self) -> Result<Config, AccessError> {
        let fault =
            |source| AccessError::Kubeconfig { file: self.kubeconfig.clone(), source: Box::new(source) };
        let options = KubeConfigOptions { context: self.context.clone(), ..KubeConfigOptions::default() };
        match &self.kubeconfig {
            Some(file) => {
                let read = Kubeconfig::read_from(file).map_err(fault)?;
                Config::from_custom_kubeconfig(read, &options).await.map_err(fault)
            }
            None if self.context.is_none() && std::env::var_os("KUBERNETES_SERVICE_HOST").is_some() => {
                Config::incluster().map_err(|error| AccessError::ServiceAccount(Box::new(error)))
            }
            None => Config::from_kubeconfig(&options).await.map_err(fault),
        }
    }
}

/// The client that the library makes of a configuration, with less room for what is read.
fn client(config: Config) -> Result<Client, kube::Error> {
    if config.proxy_url.is_some() {
        return Client::try_from(config);
    }
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    let mut connector = TimeoutConnector::new(config.rustls_https_connector_with_connector(http)?);
    connector.set_connect_timeout(config.connect_timeout);
    connector.set_read_timeout(config.read_timeout);
    connector.set_write_timeout(config.write_timeout);
    connector.set_reset_reader_on_write(config.reset_reader_on_write);
    let client = hyper_util::client::legacy::Client::builder(TokioExecutor::new())
        .http1_max_buf_size(READ_AT_ONCE)
        .build(connector);
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(config.default_retry.then(|| RetryLayer::new(RetryPolicy::server_retry())))
        .option_layer(config.auth_layer()?)
        .layer(config.extra_headers_layer()?)
        .map_err(BoxError::from)
        .service(client);
    Ok(ClientBuilder::new(service, config.default_namespace).build())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::Access;

    #[track_caller]
    fn check(text: &str, kubeconfig: Option<&str>, context: Option<&str>) {
        let expected =
            Access { kubeconfig: kubeconfig.map(PathBuf::from), context: context.map(str::to_owned) };
        assert_eq!(Access::parse(text), expected);
    }

    #[test]
    fn a_cluster_is_named_by_file_or_context_or_both() {
        check("/etc/k.conf", Some("/etc/k.conf"), None);
        check("./config", Some("./config"), None);
        check("kind-home", None, Some("kind-home"));
        check("k.conf#admin@home", Some("k.conf"), Some("admin@home"));
        check("#arn:aws:eks/home", None, Some("arn:aws:eks/home"));
        check("", None, None);
    }
}
