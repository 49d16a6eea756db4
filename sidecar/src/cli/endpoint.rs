//! The arguments of a command that talks to a table endpoint or a sidecar.

use std::future::Future;
use std::path::PathBuf;

use crate::agent::client::{Client, Identity, TlsFiles};
use crate::agent::endpoint_url::EndpointUrl;

/// Where to talk to, and how TLS is spoken there.
#[derive(Debug, clap::Args)]
pub(crate) struct Endpoint {
    /// Whom to talk to: unix:/path, http://host:port or https://host:port.
    #[arg(long, value_name = "URL", value_parser = EndpointUrl::parse)]
    to: EndpointUrl,
    /// The authority that signed the endpoint's certificate (PEM); https alone.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// The certificate to show (PEM); https alone.
    #[arg(long, value_name = "FILE", requires = "ca", requires = "key")]
    certificate: Option<PathBuf>,
    /// The certificate's key (PEM).
    #[arg(long, value_name = "FILE", requires = "certificate")]
    key: Option<PathBuf>,
}

impl Endpoint {
    /// A client for it.
    pub(crate) fn client(&self) -> anyhow::Result<Client> {
        if self.ca.is_some() && !self.to.is_tls() {
            let message = format!(
                "{} speaks no TLS: take --ca, --certificate and --key out, or write https://",
                self.to
            );
            return Err(super::Usage(message).into());
        }
        let identity = self.certificate.clone().zip(self.key.clone());
        let identity = identity.map(|(certificate, key)| Identity { certificate, key });
        let tls = self.ca.clone().map(|ca| TlsFiles { ca, identity });
        if self.to.is_tls() && tls.is_none() {
            let message =
                format!("{} needs --ca: the file of the authority that signed its certificate", self.to);
            return Err(super::Usage(message).into());
        }
        Ok(Client::new(self.to.clone(), tls))
    }
}

/// Runs one exchange to its end.
pub(crate) fn block_on<F: Future>(exchange: F) -> anyhow::Result<F::Output> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(exchange))
}
