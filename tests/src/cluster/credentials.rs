//! Who the API server is, and who may ask it: certificates, tokens and kubeconfig files in the cluster's folder.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Result;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use serde_json::json;

pub(super) const SERVER_CERTIFICATE: &str = "server.pem";
pub(super) const SERVER_KEY: &str = "server.key";
pub(super) const ACCOUNTS_KEY: &str = "accounts.key";
pub(super) const ACCOUNTS_PUBLIC_KEY: &str = "accounts.pub";
pub(super) const TOKENS: &str = "tokens.csv";

/// The token of the one account that the API server knows from a file. It is listened for on loopback alone.
const ADMIN_TOKEN: &str = "the-admin-of-a-test";

/// Who asks.
#[derive(Clone, Debug)]
pub struct Account {
    name: String,
    pub(super) token: String,
}

impl Account {
    pub(super) fn new(name: &str, token: &str) -> Self {
        Self { name: name.to_owned(), token: token.to_owned() }
    }

    /// Its user name, as RBAC knows it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// The files of one cluster.
#[derive(Debug)]
pub(super) struct Credentials {
    folder: PathBuf,
    authority: String,
}

impl Credentials {
    /// Writes what the API server is started with.
    pub(super) fn write(folder: &Path, at: SocketAddr) -> Result<Self> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "authority of a test's cluster");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?;
        let authority = certificate.pem();
        let issuer = Issuer::new(params, key);

        let key = KeyPair::generate()?;
        let names = [at.ip().to_string(), "localhost".into(), "kubernetes.default.svc".into()];
        let server = CertificateParams::new(names)?.signed_by(&key, &issuer)?;
        fs::write(folder.join(SERVER_CERTIFICATE), server.pem())?;
        fs::write(folder.join(SERVER_KEY), key.serialize_pem())?;
        let accounts = KeyPair::generate()?;
        fs::write(folder.join(ACCOUNTS_KEY), accounts.serialize_pem())?;
        fs::write(folder.join(ACCOUNTS_PUBLIC_KEY), accounts.public_key_pem())?;
        fs::write(folder.join(TOKENS), format!("{ADMIN_TOKEN},admin,admin,system:masters\n"))?;
        Ok(Self { folder: folder.to_path_buf(), authority })
    }

    pub(super) fn admin(&self) -> Account {
        Account::new("admin", ADMIN_TOKEN)
    }

    /// A kubeconfig of an account at an address of the API server. JSON is YAML.
    pub(super) fn kubeconfig(&self, account: &Account, at: SocketAddr) -> Result<PathBuf> {
        let authority = self.folder.join("ca.pem");
        fs::write(&authority, &self.authority)?;
        let text = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "clusters": [{"name": "test", "cluster": {
                "server": format!("https://{at}"),
                "certificate-authority": authority,
            }}],
            "users": [{"name": "test", "user": {"token": account.token}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        });
        let file = self.folder.join(format!("kubeconfig-{}-{}", account.name.replace(':', "."), at.port()));
        fs::write(&file, text.to_string())?;
        Ok(file)
    }
}
