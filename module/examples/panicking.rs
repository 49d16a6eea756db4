//! The shipped module, file for file, but that a request with the header `x-panic` makes it panic where it is decided. A
//! test has a real Envoy load it, and looks at what becomes of the request, the count and Envoy: so nothing that can be
//! told to panic is in `libzoneway.so`.
//!
//! Files that declare tests of their own are not formatted from here, where rustfmt looks for those in vain.

#[path = "../src/abi.rs"]
mod abi;
#[path = "../src/body.rs"]
mod body;
#[path = "../src/endpoint.rs"]
#[rustfmt::skip]
mod endpoint;
#[path = "../src/envoy.rs"]
mod envoy;
#[path = "../src/fit.rs"]
mod fit;
#[path = "../src/handler.rs"]
mod handler;
#[path = "../src/plugin.rs"]
#[rustfmt::skip]
mod plugin;
#[path = "../src/serving.rs"]
mod serving;
#[path = "../src/route.rs"]
#[rustfmt::skip]
mod shipped;
#[path = "../src/tally.rs"]
mod tally;
#[path = "../src/verdict.rs"]
mod verdict;
#[path = "../src/workshop.rs"]
mod workshop;

/// Stands where the shipped module has its `route`.
mod route {
    use zoneway_core::layout::Layout;
    use zoneway_core::settings::Settings;

    use crate::envoy::Stream;
    use crate::shipped;
    use crate::verdict::Verdict;

    #[allow(clippy::panic, reason = "it is what this build is for")]
    pub(crate) fn route(settings: &Settings, table: Option<&Layout>, stream: &mut impl Stream) -> Verdict {
        if stream.headers().iter().any(|(name, _)| *name == b"x-panic") {
            panic!("a mistake, as the request asked for");
        }
        shipped::route(settings, table, stream)
    }
}
