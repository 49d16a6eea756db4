//! One bit for each byte of a host, and eight bytes looked at in one word.

/// Which bytes of a host are dots: bit n is for byte n.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Dots([u64; 4]);

impl Dots {
    /// How many bytes it tells of.
    pub(super) const COUNT: usize = 256;

    /// Adds those among eight bytes, which have their top bits set.
    pub(super) fn add(&mut self, at: usize, tops: u64) {
        if let Some(word) = self.0.get_mut(at / 64) {
            *word |= gather(tops) << (at % 64);
        }
    }

    pub(super) fn clear(&mut self, byte: usize) {
        if let Some(word) = self.0.get_mut(byte / 64) {
            *word &= !(1 << (byte % 64));
        }
    }

    /// The highest dot below the first `blocks` blocks of 64 bytes, which is taken out; blocks without one are
    /// taken off the count.
    pub(super) fn take_highest(&mut self, blocks: &mut usize) -> Option<usize> {
        loop {
            let block = blocks.checked_sub(1)?;
            let word = self.0.get_mut(block)?;
            if *word != 0 {
                let bit = word.ilog2();
                *word &= !(1 << bit);
                return Some(block * 64 + bit as usize);
            }
            *blocks = block;
        }
    }
}

/// What eight bytes of a host are; the top bit of each byte that fits is set.
pub(super) struct Eight {
    /// The bytes, ASCII capitals made small.
    pub(super) lowered: u64,
    /// Letters, digits, `-`, `_` and `.`.
    pub(super) allowed: u64,
    /// `.`
    pub(super) dots: u64,
    /// `-`
    pub(super) hyphens: u64,
}

const ONES: u64 = 0x0101_0101_0101_0101;
const TOPS: u64 = 0x80 * ONES;

impl Eight {
    /// The top bit of the first byte.
    pub(super) const FIRST: u64 = 0x80;

    /// Looks at eight bytes at once, the first in the lowest place.
    #[inline]
    pub(super) fn of(bytes: u64) -> Self {
        // Without its top bit no byte can carry into its neighbour; those that had one are no ASCII.
        let (low, ascii) = (bytes & !TOPS, !bytes & TOPS);
        let letters = within(low | (0x20 * ONES), b'a', b'z') & ascii;
        let (dots, hyphens) = (equal(low, b'.') & ascii, equal(low, b'-') & ascii);
        // From `-` to `9` there are `.` and `/` besides the digits.
        let others = (within(low, b'-', b'9') & !equal(low, b'/') | equal(low, b'_')) & ascii;
        Self { lowered: bytes | (letters >> 2), allowed: letters | others, dots, hyphens }
    }

    /// All bits below the first byte that no name has.
    #[inline]
    pub(super) fn before_others(&self) -> u64 {
        let others = self.allowed ^ TOPS;
        // The lowest bit of that byte, less one; of none, all.
        (others & others.wrapping_neg()).wrapping_shr(7).wrapping_sub(1)
    }
}

/// The bytes that are this one, of bytes below 0x80.
fn equal(low: u64, byte: u8) -> u64 {
    !((low ^ (ONES * u64::from(byte))) + ONES * 0x7f) & TOPS
}

/// The bytes from `least` to `most`, of bytes below 0x80.
fn within(low: u64, least: u8, most: u8) -> u64 {
    (low + ONES * u64::from(0x80 - least)) & !(low + ONES * u64::from(0x7f - most))
}

/// The top bits of eight bytes as eight bits, the first byte's lowest.
fn gather(tops: u64) -> u64 {
    (tops >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

#[cfg(test)]
mod tests {
    use super::{Dots, Eight, gather};

    #[test]
    fn a_test_of_eight_bytes_is_that_of_each() {
        for byte in 0..=255_u8 {
            let bytes = [b'a', byte, b'Z', 0, 255, byte, b'0', b'.'];
            let eight = Eight::of(u64::from_le_bytes(bytes));
            let expect = |test: &dyn Fn(u8) -> bool| {
                bytes.iter().enumerate().fold(0, |bits, (index, byte)| bits | u64::from(test(*byte)) << index)
            };
            let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
            assert_eq!(gather(eight.allowed), expect(&allowed), "{byte}");
            assert_eq!(gather(eight.dots), expect(&|b| b == b'.'));
            assert_eq!(gather(eight.hyphens), expect(&|b| b == b'-'));
            let before = bytes.iter().take_while(|byte| allowed(**byte)).count();
            assert_eq!(eight.before_others(), (1_u64 << (8 * before)) - 1);
            assert_eq!(eight.lowered.to_le_bytes(), bytes.map(|byte| byte.to_ascii_lowercase()));
        }
    }

    #[test]
    fn dots_are_taken_from_the_right() {
        let (mut dots, mut blocks) = (Dots::default(), 4);
        dots.add(0, 0x80);
        dots.add(56, 0x80 << 56);
        dots.add(128, 0x80);
        dots.clear(0);
        assert_eq!(dots.take_highest(&mut blocks), Some(128));
        assert_eq!(dots.take_highest(&mut blocks), Some(63));
        assert_eq!(dots.take_highest(&mut blocks), None);
    }
}
