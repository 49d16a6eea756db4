//! The examples in `envoy-config/` are what this renderer writes; `ZONEWAY_WRITE_EXAMPLES=1` writes them again.

use std::path::{Path, PathBuf};

use zoneway_core::table::wire::Revision;
use zoneway_site::{Names, Site, view};

use super::node;
use crate::envoy::{Build, Picture, RunFolder, bootstrap, site_files, to_yaml};
use crate::sources::file::load_site;

/// One example: whose Envoy it is, where that runs, and where its starting files are kept.
struct Example {
    folder: &'static str,
    site: &'static str,
    node: &'static str,
    run_dir: &'static str,
    wasm: &'static str,
    /// The run folder's files, seen from the example's own folder.
    xds: &'static str,
    start: &'static str,
}

const EXAMPLES: [Example; 3] = [
    Example {
        folder: "minimal",
        site: "minimal/site.yaml",
        node: "here",
        run_dir: "envoy-config/minimal/run",
        wasm: "target/zoneway.wasm",
        xds: "run/xds",
        start: "from the repository's folder, `envoy -c envoy-config/minimal/envoy.yaml`",
    },
    Example {
        folder: "standalone",
        site: "site.yaml",
        node: "studtop",
        run_dir: "/run/zoneway",
        wasm: "/usr/lib/zoneway/zoneway.wasm",
        xds: "xds",
        start: "put xds/ into /run/zoneway, then `envoy -c envoy.yaml`",
    },
    Example {
        folder: "edge",
        site: "site.yaml",
        node: "edge",
        run_dir: "/run/zoneway",
        wasm: "/usr/lib/zoneway/zoneway.wasm",
        xds: "xds",
        start: "put xds/ into /run/zoneway, then `envoy -c envoy.yaml`",
    },
];

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// Every file of an example, by its place in the repository.
fn written(example: &Example) -> Vec<(PathBuf, String)> {
    let examples = repository().join("envoy-config");
    let site = load_site(&examples.join(example.site)).unwrap();
    let run_folder = RunFolder::new(example.run_dir);
    let bootstrap =
        bootstrap(&site, &node(example.node), &Build::Wasm(example.wasm.into()), &run_folder).unwrap();
    let note = format!(
        "# The Envoy of node {} in envoy-config/{}, as `zoneway envoy` renders it. Do not edit: change the site.\n\
         # To start it: {}. envoy-config/README.md says more.\n",
        example.node, example.site, example.start
    );
    let folder = examples.join(example.folder);
    let mut all = vec![(folder.join("envoy.yaml"), note + &to_yaml(&bootstrap).unwrap())];
    for file in starting_files(&site, example) {
        let place = file.path.strip_prefix(Path::new(example.run_dir).join("xds")).unwrap();
        all.push((folder.join(example.xds).join(place), file.content));
    }
    all
}

fn starting_files(site: &Site, example: &Example) -> Vec<crate::envoy::RenderedFile> {
    let node = node(example.node);
    let table =
        view(site, site.zone_of(&node).unwrap(), Revision::default(), &Names::default()).unwrap().table;
    let xds = RunFolder::new(example.run_dir).xds();
    site_files(&[Picture { site, table: &table }], &node, &xds).unwrap()
}

#[test]
fn the_examples_are_what_is_rendered_today() {
    let write = std::env::var_os("ZONEWAY_WRITE_EXAMPLES").is_some();
    for example in &EXAMPLES {
        for (path, expected) in written(example) {
            if write {
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(&path, &expected).unwrap();
            }
            let there = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(
                there == expected,
                "{} is not what is rendered: run `ZONEWAY_WRITE_EXAMPLES=1 cargo test -p zoneway-sidecar examples` \
                 and look at what changed",
                path.display()
            );
        }
    }
}

#[test]
fn no_example_keeps_a_file_that_is_no_longer_rendered() {
    fn files(folder: &Path) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
    }
    for example in &EXAMPLES {
        let expected: Vec<_> = written(example).into_iter().map(|(path, _)| path).collect();
        for path in files(&repository().join("envoy-config").join(example.folder).join(example.xds)) {
            assert!(expected.contains(&path), "{} is of no example: delete it", path.display());
        }
    }
}
