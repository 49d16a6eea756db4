//! Where to dial, as a site says it: an IP address or a DNS name, and a port.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use zoneway_core::authority::{Authority, HostKind};

/// An IP address or a DNS name, and a port. An address is canonical (IPv6 in brackets, RFC 5952), a name lower-case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostPort {
    host: Host,
    port: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Host {
    Ip(IpAddr),
    Name(String),
}

/// Why a text is no place to dial.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HostPortError {
    /// Neither an address nor a name.
    #[error("\"{0}\" is neither an IP address nor a DNS name, with or without a port")]
    Malformed(String),
    /// An IPv6 address that stands bare.
    #[error("\"{text}\" is a bare IPv6 address: write [{text}], and a port behind the bracket")]
    BareIpv6 {
        /// As it was written.
        text: String,
    },
    /// A zone id, which means something on one machine alone.
    #[error("\"{0}\" has a zone id: use an address that every machine of the zone can dial")]
    ZoneId(String),
    /// There is a more usual way to write the same.
    #[error("\"{text}\" is not written canonically: write {canonical}")]
    NotCanonical {
        /// As it was written.
        text: String,
        /// As it should be.
        canonical: String,
    },
    /// A port that is no number from 1 to 65535, written without leading zeros.
    #[error("\"{0}\" has no usable port: write a number from 1 to 65535")]
    Port(String),
    /// No port, where there is no usual one.
    #[error("\"{0}\" has no port: write one behind it, as in {0}:8080")]
    NoPort(String),
    /// A name where only an address can stand.
    #[error("\"{0}\" is a name: listen on an IP address, as in 0.0.0.0:80")]
    NotAnAddress(String),
}

impl HostPort {
    /// Parses `ip`, `name`, `ip:port` or `name:port`, with a port for where none is written.
    ///
    /// # Errors
    /// When the text is none of these, has port 0, or needs a port and has none.
    pub fn parse(text: &str, default_port: Option<u16>) -> Result<Self, HostPortError> {
        let (host, port) = split(text)?;
        let port = match port {
            Some(port) => parse_port(port).ok_or_else(|| HostPortError::Port(text.to_owned()))?,
            None => default_port.ok_or_else(|| HostPortError::NoPort(text.to_owned()))?,
        };
        Ok(Self { host: parse_host(host, text)?, port })
    }

    /// Parses an address to listen on: as [`HostPort::parse`], but no name.
    ///
    /// # Errors
    /// As [`HostPort::parse`], and for a name.
    pub fn parse_listen(text: &str, default_port: Option<u16>) -> Result<SocketAddr, HostPortError> {
        let parsed = Self::parse(text, default_port)?;
        match parsed.host {
            Host::Ip(ip) => Ok(SocketAddr::new(ip, parsed.port)),
            Host::Name(_) => Err(HostPortError::NotAnAddress(text.to_owned())),
        }
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The name, where it is one that has to be resolved.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match &self.host {
            Host::Ip(_) => None,
            Host::Name(name) => Some(name),
        }
    }

    /// The address, where it is one.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        match &self.host {
            Host::Ip(ip) => Some(*ip),
            Host::Name(_) => None,
        }
    }

    /// The host without the port; IPv6 without brackets, as Envoy's `socket_address.address` wants it.
    #[must_use]
    pub fn host(&self) -> String {
        match &self.host {
            Host::Ip(ip) => ip.to_string(),
            Host::Name(name) => name.clone(),
        }
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Ip(ip) => SocketAddr::new(*ip, self.port).fmt(f),
            Host::Name(name) => write!(f, "{name}:{}", self.port),
        }
    }
}

