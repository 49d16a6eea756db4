//! `zoneway edge bundle`: one archive that sets up, or rebuilds, a public node with one command.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use zoneway_core::name::NodeId;
use zoneway_core::table::wire::Revision;
use zoneway_site::{Names, Site, view};

use super::envoy::{Filter, MODULE, WASM};
use super::site_source::SiteSource;
use super::{Exit, Format, Output};
use crate::agent::config::{Config, Outside};
use crate::agent::outside::Placement;
use crate::envoy::{self, Build, Picture, RunFolder};
use crate::pki;
use crate::pki::token::{GOOD_FOR_MINUTES, Record};

mod archive;

use archive::Archive;

/// Set up a public node.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    Bundle(BundleArgs),
}

/// Make one archive that sets up a public node, or rebuilds it, with one command: `./install`.
///
/// It has this program, the filter, Envoy's and the sidecar's configuration, unit files, and a bootstrap token that is
/// good for one hour and one key. It has no key: the machine makes its own, and home's gateway signs it when it dials.
/// Without an `authority` in `outside` it has no token either: the machine leaves a request beside its key, for
/// `zoneway pki issue --request`.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(crate) struct BundleArgs {
    /// The configuration of home's sidecar (`zoneway run`) that delivers: its source, and `outside`.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The public node.
    #[arg(long, value_parser = NodeId::parse)]
    node: NodeId,
    /// The authorities' certificates (ca.pem) here; default: where `outside` has them.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// The archive; default NODE.tar.gz. It is for its owner alone: the token is in it.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Which build of the filter that Envoy loads.
    #[arg(long, value_enum, default_value_t = Filter::Wasm)]
    filter: Filter,
    /// Where the Wasm filter is here.
    #[arg(long, value_name = "FILE", default_value = WASM)]
    wasm: PathBuf,
    /// Where the native module is here.
    #[arg(long, value_name = "FILE", default_value = MODULE)]
    module: PathBuf,
    /// The program for that machine; default: this one.
    #[arg(long, value_name = "FILE")]
    zoneway: Option<PathBuf>,
    /// Where its sidecar listens for home; default: every address, at the port that home dials.
    #[arg(long, value_name = "IP:PORT")]
    listen: Option<SocketAddr>,
    /// An Envoy for that machine; without it the one in its PATH is started.
    #[arg(long, value_name = "FILE")]
    envoy: Option<PathBuf>,
}

/// What `install` puts the folder in place of under which everything goes.
const ROOT: &str = "@ROOT@";
const INSTALL: &str = include_str!("edge/install.sh");
const START: &str = include_str!("edge/start.sh");
const SIDECAR_UNIT: &str = include_str!("edge/zoneway.service");
const ENVOY_UNIT: &str = include_str!("edge/zoneway-envoy.service");

pub(crate) fn run(command: &Command, out: &mut Output) -> anyhow::Result<Exit> {
    let Command::Bundle(args) = command;
    bundle(args, out)
}

fn bundle(args: &BundleArgs, out: &mut Output) -> anyhow::Result<Exit> {
    let file = args.config.display();
    let config = Config::load(&args.config, Some("none"))?;
    let outside = config.outside.with_context(|| {
        format!("{file}: `outside` is missing: a gateway whose sidecar delivers is needed, see docs/edge.md")
    })?;
    ensure!(
        outside.authority.is_some() || outside.signed.is_some(),
        "{file}: `outside` has neither `authority` nor `signed`: name the folder of the authority (`zoneway pki init`), \
         or of what it signs elsewhere"
    );
    let site = SiteSource::of_config(&args.config).load()?;
    let zone = site.zone_of(&args.node).ok_or_else(|| envoy::unknown_node(&site, &args.node))?;
    ensure!(
        site.public_zones().any(|public| public == zone),
        "{} is of zone {zone}, which is not public: only public nodes are set up so",
        args.node
    );
    let texts = texts(&site, args, &outside)?;
    let program = match &args.zoneway {
        Some(program) => program.clone(),
        None => std::env::current_exe().context("where this program is cannot be told: say --zoneway")?,
    };
    // The last thing that may fail without a trace comes before the token, which takes the place of an older one.
    let output = args.output.clone().unwrap_or_else(|| format!("{}.tar.gz", args.node).into());
    let mut archive =
        Archive::create(&output).with_context(|| format!("cannot write {}", output.display()))?;
    archive.file("files/usr/lib/zoneway/zoneway", 0o755, &program)?;
    match args.filter {
        Filter::Wasm => archive
            .file("files/usr/lib/zoneway/zoneway.wasm", 0o644, &args.wasm)
            .context("say with --wasm where the filter is")?,
        Filter::Module => archive
            .file("files/usr/lib/zoneway/libzoneway.so", 0o644, &args.module)
            .context("say with --module where the filter is")?,
    }
    if let Some(envoy) = &args.envoy {
        archive.file("files/usr/lib/zoneway/envoy", 0o755, envoy)?;
    }
    let ca = args.ca.as_ref().unwrap_or(&outside.ca);
    archive
        .file("files/var/lib/zoneway/certificates/ca.pem", 0o644, ca)
        .context("say with --ca where the authorities' certificates are")?;
    for (name, text) in &texts {
        let mode = if name.ends_with("/start") { 0o755 } else { 0o644 };
        archive.text(name, mode, text)?;
    }
    let expires = match &outside.authority {
        Some(authority) => {
            let token = Record::make(authority, &args.node, pki::now())?;
            let json = serde_json::to_string(&token)?;
            archive.text("files/var/lib/zoneway/certificates/token", 0o600, &json)?;
            Some(token.expires)
        }
        None => None,
    };
    let until = expires.map(|expires| expires.to_string()).unwrap_or_default();
    let install = INSTALL.replace("@NODE@", args.node.as_str()).replace("@EXPIRES@", &until);
    archive.text("install", 0o755, &install)?;
    archive.finish()?;
    match out.format() {
        Format::Json => {
            out.json(&json!({"node": args.node.as_str(), "bundle": output, "expires": expires}))?
        }
        Format::Text => {
            let within = expires.map(|_| format!("within {GOOD_FOR_MINUTES} minutes, "));
            writeln!(
                out,
                "wrote {}: {}on that machine: tar xzf {} && sudo ./zoneway-edge/install",
                output.display(),
                within.unwrap_or_default(),
                output.file_name().unwrap_or_default().display(),
            )?;
        }
    }
    Ok(Exit::Well)
}

