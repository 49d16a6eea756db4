//! `zoneway status`: what a table endpoint or a sidecar says of itself.

mod page;

use std::io::Write as _;

use anyhow::Context;
use serde_json::Value;

use super::endpoint::{Endpoint, block_on};
use super::{Exit, Format, Output};
use crate::agent::report::SidecarStatus;
use crate::agent::table_endpoint;

/// Show what a table endpoint serves, or what a sidecar does for every node that it pushes.
///
/// The exit code is 1 where there is no table, a node is in trouble or the source does not serve as it stands.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    endpoint: Endpoint,
}

pub(crate) fn run(args: &Args, out: &mut Output) -> anyhow::Result<Exit> {
    let mut client = args.endpoint.client()?;
    let answer = block_on(table_endpoint::raw_status(&mut client))??;
    let url = client.url().to_string();
    let value: Value = serde_json::from_slice(&answer.body)
        .with_context(|| format!("{url} is neither a table endpoint nor a sidecar"))?;
    let (well, page) = if value.get("nodes").is_some() {
        let status: SidecarStatus = serde_json::from_slice(&answer.body)
            .with_context(|| format!("{url} answers as a sidecar of another release would"))?;
        (status.is_well(), page::sidecar(&url, &status))
    } else {
        let status = table_endpoint::parsed(&client, &answer)?;
        (status.table.is_some(), page::reader(&url, &status))
    };
    match out.format() {
        // As it came: what this release does not know is not lost.
        Format::Json => out.json(&value)?,
        Format::Text => out.write_all(page.as_bytes())?,
    }
    Ok(if well { Exit::Well } else { Exit::NotWell })
}
