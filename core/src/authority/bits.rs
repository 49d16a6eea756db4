//! One bit for each byte of a host, and eight bytes looked at in one word.

/// Which bytes of a host are dots: bit n is for byte n.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Dots([u64; 4]);

impl Dots {
    /// How many bytes it tells of.
    pub(super) const COUNT: usize = 256;

    /// Sets the bits of 64 bytes.
    pub(super) fn put(&mut self, block: usize, bits: u64) {
        if let Some(word) = self.0.get_mut(block) {
            *word = bits;
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
    /// Looks at eight bytes at once, the first in the lowest place.
    pub(super) fn of(bytes: u64) -> Self {
        // Without its top bit no byte can carry into its neighbour; those that had one are no ASCII.
        let (low, ascii) = (bytes & !TOPS, !bytes & TOPS);
        let letters = within(low | (0x20 * ONES), b'a', b'z') & ascii;
        let dots = within(low, b'.', b'.') & ascii;
        let hyphens = within(low, b'-', b'-') & ascii;
        let others = (within(low, b'0', b'9') | within(low, b'_', b'_')) & ascii;
        Self { lowered: bytes | (letters >> 2), allowed: letters | dots | hyphens | others, dots, hyphens }
    }
}

/// The bytes from `least` to `most`, of bytes below 0x80.
fn within(low: u64, least: u8, most: u8) -> u64 {
    (low + ONES * u64::from(0x80 - least)) & !(low + ONES * u64::from(0x7f - most))
}

/// The top bits of eight bytes as eight bits, the first byte's lowest.
pub(super) fn gather(tops: u64) -> u64 {
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
            assert_eq!(eight.lowered.to_le_bytes(), bytes.map(|byte| byte.to_ascii_lowercase()));
        }
    }

    #[test]
    fn dots_are_taken_from_the_right() {
        let (mut dots, mut blocks) = (Dots::default(), 4);
        dots.put(0, 1 << 63 | 1);
        dots.put(2, 1);
        dots.clear(0);
        assert_eq!(dots.take_highest(&mut blocks), Some(128));
        assert_eq!(dots.take_highest(&mut blocks), Some(63));
        assert_eq!(dots.take_highest(&mut blocks), None);
    }
}
