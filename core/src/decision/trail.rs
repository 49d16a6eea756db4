//! The trail: which nodes a request has passed, and what follows from that.

use super::{Here, Trail};
use crate::name::{NodeId, ZoneName};

/// The most items a trail may have before it is no trail (step 0).
const MOST_ITEMS: usize = 64;

/// One item of a trail that has been found well-formed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hop<'a> {
    pub(super) zone: &'a [u8],
    pub(super) node: &'a [u8],
}

impl<'a> Hop<'a> {
    /// ZONE/NODE by the table's grammars.
    fn parse(item: &'a [u8]) -> Option<Self> {
        let slash = item.iter().position(|byte| *byte == b'/')?;
        let (zone, node) = (item.get(..slash)?, item.get(slash + 1..)?);
        (ZoneName::is_valid(zone) && NodeId::is_valid(node)).then_some(Self { zone, node })
    }

    pub(super) fn is_of(&self, here: &Here<'_>) -> bool {
        self.zone == here.zone.as_bytes()
    }

    fn is(&self, here: &Here<'_>) -> bool {
        self.is_of(here) && self.node == here.node.as_bytes()
    }
}

impl<'a> Trail<'a> {
    /// A trail that has passed nothing.
    pub const EMPTY: Self = Self::Items(&[]);

    fn items(self) -> impl Iterator<Item = &'a [u8]> {
        let (joined, list): (Option<&[u8]>, &[&[u8]]) = match self {
            Self::Joined(b"") => (None, &[]),
            Self::Joined(text) => (Some(text), &[]),
            Self::Items(items) => (None, items),
        };
        joined.into_iter().flat_map(|text| text.split(|byte| *byte == b',')).chain(list.iter().copied())
    }

    /// The items, oldest first. Those that are malformed are left out: step 0 has refused them before.
    pub(super) fn hops(self) -> impl Iterator<Item = Hop<'a>> {
        self.items().filter_map(Hop::parse)
    }

    /// The last item of a trail of 1 to 64 well-formed items; `None` when it is no such trail.
    pub(super) fn last_if_well_formed(self) -> Option<Hop<'a>> {
        let mut last = None;
        for (index, item) in self.items().enumerate() {
            if index >= MOST_ITEMS {
                return None;
            }
            last = Some(Hop::parse(item)?);
        }
        last
    }

    /// Whether the trail comes back: `here` is in it, or it left here's zone before.
    pub(super) fn loops_at(self, here: &Here<'_>) -> bool {
        let mut own_zone_seen = false;
        self.hops().any(|hop| {
            let own_zone = hop.is_of(here);
            let left = own_zone_seen && !own_zone;
            own_zone_seen |= own_zone;
            left || hop.is(here)
        })
    }

    /// Whether the trail has passed a node of a zone.
    pub(super) fn has(self, zone: &str, node: &str) -> bool {
        self.hops().any(|hop| hop.zone == zone.as_bytes() && hop.node == node.as_bytes())
    }

    pub(super) fn length(self) -> usize {
        self.items().count()
    }
}
