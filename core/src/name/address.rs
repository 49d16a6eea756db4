//! An address that a node is dialled at.

use core::net::SocketAddr;

use super::text_newtype;

/// `ip:port`, canonically written: IPv6 in brackets and in the form of RFC 5952, no zone id, no port 0.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address(String);

/// Why a text is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It is not `ip:port` at all.
    #[error("\"{0}\" is no address: write ip:port, an IPv6 address in brackets and without a zone id")]
    NotIpPort(String),
    /// The port is 0, which nothing can be dialled at.
    #[error("\"{0}\" has port 0: write the port that the peer listens on")]
    PortZero(String),
    /// There is a shorter or more usual way to write the same address.
    #[error("\"{text}\" is not written canonically: write {canonical}")]
    NotCanonical {
        /// As it was written.
        text: String,
        /// As it should be.
        canonical: String,
    },
}

text_newtype!(Address, AddressError);

impl Address {
    /// Parses an address.
    ///
    /// # Errors
    /// When the text is no `ip:port`, has port 0 or a zone id, or is not canonical.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let parsed: SocketAddr = text.parse().map_err(|_| AddressError::NotIpPort(text.to_owned()))?;
        // A zone id or flow information would make the address mean something on one machine alone.
        if text.contains('%') {
            return Err(AddressError::NotIpPort(text.to_owned()));
        }
        if parsed.port() == 0 {
            return Err(AddressError::PortZero(text.to_owned()));
        }
        let canonical = parsed.to_string();
        if canonical == text {
            Ok(Self(canonical))
        } else {
            Err(AddressError::NotCanonical { text: text.to_owned(), canonical })
        }
    }

    /// The address in binary.
    #[must_use]
    pub fn socket_addr(&self) -> SocketAddr {
        // Parsing succeeded once on this very text; the fallback is never taken.
        self.0.parse().unwrap_or(SocketAddr::from(([0, 0, 0, 0], 0)))
    }
}

impl From<SocketAddr> for Address {
    /// The canonical text of an address. A zone id or flow information is dropped.
    fn from(address: SocketAddr) -> Self {
        Self(SocketAddr::new(address.ip(), address.port()).to_string())
    }
}
