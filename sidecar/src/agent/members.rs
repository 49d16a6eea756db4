//! Which clusters and members rendered files name, and which of them Envoy lists.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use serde_json::Value;

use super::listing::{Listing, Member};

/// The clusters that Envoy has to have, each with the members that it has to have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Members {
    clusters: BTreeMap<String, BTreeSet<SocketAddr>>,
}

impl Members {
    /// Reads them off the files that Envoy reads them from: discovery responses of clusters and of their members. What
    /// is neither (routes) names none.
    pub(crate) fn of<'a>(files: impl IntoIterator<Item = &'a str>) -> Self {
        let mut clusters: BTreeMap<String, BTreeSet<SocketAddr>> = BTreeMap::new();
        for content in files {
            let Ok(document) = serde_json::from_str::<Value>(content) else { continue };
            for resource in list(&document, "resources") {
                let kind = resource.get("@type").and_then(Value::as_str).unwrap_or_default();
                if kind.ends_with(".Cluster")
                    && let Some(name) = resource.get("name").and_then(Value::as_str)
                {
                    clusters.entry(name.to_owned()).or_default();
                }
                if let Some(name) = resource.get("cluster_name").and_then(Value::as_str) {
                    let localities = list(resource, "endpoints");
                    let endpoints = localities.flat_map(|locality| list(locality, "lb_endpoints"));
                    let addresses =
                        endpoints.filter_map(|endpoint| socket_addr(endpoint.pointer("/endpoint/address")?));
                    clusters.entry(name.to_owned()).or_default().extend(addresses);
                }
            }
        }
        Self { clusters }
    }

    /// How many of them are not in what `/clusters?format=json` answered. A cluster that is missing counts once more
    /// than its members.
    ///
    /// # Errors
    /// When the listing is no JSON.
    pub(crate) fn missing(&self, listing: &[u8]) -> Result<usize, serde_json::Error> {
        let listing: Listing<'_> = serde_json::from_slice(listing)?;
        let clusters = listing.cluster_statuses.iter();
        let listed: BTreeMap<&str, BTreeSet<SocketAddr>> = clusters
            .map(|cluster| {
                let addresses = cluster.host_statuses.iter().filter_map(Member::address).collect();
                (cluster.name.as_ref(), addresses)
            })
            .collect();
        let missing = |(name, members): (&String, &BTreeSet<SocketAddr>)| match listed.get(name.as_str()) {
            Some(listed) => members.difference(listed).count(),
            None => members.len() + 1,
        };
        Ok(self.clusters.iter().map(missing).sum())
    }
}

fn list<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value.get(name).and_then(Value::as_array).into_iter().flatten()
}

/// An address as Envoy's files have it.
fn socket_addr(address: &Value) -> Option<SocketAddr> {
    let address = address.get("socket_address")?;
    let ip: IpAddr = address.get("address")?.as_str()?.parse().ok()?;
    Some(SocketAddr::new(ip, u16::try_from(address.get("port_value")?.as_u64()?).ok()?))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Members;

    const TYPE: &str = "type.googleapis.com/envoy.config";

    fn address(text: &str) -> Value {
        let (ip, port) = text.rsplit_once(':').unwrap();
        json!({"socket_address": {"address": ip.trim_matches(['[', ']']), "port_value": port.parse::<u16>().unwrap()}})
    }

    fn members() -> Members {
        let clusters = json!({"resources": [
            {"@type": format!("{TYPE}.cluster.v3.Cluster"), "name": "zoneway/peers"},
            {"@type": format!("{TYPE}.cluster.v3.Cluster"), "name": "service/notes"},
        ]});
        let endpoint = |text| json!({"endpoint": {"address": address(text)}});
        let peers = json!({"resources": [{"@type": format!("{TYPE}.endpoint.v3.ClusterLoadAssignment"),
            "cluster_name": "zoneway/peers",
            "endpoints": [{"lb_endpoints": [endpoint("10.0.0.1:15443"), endpoint("[fd00::1]:15443")]}]}]});
        let routes =
            json!({"resources": [{"@type": format!("{TYPE}.route.v3.RouteConfiguration"), "name": "local"}]});
        let files = [clusters, peers, routes].map(|file| file.to_string());
        Members::of(files.iter().map(String::as_str))
    }

    #[track_caller]
    fn check(listing: &Value, missing: usize) {
        assert_eq!(members().missing(listing.to_string().as_bytes()).unwrap(), missing);
    }

    fn cluster(name: &str, members: &[&str]) -> Value {
        let hosts = members.iter().map(|text| json!({"address": address(text)})).collect::<Vec<_>>();
        json!({"name": name, "host_statuses": hosts})
    }

    #[test]
    fn everything_that_is_named_has_to_be_listed() {
        check(&json!({}), 2 + 1 + 1);
        check(&json!({"cluster_statuses": [cluster("zoneway/peers", &[])]}), 3);
        let peers = cluster("zoneway/peers", &["10.0.0.1:15443", "[fd00::1]:15443", "10.9.9.9:1"]);
        check(&json!({"cluster_statuses": [peers]}), 1);
        check(&json!({"cluster_statuses": [peers, cluster("service/notes", &[]), cluster("else", &[])]}), 0);
    }

    #[test]
    fn another_port_or_cluster_is_not_the_member() {
        let peers = cluster("zoneway/peers", &["10.0.0.1:15444"]);
        let notes = cluster("service/notes", &["10.0.0.1:15443", "[fd00::1]:15443"]);
        check(&json!({"cluster_statuses": [peers, notes]}), 2);
    }

    #[test]
    fn what_is_no_listing_is_an_error() {
        assert!(members().missing(b"503 overloaded").is_err());
    }
}
