//! A request as the command line has it, and the decision on it.

use std::borrow::Cow;
use std::fmt;

use anyhow::Context;
use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};
use zoneway_core::decision::{Decision, Here, Peer, Request, Role, Trail, decide};

use super::{Decider, RoleName};

/// One request.
pub(super) struct Asked<'a> {
    pub(super) host: &'a [u8],
    pub(super) path: &'a [u8],
    pub(super) node: Option<&'a str>,
    pub(super) role: Role,
    /// `None`: the deciding node's own zone.
    pub(super) source_zone: Option<&'a str>,
    pub(super) trail: TrailText<'a>,
    pub(super) loops: usize,
    pub(super) seed: Option<u64>,
}

impl Decider {
    /// The decision on one request.
    pub(super) fn decide<'s>(&'s self, asked: &Asked<'_>) -> anyhow::Result<Decision<'s>> {
        let node = asked.node.context("no node: write `node` here, or --node for all")?;
        let items: Vec<&[u8]>;
        let trail = match &asked.trail {
            TrailText::Joined(text) => Trail::Joined(text.as_bytes()),
            TrailText::Items(texts) => {
                items = texts.iter().map(|text| text.as_bytes()).collect();
                Trail::Items(&items)
            }
        };
        let request = Request {
            host: asked.host,
            path: asked.path,
            role: asked.role,
            source_zone: asked.source_zone.unwrap_or(&self.zone).as_bytes(),
            trail,
            loops: asked.loops,
            peer: Peer::Unchecked,
        };
        let here = Here { zone: &self.zone, node };
        Ok(decide(self.table.as_ref(), &here, &self.policy, &request, &mut || asked.seed))
    }
}

/// One line of `--requests`. What is left out, or null, is as the options say.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line<'a> {
    #[serde(borrow)]
    host: Cow<'a, str>,
    #[serde(borrow)]
    path: Option<Cow<'a, str>>,
    #[serde(borrow)]
    node: Option<Cow<'a, str>>,
    role: Option<RoleText>,
    #[serde(borrow)]
    source_zone: Option<Cow<'a, str>>,
    #[serde(borrow)]
    trail: Option<TrailText<'a>>,
    loops: Option<usize>,
    seed: Option<u64>,
}

impl Line<'_> {
    /// The request that this line means.
    pub(super) fn over<'s>(&'s self, defaults: &Asked<'s>) -> Asked<'s> {
        Asked {
            host: self.host.as_bytes(),
            path: self.path.as_ref().map_or(defaults.path, |path| path.as_bytes()),
            node: self.node.as_deref().or(defaults.node),
            role: self.role.map_or(defaults.role, |RoleText(role)| role),
            source_zone: self.source_zone.as_deref().or(defaults.source_zone),
            trail: self.trail.as_ref().unwrap_or(&defaults.trail).clone(),
            loops: self.loops.unwrap_or(defaults.loops),
            seed: self.seed.or(defaults.seed),
        }
    }
}

#[derive(Clone, Copy)]
struct RoleText(Role);

impl<'de> Deserialize<'de> for RoleText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        let name: Result<RoleName, _> = clap::ValueEnum::from_str(&text, false);
        let name = name.map_err(|_| {
            serde::de::Error::custom(format_args!("unknown role `{text}`, expected `ingress` or `peer`"))
        })?;
        Ok(Self(name.into()))
    }
}

/// A trail as a list of items, or as the header has it.
#[derive(Debug, Clone)]
pub(super) enum TrailText<'a> {
    Joined(Cow<'a, str>),
    Items(Vec<Cow<'a, str>>),
}

impl<'de: 'a, 'a> Deserialize<'de> for TrailText<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = TrailText<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of zone/node items, or one text that joins them by commas")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(TrailText::Joined(text.into()))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(TrailText::Joined(text.to_owned().into()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
                let mut found = Vec::new();
                while let Some(item) = items.next_element::<Cow<'de, str>>()? {
                    found.push(item);
                }
                Ok(TrailText::Items(found))
            }
        }

        deserializer.deserialize_any(Either)
    }
}