/// Every text of the archive, by its name in it.
fn texts(site: &Site, args: &BundleArgs, outside: &Outside) -> anyhow::Result<BTreeMap<String, String>> {
    let node = &args.node;
    let under = |path: &str| PathBuf::from(format!("{ROOT}{path}"));
    let certificates = under("/var/lib/zoneway/certificates");
    let folder = RunFolder::new(under("/var/lib/zoneway/envoy"));
    let zone = site.zone_of(node).ok_or_else(|| envoy::unknown_node(site, node))?;
    let placement = Placement::of(site, node);
    let build = match args.filter {
        Filter::Wasm => Build::Wasm(under("/usr/lib/zoneway/zoneway.wasm")),
        Filter::Module => Build::Module,
    };
    let mut bootstrap = envoy::bootstrap(site, node, &build, &folder)?;
    placement.relocate(&mut bootstrap, &certificates);
    let mut texts = BTreeMap::from([
        ("files/etc/zoneway/envoy.yaml".to_owned(), envoy::to_yaml(&bootstrap)?),
        ("files/etc/zoneway/run.yaml".to_owned(), sidecar(site, args, outside)?),
        ("files/usr/lib/zoneway/start".to_owned(), START.replace("@NODE@", node.as_str())),
        ("files/etc/systemd/system/zoneway.service".to_owned(), SIDECAR_UNIT.to_owned()),
        (
            "files/etc/systemd/system/zoneway-envoy.service".to_owned(),
            ENVOY_UNIT.replace("@NODE@", node.as_str()),
        ),
    ]);
    let view = view(site, zone, Revision::default(), &Names::default())?;
    for file in envoy::site_files(&[Picture { site, table: &view.table }], node, &folder.xds())? {
        let name = file.path.strip_prefix(folder.xds().path())?.display().to_string();
        let mut document: Value = serde_json::from_str(&file.content)?;
        placement.relocate(&mut document, &certificates);
        texts.insert(format!("files/var/lib/zoneway/envoy/xds/{name}"), format!("{document:#}\n"));
    }
    Ok(texts)
}

/// The configuration of the public node's sidecar.
fn sidecar(site: &Site, args: &BundleArgs, outside: &Outside) -> anyhow::Result<String> {
    let node = &args.node;
    let zone = site.zone_of(node).ok_or_else(|| envoy::unknown_node(site, node))?;
    let mut gateways: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (to, link) in site.zones().get(zone).into_iter().flat_map(|zone| &zone.links) {
        gateways.insert(to.to_string(), link.gateways.keys().map(ToString::to_string).collect());
    }
    ensure!(!gateways.is_empty(), "zone {zone} has no link: nobody could deliver to {node}");
    let port = match outside.places.get(node) {
        Some(place) => place.rsplit(':').next().and_then(|port| port.parse().ok()).unwrap_or(outside.port),
        None => outside.port,
    };
    let listen = args.listen.unwrap_or_else(|| SocketAddr::from(([0, 0, 0, 0], port)));
    let mut config = json!({
        "version": 1,
        "source": {"receive": {
            "listen": listen,
            "domain": site.settings().domain.as_deref().context("the site has no settings.domain")?,
            "zone": zone.as_str(),
            "gateways": gateways,
            "certificates": format!("{ROOT}/var/lib/zoneway/certificates"),
        }},
        "state": format!("{ROOT}/var/lib/zoneway/state"),
        "envoys": [{"node": node.as_str(), "run_dir": format!("{ROOT}/var/lib/zoneway/envoy")}],
        "listen": format!("unix:{ROOT}/var/lib/zoneway/sidecar.sock"),
    });
    if outside.authority.is_some()
        && let Some(receive) = config.pointer_mut("/source/receive").and_then(Value::as_object_mut)
    {
        let token = format!("{ROOT}/var/lib/zoneway/certificates/token");
        receive.insert("token".to_owned(), token.into());
    }
    envoy::to_yaml(&config).context("the sidecar's configuration")
}
