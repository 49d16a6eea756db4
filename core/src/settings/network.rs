//! A network of clients, and the address of one.

use core::net::{IpAddr, SocketAddr};

/// A network in CIDR notation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    first: IpAddr,
    prefix: u8,
}

/// Why a text is no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// It is no address with a prefix length.
    #[error("\"{0}\" is no network: write an address and a prefix length, as 192.168.0.0/16 or fc00::/7")]
    Malformed(String),
    /// Bits are set behind the prefix, or there is a more usual way to write it.
    #[error("\"{text}\" is not written canonically: write {canonical}")]
    NotCanonical {
        /// As it was written.
        text: String,
        /// As it should be.
        canonical: String,
    },
    /// An IPv4 network in IPv6 form: clients that come as such are compared as IPv4.
    #[error("\"{0}\" is an IPv4 network in IPv6 form: write it as IPv4")]
    Mapped(String),
}

impl Network {
    /// Parses a network; an address alone is a network of one.
    ///
    /// # Errors
    /// When the text is no network, or not written canonically.
    pub fn parse(text: &str) -> Result<Self, NetworkError> {
        let malformed = || NetworkError::Malformed(text.to_owned());
        let (address, prefix) = text.split_once('/').map_or((text, None), |(a, p)| (a, Some(p)));
        let address: IpAddr = address.parse().map_err(|_| malformed())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => {
                digits.parse().ok().filter(|prefix| *prefix <= most).ok_or_else(malformed)?
            }
            Some(_) => return Err(malformed()),
            None => most,
        };
        if matches!(address, IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some()) {
            return Err(NetworkError::Mapped(text.to_owned()));
        }
        let network = Self { first: cut(address, prefix), prefix };
        let canonical = if text.contains('/') { network.to_string() } else { network.first.to_string() };
        if canonical == text {
            Ok(network)
        } else {
            Err(NetworkError::NotCanonical { text: text.to_owned(), canonical })
        }
    }

    /// Whether an address is of this network. An IPv4 address in IPv6 form is that IPv4 address.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.first.is_ipv4() && cut(address, self.prefix) == self.first
    }
}

impl core::fmt::Display for Network {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}/{}", self.first, self.prefix)
    }
}

/// The address with every bit behind the prefix at 0.
fn cut(address: IpAddr, prefix: u8) -> IpAddr {
    let prefix = u32::from(prefix);
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32_u32.saturating_sub(prefix)).unwrap_or(0);
            IpAddr::from((v4.to_bits() & mask).to_be_bytes())
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128_u32.saturating_sub(prefix)).unwrap_or(0);
            IpAddr::from((v6.to_bits() & mask).to_be_bytes())
        }
    }
}

/// The address in what a proxy says of a client: `ip:port`, `[ip]:port` or `ip`, of IPv6 perhaps with a zone id.
/// `None` for anything else, such as a Unix socket.
#[must_use]
pub fn client_address(text: &[u8]) -> Option<IpAddr> {
    let text = core::str::from_utf8(text).ok()?;
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Some(address.ip().to_canonical());
    }
    let inside = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?.0,
        None => text,
    };
    let without_zone = inside.split_once('%').map_or(inside, |(address, _)| address);
    without_zone.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}
