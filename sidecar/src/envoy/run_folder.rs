//! The folder of one node's Envoy: its sockets, and the files that it reads its configuration from.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// Where everything of one Envoy is, beside its bootstrap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RunFolder {
    folder: PathBuf,
}

impl RunFolder {
    /// The folder at `path`; nothing is made or read.
    pub(crate) fn new(path: impl Into<PathBuf>) -> Self {
        Self { folder: path.into() }
    }

    /// The socket of the table endpoint.
    pub(crate) fn table_socket(&self) -> PathBuf {
        self.folder.join("table.sock")
    }

    /// The socket of Envoy's admin interface.
    pub(crate) fn admin_socket(&self) -> PathBuf {
        self.folder.join("admin.sock")
    }

    /// The files that Envoy reads its configuration from.
    pub(crate) fn xds(&self) -> XdsFolder {
        XdsFolder::new(self.folder.join("xds"))
    }
}

/// The files that an Envoy reads its clusters, their members and its routes from.
///
/// They name each other by this folder's path: whoever writes them later gives the same path, or Envoy takes every
/// cluster for a changed one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct XdsFolder {
    folder: PathBuf,
}

impl XdsFolder {
    /// The folder at `path`; nothing is made or read.
    pub(crate) fn new(path: impl Into<PathBuf>) -> Self {
        Self { folder: path.into() }
    }

    /// The folder itself.
    pub(crate) fn path(&self) -> &Path {
        &self.folder
    }

    /// The file of all clusters.
    pub(crate) fn clusters(&self) -> PathBuf {
        self.folder.join("clusters.json")
    }

    /// The file of the route configuration for what is served here.
    pub(crate) fn local_routes(&self) -> PathBuf {
        self.folder.join("routes/local.json")
    }

    /// The file of a cluster's members. Clusters are `zoneway/peers`, `zoneway/zone/NAME` and `service/NAME`.
    pub(crate) fn endpoints(&self, cluster: &str) -> PathBuf {
        self.folder.join(format!("endpoints/{}.json", file_name(cluster)))
    }

    /// The file of the secret that says who this zone's nodes are.
    pub(crate) fn peers(&self) -> PathBuf {
        self.secret("peers")
    }

    /// The file of a secret: `node`, `clients`, `peers`, `gateways`, `zone/NAME` or `nodes/NAME`.
    pub(crate) fn secret(&self, name: &str) -> PathBuf {
        self.folder.join(format!("secrets/{}.json", file_name(name)))
    }
}

/// The longest name of a file is 255 bytes; `.json` comes behind this, and what is being written has a longer one.
const LONGEST: usize = 200;

/// A service may be named anything, a file may not. One of many backends has a long name: of that the rest is a digest.
fn file_name(name: &str) -> String {
    let file = safe_name(name);
    let Some(beginning) = file.get(..LONGEST - 33).filter(|_| file.len() > LONGEST) else { return file };
    let digest = Sha256::digest(name.as_bytes());
    let digest: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("{beginning}%{digest}")
}

fn safe_name(name: &str) -> String {
    let mut file = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => file.push(char::from(byte)),
            b'/' => file.push('+'),
            _ => file.push_str(&format!("%{byte:02x}")),
        }
    }
    file
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::RunFolder;

    #[test]
    fn every_cluster_has_a_file_of_its_own_inside_the_folder() {
        let folder = RunFolder::new("/run/z");
        for (cluster, file) in [
            ("zoneway/peers", "zoneway+peers.json"),
            ("zoneway/zone/a.b", "zoneway+zone+a.b.json"),
            ("service/../x", "service+..+x.json"),
            ("service/a+b ü", "service+a%2bb%20%c3%bc.json"),
        ] {
            assert_eq!(folder.xds().endpoints(cluster), Path::new("/run/z/xds/endpoints").join(file));
        }
    }

    #[test]
    fn a_service_of_many_backends_has_a_file_that_can_be_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let backends = |last: &str| {
            let names: Vec<String> =
                (0..15).map(|n| format!("shop-production/checkout-{n}:8080*{n}")).collect();
            format!("service/{}+shop-production/{last}:8080", names.join("+"))
        };
        let file = |last: &str| {
            RunFolder::new("").xds().endpoints(&backends(last)).file_name().expect("a name").to_owned()
        };
        assert_ne!(file("a"), file("b"));
        std::fs::write(folder.path().join(file("a")), "{}").expect("a file");
    }
}
