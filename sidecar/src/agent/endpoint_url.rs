//! Where a table endpoint or a sidecar is reached: `unix:/path`, `http://…` or `https://…`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use hyper::Uri;
use hyper::http::uri::Scheme;

/// The address of a table endpoint or a sidecar, without any path of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EndpointUrl {
    /// A Unix socket. Written in full: where a relative path leads depends on who reads it.
    Unix(PathBuf),
    /// TCP, in clear or with TLS.
    Tcp {
        /// Whether TLS is spoken.
        tls: bool,
        /// A name or an IP address, an IPv6 address without its brackets.
        host: String,
        /// The port, 80 or 443 where none is written.
        port: u16,
    },
}

/// Why a text is no endpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EndpointUrlError {
    /// None of the three kinds.
    #[error("\"{0}\" is no endpoint: write unix:/path, http://host:port or https://host:port")]
    Kind(String),
    /// A Unix socket that is not written in full.
    #[error("\"{0}\" needs the socket's path in full: write unix:/path")]
    RelativeSocket(String),
    /// A URL with a path, a query or a user: the paths are the protocol's.
    #[error("\"{0}\" says more than where the endpoint is: write http://host:port or https://host:port")]
    More(String),
}

impl EndpointUrl {
    /// Parses an endpoint.
    ///
    /// # Errors
    /// When the text is of none of the three kinds, or says more than where the endpoint is.
    pub(crate) fn parse(text: &str) -> Result<Self, EndpointUrlError> {
        if let Some(path) = text.strip_prefix("unix:") {
            let path = Path::new(path);
            return if path.is_absolute() {
                Ok(Self::Unix(path.to_owned()))
            } else {
                Err(EndpointUrlError::RelativeSocket(text.to_owned()))
            };
        }
        let kind = || EndpointUrlError::Kind(text.to_owned());
        let uri: Uri = text.parse().map_err(|_| kind())?;
        let tls = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTP => false,
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            _ => return Err(kind()),
        };
        let authority = uri.authority().ok_or_else(kind)?;
        let more =
            authority.as_str().contains('@') || uri.query().is_some() || !matches!(uri.path(), "" | "/");
        if more {
            return Err(EndpointUrlError::More(text.to_owned()));
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = match authority.port() {
            Some(port) => port.as_u16(),
            None if authority.as_str().len() > authority.host().len() => return Err(kind()),
            None if tls => 443,
            None => 80,
        };
        Ok(Self::Tcp { tls, host, port })
    }

    /// Whether the endpoint speaks TLS.
    pub(crate) fn is_tls(&self) -> bool {
        matches!(self, Self::Tcp { tls: true, .. })
    }

    /// What stands in a request's `host`: a Unix socket has no name of its own.
    pub(crate) fn authority(&self) -> String {
        match self {
            Self::Unix(_) => "localhost".to_owned(),
            Self::Tcp { host, port, .. } if host.contains(':') => format!("[{host}]:{port}"),
            Self::Tcp { host, port, .. } => format!("{host}:{port}"),
        }
    }
}

impl FromStr for EndpointUrl {
    type Err = EndpointUrlError;

    fn from_str(text: &str) -> Result<Self, EndpointUrlError> {
        Self::parse(text)
    }
}

impl fmt::Display for EndpointUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Tcp { tls, .. } => {
                write!(f, "{}://{}", if *tls { "https" } else { "http" }, self.authority())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{EndpointUrl, EndpointUrlError};

    fn check(text: &str, shown: &str) {
        assert_eq!(EndpointUrl::parse(text).map(|url| url.to_string()), Ok(shown.to_owned()), "{text}");
    }

    #[test]
    fn each_kind_is_read_and_shown() {
        check("unix:/run/zoneway/table.sock", "unix:/run/zoneway/table.sock");
        check("http://127.0.0.1:9911", "http://127.0.0.1:9911");
        check("http://127.0.0.1:9911/", "http://127.0.0.1:9911");
        check("https://studtop.403.stuartpb.com", "https://studtop.403.stuartpb.com:443");
        check("http://[::1]", "http://[::1]:80");
    }

    #[test]
    fn what_is_no_endpoint_is_refused_with_what_to_write() {
        for text in ["", "table.sock", "/run/table.sock", "tcp://a:1", "http://", "http://a:99999", "unix"] {
            assert_eq!(EndpointUrl::parse(text), Err(EndpointUrlError::Kind(text.to_owned())), "{text}");
        }
        let text = "unix:table.sock";
        assert_eq!(EndpointUrl::parse(text), Err(EndpointUrlError::RelativeSocket(text.to_owned())));
        for text in ["http://a/v1/table", "http://u:p@a", "https://a?x"] {
            assert_eq!(EndpointUrl::parse(text), Err(EndpointUrlError::More(text.to_owned())), "{text}");
        }
    }
}
