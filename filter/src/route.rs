//! Ingress and peer: one request in, one decision carried out.
//!
//! Names and values of headers are bytes. Envoy's codecs answer 400 to a name that is no token (tried with 1.40), before any
//! filter.

use std::net::IpAddr;

use proxy_wasm::hostcalls;
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;
use zoneway_core::decision::Decision;
use zoneway_core::settings::{Settings, client_address};
use zoneway_core::traffic::{Carriage, Passage, Proxy, Refusal, pass};

use crate::headers::Headers;
use crate::vm::vm;

/// The name of the log field: access logs print it as `%FILTER_STATE(wasm.zoneway:PLAIN)%`.
const LOG_FIELD: &str = "zoneway";

/// Decides the request that has come, and carries the decision out.
pub(crate) fn route(settings: &Settings) -> Action {
    let headers = Headers::of_request();
    let pairs = || headers.pairs();
    let layout = vm(|vm| vm.layout());
    let Passage { carriage, log } = pass(settings, layout.as_deref(), pairs, &Host);
    if let Some(line) = log {
        Changes.set_property(vec![LOG_FIELD], Some(line.as_bytes()));
    }
    carry(carriage)
}

/// Answers 503: nobody here can decide the request.
pub(crate) fn refuse() -> Action {
    let _ = hostcalls::send_http_response(503, Vec::new(), None);
    Action::Pause
}

/// Every change of a request header clears the route cache in Envoy (Wasm alone), so that it need not be asked for.
fn carry(carriage: Carriage<'_>) -> Action {
    let remove = |names: Vec<&[u8]>| {
        for name in names.into_iter().filter_map(|name| core::str::from_utf8(name).ok()) {
            Changes.set_http_request_header_bytes(name, None);
        }
    };
    match carriage {
        Carriage::Leave { remove: strays } => remove(strays),
        Carriage::Forward { remove: strays, set, add: (name, value) } => {
            remove(strays);
            for (name, value) in set {
                Changes.set_http_request_header_bytes(name, Some(&value));
            }
            Changes.add_http_request_header(name, value);
        }
        Carriage::Refuse(Refusal { status, headers }) => {
            let headers = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let _ = hostcalls::send_http_response(u32::from(status), headers, None);
            return Action::Pause;
        }
    }
    Action::Continue
}

/// The SDK's calls that change the request that is being handled. One that fails is a trap: the request fails closed.
struct Changes;

impl Context for Changes {}
impl HttpContext for Changes {}

/// What Envoy and this VM know besides the headers.
struct Host;

impl Proxy for Host {
    /// One host call.
    fn client(&self) -> Option<IpAddr> {
        let address = hostcalls::get_property(vec!["source", "address"]).ok().flatten()?;
        client_address(&address)
    }

    /// One host call.
    fn uri_san(&self) -> Vec<u8> {
        let san = hostcalls::get_property(vec!["connection", "uri_san_peer_certificate"]);
        san.ok().flatten().unwrap_or_default()
    }

    fn draw(&self) -> u64 {
        vm(|vm| vm.draw())
    }

    fn count(&self, decision: &Decision<'_>) {
        vm(|vm| vm.count(decision));
    }
}
