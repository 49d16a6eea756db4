//! The demonstration's services, as many as are named, in one program.

use std::net::SocketAddr;
use std::str::FromStr;

use anyhow::{Context, Result};
use clap::Parser;
use tokio::task::JoinSet;
use zoneway_tests::service::Service;

/// Answers HTTP/1.1, HTTP/2 without TLS, WebSocket and gRPC, and says which node served.
#[derive(Parser)]
struct Options {
    /// The node that the services say they stand on.
    #[arg(long)]
    node: String,
    /// Hand every request on to this address instead of answering it.
    #[arg(long)]
    forward: Option<SocketAddr>,
    /// A service and where it listens: notes=127.0.0.1:8080.
    #[arg(required = true, value_name = "NAME=ADDRESS")]
    services: Vec<Named>,
}

#[derive(Clone)]
struct Named {
    name: String,
    address: SocketAddr,
}

impl FromStr for Named {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let (name, address) = text.split_once('=').context("not NAME=ADDRESS")?;
        Ok(Self { name: name.to_owned(), address: address.parse()? })
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let options = Options::parse();
    let mut running = JoinSet::new();
    for Named { name, address } in options.services {
        let service = Service { name, node: options.node.clone(), forward: options.forward };
        running.spawn(service.run(address));
    }
    while let Some(ended) = running.join_next().await {
        ended??;
    }
    Ok(())
}
