//! The module that ships has the wanted exports and no other: each of them is called on every request that it is about.

use std::path::PathBuf;

use zoneway_prune::{KEPT, exports};

#[test]
fn the_shipped_filter_exports_what_is_wanted_and_no_more() {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/zoneway.wasm");
    let path = std::env::var_os("ZONEWAY_WASM").map_or_else(|| PathBuf::from(default), PathBuf::from);
    let wasm = std::fs::read(&path).unwrap_or_else(|error| {
        panic!("{} cannot be read ({error}): build it with `make wasm`", path.display())
    });
    let mut kept = KEPT.map(str::to_owned).to_vec();
    kept.sort();
    assert_eq!(exports(&wasm).expect("a module"), kept);
}