/// Takes the port off, where there is one.
fn split(text: &str) -> Result<(&str, Option<&str>), HostPortError> {
    let malformed = || HostPortError::Malformed(text.to_owned());
    if text.starts_with('[') {
        let end = text.find(']').ok_or_else(malformed)?;
        let (host, behind) = text.split_at_checked(end + 1).ok_or_else(malformed)?;
        return match behind.strip_prefix(':') {
            Some(port) => Ok((host, Some(port))),
            None if behind.is_empty() => Ok((host, None)),
            None => Err(malformed()),
        };
    }
    match text.split_once(':') {
        None => Ok((text, None)),
        Some((_, rest)) if rest.contains(':') => {
            let address = text.split_once('%').map_or(text, |(address, _)| address);
            let bare = address.parse::<Ipv6Addr>().is_ok();
            Err(if bare { HostPortError::BareIpv6 { text: text.to_owned() } } else { malformed() })
        }
        Some((host, port)) => Ok((host, Some(port))),
    }
}

fn parse_port(text: &str) -> Option<u16> {
    let port: u16 = text.parse().ok().filter(|port| *port != 0)?;
    // `+80` and `080` parse too, but are not how a port is written.
    (port.to_string() == text).then_some(port)
}

fn parse_host(host: &str, text: &str) -> Result<Host, HostPortError> {
    let malformed = || HostPortError::Malformed(text.to_owned());
    if let Some(inner) = host.strip_prefix('[') {
        let inner = inner.strip_suffix(']').ok_or_else(malformed)?;
        if inner.contains('%') {
            return Err(HostPortError::ZoneId(text.to_owned()));
        }
        let ip: Ipv6Addr = inner.parse().map_err(|_| malformed())?;
        return if ip.to_string() == inner {
            Ok(Host::Ip(ip.into()))
        } else {
            let canonical = text.replacen(inner, &ip.to_string(), 1);
            Err(HostPortError::NotCanonical { text: text.to_owned(), canonical })
        };
    }
    if let Ok(ip) = host.parse::<Ipv4Addr>() {
        return Ok(Host::Ip(ip.into()));
    }
    let name = Authority::parse(host.as_bytes()).filter(|name| name.kind() == HostKind::Name);
    let name = name.ok_or_else(malformed)?.as_str().to_owned();
    // A top-level domain is never a number: `192.168.86.400` is a slip, not a name.
    let number = name.rsplit('.').next().is_some_and(|label| label.bytes().all(|b| b.is_ascii_digit()));
    if number { Err(malformed()) } else { Ok(Host::Name(name)) }
}

#[cfg(test)]
mod tests {
    use super::{HostPort, HostPortError};

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let shown = match HostPort::parse(text, Some(15443)) {
            Ok(parsed) => parsed.to_string(),
            Err(error) => format!("{error:?}").split(['(', ' ']).next().unwrap_or_default().to_owned(),
        };
        assert_eq!(shown, expected, "{text}");
    }

    #[test]
    fn an_address_or_a_name_with_or_without_a_port_is_a_place_to_dial() {
        check("192.168.86.23", "192.168.86.23:15443");
        check("192.168.86.23:80", "192.168.86.23:80");
        check("[fd00::1]", "[fd00::1]:15443");
        check("[fd00::1]:80", "[fd00::1]:80");
        check("home.example.net", "home.example.net:15443");
        check("Home.example.net.:80", "home.example.net:80");
        check("localhost:80", "localhost:80");
    }

    #[test]
    fn what_no_machine_could_dial_is_refused() {
        check("", "Malformed");
        check("192.168.86.400", "Malformed");
        check("192.168.086.1", "Malformed");
        check("fd00::1", "BareIpv6");
        check("[fe80::1%eth0]:1", "ZoneId");
        check("[fd00:0::1]:1", "NotCanonical");
        check("[fd00::1", "Malformed");
        check("[fd00::1]x", "Malformed");
        check("a b:1", "Malformed");
        check("1.2.3.4:0", "Port");
        check("1.2.3.4:080", "Port");
        check("1.2.3.4:70000", "Port");
        check("1.2.3.4:", "Port");
    }

    #[test]
    fn a_port_is_asked_for_where_there_is_no_usual_one() {
        assert!(matches!(HostPort::parse("127.0.0.1", None), Err(HostPortError::NoPort(_))));
        assert!(matches!(HostPort::parse_listen("localhost:80", None), Err(HostPortError::NotAnAddress(_))));
    }
}
