//! Looks up the addresses of a DNS name.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::{Resolver, TokioResolver};

/// The addresses of a name, and how long they hold; or why there are none. By the system's resolvers and its hosts
/// file where no servers are named: both are read anew each time, for a machine that changes networks.
pub(crate) async fn addresses(name: &str, servers: &[SocketAddr]) -> Result<(Vec<IpAddr>, Duration), String> {
    let resolver = resolver(servers).map_err(|error| error.to_string())?;
    // A name of a site is written in full: without the dot at its end the search list would be tried too.
    let answer = resolver.lookup_ip(format!("{name}.")).await.map_err(|error| error.to_string())?;
    let holds = answer.valid_until().saturating_duration_since(Instant::now());
    Ok((answer.iter().collect(), holds))
}

fn resolver(servers: &[SocketAddr]) -> Result<TokioResolver, hickory_resolver::net::NetError> {
    let mut builder = if servers.is_empty() {
        TokioResolver::builder_tokio()?
    } else {
        let server = |address: &SocketAddr| {
            let connection = |mut connection: ConnectionConfig| {
                connection.port = address.port();
                connection
            };
            let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(connection);
            NameServerConfig::new(address.ip(), true, connections.to_vec())
        };
        let config = ResolverConfig::from_name_servers(servers.iter().map(server).collect());
        Resolver::builder_with_config(config, TokioRuntimeProvider::default())
    };
    builder.options_mut().timeout = Duration::from_secs(2);
    builder.build()
}
