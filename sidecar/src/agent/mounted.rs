//! Brings the certificates of the nodes here from a folder that has those of many, as a mounted Secret does, into one that
//! their Envoys read: an Envoy sees no key but its node's, and a Secret that was renewed reaches it without a restart.
//!
//! What does not fit together is not brought: what is there serves on.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::sign::CertifiedKey;
use tracing::{info, warn};
use zoneway_core::name::NodeId;

use super::delivery::{CA, CRL};
use super::mutual;
use crate::envoy::write;

/// How often the folder is looked at. The kubelet takes a minute to bring a changed Secret.
const LOOK: Duration = Duration::from_secs(5);

/// From where to where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mounted {
    /// A folder with `ca.pem`, maybe `crl.pem`, and `NODE.pem` and `NODE.key` of each node.
    pub(crate) from: PathBuf,
    /// The folder that gets the first two, and the others of the nodes here.
    pub(crate) to: PathBuf,
    /// The nodes here.
    pub(crate) nodes: Vec<NodeId>,
}

/// A file as it was read.
struct Found {
    name: String,
    content: Vec<u8>,
    is_key: bool,
}

impl Mounted {
    /// Brings what is new; gives the names of those files.
    ///
    /// # Errors
    /// The file that is missing, of no use or cannot be written, and why. Only in the last case others may have been brought.
    pub(crate) fn bring(&self) -> Result<Vec<String>, String> {
        let mut brought = Vec::new();
        for found in self.read()? {
            let to = self.to.join(&found.name);
            let put = if found.is_key { write::write_secret } else { write::write_bytes };
            if put(&to, &found.content).map_err(|error| told(&to, &error))? {
                brought.push(found.name);
            }
        }
        Ok(brought)
    }

    /// Reads everything, and looks whether it fits, in the order in which Envoy is to have it: who is revoked before an
    /// authority is believed, and a key before its certificate.
    fn read(&self) -> Result<Vec<Found>, String> {
        let mut all = Vec::new();
        let (ca, crl) = (self.from.join(CA), Some(self.from.join(CRL)).filter(|crl| crl.exists()));
        mutual::judge_of(&ca, crl.as_deref())?;
        if let Some(crl) = crl {
            all.push(Found { name: CRL.to_owned(), content: read(&crl)?, is_key: false });
        }
        all.push(Found { name: CA.to_owned(), content: read(&ca)?, is_key: false });
        for node in &self.nodes {
            let [key, certificate] = ["key", "pem"].map(|extension| format!("{node}.{extension}"));
            let of = [&key, &certificate].map(|name| self.from.join(name));
            let [secret, shown] = [read(&of[0])?, read(&of[1])?];
            fits(&secret, &shown).map_err(|error| told(&of[1], &error))?;
            all.push(Found { name: key, content: secret, is_key: true });
            all.push(Found { name: certificate, content: shown, is_key: false });
        }
        Ok(all)
    }

    /// Brings what is new for as long as it lives. May be dropped at any time.
    pub(crate) async fn run(self) {
        let mut told = None;
        loop {
            let result = self.bring();
            match &result {
                Ok(brought) if !brought.is_empty() => {
                    info!(files = brought.join(", "), "new certificates are in {}", self.to.display());
                }
                Err(error) if told.as_ref() != Some(error) => {
                    warn!(
                        "certificates are not brought to {}, what is there serves on: {error}",
                        self.to.display()
                    );
                }
                _ => {}
            }
            told = result.err();
            tokio::time::sleep(LOOK).await;
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| told(path, &error))
}

fn told(path: &Path, error: &dyn std::fmt::Display) -> String {
    format!("{}: {error}", path.display())
}

/// Whether a key is that of the first certificate. A Secret may be swapped between the reading of the two.
fn fits(key: &[u8], certificates: &[u8]) -> Result<(), String> {
    let chain = CertificateDer::pem_slice_iter(certificates).collect::<Result<Vec<_>, _>>();
    let chain = chain.map_err(|error| error.to_string())?;
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| format!("its key: {error}"))?;
    CertifiedKey::from_der(chain, key, &ring::default_provider())
        .map_err(|error| format!("it does not fit its key: {error}"))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::{Path, PathBuf};

    use tempfile::TempDir;
    use zoneway_core::name::{NodeId, ZoneName};

    use super::Mounted;
    use crate::pki::{Authority, Days, Existing};

    /// An authority with certificates of two nodes, and a folder as the kubelet mounts them: names lead to a folder by way
    /// of a link, which is swapped.
    struct Secret {
        folder: TempDir,
        versions: u32,
    }

