//! `zoneway schema`: JSON Schemas of what people and programs write, for editors and pipelines.
//!
//! The schemas are written by hand, for the words in them; tests hold them against the programs that read the formats. The
//! CRD of zones is generated from the type that reads them.

use std::io::Write;

use kube::CustomResourceExt;

use super::{Exit, Format, Output};
use crate::envoy::to_yaml;
use crate::sources::cluster::objects::Zone;

/// Print the JSON Schema of a site or of a table, or the CRD of zones.
///
/// A schema knows the form. Whether names are known and the whole makes sense, `zoneway check` says. The CRD is YAML for
/// `kubectl apply` (JSON with --format json).
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
    /// The kind `Zone` of a Kubernetes cluster.
    Crd,
}

pub(crate) fn run(args: &Args, out: &mut Output) -> anyhow::Result<Exit> {
    // A schema is JSON, for people and for programs.
    match args.of {
        Of::Site => out.write_all(include_bytes!("schema/site.json"))?,
        Of::Table => out.write_all(include_bytes!("schema/table.json"))?,
        Of::Crd => {
            let crd = serde_json::to_value(Zone::crd())?;
            match out.format() {
                Format::Json => out.json(&crd)?,
                Format::Text => out.write_all(to_yaml(&crd)?.as_bytes())?,
            }
        }
    }
    Ok(Exit::Well)
}
