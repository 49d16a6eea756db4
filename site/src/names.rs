//! What the DNS names of a site resolve to, as far as the caller knows.

use std::collections::BTreeMap;

use core::net::{IpAddr, SocketAddr};

use zoneway_core::name::Address;

use crate::host_port::HostPort;

/// The last known address of each DNS name. A name that is not here has never resolved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    known: BTreeMap<String, IpAddr>,
}

impl Names {
    /// Keeps a name's address; a later one takes the place of an earlier.
    pub fn insert(&mut self, name: &str, address: IpAddr) {
        self.known.insert(name.to_ascii_lowercase(), address);
    }

    /// The last known address of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<IpAddr> {
        self.known.get(name).copied()
    }

    /// The address to dial; `None` for a name that has never resolved.
    #[must_use]
    pub fn resolve(&self, place: &HostPort) -> Option<Address> {
        let ip = match place.name() {
            Some(name) => self.get(name),
            None => place.ip(),
        };
        ip.map(|ip| SocketAddr::new(ip, place.port()).into())
    }
}

impl<N: AsRef<str>> FromIterator<(N, IpAddr)> for Names {
    fn from_iter<I: IntoIterator<Item = (N, IpAddr)>>(pairs: I) -> Self {
        let mut names = Self::default();
        for (name, address) in pairs {
            names.insert(name.as_ref(), address);
        }
        names
    }
}
