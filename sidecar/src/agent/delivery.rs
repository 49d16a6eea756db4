//! What home and a public node say to each other: the node's greeting, home's delivery, and what the node finds wrong
//! with one.
//!
//! Pure: what is checked here needs no file, no clock and no connection.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};
use zoneway_core::name::{NodeId, ZoneName};
use zoneway_core::table::{self, Table, wire::Revision};

use super::table_endpoint::PathError;
use crate::sources::file;

/// The version of this protocol.
pub(crate) const VERSION: u64 = 1;
/// Where a public node greets.
pub(crate) const HELLO: &str = "/v1/public-node";
/// Where it proves that it has its bootstrap token.
pub(crate) const PROOF: &str = "/v1/proof";
/// Where it takes deliveries.
pub(crate) const DELIVERY: &str = "/v1/delivery";
/// Where its Envoy's metrics are passed on.
pub(crate) const ENVOY_METRICS: &str = "/envoy/metrics";
/// The name of the authorities' certificates among those that are delivered.
pub(crate) const CA: &str = "ca.pem";
/// The name of the list of revoked certificates.
pub(crate) const CRL: &str = "crl.pem";

/// What a public node says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Hello {
    /// [`VERSION`].
    pub(crate) version: u64,
    /// The node.
    pub(crate) node: String,
    /// Its zone.
    pub(crate) zone: String,
    /// The folder of its Envoy's files, in full: they name each other by it.
    pub(crate) xds: PathBuf,
    /// The folder of its certificates, in full.
    pub(crate) certificates: PathBuf,
    /// Its key, to be signed (PKCS #10, PEM).
    pub(crate) request: String,
    /// What it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) held: Option<Held>,
    /// Whether that is another's who was heard of a short while ago: the one that asks may not deliver then.
    #[serde(default)]
    pub(crate) is_taken: bool,
}

/// Which delivery a public node has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Held {
    /// Who delivered it.
    pub(crate) writer: String,
    /// Its revision.
    pub(crate) revision: Revision,
    /// What its writer called its content.
    pub(crate) digest: String,
}

/// Home asks for a proof that the node has its token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Challenge {
    /// Random, of this question alone.
    pub(crate) nonce: String,
}

/// The answer to a [`Challenge`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Proof {
    /// The proof, hex.
    pub(crate) proof: String,
}

/// Everything that a public node is to have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Delivery {
    /// [`VERSION`].
    pub(crate) version: u64,
    /// Who delivers, and which.
    pub(crate) held: Held,
    /// The node's certificate (PEM), where it is to have a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) leaf: Option<String>,
    /// All else.
    pub(crate) content: Content,
}

/// The part of a delivery that is the same whoever delivers it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Content {
    /// The view of the node's zone. Its own revision says nothing here.
    pub(crate) table: table::wire::Table,
    /// The files of its Envoy, by their path in the folder of these.
    pub(crate) files: BTreeMap<String, String>,
    /// Further files beside its certificate: the authorities ([`CA`]), what its listeners for clients show.
    pub(crate) certificates: BTreeMap<String, String>,
    /// The identities that may deliver from now on.
    pub(crate) gateways: Vec<String>,
}

/// A delivery that was checked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Delivered {
    /// Who delivered it, and which.
    pub(crate) held: Held,
    /// The table, checked.
    pub(crate) table: Table,
    /// As in [`Content`].
    pub(crate) files: BTreeMap<String, String>,
    /// As in [`Content`].
    pub(crate) gateways: Vec<String>,
}

impl Delivery {
    /// Reads a delivery.
    ///
    /// # Errors
    /// Its first fault.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, PathError> {
        let fault = |message: String| PathError { path: String::new(), message };
        serde_json::from_slice(bytes).map_err(|error| fault(format!("is no delivery: {error}")))
    }

    /// What it means, checked by itself.
    ///
    /// # Errors
    /// Every fault with its path.
    pub(crate) fn checked(&self) -> Result<Delivered, Vec<PathError>> {
        let mut faults = Vec::new();
        let mut fault =
            |path: &str, message: String| faults.push(PathError { path: path.to_owned(), message });
        if self.version != VERSION {
            fault("version", format!("is {}: this program reads version {VERSION}", self.version));
        }
        for (name, text) in &self.content.files {
            if !is_file(name) {
                fault("content.files", format!("\"{name}\" is none of Envoy's files"));
            } else if serde_json::from_str::<serde::de::IgnoredAny>(text).is_err() {
                fault("content.files", format!("\"{name}\" is no JSON"));
            }
        }
        for name in self.content.certificates.keys().filter(|name| !is_plain(name)) {
            fault("content.certificates", format!("\"{name}\" is no name of a file"));
        }
        if self.content.gateways.is_empty() {
            fault("content.gateways", "is empty: nobody could deliver after that".to_owned());
        }
        let json = serde_json::to_vec(&self.content.table).unwrap_or_default();
        let table = file::parse_table(Path::new("delivery"), &json).map_err(|error| {
            let within =
                |fault: PathError| PathError { path: format!("content.table.{}", fault.path), ..fault };
            faults.extend(super::table_endpoint::faults_of(&error).into_iter().map(within));
        });
        match table {
            Ok(table) if faults.is_empty() => Ok(Delivered {
                held: self.held.clone(),
                table,
                files: self.content.files.clone(),
                gateways: self.content.gateways.clone(),
            }),
            _ => Err(faults),
        }
    }

    /// What is wrong with it for this node, which has `held` already.
    pub(crate) fn faults_for(&self, zone: &ZoneName, node: &NodeId, domain: &str) -> Vec<PathError> {
        let mut faults = Vec::new();
        let mut fault =
            |path: &str, message: String| faults.push(PathError { path: path.to_owned(), message });
        let view = &self.content.table.view;
        if view != zone.as_str() {
            fault("content.table.view", format!("is {view}: this node is of zone {zone}"));
        }
        let own = [format!("{node}.pem"), format!("{node}.key")];
        for name in self.content.certificates.keys().filter(|name| own.contains(name)) {
            fault("content.certificates", format!("\"{name}\" is this node's own"));
        }
        if !self.content.certificates.contains_key(CA) {
            fault("content.certificates", format!("\"{CA}\" is missing"));
        }
        let of_domain = format!("spiffe://{domain}/zone/");
        for identity in &self.content.gateways {
            let known = identity.strip_prefix(&of_domain).and_then(|rest| rest.split_once("/node/"));
            if known.is_none_or(|(of, gateway)| of == zone.as_str() || gateway.is_empty()) {
                fault("content.gateways", format!("\"{identity}\" is no gateway of another zone"));
            }
        }
        faults
    }
}

