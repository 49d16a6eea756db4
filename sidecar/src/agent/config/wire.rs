//! The sidecar's configuration file as it is written. Nothing here is checked beyond syntax and types.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::value::SeqAccessDeserializer;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use zoneway_core::strict;

use crate::sources::cluster::settings::Settings;

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Config {
    pub(super) version: u64,
    pub(super) source: Source,
    pub(super) state: String,
    pub(super) envoys: Vec<Envoy>,
    #[serde(default)]
    pub(super) listen: Listen,
    #[serde(default, deserialize_with = "strict::optional")]
    pub(super) shrink: Option<Shrink>,
    #[serde(default, deserialize_with = "strict::optional")]
    pub(super) dns: Option<Dns>,
    #[serde(default, deserialize_with = "strict::optional")]
    pub(super) lease: Option<Lease>,
    #[serde(default, deserialize_with = "strict::optional")]
    pub(super) outside: Option<Outside>,
    #[serde(default, deserialize_with = "strict::optional")]
    pub(super) probes: Option<Probes>,
    #[serde(default, deserialize_with = "strict::optional")]
    pub(super) certificates: Option<Certificates>,
}

/// A folder with the certificates of many nodes, and one for those of the nodes here.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Certificates {
    pub(super) from: String,
    pub(super) to: String,
}

/// What becomes of nodes and links that fail their probes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Probes {
    #[serde(default, deserialize_with = "strict::optional")]
    pub(super) back_after: Option<String>,
}

/// A site, a table, or a cluster and how its API is reached.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Source {
    #[serde(default, deserialize_with = "strict::optional")]
    pub(super) site: Option<String>,
    #[serde(default, deserialize_with = "strict::optional")]
    pub(super) table: Option<String>,
    #[serde(default, deserialize_with = "strict::optional")]
    pub(super) cluster: Option<Settings>,
    #[serde(default, deserialize_with = "strict::optional")]
    pub(super) kubeconfig: Option<String>,
    #[serde(default, deserialize_with = "strict::optional")]
    pub(super) context: Option<String>,
    #[serde(default, deserialize_with = "strict::optional")]
    pub(super) receive: Option<Receive>,
}

/// Where and from whom a public node takes what it is to have.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Receive {
    pub(super) listen: String,
    pub(super) domain: String,
    pub(super) zone: String,
    pub(super) gateways: BTreeMap<String, Vec<String>>,
    pub(super) certificates: String,
    #[serde(default, deserialize_with = "strict::optional")]
    pub(super) token: Option<String>,
}

/// The public nodes that are fed from here.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Outside {
    #[serde(default, deserialize_with = "strict::optional")]
    pub(super) port: Option<u16>,
    #[serde(default, deserialize_with = "strict::optional")]
    pub(super) places: Option<BTreeMap<String, String>>,
    pub(super) ca: String,
    #[serde(default, deserialize_with = "strict::optional")]
    pub(super) crl: Option<String>,
    pub(super) certificate: String,
    pub(super) key: String,
    #[serde(default, deserialize_with = "strict::optional")]
    pub(super) authority: Option<String>,
    #[serde(default, deserialize_with = "strict::optional")]
    pub(super) signed: Option<String>,
}

/// The lease of who writes into the cluster.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Lease {
    pub(super) namespace: String,
    #[serde(default, deserialize_with = "strict::optional")]
    pub(super) name: Option<String>,
}

/// One Envoy: its run folder, or each place by itself.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Envoy {
    pub(super) node: String,
    #[serde(default, deserialize_with = "strict::optional")]
    pub(super) run_dir: Option<String>,
    #[serde(default, deserialize_with = "strict::optional")]
    pub(super) table: Option<String>,
    #[serde(default, deserialize_with = "strict::optional")]
    pub(super) admin: Option<String>,
    #[serde(default, deserialize_with = "strict::optional")]
    pub(super) xds: Option<String>,
    #[serde(default, deserialize_with = "strict::optional")]
    pub(super) tls: Option<Tls>,
}

/// The files for a table endpoint over https.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tls {
    pub(super) ca: String,
    #[serde(default, deserialize_with = "strict::optional")]
    pub(super) certificate: Option<String>,
    #[serde(default, deserialize_with = "strict::optional")]
    pub(super) key: Option<String>,
}

/// What a source may lose.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Shrink {
    #[serde(default, deserialize_with = "strict::optional")]
    pub(super) hold: Option<String>,
}

/// Who resolves names.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Dns {
    #[serde(default, deserialize_with = "strict::optional")]
    pub(super) servers: Option<Vec<String>>,
}

/// One address or a list of them.
#[derive(Debug, Default)]
pub(super) struct Listen(pub(super) Vec<String>);

impl<'de> Deserialize<'de> for Listen {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMore;

        impl<'de> Visitor<'de> for OneOrMore {
            type Value = Listen;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an address to listen on, or a list of them")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Listen, E> {
                Ok(Listen(vec![text.to_owned()]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Listen, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(items)).map(Listen)
            }
        }

        deserializer.deserialize_any(OneOrMore)
    }
}
