//! Short texts as words of eight bytes: a name is compared and hashed without a call, and without a loop over its bytes.
//!
//! `a == b` of two slices calls `memcmp`, which is made for long ones: on processors where it reads with a mask
//! (glibc 2.36, AVX-512) four calls took most of a decision's time, and in Wasm it is a loop over bytes.

/// Whether two texts are the same bytes.
#[inline]
pub(crate) fn same(left: &[u8], right: &[u8]) -> bool {
    left.len() == right.len() && {
        let (words, rest) = left.as_chunks::<8>();
        let (others, other_rest) = right.as_chunks::<8>();
        let differs = words.iter().zip(others).any(|(left, right)| word(left) != word(right));
        !differs
            && match (left.last_chunk::<8>(), right.last_chunk::<8>()) {
                // What is left is read together with what stands before it, where there is enough of that.
                (Some(left), Some(right)) => word(left) == word(right),
                _ => short(rest) == short(other_rest),
            }
    }
}

/// Whether a text begins with another, and what follows then.
#[inline]
pub(crate) fn strip<'a>(text: &'a [u8], prefix: &[u8]) -> Option<&'a [u8]> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    same(start, prefix).then_some(rest)
}

/// Eight bytes, the first in the lowest place.
#[inline]
pub(crate) fn word(bytes: &[u8; 8]) -> u64 {
    u64::from_le_bytes(*bytes)
}

/// At most seven bytes in one word, the first in the lowest place, and zeros behind them.
#[inline]
pub(crate) fn short(bytes: &[u8]) -> u64 {
    if let (Some(low), Some(high)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        let behind = u64::from(u32::from_le_bytes(*high)).wrapping_shl(8 * (bytes.len() as u32 - 4));
        return u64::from(u32::from_le_bytes(*low)) | behind;
    }
    match *bytes {
        [a, b, c] => u64::from(a) | u64::from(b) << 8 | u64::from(c) << 16,
        [a, b] => u64::from(a) | u64::from(b) << 8,
        [a] => u64::from(a),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::{same, short, strip};

    #[test]
    fn texts_are_the_same_where_slices_are() {
        let text: Vec<u8> = (0..40).collect();
        for length in 0..text.len() {
            let left = &text[..length];
            assert!(same(left, &text.clone()[..length]));
            assert!(!same(left, &text[..=length]));
            for at in 0..length {
                let mut right = left.to_vec();
                right[at] ^= 0x80;
                assert!(!same(left, &right), "byte {at} of {length}");
            }
        }
    }

    #[test]
    fn a_short_text_has_zeros_behind_it() {
        for length in 0..8 {
            let mut bytes = [0; 8];
            (0..length).for_each(|at| bytes[at] = b'a' + at as u8);
            assert_eq!(short(&bytes[..length]).to_le_bytes(), bytes);
        }
    }

    #[test]
    fn a_prefix_is_taken_off() {
        assert_eq!(strip(b"/api/x", b"/api"), Some(&b"/x"[..]));
        assert_eq!(strip(b"/api", b"/api"), Some(&b""[..]));
        assert_eq!(strip(b"/ap", b"/api"), None);
        assert_eq!(strip(b"/apx/", b"/api"), None);
    }
}
