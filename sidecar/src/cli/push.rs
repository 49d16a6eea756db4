//! `zoneway push`: a table to one table endpoint, by hand.

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Context;
use hyper::body::Bytes;
use zoneway_core::table::wire::Revision;
use zoneway_core::table::{Table, TableError};

use super::endpoint::{Endpoint, block_on};
use super::{Exit, Format, Output};
use crate::agent::table_endpoint::{self, PathError, PushAnswer, Pushed};

/// Push a table to a table endpoint.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The table (JSON).
    #[arg(long, value_name = "TABLE")]
    table: PathBuf,
    #[command(flatten)]
    endpoint: Endpoint,
    /// Take over from the writer of the table that is served now: push with the epoch after its own.
    ///
    /// A sidecar that feeds this endpoint stops, until it or its Envoy is started again.
    #[arg(long)]
    supersede: bool,
}

pub(crate) fn run(args: &Args, out: &mut Output) -> anyhow::Result<Exit> {
    let file = args.table.display();
    let json = std::fs::read(&args.table).with_context(|| file.to_string())?;
    let table = match Table::parse(&json) {
        Ok(table) => table,
        Err(error) => {
            return report(refused(&error), out, &format!("{file}: refused here, nothing was sent"));
        }
    };
    let mut client = args.endpoint.client()?;
    let pushed = block_on(async {
        let mut table = table.into_wire();
        if args.supersede {
            let status = table_endpoint::status(&mut client).await?;
            let epoch = status.table.map_or(0, |served| served.revision.epoch).checked_add(1);
            let epoch = epoch.context(
                "the reader's epoch is the last one there is: restart its Envoy, which then takes any revision",
            )?;
            table.revision = Revision { epoch, sequence: 0 };
        }
        let body = Bytes::from(serde_json::to_vec(&table)?);
        Ok::<_, anyhow::Error>(table_endpoint::push(&mut client, body).await?)
    })??;
    let to = client.url();
    match pushed {
        Pushed::Accepted(answer) => {
            if out.format() == Format::Json {
                out.json(&answer)?;
            } else if let Some(revision) = answer.revision {
                writeln!(out, "{to} accepted {file} as revision {revision}")?;
            } else {
                writeln!(out, "{to} accepted {file}")?;
            }
            Ok(Exit::Well)
        }
        Pushed::Conflict(answer) => {
            let remedy = "push a higher revision, or take over with --supersede";
            report(answer, out, &format!("{to} has a newer table than {file}: {remedy}"))
        }
        Pushed::Refused(answer) => {
            report(answer, out, &format!("{to} refused {file}, its old table serves on"))
        }
    }
}

/// What the endpoint would have answered to a table that is none.
fn refused(error: &TableError) -> PushAnswer {
    let entry = |(path, message)| PathError { path, message };
    PushAnswer { accepted: false, revision: None, errors: error.entries().into_iter().map(entry).collect() }
}

fn report(answer: PushAnswer, out: &mut Output, headline: &str) -> anyhow::Result<Exit> {
    if out.format() == Format::Json {
        out.json(&answer)?;
    }
    eprintln!("zoneway: {headline}");
    for error in &answer.errors {
        eprintln!("  {error}");
    }
    Ok(Exit::NotWell)
}
