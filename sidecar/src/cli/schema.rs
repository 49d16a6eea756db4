//! `zoneway schema`: JSON Schemas of what people and programs write, for editors and pipelines.
//!
//! The schemas are written by hand, for the words in them; tests hold them against the programs that read the formats.

use std::io::Write;

use super::{Exit, Output};

/// Print the JSON Schema of a site or of a table.
///
/// A schema knows the form. Whether names are known and the whole makes sense, `zoneway check` says.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Of what.
    #[arg(value_enum)]
    of: Of,
}

/// What there is a schema of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Of {
    /// The site, as a person writes it.
    Site,
    /// The zone table, as an Envoy gets it.
    Table,
}

pub(crate) fn run(args: &Args, out: &mut Output) -> anyhow::Result<Exit> {
    let schema = match args.of {
        Of::Site => include_str!("schema/site.json"),
        Of::Table => include_str!("schema/table.json"),
    };
    // It is JSON, for people and for programs.
    out.write_all(schema.as_bytes())?;
    Ok(Exit::Well)
}
