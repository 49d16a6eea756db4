//! The host that a request asks for, from `:authority` alone (step 1 of the decision).

mod bits;

use core::net::Ipv6Addr;

use crate::words::{short, word};
use bits::{Dots, Eight};

/// The longest name of a host, in bytes (RFC 1035, without the trailing dot).
pub const MAX_HOST: usize = 253;

/// Room for the longest name, and for a word of eight bytes that is read at its last byte.
const ROOM: usize = Dots::COUNT + 8;

/// A host in canonical form: lower case, without port, without trailing dot. Lives on the stack.
#[derive(Clone)]
pub struct Authority {
    /// The host; what stands behind it means nothing.
    bytes: [u8; ROOM],
    len: usize,
    dots: Dots,
    kind: HostKind,
}

/// What a well-formed host is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostKind {
    /// A name that an entry of the table may match.
    Name,
    /// An IPv4 or bracketed IPv6 literal: valid, but no entry matches it.
    Address,
}

impl Authority {
    /// Parses the value of `:authority` (or `Host`). `None` means 400 `malformed_host`.
    ///
    /// A port (after the closing bracket of IPv6; digits, 65535 at most, not empty, leading zeros allowed) is split
    /// off, one trailing dot of a name or IPv4 is dropped, ASCII is lower-cased.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        let mut host = Self::unread();
        host.read(value).then_some(host)
    }

    /// Room for a host, to be [`Self::read`].
    pub(crate) fn unread() -> Self {
        Self { bytes: [0; ROOM], len: 0, dots: Dots::default(), kind: HostKind::Name }
    }

    /// As [`Self::parse`], without moving the bytes once more; false when the value is no host.
    pub(crate) fn read(&mut self, value: &[u8]) -> bool {
        match value {
            [b'[', ..] => self.read_ipv6(value).is_some(),
            _ => self.read_name(value).is_some(),
        }
    }

    /// A name or an IPv4 address.
    fn read_name(&mut self, value: &[u8]) -> Option<()> {
        let end = self.read_labels(value.get(..Dots::COUNT).unwrap_or(value))?;
        match value.get(end) {
            None => {}
            Some(b':') => is_port(value.get(end + 1..)?).then_some(())?,
            Some(_) => return None,
        }
        // One trailing dot is dropped.
        let last = end.checked_sub(1)?;
        self.len = end;
        if self.bytes.get(last) == Some(&b'.') {
            self.len = last;
            self.dots.clear(last);
        }
        if self.len > MAX_HOST || self.as_bytes().last() == Some(&b'-') {
            return None;
        }
        if self.len > 63 && self.labels_from_right().any(|(start, end)| end - start > 63) {
            return None;
        }
        if self.bytes.first().is_some_and(u8::is_ascii_digit) && is_ipv4(self.as_bytes()) {
            self.kind = HostKind::Address;
        }
        Some(())
    }

    /// Takes and lower-cases what a value begins with, up to the first byte that no name has: where that is. `None` where a
    /// label is empty, or begins or ends with `-` before a dot.
    fn read_labels(&mut self, value: &[u8]) -> Option<usize> {
        let (words, rest) = value.as_chunks::<8>();
        // Zeros behind the last bytes are no part of a name.
        let last = (!rest.is_empty()).then(|| short(rest));
        let (mut after_dot, mut after_hyphen) = (Eight::FIRST, 0);
        let slots = self.bytes.as_chunks_mut::<8>().0.iter_mut().zip((0..).step_by(8));
        for (bytes, (slot, at)) in words.iter().map(word).chain(last).zip(slots) {
            let eight = Eight::of(bytes);
            *slot = eight.lowered.to_le_bytes();
            let name = eight.before_others();
            let (dots, hyphens) = (eight.dots & name, eight.hyphens & name);
            let (starts, ends) = (dots << 8 | after_dot, hyphens << 8 | after_hyphen);
            if starts & (dots | hyphens) | ends & dots != 0 {
                return None;
            }
            (after_dot, after_hyphen) = (dots >> 56, hyphens >> 56);
            self.dots.add(at, dots);
            if name != u64::MAX {
                return Some(at + name.count_ones() as usize / 8);
            }
        }
        Some(value.len())
    }

    /// `[literal]`, perhaps with a port; no zone id.
    fn read_ipv6(&mut self, value: &[u8]) -> Option<()> {
        let end = value.iter().position(|byte| *byte == b']')?;
        let (literal, behind) = (value.get(1..end)?, value.get(end + 1..)?);
        match behind {
            [] => {}
            [b':', port @ ..] if is_port(port) => {}
            _ => return None,
        }
        core::str::from_utf8(literal).ok()?.parse::<Ipv6Addr>().ok()?;
        let slot = self.bytes.get_mut(..=end)?;
        slot.copy_from_slice(value.get(..=end)?);
        slot.make_ascii_lowercase();
        (self.len, self.kind) = (end + 1, HostKind::Address);
        Some(())
    }

    /// The canonical host, in brackets for IPv6.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    /// The canonical host as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// A name, or an address that no entry matches.
    #[must_use]
    pub fn kind(&self) -> HostKind {
        self.kind
    }

    /// The labels of a name from the right, as where they begin and end.
    pub(crate) fn labels_from_right(&self) -> LabelsFromRight {
        LabelsFromRight { dots: self.dots, blocks: self.len.div_ceil(64), end: Some(self.len) }
    }

    /// Eight bytes at an offset, the first in the lowest place. Behind the name they mean nothing.
    pub(crate) fn word(&self, at: usize) -> u64 {
        self.bytes.get(at..at + 8).and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_le_bytes)
    }
}