    impl Secret {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            Authority::init(&folder.path().join("authority"), "lab.test", Days(9)).unwrap();
            fs::create_dir(folder.path().join("from")).unwrap();
            Self { folder, versions: 0 }
        }

        fn path(&self, name: &str) -> PathBuf {
            self.folder.path().join(name)
        }

        /// Issues the certificates anew, and has `change` do to the files what it will before they are there.
        fn swap(&mut self, change: impl FnOnce(&Path)) {
            let authority = Authority::open(&self.path("authority")).unwrap();
            for node in ["a", "b"] {
                let (zone, node) = (ZoneName::parse("403").unwrap(), NodeId::parse(node).unwrap());
                authority.issue(&zone, &node, Days(1), Existing::Replace).unwrap();
            }
            self.versions += 1;
            let (from, version) = (self.path("from"), format!("..{}", self.versions));
            fs::create_dir(from.join(&version)).unwrap();
            for name in ["ca.pem", "crl.pem", "a.pem", "a.key", "b.pem", "b.key"] {
                fs::copy(self.path("authority").join(name), from.join(&version).join(name)).unwrap();
                let _ = symlink(Path::new("..data").join(name), from.join(name));
            }
            change(&from.join(&version));
            symlink(&version, from.join("..next")).unwrap();
            fs::rename(from.join("..next"), from.join("..data")).unwrap();
        }

        fn mounted(&self) -> Mounted {
            let nodes = vec![NodeId::parse("a").unwrap()];
            Mounted { from: self.path("from"), to: self.path("to"), nodes }
        }

        fn is_brought(&self, name: &str) -> bool {
            fs::read(self.path("to").join(name)).unwrap() == fs::read(self.path("from").join(name)).unwrap()
        }
    }

    #[test]
    fn a_node_gets_its_own_files_and_new_ones_when_a_secret_is_swapped() {
        let mut secret = Secret::new();
        let mounted = secret.mounted();
        let error = mounted.bring().unwrap_err();
        assert!(error.contains("from/ca.pem"), "{error}");

        secret.swap(|_| ());
        assert_eq!(mounted.bring().unwrap(), ["crl.pem", "ca.pem", "a.key", "a.pem"]);
        assert_eq!(mounted.bring().unwrap(), [""; 0]);
        let mut there: Vec<_> =
            fs::read_dir(secret.path("to")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        there.sort();
        assert_eq!(there, ["a.key", "a.pem", "ca.pem", "crl.pem"], "no other node's");
        let mode = |name: &str| fs::metadata(secret.path("to").join(name)).unwrap().permissions().mode();
        assert_eq!([mode("a.key") & 0o777, mode("a.pem") & 0o777], [0o600, 0o644]);

        secret.swap(|_| ());
        assert_eq!(mounted.bring().unwrap(), ["a.key", "a.pem"]);
        assert!(secret.is_brought("a.key") && secret.is_brought("a.pem"));
    }

    /// What is done to the files of a Secret.
    type Change = fn(&Path);

    #[test]
    fn what_does_not_fit_together_is_not_brought_and_what_is_there_stays() {
        let mut secret = Secret::new();
        let mounted = secret.mounted();
        secret.swap(|_| ());
        mounted.bring().unwrap();
        let before = fs::read(secret.path("to/a.key")).unwrap();
        let breaks: [(&str, &str, Change); 5] = [
            ("another node's key", "a.pem: it does not fit its key", |folder| {
                fs::copy(folder.join("b.key"), folder.join("a.key")).unwrap();
            }),
            ("no key", "a.pem: its key", |folder| fs::write(folder.join("a.key"), "").unwrap()),
            ("no certificate", "a.pem: it does not fit its key", |folder| {
                fs::write(folder.join("a.pem"), "").unwrap();
            }),
            ("no authority", "ca.pem", |folder| fs::write(folder.join("ca.pem"), "").unwrap()),
            ("a node is missing", "a.pem", |folder| fs::remove_file(folder.join("a.pem")).unwrap()),
        ];
        for (name, complaint, change) in breaks {
            secret.swap(change);
            let error = mounted.bring().unwrap_err();
            assert!(error.contains(complaint), "{name}: {error}");
            assert_eq!(fs::read(secret.path("to/a.key")).unwrap(), before, "{name}");
        }
        secret.swap(|_| ());
        assert_eq!(mounted.bring().unwrap(), ["a.key", "a.pem"]);
    }
}
