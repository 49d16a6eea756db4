//! A range of IP addresses, and the ranges that are a household's own.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A range of addresses in CIDR notation (RFC 4632); no bit behind the prefix is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network {
    address: IpAddr,
    length: u8,
}

/// Why a text is no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// It is not `ip/length` or an address.
    #[error("\"{0}\" is no network: write an address and a prefix length, as in 192.168.86.0/24")]
    Malformed(String),
    /// Bits behind the prefix are set.
    #[error("\"{text}\" has bits behind its prefix: write {canonical}")]
    HostBits {
        /// As it was written.
        text: String,
        /// The network that it is in.
        canonical: String,
    },
}

impl Network {
    /// Private (RFC 1918), link-local (RFC 3927, RFC 4291), unique-local (RFC 4193) and loopback addresses: who is
    /// in the house where a listener does not say (DESIGN, "Trust").
    pub const HOUSEHOLD: [Self; 8] = [
        Self::v4([10, 0, 0, 0], 8),
        Self::v4([127, 0, 0, 0], 8),
        Self::v4([169, 254, 0, 0], 16),
        Self::v4([172, 16, 0, 0], 12),
        Self::v4([192, 168, 0, 0], 16),
        Self { address: IpAddr::V6(Ipv6Addr::LOCALHOST), length: 128 },
        Self { address: IpAddr::V6(Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0)), length: 7 },
        Self { address: IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0)), length: 10 },
    ];

    const fn v4(octets: [u8; 4], length: u8) -> Self {
        let [a, b, c, d] = octets;
        Self { address: IpAddr::V4(Ipv4Addr::new(a, b, c, d)), length }
    }

    /// Parses `ip/length`; an address alone is a network of itself.
    ///
    /// # Errors
    /// When the text is neither, or names an address inside the network rather than the network.
    pub fn parse(text: &str) -> Result<Self, NetworkError> {
        let malformed = || NetworkError::Malformed(text.to_owned());
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| malformed())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let length = match length {
            Some(text) => text.parse::<u8>().ok().filter(|length| *length <= most).ok_or_else(malformed)?,
            None => most,
        };
        let network = Self { address: masked(address, length), length };
        if network.address == address {
            Ok(network)
        } else {
            Err(NetworkError::HostBits { text: text.to_owned(), canonical: network.to_string() })
        }
    }

    /// Its first address.
    #[must_use]
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// The length of its prefix in bits.
    #[must_use]
    pub fn length(&self) -> u8 {
        self.length
    }
}

/// The address with every bit behind the prefix cleared.
fn masked(address: IpAddr, length: u8) -> IpAddr {
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0);
            Ipv4Addr::from_bits(v4.to_bits() & mask).into()
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0);
            Ipv6Addr::from_bits(v6.to_bits() & mask).into()
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::Network;

    #[test]
    fn a_network_is_an_address_and_a_prefix() {
        for (text, shown) in [
            ("192.168.86.0/24", Ok("192.168.86.0/24")),
            ("10.1.2.3", Ok("10.1.2.3/32")),
            ("fd00::/8", Ok("fd00::/8")),
            ("0.0.0.0/0", Ok("0.0.0.0/0")),
            ("::/0", Ok("::/0")),
            ("192.168.86.1/24", Err(())),
            ("192.168.86.0/33", Err(())),
            ("here", Err(())),
        ] {
            let parsed = Network::parse(text).map(|network| network.to_string()).map_err(|_| ());
            assert_eq!(parsed.as_deref(), shown.as_ref().copied().map_err(|()| &()), "{text}");
        }
    }

    #[test]
    fn the_household_is_written_canonically() {
        for network in Network::HOUSEHOLD {
            assert_eq!(Network::parse(&network.to_string()), Ok(network));
        }
    }
}
