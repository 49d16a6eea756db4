//! `zoneway envoy`: a complete Envoy configuration for one node.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use zoneway_core::name::NodeId;
use zoneway_core::table::wire::Revision;
use zoneway_site::{Names, Site, view};

use super::site_source::SiteSource;
use super::{Exit, Format, Output, Usage};
use crate::envoy::{self, Build, Picture, RenderedFile, RunFolder};

/// Print a complete Envoy configuration for a node.
///
/// Listeners, certificates and the filter stand in what is printed. Clusters, their members and routes stand in files
/// of the run folder, which `zoneway run` keeps; those that are not there yet are written, so that Envoy can start.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    site: SiteSource,
    /// The node whose Envoy it is for.
    #[arg(long, value_parser = NodeId::parse)]
    node: NodeId,
    /// Which build of the filter the configuration loads.
    #[arg(long, value_enum, default_value_t = Filter::Wasm)]
    filter: Filter,
    /// Where that Envoy finds the filter; default /usr/lib/zoneway/zoneway.wasm.
    #[arg(long, value_name = "FILE")]
    wasm: Option<PathBuf>,
    /// The folder for this Envoy's sockets and the files that `zoneway run` keeps for it.
    #[arg(long, value_name = "DIR", default_value = "/run/zoneway")]
    run_dir: PathBuf,
    /// Write the starting files here and not into the run folder, over any that are there: for another machine, whose
    /// run folder's `xds` they become.
    #[arg(long, value_name = "DIR")]
    files: Option<PathBuf>,
    /// Write `envoy.yaml` (`envoy.json` with --format json) into this folder instead of printing it, with a copy of the
    /// filter beside it, which is the one that it loads: for an Envoy in a container that has no filter.
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
}

/// The two builds of the filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Filter {
    /// zoneway.wasm, in Envoy's Wasm filter.
    Wasm,
    /// libzoneway.so, a dynamic module.
    Module,
}

/// Where the image and the packages put the filter.
pub(super) const WASM: &str = "/usr/lib/zoneway/zoneway.wasm";
/// And where its other build.
pub(super) const MODULE: &str = "/usr/lib/zoneway/libzoneway.so";

pub(crate) fn run(args: &Args, out: &mut Output) -> anyhow::Result<Exit> {
    if args.filter == Filter::Module && args.wasm.is_some() {
        return Err(Usage("--wasm is for --filter wasm: a module is found by its name".to_owned()).into());
    }
    let wasm = args.wasm.as_deref().unwrap_or(Path::new(WASM));
    let output = args.output.as_deref().map(absolute).transpose()?;
    let build = match (args.filter, &output) {
        (Filter::Wasm, None) => Build::Wasm(absolute(wasm)?),
        (Filter::Wasm, Some(output)) => Build::Wasm(place_filter(wasm, output, "zoneway.wasm")?),
        (Filter::Module, None) => Build::Module,
        (Filter::Module, Some(output)) => {
            place_filter(Path::new(MODULE), output, "libzoneway.so")?;
            Build::Module
        }
    };
    let folder = RunFolder::new(absolute(&args.run_dir)?);
    let site = args.site.load_for(Some(&args.node))?;
    args.site.bring_certificates(&args.node)?;
    let bootstrap = envoy::bootstrap(&site, &args.node, &build, &folder)?;
    let files = starting_files(&site, &args.node, &folder)?;
    match &args.files {
        Some(elsewhere) => export(files, &folder, elsewhere)?,
        None => start(&files)?,
    }
    match (out.format(), output) {
        (Format::Json, None) => out.json(&bootstrap)?,
        (Format::Text, None) => out.write_all(envoy::to_yaml(&bootstrap)?.as_bytes())?,
        (Format::Json, Some(output)) => place(output.join("envoy.json"), format!("{bootstrap:#}\n"))?,
        (Format::Text, Some(output)) => place(output.join("envoy.yaml"), envoy::to_yaml(&bootstrap)?)?,
    }
    Ok(Exit::Well)
}

/// Puts the configuration where Envoy is started with it.
fn place(path: PathBuf, content: String) -> anyhow::Result<()> {
    let file = RenderedFile { path, content };
    envoy::write::write(&file).with_context(|| format!("cannot write {}", file.path.display()))?;
    Ok(())
}

/// Puts a copy of a build of the filter into a folder, as a new file: an Envoy that runs the old one keeps it.
fn place_filter(from: &Path, folder: &Path, name: &str) -> anyhow::Result<PathBuf> {
    let path = folder.join(name);
    let bytes = std::fs::read(from).with_context(|| format!("cannot read the filter {}", from.display()))?;
    envoy::write::write_bytes(&path, &bytes).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

/// Puts the files where this machine's Envoy reads them, if none are there.
fn start(files: &[RenderedFile]) -> anyhow::Result<()> {
    for file in files {
        let place = file.path.display();
        let written = envoy::write::write_missing(file)
            .with_context(|| format!("cannot write {place}: say where to with --run-dir or --files"))?;
        if !written && std::fs::read_to_string(&file.path).is_ok_and(|there| there != file.content) {
            eprintln!("{place} is not what this site starts with, and stays: `zoneway run` keeps it");
        }
    }
    Ok(())
}

/// Puts the files into a folder to be copied from.
fn export(files: Vec<RenderedFile>, folder: &RunFolder, to: &Path) -> anyhow::Result<()> {
    for file in files {
        let place = file.path.strip_prefix(folder.xds().path()).map(|place| to.join(place));
        let file = RenderedFile { path: place.context("a file outside the run folder")?, ..file };
        envoy::write::write(&file).with_context(|| format!("cannot write {}", file.path.display()))?;
    }
    Ok(())
}

/// What Envoy reads until `zoneway run` knows better. A name is not resolved for it: it would hold only until then.
fn starting_files(site: &Site, node: &NodeId, folder: &RunFolder) -> anyhow::Result<Vec<RenderedFile>> {
    let Some(zone) = site.zone_of(node) else { return Ok(Vec::new()) };
    let view = view(site, zone, Revision::default(), &Names::default())?;
    Ok(envoy::site_files(&[Picture { site, table: &view.table }], node, &folder.xds())?)
}

/// A path that means the same to Envoy, wherever that is started.
fn absolute(path: &Path) -> anyhow::Result<PathBuf> {
    std::path::absolute(path).with_context(|| format!("cannot make an absolute path of {}", path.display()))
}
