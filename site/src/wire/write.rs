//! Entries with a short and a long form, written in the shortest that says all of it. What is written is read back as
//! the same.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::{Balance, Certificates, Host, Ingress, Name, Node, Prefer, RateLimit, Rule, Served};

#[derive(Serialize)]
struct LongNode<'a> {
    address: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    listen: Option<&'a String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ingress: Option<&'a Vec<Ingress>>,
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { address, listen, ingress } = self;
        match (listen, ingress) {
            (None, None) => serializer.serialize_str(address),
            _ => {
                LongNode { address, listen: listen.as_ref(), ingress: ingress.as_ref() }.serialize(serializer)
            }
        }
    }
}

#[derive(Serialize)]
struct LongIngress<'a> {
    listen: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_zone: Option<&'a Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_networks: Option<&'a Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outside_zone: Option<&'a Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls: Option<&'a Certificates>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rate_limit: Option<&'a RateLimit>,
}

impl Serialize for Ingress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { listen, source_zone, source_networks, outside_zone, tls, rate_limit } = self;
        match (source_zone, source_networks, outside_zone, tls, rate_limit) {
            (None, None, None, None, None) => serializer.serialize_str(listen),
            _ => LongIngress {
                listen,
                source_zone: source_zone.as_ref(),
                source_networks: source_networks.as_ref(),
                outside_zone: outside_zone.as_ref(),
                tls: tls.as_ref(),
                rate_limit: rate_limit.as_ref(),
            }
            .serialize(serializer),
        }
    }
}

impl Serialize for Certificates {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            [certificate] => certificate.serialize(serializer),
            certificates => certificates.serialize(serializer),
        }
    }
}

impl Serialize for Served {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (self.addresses.as_slice(), self.weight) {
            ([address], None) => serializer.serialize_str(address),
            (addresses, None) => addresses.serialize(serializer),
            (addresses, Some(weight)) => {
                let mut map = serializer.serialize_map(Some(2))?;
                match addresses {
                    [address] => map.serialize_entry("address", address)?,
                    addresses => map.serialize_entry("address", addresses)?,
                }
                map.serialize_entry("weight", &weight)?;
                map.end()
            }
        }
    }
}

#[derive(Serialize)]
struct LongHost<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    expose_to: Option<&'a Vec<Name>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prefer: Option<&'a Prefer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service: Option<&'a Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    paths: Option<&'a BTreeMap<String, Rule>>,
}

impl Serialize for Host {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { expose_to, prefer, service, paths } = self;
        match (service, expose_to, prefer, paths) {
            (Some(service), None, None, None) => service.serialize(serializer),
            _ => LongHost {
                expose_to: expose_to.as_ref(),
                prefer: prefer.as_ref(),
                service: service.as_ref(),
                paths: paths.as_ref(),
            }
            .serialize(serializer),
        }
    }
}

#[derive(Serialize)]
struct LongRule<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    service: Option<&'a Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expose_to: Option<&'a Vec<Name>>,
}

impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { service, expose_to } = self;
        match (service, expose_to) {
            (Some(service), None) => service.serialize(serializer),
            _ => LongRule { service: service.as_ref(), expose_to: expose_to.as_ref() }.serialize(serializer),
        }
    }
}

impl Serialize for Balance {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Random => serializer.serialize_str("random"),
            Self::Client => serializer.serialize_str("client"),
            Self::None => serializer.serialize_str("none"),
            Self::Cookie(cookie) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("cookie", cookie)?;
                map.end()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::wire::Site;

    /// What is written is what was read, and reads back as the same.
    #[track_caller]
    fn check(site: &Value) {
        let read: Site = serde_json::from_value(site.clone()).unwrap();
        let written = serde_json::to_value(&read).unwrap();
        assert_eq!(written, *site);
        assert_eq!(serde_json::from_value::<Site>(written).unwrap(), read);
    }

    #[test]
    fn short_forms_stay_short() {
        check(&json!({
            "version": 1,
            "settings": {"home": "403", "balance": "random", "ingress": ["0.0.0.0:80"]},
            "zones": {"403": {"nodes": {"a": "10.0.0.1"}}, "out": {"public": true}},
            "services": {"s": {"at": {"a": "10.0.0.1:80", "b": ["10.0.0.2:80", "10.0.0.3:80"]}}},
            "hosts": {"a.example": "s", "b.example": {"paths": {"/": "s"}}},
        }));
    }

    #[test]
    fn long_forms_keep_every_field() {
        let ingress = json!({
            "listen": "0.0.0.0:443", "source_zone": "403", "source_networks": ["10.0.0.0/8"], "outside_zone": "out",
            "tls": {"certificate": "c.pem", "key": "k.pem"}, "rate_limit": {"requests": 9, "per": "minute"},
        });
        let several = json!({
            "listen": "0.0.0.0:444", "rate_limit": {"requests": 9},
            "tls": [{"certificate": "c.pem", "key": "k.pem"}, {"certificate": "d.pem", "key": "l.pem"}],
        });
        let link = json!({
            "to": "out", "cost": 7, "egress": ["a"], "gateways": ["e"], "address": {"e": "203.0.113.7"}, "tunnel": false,
        });
        check(&json!({
            "version": 1,
            "settings": {
                "home": "403", "domain": "example", "balance": {"cookie": "c"}, "access_log": "none", "max_hops": 4,
                "max_table_bytes": 9,
                "policies": {"unknown_host": "pass", "no_table": "refuse"},
                "peer_authentication": {"ca": "ca.pem", "certificate": "c.pem", "key": "k.pem", "crl": "crl.pem", "none": {"zones": ["403"]}},
            },
            "zones": {"403": {
                "public": false, "speaks_for": ["403"],
                "nodes": {"a": {"address": "10.0.0.1:1", "listen": "0.0.0.0:1", "ingress": [ingress, several]}},
                "links": [link],
            }},
            "services": {"s": {
                "at": {"a": {"address": "10.0.0.1:80", "weight": 2}, "b": {"address": ["1.1.1.1:1", "1.1.1.2:1"], "weight": 0}},
                "protocol": "https", "verify": "none",
            }},
            "hosts": {"a.example": {
                "expose_to": ["403"], "prefer": "zone", "service": "s", "paths": {"/x": {"service": "t", "expose_to": []}, "/y": {}},
            }},
        }));
    }
}
