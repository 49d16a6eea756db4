//! What handles one request, by its listener's role.

use std::sync::Arc;

use zoneway_core::settings::Settings;

use crate::endpoint::Endpoint;
use crate::envoy::Stream;
use crate::route::route;
use crate::serving;
use crate::verdict::Verdict;

/// One request.
pub(crate) enum Handler {
    Route(Arc<Settings>),
    Endpoint(Endpoint),
}

impl Handler {
    pub(crate) fn headers(&mut self, stream: &mut impl Stream, end: bool) -> Verdict {
        match self {
            Self::Route(settings) => {
                let serving = serving::current();
                route(settings, serving.as_ref().map(|serving| &serving.layout), stream)
            }
            Self::Endpoint(endpoint) => endpoint.headers(stream, end),
        }
    }

    pub(crate) fn body(&mut self, stream: &mut impl Stream, end: bool) -> Verdict {
        match self {
            Self::Route(_) => Verdict::Continue,
            Self::Endpoint(endpoint) => endpoint.body(stream, end),
        }
    }

    pub(crate) fn trailers(&mut self, stream: &mut impl Stream) -> Verdict {
        match self {
            Self::Route(_) => Verdict::Continue,
            Self::Endpoint(endpoint) => endpoint.finish(stream),
        }
    }

    /// Called where a bell of this request was rung.
    pub(crate) fn rung(&mut self) -> Verdict {
        match self {
            Self::Route(_) => Verdict::Continue,
            Self::Endpoint(endpoint) => endpoint.rung(),
        }
    }
}
