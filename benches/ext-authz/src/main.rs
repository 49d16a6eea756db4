//! `bench-ext-authz SETTINGS TABLE`: the decision as a gRPC service that Envoy's ext_authz filter asks, the way in which
//! somebody would build this without a filter of his own. One thread; it prints its address and serves until it is ended.

mod authorization;
mod messages;

use std::error::Error;
use std::net::Ipv4Addr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server;
use zoneway_core::layout::Layout;
use zoneway_core::settings::Settings;
use zoneway_core::table::Table;

use authorization::{Authorization, Decider};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(settings), Some(table)) = (arguments.next(), arguments.next()) else {
        return Err("usage: bench-ext-authz SETTINGS TABLE".into());
    };
    let settings = Settings::parse(&std::fs::read(settings)?)?;
    let table = Layout::compile(&Table::parse(&std::fs::read(table)?)?);
    let service = Authorization(Arc::new(Decider { settings, table }));
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        println!("{}", listener.local_addr()?);
        let connections = TcpListenerStream::new(listener);
        Ok(Server::builder().tcp_nodelay(true).add_service(service).serve_with_incoming(connections).await?)
    })
}