/// See [`Authority::labels_from_right`].
pub(crate) struct LabelsFromRight {
    /// The dots that are still to come.
    dots: Dots,
    /// Blocks of 64 bytes from this one on have none.
    blocks: usize,
    end: Option<usize>,
}

impl LabelsFromRight {
    /// Whether only the first label of the name is still to come.
    pub(crate) fn one_is_left(&self) -> bool {
        self.end.is_some() && self.dots == Dots::default()
    }
}

impl Iterator for LabelsFromRight {
    type Item = (usize, usize);

    #[inline]
    fn next(&mut self) -> Option<(usize, usize)> {
        let end = self.end?;
        self.end = self.dots.take_highest(&mut self.blocks);
        Some((self.end.map_or(0, |dot| dot + 1), end))
    }
}

impl core::fmt::Debug for Authority {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{:?} ({:?})", self.as_str(), self.kind)
    }
}

/// Digits alone, at least one, 65535 at most; leading zeros are allowed.
fn is_port(digits: &[u8]) -> bool {
    let mut value = 0_u32;
    for digit in digits {
        if !digit.is_ascii_digit() {
            return false;
        }
        value = value.saturating_mul(10).saturating_add(u32::from(digit - b'0'));
    }
    !digits.is_empty() && value <= 65535
}

/// Four octets. Called only for names of digits and dots.
#[cold]
fn is_ipv4(host: &[u8]) -> bool {
    host.split(|byte| *byte == b'.').count() == 4 && host.split(|byte| *byte == b'.').all(is_octet)
}

/// 0 to 255 without leading zeros.
fn is_octet(label: &[u8]) -> bool {
    match label {
        [b'0'] => true,
        [b'1'..=b'9', rest @ ..] if rest.len() <= 2 && rest.iter().all(u8::is_ascii_digit) => {
            core::str::from_utf8(label).is_ok_and(|text| text.parse::<u8>().is_ok())
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{Authority, HostKind};

    #[track_caller]
    fn check(value: &str, expected: Option<(&str, HostKind)>) {
        let found = Authority::parse(value.as_bytes());
        assert_eq!(found.as_ref().map(|host| (host.as_str(), host.kind())), expected, "{value:?}");
        if let Some(host) = found {
            let labels: Vec<_> =
                host.labels_from_right().map(|(from, to)| &host.as_str()[from..to]).collect();
            let expected: Vec<_> = host.as_str().rsplit('.').collect();
            if host.kind() == HostKind::Name {
                assert_eq!(labels, expected);
            }
        }
    }

    fn name(value: &str, canonical: &str) {
        check(value, Some((canonical, HostKind::Name)));
    }

    fn malformed(value: &str) {
        check(value, None);
    }

    #[test]
    fn names_are_lower_cased_and_lose_port_and_one_dot() {
        name("Notes.StuartPB.com", "notes.stuartpb.com");
        name("a", "a");
        name("a.", "a");
        name("a.b.:80", "a.b");
        name("a:00065535", "a");
        name("a:0", "a");
        name("_x-1.b", "_x-1.b");
        name("1.2.3", "1.2.3");
        name("1.2.3.4.5", "1.2.3.4.5");
        name("256.1.1.1", "256.1.1.1");
        name("01.2.3.4", "01.2.3.4");
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for value in [
            "", ".", "..", "a..", "a..b", ".a", "-a", "a-", "a-.b", "a.-b", "a b", "a/b", "*.a", "ä.b", "a:",
            "a:-1",
        ] {
            malformed(value);
        }
        for value in [
            "a:65536",
            "a:99999999999999999999",
            "a:1:2",
            ":80",
            "a:8x",
            "a\0",
            "[",
            "[]",
            "[::1",
            "[::1%eth0]",
        ] {
            malformed(value);
        }
        for value in ["[::1]x", "[::1].", "[::1]:", "[1.2.3.4]", "::1", "a%41"] {
            malformed(value);
        }
    }

    #[test]
    fn addresses_are_hosts_of_their_own_kind() {
        for (value, canonical) in [
            ("1.2.3.4", "1.2.3.4"),
            ("0.0.0.255.:80", "0.0.0.255"),
            ("[::1]:80", "[::1]"),
            ("[FE80::A]", "[fe80::a]"),
        ] {
            check(value, Some((canonical, HostKind::Address)));
        }
    }

    #[test]
    fn lengths_have_their_limits() {
        let label = "a".repeat(63);
        name(&label, &label);
        malformed(&"a".repeat(64));
        malformed(&format!("{}.b", "a".repeat(64)));
        let longest = format!("{label}.{label}.{label}.{}", "b".repeat(61));
        assert_eq!(longest.len(), 253);
        name(&longest, &longest);
        name(&format!("{longest}."), &longest);
        malformed(&format!("{longest}c"));
        malformed(&format!("{longest}c."));
        malformed(&"a.".repeat(200));
        let deep = "a.".repeat(126) + "a";
        name(&deep, &deep);
    }
}
