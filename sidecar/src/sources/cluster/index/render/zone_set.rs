//! A set of zones, as bits: exposures are compared and cut by the thousand.

use std::ops::{BitAnd, BitOr};

/// A set of zones by their place among all zones. A table has 256 at most; a zone beyond them is never in a set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct ZoneSet([u64; 4]);

impl ZoneSet {
    pub(super) fn one(zone: usize) -> Self {
        let mut set = Self::default();
        if let Some(word) = set.0.get_mut(zone / 64) {
            *word = 1 << (zone % 64);
        }
        set
    }

    pub(super) fn has(self, zone: usize) -> bool {
        self & Self::one(zone) != Self::default()
    }

    /// Whether every zone of this set is in the other.
    pub(super) fn within(self, other: Self) -> bool {
        self & other == self
    }

    pub(super) fn without(self, zone: usize) -> Self {
        let Self(one) = Self::one(zone);
        let mut set = self;
        set.0.iter_mut().zip(one).for_each(|(word, bit)| *word &= !bit);
        set
    }

    /// The zones' places, in order.
    pub(super) fn iter(self) -> impl Iterator<Item = usize> {
        (0..256).filter(move |zone| self.has(*zone))
    }
}

impl BitAnd for ZoneSet {
    type Output = Self;

    fn bitand(mut self, other: Self) -> Self {
        self.0.iter_mut().zip(other.0).for_each(|(word, other)| *word &= other);
        self
    }
}

impl BitOr for ZoneSet {
    type Output = Self;

    fn bitor(mut self, other: Self) -> Self {
        self.0.iter_mut().zip(other.0).for_each(|(word, other)| *word |= other);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::ZoneSet;

    #[test]
    fn it_is_a_set() {
        let (a, b) = (ZoneSet::one(0) | ZoneSet::one(200), ZoneSet::one(200) | ZoneSet::one(63));
        assert_eq!((a & b).iter().collect::<Vec<_>>(), [200]);
        assert_eq!((a | b).iter().collect::<Vec<_>>(), [0, 63, 200]);
        assert!(ZoneSet::one(200).within(a) && !a.within(b));
        assert_eq!(a.without(200), ZoneSet::one(0));
        assert!(ZoneSet::one(256) == ZoneSet::default() && !a.has(256));
    }
}
