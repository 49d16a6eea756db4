//! Entries with a short and a long form, told apart by their type alone.

use std::collections::BTreeMap;

use core::fmt;
use core::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use zoneway_core::strict;

use super::{Balance, Certificates, Host, Ingress, Name, Node, Prefer, RateLimit, Rule, Served, Tls};

/// A type with a short form (text), and a long one (a map); some have a list too.
trait Entry: Sized {
    /// The long form, derived: unknown and repeated fields are errors.
    type Long: for<'de> Deserialize<'de>;

    /// What may stand here.
    const EXPECTED: &'static str;

    fn short<E: Error>(text: String) -> Result<Self, E>;

    fn long<E: Error>(long: Self::Long) -> Result<Self, E>;

    fn list(_items: Vec<String>) -> Option<Self> {
        None
    }
}

struct EntryVisitor<T>(PhantomData<T>);

impl<'de, T: Entry> Visitor<'de> for EntryVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        T::short(text.to_owned())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        // A service may be named by a number, as a zone may.
        T::short(number.to_string())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        T::short(number.to_string())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<T, A::Error> {
        let items = Vec::deserialize(SeqAccessDeserializer::new(items))?;
        T::list(items).ok_or_else(|| A::Error::custom(format_args!("a list, expected {}", T::EXPECTED)))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::long(T::Long::deserialize(MapAccessDeserializer::new(map))?)
    }
}

macro_rules! deserialize_entries {
    ($($name:ident),*) => {$(
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(EntryVisitor::<Self>(PhantomData))
            }
        }
    )*};
}
deserialize_entries!(Node, Ingress, Served, Addresses, Host, Rule, Balance);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LongNode {
    address: String,
    #[serde(default, deserialize_with = "strict::optional")]
    listen: Option<String>,
    #[serde(default, deserialize_with = "strict::optional")]
    ingress: Option<Vec<Ingress>>,
}

impl Entry for Node {
    type Long = LongNode;

    const EXPECTED: &'static str = "an address, or a map with `address`, `listen` and `ingress`";

    fn short<E: Error>(address: String) -> Result<Self, E> {
        Ok(Self { address, ..Self::default() })
    }

    fn long<E: Error>(LongNode { address, listen, ingress }: LongNode) -> Result<Self, E> {
        Ok(Self { address, listen, ingress })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LongIngress {
    listen: String,
    #[serde(default, deserialize_with = "strict::optional")]
    source_zone: Option<Name>,
    #[serde(default, deserialize_with = "strict::optional")]
    source_networks: Option<Vec<String>>,
    #[serde(default, deserialize_with = "strict::optional")]
    outside_zone: Option<Name>,
    #[serde(default, deserialize_with = "strict::optional")]
    tls: Option<Certificates>,
    #[serde(default, deserialize_with = "strict::optional")]
    rate_limit: Option<RateLimit>,
}

impl Entry for Ingress {
    type Long = LongIngress;

    const EXPECTED: &'static str = "an address to listen on, or a map with `listen`, `source_zone`, \
                                    `source_networks`, `outside_zone`, `tls` and `rate_limit`";

    fn short<E: Error>(listen: String) -> Result<Self, E> {
        Ok(Self { listen, ..Self::default() })
    }

    fn long<E: Error>(long: LongIngress) -> Result<Self, E> {
        let LongIngress { listen, source_zone, source_networks, outside_zone, tls, rate_limit } = long;
        Ok(Self { listen, source_zone, source_networks, outside_zone, tls, rate_limit })
    }
}

impl<'de> Deserialize<'de> for Certificates {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct CertificatesVisitor;
        impl<'de> Visitor<'de> for CertificatesVisitor {
            type Value = Certificates;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map with `certificate` and `key`, or a list of such maps")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Certificates, A::Error> {
                Ok(Certificates(vec![Tls::deserialize(MapAccessDeserializer::new(map))?]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Certificates, A::Error> {
                Ok(Certificates(Vec::deserialize(SeqAccessDeserializer::new(items))?))
            }
        }
        deserializer.deserialize_any(CertificatesVisitor)
    }
}

/// One address or several.
struct Addresses(Vec<String>);

/// A long form that there is not.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoLong {}

impl Entry for Addresses {
    type Long = NoLong;

    const EXPECTED: &'static str = "an address or a list of addresses";

    fn short<E: Error>(address: String) -> Result<Self, E> {
        Ok(Self(vec![address]))
    }

    fn long<E: Error>(_: NoLong) -> Result<Self, E> {
        Err(E::custom(format_args!("a map, expected {}", Self::EXPECTED)))
    }

    fn list(items: Vec<String>) -> Option<Self> {
        Some(Self(items))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LongServed {
    address: Addresses,
    #[serde(default, deserialize_with = "strict::optional")]
    weight: Option<u64>,
}

impl Entry for Served {
    type Long = LongServed;

    const EXPECTED: &'static str = "an address, a list of addresses, or a map with `address` and `weight`";

    fn short<E: Error>(address: String) -> Result<Self, E> {
        Ok(Self { addresses: vec![address], weight: None })
    }

    fn long<E: Error>(LongServed { address, weight }: LongServed) -> Result<Self, E> {
        Ok(Self { addresses: address.0, weight })
    }

    fn list(addresses: Vec<String>) -> Option<Self> {
        Some(Self { addresses, weight: None })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LongHost {
    #[serde(default, deserialize_with = "strict::optional")]
    expose_to: Option<Vec<Name>>,
    #[serde(default, deserialize_with = "strict::optional")]
    prefer: Option<Prefer>,
    #[serde(default, deserialize_with = "strict::optional")]
    service: Option<Name>,
    #[serde(default, deserialize_with = "strict::optional_map")]
    paths: Option<BTreeMap<String, Rule>>,
}

impl Entry for Host {
    type Long = LongHost;

    const EXPECTED: &'static str =
        "the name of a service, or a map with `expose_to`, `prefer`, and `service` or `paths`";

    fn short<E: Error>(service: String) -> Result<Self, E> {
        Ok(Self { service: Some(Name(service.into())), ..Self::default() })
    }

    fn long<E: Error>(long: LongHost) -> Result<Self, E> {
        let LongHost { expose_to, prefer, service, paths } = long;
        Ok(Self { expose_to, prefer, service, paths })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LongRule {
    #[serde(default, deserialize_with = "strict::optional")]
    expose_to: Option<Vec<Name>>,
    #[serde(default, deserialize_with = "strict::optional")]
    service: Option<Name>,
}

impl Entry for Rule {
    type Long = LongRule;

    const EXPECTED: &'static str = "the name of a service, or a map with `service` and `expose_to`";

    fn short<E: Error>(service: String) -> Result<Self, E> {
        Ok(Self { expose_to: None, service: Some(Name(service.into())) })
    }

    fn long<E: Error>(LongRule { expose_to, service }: LongRule) -> Result<Self, E> {
        Ok(Self { expose_to, service })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LongBalance {
    cookie: String,
}

impl Entry for Balance {
    type Long = LongBalance;

    const EXPECTED: &'static str = "`random`, `client`, `none` or `{cookie: NAME}`";

    fn short<E: Error>(text: String) -> Result<Self, E> {
        match text.as_str() {
            "random" => Ok(Self::Random),
            "client" => Ok(Self::Client),
            "none" => Ok(Self::None),
            _ => Err(E::custom(format_args!("`{text}`, expected {}", Self::EXPECTED))),
        }
    }

    fn long<E: Error>(LongBalance { cookie }: LongBalance) -> Result<Self, E> {
        Ok(Self::Cookie(cookie))
    }
}
