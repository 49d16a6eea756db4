//! The shared corpus, `tests/cases/`, against two of its runners. The others are core's own tests and `host-test`.

mod decide;
mod envoy;
