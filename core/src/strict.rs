//! Deserialization that refuses what serde lets through: repeated keys of a map, null for what may be left out, a
//! list where an object is meant, an object where a word is meant.

use alloc::collections::BTreeMap;
use core::fmt;
use core::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_path_to_error::{Path, Segment};

use crate::fault::Step;

/// A map with text keys, sorted bytewise; a repeated key is an error.
///
/// # Errors
/// As the deserializer's own, and for a key that stands twice.
pub fn map<'de, D, V>(deserializer: D) -> Result<BTreeMap<String, V>, D::Error>
where
    D: Deserializer<'de>,
    V: Deserialize<'de>,
{
    struct Unique<V>(PhantomData<V>);

    impl<'de, V: Deserialize<'de>> Visitor<'de> for Unique<V> {
        type Value = BTreeMap<String, V>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a map")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
            let mut map = BTreeMap::new();
            while let Some(key) = access.next_key::<String>()? {
                if map.contains_key(&key) {
                    return Err(A::Error::custom(format_args!("key `{key}` stands twice")));
                }
                let value = access.next_value()?;
                map.insert(key, value);
            }
            Ok(map)
        }
    }

    deserializer.deserialize_map(Unique(PhantomData))
}

/// As [`map`], for a field that may be left out; null is an error.
///
/// # Errors
/// As [`map`].
pub fn optional_map<'de, D, V>(deserializer: D) -> Result<Option<BTreeMap<String, V>>, D::Error>
where
    D: Deserializer<'de>,
    V: Deserialize<'de>,
{
    map(deserializer).map(Some)
}

/// A field that may be left out, but not be null.
///
/// # Errors
/// As the deserializer's own; null is a type error.
pub fn optional<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// A list that takes room for what it has: most lists of a table have one item, where `Vec` would make room for four.
///
/// # Errors
/// As the deserializer's own.
pub fn list<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    struct Tight<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for Tight<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a sequence")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
            let mut list = Vec::new();
            while let Some(item) = access.next_element()? {
                if list.is_empty() {
                    list.reserve_exact(1);
                }
                list.push(item);
            }
            Ok(list)
        }
    }

    deserializer.deserialize_seq(Tight(PhantomData))
}

/// As [`list`], for a field that may be left out; null is an error.
///
/// # Errors
/// As [`list`].
pub fn optional_list<'de, D, T>(deserializer: D) -> Result<Option<Vec<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    list(deserializer).map(Some)
}

/// What a derived `Deserialize` gives a type that is written with `#[serde(remote = "Self")]`, which [`objects`] and
/// [`words`] put to use.
pub(crate) trait Derived<'de>: Sized {
    fn derived<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;
}

/// A struct, from an object alone. What serde derives takes a list of the fields in their order as well.
pub(crate) fn object<'de, D: Deserializer<'de>, T: Derived<'de>>(deserializer: D) -> Result<T, D::Error> {
    struct Object<T>(PhantomData<T>);

    impl<'de, T: Derived<'de>> Visitor<'de> for Object<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<T, A::Error> {
            T::derived(MapAccessDeserializer::new(access))
        }
    }

    deserializer.deserialize_map(Object(PhantomData))
}

/// An enum without fields, from a text alone. What serde derives takes `{"word": null}` as well.
pub(crate) fn word<'de, D: Deserializer<'de>, T: for<'w> Derived<'w>>(
    deserializer: D,
) -> Result<T, D::Error> {
    struct Word<T>(PhantomData<T>);

    impl<T: for<'w> Derived<'w>> Visitor<'_> for Word<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
            T::derived(StrDeserializer::new(text))
        }
    }

    deserializer.deserialize_str(Word(PhantomData))
}

/// Gives types with `#[serde(remote = "Self")]` their `Deserialize`, through [`object`] or [`word`].
macro_rules! strictly {
    ($by:ident: $($type:ty),* $(,)?) => {$(
        impl<'de> $crate::strict::Derived<'de> for $type {
            fn derived<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                <$type>::deserialize(deserializer)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::strict::$by(deserializer)
            }
        }
    )*};
}
pub(crate) use strictly;

/// Gives types with `#[serde(remote = "Self")]` their `Serialize`, which that attribute takes away.
macro_rules! serialized {
    ($($type:ty),* $(,)?) => {$(
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                <$type>::serialize(self, serializer)
            }
        }
    )*};
}
pub(crate) use serialized;

/// Where serde stopped, in the form of every other path to a fault; empty for the whole.
#[must_use]
pub fn place(path: &Path) -> String {
    let steps = path.iter().map(|segment| match segment {
        Segment::Seq { index } => format!("[{index}]"),
        Segment::Map { key } => Step(key).to_string(),
        Segment::Enum { variant } => Step(variant).to_string(),
        // The text ended here.
        Segment::Unknown => String::new(),
    });
    let place: String = steps.collect();
    place.strip_prefix('.').map_or(place.clone(), str::to_owned)
}
