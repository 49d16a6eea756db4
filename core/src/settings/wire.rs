//! The filter's configuration as it is written. Nothing here is checked beyond syntax and types.

use core::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

use crate::strict::{self, strictly};

strictly!(object: Settings, WithoutAuthentication);
strictly!(word: Role, Missing);

/// One plugin's configuration.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Settings {
    /// What the listener is for.
    pub role: Role,
    /// The node's zone.
    pub zone: String,
    /// The node's id.
    pub node: String,
    /// The zone that clients are of; default: the node's.
    #[serde(default, deserialize_with = "strict::optional")]
    pub source_zone: Option<String>,
    /// The networks whose clients are of that zone.
    #[serde(default, deserialize_with = "strict::optional")]
    pub source_networks: Option<Vec<String>>,
    /// The zone of every other client; default: one that no table has.
    #[serde(default, deserialize_with = "strict::optional")]
    pub outside_zone: Option<String>,
    /// What to do with a host that no entry matches.
    #[serde(default, deserialize_with = "strict::optional")]
    pub unknown_host: Option<Missing>,
    /// What to do while there is no table.
    #[serde(default, deserialize_with = "strict::optional")]
    pub no_table: Option<Missing>,
    /// A trail of this length ends in 508.
    #[serde(default, deserialize_with = "strict::optional")]
    pub max_hops: Option<u64>,
    /// How a peer is known; required for [`Role::Peer`].
    #[serde(default, deserialize_with = "strict::optional")]
    pub peer_authentication: Option<PeerAuthentication>,
    /// Bytes of JSON above which the table endpoint refuses a table.
    #[serde(default, deserialize_with = "strict::optional")]
    pub max_table_bytes: Option<u64>,
    /// Where the seed comes from that orders endpoints.
    #[serde(default, deserialize_with = "strict::optional")]
    pub balance: Option<Balance>,
    /// Whether Envoy writes the name that a client's handshake asked for into `x-zoneway-sni`; default no.
    #[serde(default, deserialize_with = "strict::optional")]
    pub sni: Option<bool>,
}

/// What a listener (or the bootstrap's singleton) is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase", remote = "Self")]
pub enum Role {
    /// Clients.
    Ingress,
    /// Other nodes.
    Peer,
    /// The sidecar's endpoint.
    Table,
    /// The singleton on the main thread that compiles tables, and keeps shared data alive.
    Compiler,
}

/// Leave it to Envoy's own routes, or refuse it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase", remote = "Self")]
pub enum Missing {
    /// Refuse.
    #[default]
    Refuse,
    /// Leave it to Envoy's own routes.
    Pass,
}

/// How a peer is known.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PeerAuthentication {
    /// By its certificate's URI SAN, of this trust domain.
    Spiffe(String),
    /// Not at all.
    None(WithoutAuthentication),
}

/// For whom a peer listener does without mutual TLS.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct WithoutAuthentication {
    /// The zones whose nodes may be the last item of a trail.
    pub zones: Vec<String>,
}

/// Where the seed comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Balance {
    /// `"random"`.
    #[default]
    Random,
    /// `"client"`: the client's address.
    Client,
    /// `{"cookie": NAME}`.
    Cookie(String),
    /// `"none"`.
    None,
}

impl<'de> Deserialize<'de> for Balance {
    // Derived, `{"random": null}` would pass for `"random"`.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Seen;

        impl<'de> Visitor<'de> for Seen {
            type Value = Balance;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"random\", \"client\", \"none\" or {\"cookie\": NAME}")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Balance, E> {
                match text {
                    "random" => Ok(Balance::Random),
                    "client" => Ok(Balance::Client),
                    "none" => Ok(Balance::None),
                    _ => Err(E::unknown_variant(text, &["random", "client", "none"])),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Balance, A::Error> {
                let mut name = None;
                while let Some(key) = map.next_key::<String>()? {
                    if key != "cookie" {
                        return Err(A::Error::unknown_field(&key, &["cookie"]));
                    }
                    if name.is_some() {
                        return Err(A::Error::duplicate_field("cookie"));
                    }
                    name = Some(map.next_value()?);
                }
                name.map(Balance::Cookie).ok_or_else(|| A::Error::missing_field("cookie"))
            }
        }

        deserializer.deserialize_any(Seen)
    }
}
