//! Ingress and peer: one request in, one decision carried out.

use std::net::IpAddr;
use std::rc::Rc;

use proxy_wasm::hostcalls;
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;
use zoneway_core::decision::{Peer, Role, decide};
use zoneway_core::settings::{self, Balance, PeerAuthentication, Settings, client_address};
use zoneway_core::traffic::{Arrival, Carriage, Refusal, carry_out, cookie, hashed, log_line};

use crate::vm::vm;

/// The name of the log field: access logs print it as `%FILTER_STATE(wasm.zoneway:PLAIN)%`.
const LOG_FIELD: &str = "zoneway";

/// One request's context.
pub(crate) struct Route {
    settings: Option<Rc<Settings>>,
}

impl Route {
    pub(crate) fn new(settings: Option<Rc<Settings>>) -> Self {
        Self { settings }
    }

    fn route(&self, settings: &Settings) -> Action {
        let headers = self.get_http_request_headers_bytes();
        let pairs = || headers.iter().map(|(name, value)| (name.as_bytes(), value.as_slice()));
        let role = match settings.role() {
            settings::Role::Peer => Role::Peer,
            _ => Role::Ingress,
        };
        let arrival = Arrival::read(role, pairs());
        let sources = settings.sources();
        let client = (role == Role::Ingress && sources.ask_address()).then(client).flatten();
        let source = sources.source(client);
        let uri_san = match settings.peers() {
            PeerAuthentication::Spiffe(_) if role == Role::Peer => uri_san(),
            PeerAuthentication::Spiffe(_) | PeerAuthentication::None(_) => Vec::new(),
        };
        let peer = if role == Role::Peer { settings.peer(&uri_san) } else { Peer::Unchecked };
        let request = arrival.request(source.zone, peer);
        let mut seed = || match settings.balance() {
            Balance::None => None,
            Balance::Random => Some(vm(|vm| vm.draw())),
            Balance::Client => {
                let address = client.or_else(self::client);
                Some(address.map_or_else(|| vm(|vm| vm.draw()), hashed_address))
            }
            Balance::Cookie(name) => Some(cookie(pairs(), name).map_or_else(|| vm(|vm| vm.draw()), hashed)),
        };
        let layout = vm(|vm| vm.layout());
        let here = settings.here();
        let decision =
            decide(layout.as_deref(), &here, &source.policy(settings.policy()), &request, &mut seed);
        vm(|vm| vm.count(&decision));
        let carriage = carry_out(&decision, layout.as_deref(), &here, &arrival, request.source_zone);
        if let Some(line) = log_line(&decision, arrival.trail()) {
            self.set_property(vec![LOG_FIELD], Some(line.as_bytes()));
        }
        self.carry(carriage)
    }

    /// Every change of a request header clears the route cache in Envoy (Wasm alone), so that it need not be asked for.
    fn carry(&self, carriage: Carriage<'_>) -> Action {
        let remove = |names: Vec<&[u8]>| {
            for name in names.into_iter().filter_map(|name| core::str::from_utf8(name).ok()) {
                self.set_http_request_header_bytes(name, None);
            }
        };
        match carriage {
            Carriage::Leave { remove: strays } => remove(strays),
            Carriage::Forward { remove: strays, set, add: (name, value) } => {
                remove(strays);
                for (name, value) in set {
                    self.set_http_request_header_bytes(name, Some(&value));
                }
                self.add_http_request_header(name, value);
            }
            Carriage::Refuse(Refusal { status, headers }) => {
                let headers = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
                let _ = hostcalls::send_http_response(u32::from(status), headers, None);
                return Action::Pause;
            }
        }
        Action::Continue
    }
}

impl Context for Route {}

impl HttpContext for Route {
    fn on_http_request_headers(&mut self, _count: usize, _end: bool) -> Action {
        match &self.settings {
            Some(settings) => self.route(settings),
            // There is no listener without a configuration; were there one, nothing may pass it.
            None => {
                let _ = hostcalls::send_http_response(503, Vec::new(), None);
                Action::Pause
            }
        }
    }
}

/// The client's address: one host call.
fn client() -> Option<IpAddr> {
    let address = hostcalls::get_property(vec!["source", "address"]).ok().flatten()?;
    client_address(&address)
}

/// The seed of a client: the same whichever port it comes from.
fn hashed_address(address: IpAddr) -> u64 {
    match address {
        IpAddr::V4(v4) => hashed(&v4.octets()),
        IpAddr::V6(v6) => hashed(&v6.octets()),
    }
}

/// The URI SAN of the peer's certificate; empty where there is none: one host call.
fn uri_san() -> Vec<u8> {
    let san = hostcalls::get_property(vec!["connection", "uri_san_peer_certificate"]);
    san.ok().flatten().unwrap_or_default()
}
