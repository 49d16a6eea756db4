//! One bit for each byte of a host, and eight bytes looked at in one word.

/// Bit n tells something of byte n.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Bits([u64; 4]);

impl Bits {
    /// How many there are.
    pub(super) const COUNT: usize = 256;

    /// The lowest `count` bits.
    pub(super) fn below(count: usize) -> Self {
        let mut bits = Self::default();
        for (index, word) in bits.0.iter_mut().enumerate() {
            let here = count.saturating_sub(index * 64).min(64);
            *word = if here == 0 { 0 } else { u64::MAX >> (64 - here) };
        }
        bits
    }

    /// Puts eight bits at a multiple of eight.
    pub(super) fn put(&mut self, at: usize, eight: u64) {
        if let Some(word) = self.0.get_mut(at / 64) {
            *word |= eight << (at % 64);
        }
    }

    pub(super) fn has(&self, bit: usize) -> bool {
        self.0.get(bit / 64).is_some_and(|word| word >> (bit % 64) & 1 != 0)
    }

    pub(super) fn lowest(&self) -> Option<usize> {
        let (index, word) = self.0.iter().enumerate().find(|(_, word)| **word != 0)?;
        Some(index * 64 + word.trailing_zeros() as usize)
    }

    /// Takes out the highest bit.
    pub(super) fn take_highest(&mut self) -> Option<usize> {
        let (index, word) = self.0.iter_mut().enumerate().rev().find(|(_, word)| **word != 0)?;
        let bit = word.ilog2();
        *word &= !(1 << bit);
        Some(index * 64 + bit as usize)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0 == [0; 4]
    }

    pub(super) fn and(self, other: Self) -> Self {
        self.zip(other, |left, right| left & right)
    }

    pub(super) fn or(self, other: Self) -> Self {
        self.zip(other, |left, right| left | right)
    }

    pub(super) fn without(self, other: Self) -> Self {
        self.zip(other, |left, right| left & !right)
    }

    /// Each bit says what its lower neighbour said; the lowest says `first`.
    pub(super) fn up(self, first: bool) -> Self {
        let [a, b, c, d] = self.0;
        Self([a << 1 | u64::from(first), b << 1 | a >> 63, c << 1 | b >> 63, d << 1 | c >> 63])
    }

    fn zip(self, other: Self, with: impl Fn(u64, u64) -> u64) -> Self {
        let ([a, b, c, d], [e, f, g, h]) = (self.0, other.0);
        Self([with(a, e), with(b, f), with(c, g), with(d, h)])
    }
}

/// Eight bytes, the first in the lowest place. Tests give the top bit of each byte that fits.
#[derive(Clone, Copy)]
pub(super) struct Eight(pub(super) u64);

const ONES: u64 = 0x0101_0101_0101_0101;
const TOPS: u64 = 0x80 * ONES;

impl Eight {
    /// The bytes from `least` to `most`, both ASCII.
    pub(super) fn within(self, least: u8, most: u8) -> u64 {
        // Without its top bit a byte cannot carry into its neighbour.
        let low = self.0 & !TOPS;
        let from = low + ONES * u64::from(0x80 - least);
        let behind = low + ONES * u64::from(0x7f - most);
        from & !behind & !self.0 & TOPS
    }

    pub(super) fn equal(self, byte: u8) -> u64 {
        self.within(byte, byte)
    }

    /// ASCII capitals made small.
    pub(super) fn lowered(self) -> Self {
        Self(self.0 | self.within(b'A', b'Z') >> 2)
    }
}

/// The top bits of eight bytes as eight bits, the first byte's lowest.
pub(super) fn gather(tops: u64) -> u64 {
    (tops >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

#[cfg(test)]
mod tests {
    use super::{Bits, Eight, gather};

    #[test]
    fn a_test_of_eight_bytes_is_that_of_each() {
        for byte in 0..=255_u8 {
            let eight = Eight(u64::from_le_bytes([b'a', byte, b'Z', 0, 255, byte, b'0', b'.']));
            let bytes = eight.0.to_le_bytes();
            let expect = |test: &dyn Fn(u8) -> bool| {
                bytes.iter().enumerate().fold(0, |bits, (index, byte)| bits | u64::from(test(*byte)) << index)
            };
            assert_eq!(gather(eight.within(b'a', b'z')), expect(&|b| b.is_ascii_lowercase()));
            assert_eq!(gather(eight.within(b'0', b'9')), expect(&|b| b.is_ascii_digit()));
            assert_eq!(gather(eight.equal(b'.')), expect(&|b| b == b'.'));
            assert_eq!(eight.lowered().0.to_le_bytes(), bytes.map(|byte| byte.to_ascii_lowercase()));
        }
    }

    #[test]
    fn bits_move_across_words() {
        let mut bits = Bits::default();
        bits.put(56, 0x80);
        assert!(bits.up(false).has(64) && !bits.up(false).has(63) && bits.up(true).has(0));
        assert_eq!((bits.lowest(), Bits::below(64).lowest()), (Some(63), Some(0)));
        assert!(Bits::below(65).has(64) && !Bits::below(65).has(65));
        assert_eq!((bits.take_highest(), bits.take_highest()), (Some(63), None));
    }
}
