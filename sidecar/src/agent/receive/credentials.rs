//! What a public node shows of itself, and what it judges others by: its key, its certificate, the authorities.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::rustls::client::danger::HandshakeSignatureValid;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, UnixTime};
use tokio_rustls::rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use tokio_rustls::rustls::server::{NoServerSessionStorage, ServerConfig};
use tokio_rustls::rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, SignatureScheme, version,
};
use tracing::warn;
use zoneway_core::name::NodeId;

use super::ReceiveError;
use crate::agent::config::Receive;
use crate::agent::delivery::{CA, CRL, Delivery};
use crate::agent::mutual::{self, Judge, Refused};
use crate::envoy::{spiffe_id, write};
use crate::pki::Facts;
use crate::pki::request::OwnKey;

/// The files of a node's certificates, and its key.
pub(super) struct Credentials {
    folder: PathBuf,
    node: NodeId,
    identity: String,
    key: OwnKey,
    request: String,
}

/// Whom to let in, and how: until the next delivery.
pub(crate) struct Session {
    gate: Arc<Gate>,
    /// For new connections.
    pub(super) tls: Arc<ServerConfig>,
}

impl Credentials {
    /// Reads the key, or makes it: it never leaves this machine.
    pub(super) fn open(config: &Receive, node: &NodeId) -> Result<Self, ReceiveError> {
        let folder = config.certificates.clone();
        let key = OwnKey::open_or_make(&folder.join(format!("{node}.key")))?;
        let identity = spiffe_id(&config.domain, &config.zone, node);
        let request = key.request(&identity)?;
        // For an authority that is not where home delivers from. Who has it can do nothing with it.
        let file = folder.join(format!("{node}.csr"));
        if let Err(error) = write::write_bytes(&file, request.as_bytes()) {
            warn!(
                "{}: the request to sign this node's key is not there to be fetched: {error}",
                file.display()
            );
        }
        Ok(Self { folder, node: node.clone(), identity, key, request })
    }

    /// The key, to be signed.
    pub(super) fn request(&self) -> &str {
        &self.request
    }

    /// The key's public half.
    pub(super) fn public_key(&self) -> Vec<u8> {
        self.key.public()
    }

    fn leaf_file(&self) -> PathBuf {
        self.folder.join(format!("{}.pem", self.node))
    }

    /// The certificate that is there and fits the key.
    fn leaf(&self) -> Option<CertificateDer<'static>> {
        let certificate = CertificateDer::from_pem_file(self.leaf_file()).ok()?;
        Facts::of_der(&certificate).is_ok_and(|facts| facts.key == self.key.public()).then_some(certificate)
    }

    /// Whether home has signed the key.
    pub(super) fn has_leaf(&self) -> bool {
        self.leaf().is_some()
    }

    /// Whom to let in: these identities, if an authority that is believed here says so.
    pub(super) fn session(&self, gateways: Vec<String>) -> Result<Session, ReceiveError> {
        let crl = Some(self.folder.join(CRL)).filter(|crl| crl.exists());
        let judge =
            mutual::judge_of(&self.folder.join(CA), crl.as_deref()).map_err(ReceiveError::Authorities)?;
        let certificate = match self.leaf() {
            Some(leaf) => leaf,
            None => self.key.placeholder(&self.identity)?.into(),
        };
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(self.key.secret()));
        let gate = Arc::new(Gate { judge, gateways });
        let verifier: Arc<dyn ClientCertVerifier> = Arc::clone(&gate) as _;
        let mut tls = ServerConfig::builder_with_protocol_versions(&[&version::TLS13])
            .with_client_cert_verifier(verifier)
            .with_single_cert(vec![certificate], key)
            .map_err(|error| ReceiveError::Tls(error.to_string()))?;
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        tls.session_storage = Arc::new(NoServerSessionStorage {});
        tls.send_tls13_tickets = 0;
        Ok(Session { gate, tls: Arc::new(tls) })
    }

    /// Checks the certificates of a delivery, then puts them in their places: what others name first, the node's own last.
    pub(super) fn take(&self, delivery: &Delivery) -> Result<(), String> {
        let files = &delivery.content.certificates;
        let text = |name: &str| files.get(name).map(String::as_bytes);
        let judge = mutual::judge(text(CA).unwrap_or_default(), text(CRL))?;
        let leaf = match &delivery.leaf {
            Some(leaf) => CertificateDer::from_pem_slice(leaf.as_bytes())
                .map_err(|error| format!("this node's own: {error}"))?,
            None => self.leaf().ok_or("this node has no certificate, and none is delivered")?,
        };
        let own = Facts::of_der(&leaf).map_err(|what| format!("this node's own is {what}"))?;
        if own.key != self.key.public() {
            return Err("this node's own is of another key".to_owned());
        }
        if own.identity.as_ref() != Some(&self.identity) {
            return Err(format!("this node's own is of {}", own.whose()));
        }
        if let Some(refused) = mutual::refused(&judge, &leaf) {
            return Err(format!("this node's own: {refused}"));
        }
        let put = |name: &str, text: &str| {
            let path = self.folder.join(name);
            write_secret(&path, text.as_bytes()).map_err(|error| format!("{}: {error}", path.display()))
        };
        for (name, text) in files {
            put(name, text)?;
        }
        if !files.contains_key(CRL) {
            // None is revoked any more.
            let _ = std::fs::remove_file(self.folder.join(CRL));
        }
        match &delivery.leaf {
            Some(leaf) => put(&format!("{}.pem", self.node), leaf),
            None => Ok(()),
        }
    }
}

fn write_secret(path: &Path, content: &[u8]) -> std::io::Result<()> {
    write::write_secret(path, content).map(drop)
}

impl Session {
    /// Who may deliver.
    pub(super) fn gateways(&self) -> &[String] {
        &self.gate.gateways
    }

    /// Why the client that shows these, its own first, may not, if it may not.
    pub(super) fn refuses(&self, shown: &[CertificateDer<'_>]) -> Option<Refused> {
        let Some((client, between)) = shown.split_first() else { return Some(Refused::NoCertificate) };
        self.gate.judged(client, between, UnixTime::now()).err()
    }
}

/// Lets gateways in.
#[derive(Debug)]
struct Gate {
    judge: Judge,
    gateways: Vec<String>,
}

impl Gate {
    fn judged(
        &self,
        client: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Refused> {
        self.judge.verify_client_cert(client, between, now).map_err(|error| Refused::of(&error))?;
        let facts = Facts::of_der(client).map_err(|what| Refused::Tls(format!("it shows {what}")))?;
        match &facts.identity {
            Some(identity) if self.gateways.contains(identity) => Ok(()),
            _ => Err(Refused::OtherIdentity(facts.whose().to_owned())),
        }
    }
}

impl ClientCertVerifier for Gate {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.judge.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        client: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        match self.judged(client, between, now) {
            Ok(()) => Ok(ClientCertVerified::assertion()),
            Err(refused) => Err(CertificateError::Other(OtherError(Arc::new(refused))).into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.judge.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.judge.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.judge.supported_verify_schemes()
    }
}