/// Whether a delivery with `next` may take the place of the one with `held`: nothing older, and nothing else by the
/// same revision.
pub(crate) fn may_replace(held: &Held, next: &Held) -> bool {
    next.revision > held.revision || (next.revision == held.revision && next.digest == held.digest)
}

/// Files that are Envoy's: clusters, members, routes, and which identities it accepts.
fn is_file(name: &str) -> bool {
    match name.split_once('/') {
        None => name == "clusters.json",
        Some(("endpoints" | "routes" | "secrets", rest)) => is_plain(rest) && rest.ends_with(".json"),
        Some(_) => false,
    }
}

fn is_plain(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    let plain = matches!((parts.next(), parts.next()), (Some(Component::Normal(part)), None) if part == name);
    plain && !name.starts_with('.')
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use zoneway_core::name::{NodeId, ZoneName};

    use super::{Delivery, Held, may_replace};

    fn delivery(change: impl FnOnce(&mut Value)) -> Delivery {
        let mut document = json!({
            "version": 1,
            "held": {"writer": "a", "revision": {"epoch": 1, "sequence": 0}, "digest": "d"},
            "content": {
                "table": {"version": 1, "revision": {"epoch": 0, "sequence": 0}, "view": "exposed",
                          "zones": {"exposed": {"public": true}, "403": {}}, "hosts": []},
                "files": {"clusters.json": "{}", "endpoints/service+a.json": "{}"},
                "certificates": {"ca.pem": "…", "w.key": "…"},
                "gateways": ["spiffe://lab.test/zone/403/node/studtop"],
            },
        });
        change(&mut document);
        Delivery::parse(document.to_string().as_bytes()).unwrap()
    }

    fn faults(delivery: &Delivery) -> Vec<String> {
        let mut all = delivery.checked().err().unwrap_or_default();
        let (zone, node) = (ZoneName::parse("exposed").unwrap(), NodeId::parse("edge").unwrap());
        all.extend(delivery.faults_for(&zone, &node, "lab.test"));
        all.iter().map(ToString::to_string).collect()
    }

    #[track_caller]
    fn check(change: impl FnOnce(&mut Value), part_of_fault: &str) {
        let faults = faults(&delivery(change));
        assert!(faults.iter().any(|fault| fault.contains(part_of_fault)), "{part_of_fault}: {faults:?}");
    }

    #[test]
    fn a_delivery_for_this_node_has_no_fault() {
        assert_eq!(faults(&delivery(|_| {})), Vec::<String>::new());
    }

    #[test]
    fn every_part_of_a_delivery_is_checked() {
        check(|d| d["version"] = 2.into(), "this program reads version 1");
        check(|d| d["content"]["table"]["view"] = "403".into(), "this node is of zone exposed");
        check(|d| d["content"]["table"]["zones"] = json!({}), "content.table");
        check(|d| d["content"]["gateways"] = json!([]), "nobody could deliver");
        for identity in [
            "spiffe://lab.test/zone/exposed/node/other",
            "spiffe://else.test/zone/403/node/studtop",
            "spiffe://lab.test/zone/403",
        ] {
            check(|d| d["content"]["gateways"] = json!([identity]), "no gateway of another zone");
        }
        for file in
            ["../x.json", "endpoints/../x.json", "x.json", "/etc/passwd", "endpoints/.x.json", "a/b.json"]
        {
            check(|d| d["content"]["files"] = json!({ file: "{}" }), "none of Envoy's files");
        }
        check(|d| d["content"]["files"]["clusters.json"] = "{".into(), "no JSON");
        for name in ["../x", "a/b", ".x", "", "/x", ".."] {
            check(|d| d["content"]["certificates"] = json!({ name: "" }), "no name of a file");
        }
        check(|d| d["content"]["certificates"] = json!({"edge.key": ""}), "this node's own");
        check(|d| d["content"]["certificates"] = json!({}), "\"ca.pem\" is missing");
    }

    #[test]
    fn nothing_older_takes_the_place_of_what_is_held() {
        let held = |epoch, sequence, digest: &str| Held {
            writer: "a".to_owned(),
            revision: zoneway_core::table::wire::Revision { epoch, sequence },
            digest: digest.to_owned(),
        };
        assert!(may_replace(&held(1, 2, "d"), &held(1, 3, "e")));
        assert!(may_replace(&held(1, 2, "d"), &held(2, 0, "e")));
        assert!(may_replace(&held(1, 2, "d"), &held(1, 2, "d")));
        assert!(!may_replace(&held(1, 2, "d"), &held(1, 2, "e")));
        assert!(!may_replace(&held(1, 2, "d"), &held(1, 1, "d")));
        assert!(!may_replace(&held(2, 0, "d"), &held(1, 9, "d")));
    }
}
