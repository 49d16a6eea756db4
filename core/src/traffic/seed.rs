//! Seeds that order endpoints: drawn, or made of what a client keeps. Integer arithmetic alone, so that native and
//! Wasm agree.

/// A stream of numbers that nobody needs to be unable to guess (SplitMix64: Steele, Lea and Flood, OOPSLA 2014).
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// A stream that starts at a seed of the shell's.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed(self.0)
    }
}

/// The same number for the same bytes, in every program: FNV-1a, mixed, since its high bits change little.
#[must_use]
pub fn hashed(bytes: &[u8]) -> u64 {
    let fold = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    mixed(bytes.iter().fold(0xcbf2_9ce4_8422_2325, fold))
}

fn mixed(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The value of a cookie (RFC 6265, section 4.2.1): the first of this name in any `cookie` line; `None` where there is
/// none, or an empty one.
#[must_use]
pub fn cookie<'a>(headers: impl IntoIterator<Item = (&'a [u8], &'a [u8])>, wanted: &str) -> Option<&'a [u8]> {
    headers
        .into_iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case(b"cookie"))
        .flat_map(|(_, line)| line.split(|byte| *byte == b';'))
        .find_map(|pair| pair.trim_ascii().strip_prefix(wanted.as_bytes())?.strip_prefix(b"="))
        .filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        let headers = [("accept", "sid=no"), ("cookie", "a=1; xsid=no;sid=yes; sid=late"), ("cookie", "b=2")];
        let headers = || headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
        assert_eq!(cookie(headers(), "sid"), Some(&b"yes"[..]));
        assert_eq!(cookie(headers(), "b"), Some(&b"2"[..]));
        assert_eq!(cookie(headers(), "si"), None);
        assert_eq!(cookie([(&b"cookie"[..], &b"sid="[..])], "sid"), None);
    }

    #[test]
    fn neighbouring_clients_get_unlike_seeds() {
        let seeds: Vec<u64> = (0..=255_u8).map(|last| hashed(&[192, 168, 86, last])).collect();
        let ones: u32 = seeds.windows(2).map(|pair| (pair[0] ^ pair[1]).count_ones()).sum();
        let mean = f64::from(ones) / 255.0;
        assert!((28.0..36.0).contains(&mean), "{mean} of 64 bits differ");
        assert_eq!(hashed(b"192.168.86.23"), hashed(b"192.168.86.23"));
    }
}
