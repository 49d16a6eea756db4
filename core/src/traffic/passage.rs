//! A request's whole way through a listener: read, decided, and what is to be done with it.
//!
//! Both shells call this and carry out what comes back; neither has a step of its own in between.

use core::net::IpAddr;

use super::misdirected::is_misdirected;
use super::{Arrival, Carriage, carry_out, cookie, hashed, log_line};
use crate::decision::{Decision, Outcome, Peer, Reason, Role, decide};
use crate::layout::Layout;
use crate::settings::{self, Balance, PeerAuthentication, Settings};

/// What only the proxy knows. Each is asked for only where it matters: a call into a proxy has its price.
pub trait Proxy {
    /// The client's address.
    fn client(&self) -> Option<IpAddr>;

    /// The URI SAN of the certificate that the client showed; empty where there is none.
    fn uri_san(&self) -> Vec<u8>;

    /// A random number.
    fn draw(&self) -> u64;

    /// Counts the decision.
    fn count(&self, decision: &Decision<'_>);
}

/// What is to be done with a request.
#[derive(Debug, PartialEq, Eq)]
pub struct Passage<'a> {
    /// What to do, in the order of its fields.
    pub carriage: Carriage<'a>,
    /// The field of the access log; `None` where none is written.
    pub log: Option<String>,
}

/// Decides a request by its headers, which are gone through once, and a second time for a cookie alone.
pub fn pass<'a, I>(
    settings: &Settings,
    table: Option<&Layout>,
    headers: impl Fn() -> I,
    proxy: &impl Proxy,
) -> Passage<'a>
where
    I: Iterator<Item = (&'a [u8], &'a [u8])>,
{
    let role = match settings.role() {
        settings::Role::Peer => Role::Peer,
        settings::Role::Ingress | settings::Role::Table | settings::Role::Compiler => Role::Ingress,
    };
    let mut arrival = Arrival::read(role, headers());
    let sni = arrival.sni(settings.tells_sni());
    let sources = settings.sources();
    let client = (role == Role::Ingress && sources.ask_address()).then(|| proxy.client()).flatten();
    let source = sources.source(client);
    let uri_san = match settings.peers() {
        PeerAuthentication::Spiffe(_) if role == Role::Peer => proxy.uri_san(),
        PeerAuthentication::Spiffe(_) | PeerAuthentication::None(_) => Vec::new(),
    };
    let peer = if role == Role::Peer { settings.peer(&uri_san) } else { Peer::Unchecked };
    let request = arrival.request(source.zone, peer);
    let mut seed = || match settings.balance() {
        Balance::None => None,
        Balance::Random => Some(proxy.draw()),
        Balance::Client => {
            Some(client.or_else(|| proxy.client()).map_or_else(|| proxy.draw(), hashed_address))
        }
        Balance::Cookie(name) => Some(cookie(headers(), name).map_or_else(|| proxy.draw(), hashed)),
    };
    let here = settings.here();
    let mut decision = decide(table, &here, &source.policy(settings.policy()), &request, &mut seed);
    if let (Some(table), Some(sni)) = (table, sni)
        && is_misdirected(table, sni, &request, &decision.outcome)
    {
        decision.outcome = Outcome::Refuse(Reason::Misdirected);
    }
    proxy.count(&decision);
    let carriage = carry_out(&decision, table, &here, &arrival, request.source_zone);
    Passage { carriage, log: log_line(&decision, arrival.trail()) }
}

/// The seed of a client: the same whichever port it comes from.
fn hashed_address(address: IpAddr) -> u64 {
    match address {
        IpAddr::V4(v4) => hashed(&v4.octets()),
        IpAddr::V6(v6) => hashed(&v6.octets()),
    }
}
