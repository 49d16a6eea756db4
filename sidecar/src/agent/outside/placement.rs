//! Where a public node has the files that the site names: all in its one folder of certificates, each under a name of its
//! own, whatever folders home has them in.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Value, json};
use zoneway_core::name::NodeId;
use zoneway_site::{PeerAuthentication, Site, Verify};

use crate::agent::delivery::{CA, CRL};

/// What the names begin with of files that home delivers as they are. No node's id has it.
const AS_IT_IS: &str = "site+";

/// One public node's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Placement {
    /// The name in the node's folder, by the path in the site.
    names: BTreeMap<String, String>,
    /// The folders of those paths: what Envoy watches for a file that is replaced.
    folders: BTreeSet<String>,
}

impl Placement {
    /// Of the files that a node's own Envoy reads: its certificate, what its listeners for clients show, the authorities of the
    /// services that it runs.
    pub(crate) fn of(site: &Site, node: &NodeId) -> Self {
        let own = |path: &str| path.replace("{node}", node.as_str());
        let as_it_is = |path: String| {
            // No two paths come to one name.
            let name = path.replace('%', "%25").replace('+', "%2B").replace('/', "+");
            (path, format!("{AS_IT_IS}{name}"))
        };
        let listeners = site.node(node).into_iter().flat_map(|(_, node)| &node.ingress);
        let shown = listeners.flat_map(|listener| &listener.tls).flat_map(|tls| [&tls.certificate, &tls.key]);
        let services = site.services().values().filter(|service| service.at.get(node.as_str()).is_some());
        let authorities = services.filter_map(|service| match &service.verify {
            Verify::Ca(path) => Some(path.clone()),
            Verify::System | Verify::None => None,
        });
        let mut names: BTreeMap<_, _> =
            shown.map(|path| own(path)).chain(authorities).map(as_it_is).collect();
        if let Some(PeerAuthentication::Tls { ca, certificate, key, crl }) =
            &site.settings().peer_authentication
        {
            names.insert(own(ca), CA.to_owned());
            names.extend(crl.as_deref().map(|crl| (own(crl), CRL.to_owned())));
            names.insert(own(certificate), format!("{node}.pem"));
            names.insert(own(key), format!("{node}.key"));
        }
        let folder = |path: &String| {
            let folder = Path::new(path).parent()?.display().to_string();
            Some(if folder.is_empty() { ".".to_owned() } else { folder })
        };
        let folders = names.keys().filter_map(folder).collect();
        Self { names, folders }
    }

    /// The files that are delivered as they are: the path in the site, and the name there.
    pub(super) fn delivered(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = self.names.iter().map(|(path, name)| (path.as_str(), name.as_str()));
        all.filter(|(_, name)| name.starts_with(AS_IT_IS))
    }

    /// Puts that machine's paths in the place of the site's, in any message of Envoy's. `folder`: of its certificates.
    pub(crate) fn relocate(&self, message: &mut Value, folder: &Path) {
        match message {
            Value::Array(items) => items.iter_mut().for_each(|item| self.relocate(item, folder)),
            Value::Object(fields) => {
                for (field, value) in fields {
                    if let ("filename", Some(name)) = (field.as_str(), self.name(value)) {
                        *value = json!(folder.join(name));
                    } else if field == "watched_directory" && self.is_folder(value) {
                        *value = json!({"path": folder});
                    } else {
                        self.relocate(value, folder);
                    }
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn name(&self, path: &Value) -> Option<&String> {
        self.names.get(path.as_str()?)
    }

    fn is_folder(&self, watched: &Value) -> bool {
        watched.get("path").and_then(Value::as_str).is_some_and(|path| self.folders.contains(path))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use serde_json::json;
    use zoneway_core::name::NodeId;
    use zoneway_site::Site;

    use super::Placement;
    use crate::sources::file;

    fn placement(ingress: &str, services: &str) -> Placement {
        let site = format!(
            "version: 1
settings: {{domain: lab.test, peer_authentication: {{ca: pki/ca.pem, certificate: 'pki/{{node}}.pem', key: 'pki/{{node}}.key'}}}}
zones:
  403: {{nodes: {{studtop: 192.168.86.23}}}}
  exposed: {{public: true, nodes: {{edge: {{address: 203.0.113.7, ingress: [{ingress}]}}}}}}
services: {{{services}}}
"
        );
        let wire: zoneway_site::wire::Site =
            file::read_yaml(Path::new("site.yaml"), site.as_bytes()).unwrap();
        let site = Site::try_from(&wire).unwrap();
        Placement::of(&site, &NodeId::parse("edge").unwrap())
    }

    #[test]
    fn files_of_whatever_folders_have_names_of_their_own_and_none_is_the_nodes() {
        let listeners =
            [("edge.pem", "edge.key"), ("/a/b.pem", "../a/b.pem"), ("a+b.pem", "a/b.pem"), ("ca.pem", "%2B")];
        let listeners = listeners.iter().enumerate().map(|(port, (certificate, key))| {
            format!("{{listen: '0.0.0.0:{}', tls: {{certificate: '{certificate}', key: '{key}'}}}}", port + 1)
        });
        let placement = placement(&listeners.collect::<Vec<_>>().join(", "), "");
        let names: BTreeSet<_> = placement.delivered().map(|(_, name)| name).collect();
        assert_eq!(names.len(), 8, "{names:?}");
        assert!(names.iter().all(|name| name.starts_with("site+") && !name.contains('/')), "{names:?}");
    }

    #[test]
    fn the_authority_of_a_service_goes_to_the_nodes_that_run_it_alone() {
        let service = |node: &str| {
            format!("app: {{at: {{{node}: '127.0.0.1:8443'}}, protocol: https, verify: own/app.pem}}")
        };
        let delivered = |service: &str| {
            let placement = placement("'0.0.0.0:80'", service);
            placement.delivered().map(|(path, name)| (path.to_owned(), name.to_owned())).collect::<Vec<_>>()
        };
        assert_eq!(delivered(&service("edge")), [("own/app.pem".to_owned(), "site+own+app.pem".to_owned())]);
        assert_eq!(delivered(&service("studtop")), []);
    }

    #[test]
    fn paths_of_files_and_of_their_folders_are_put_in_place_and_no_other_text_is() {
        let placement = placement("{listen: '0.0.0.0:443', tls: {certificate: edge, key: /w.key}}", "");
        let mut message = json!({
            "node": "edge",
            "match": {"prefix": "/", "path": "."},
            "chain": {"filename": "edge"},
            "key": [{"filename": "/w.key"}],
            "own": {"filename": "pki/edge.pem"},
            "wasm": {"filename": "/usr/lib/zoneway/zoneway.wasm"},
            "watched_directory": {"path": "pki"},
            "cds": {"path": "/x", "watched_directory": {"path": "/run"}},
        });
        placement.relocate(&mut message, Path::new("/there"));
        let expected = json!({
            "node": "edge",
            "match": {"prefix": "/", "path": "."},
            "chain": {"filename": "/there/site+edge"},
            "key": [{"filename": "/there/site++w.key"}],
            "own": {"filename": "/there/edge.pem"},
            "wasm": {"filename": "/usr/lib/zoneway/zoneway.wasm"},
            "watched_directory": {"path": "/there"},
            "cds": {"path": "/x", "watched_directory": {"path": "/run"}},
        });
        assert_eq!(message, expected);
    }
}
