//! The host that a request asks for, from `:authority` alone (step 1 of the decision).

use core::net::Ipv6Addr;

/// The longest name of a host, in bytes (RFC 1035, without the trailing dot).
pub const MAX_HOST: usize = 253;

/// A host in canonical form: lower case, without port, without trailing dot. Lives on the stack.
#[derive(Clone)]
pub struct Authority {
    bytes: [u8; MAX_HOST],
    len: u8,
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
        if let [b'[', rest @ ..] = value {
            let end = rest.iter().position(|b| *b == b']')?;
            let (literal, behind) = rest.split_at_checked(end)?;
            match behind {
                [b']'] => {}
                [b']', b':', port @ ..] if is_port(port) => {}
                _ => return None,
            }
            let text = core::str::from_utf8(literal).ok()?;
            text.parse::<Ipv6Addr>().ok()?;
            let whole = value.get(..end + 2)?;
            return Self::lowered(whole, HostKind::Address);
        }
        let host = match value.iter().position(|b| *b == b':') {
            Some(colon) => {
                let (host, port) = value.split_at_checked(colon)?;
                if !is_port(port.get(1..)?) {
                    return None;
                }
                host
            }
            None => value,
        };
        let host = host.strip_suffix(b".").unwrap_or(host);
        let kind = scan_labels(host)?;
        Self::lowered(host, kind)
    }

    fn lowered(text: &[u8], kind: HostKind) -> Option<Self> {
        let mut bytes = [0; MAX_HOST];
        let slot = bytes.get_mut(..text.len())?;
        slot.copy_from_slice(text);
        slot.make_ascii_lowercase();
        Some(Self { bytes, len: u8::try_from(text.len()).ok()?, kind })
    }

    /// The canonical host, in brackets for IPv6.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
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

/// Checks every label; tells a name from four decimal octets.
fn scan_labels(host: &[u8]) -> Option<HostKind> {
    if host.is_empty() || host.len() > MAX_HOST {
        return None;
    }
    let mut labels = 0_u8;
    let mut octets = 0_u8;
    for label in host.split(|b| *b == b'.') {
        let (first, last) = (label.first()?, label.last()?);
        if label.len() > 63 || *first == b'-' || *last == b'-' {
            return None;
        }
        if !label.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')) {
            return None;
        }
        labels = labels.saturating_add(1);
        octets = octets.saturating_add(u8::from(is_octet(label)));
    }
    Some(if labels == 4 && octets == 4 { HostKind::Address } else { HostKind::Name })
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
