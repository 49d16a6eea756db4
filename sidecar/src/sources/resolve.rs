//! The addresses of a site's DNS names, asked once of the machine's own resolver.

use std::net::{IpAddr, ToSocketAddrs};
use std::thread;

use zoneway_site::{Names, Site};

/// How many names are asked for at a time.
const AT_A_TIME: usize = 16;

/// What every name of the site resolves to now; what does not resolve is left out.
pub(crate) fn resolve(site: &Site) -> Names {
    let names: Vec<&str> = site.names().into_iter().collect();
    let mut found = Names::default();
    for names in names.chunks(AT_A_TIME) {
        let addresses: Vec<Option<IpAddr>> = thread::scope(|scope| {
            let asked: Vec<_> = names.iter().map(|name| scope.spawn(move || first_address(name))).collect();
            asked.into_iter().map(|thread| thread.join().ok().flatten()).collect()
        });
        for (name, address) in names.iter().zip(addresses) {
            if let Some(address) = address {
                found.insert(name, address);
            }
        }
    }
    found
}

/// IPv4 before IPv6, the lower address before the higher: the same answer whatever order the resolver has.
fn first_address(name: &str) -> Option<IpAddr> {
    (name, 0).to_socket_addrs().ok()?.map(|address| address.ip()).min()
}
