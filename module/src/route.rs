//! Ingress and peer: one request in, one decision carried out.

use std::cell::RefCell;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;

use zoneway_core::decision::Decision;
use zoneway_core::layout::Layout;
use zoneway_core::settings::{Settings, client_address};
use zoneway_core::traffic::{Carriage, Passage, Proxy, Random, pass};

use crate::envoy::Stream;
use crate::tally;
use crate::verdict::Verdict;

/// Decides a request by this table.
pub(crate) fn route(settings: &Settings, table: Option<&Layout>, stream: &mut impl Stream) -> Verdict {
    let (log, onward, strays) = {
        let headers = stream.headers();
        let Passage { carriage, log } = pass(settings, table, || headers.iter().copied(), &Asked(stream));
        // A header's name is Envoy's own bytes, which the first change takes away.
        let owned = |names: Vec<&[u8]>| names.into_iter().map(<[u8]>::to_vec).collect::<Vec<_>>();
        match carriage {
            Carriage::Leave { remove } => (log, Onward::Here, owned(remove)),
            Carriage::Forward { remove, set, add } => (log, Onward::Away { set, add }, owned(remove)),
            Carriage::Refuse(refusal) => (log, Onward::Back(refusal.into()), Vec::new()),
        }
    };
    if let Some(line) = log {
        stream.set_log_field(&line);
    }
    for name in &strays {
        stream.remove_header(name);
    }
    match onward {
        Onward::Here => {
            if !strays.is_empty() {
                stream.clear_route_cache();
            }
            Verdict::Continue
        }
        Onward::Away { set, add: (name, value) } => {
            for (name, value) in set {
                stream.set_header(name, &value);
            }
            stream.add_header(name, value.as_bytes());
            stream.clear_route_cache();
            Verdict::Continue
        }
        Onward::Back(answer) => answer,
    }
}

/// What is left to do when a request's headers may be changed.
enum Onward {
    Here,
    Away { set: Vec<(&'static str, Vec<u8>)>, add: (&'static str, &'static str) },
    Back(Verdict),
}

/// What Envoy knows of the request.
struct Asked<'s, S>(&'s S);

impl<S: Stream> Proxy for Asked<'_, S> {
    fn client(&self) -> Option<IpAddr> {
        client_address(self.0.source_address()?)
    }

    fn uri_san(&self) -> Vec<u8> {
        self.0.uri_san().unwrap_or_default().to_vec()
    }

    fn draw(&self) -> u64 {
        let drawn = RANDOM.try_with(|random| random.borrow_mut().draw());
        drawn.unwrap_or_default()
    }

    fn count(&self, decision: &Decision<'_>) {
        tally::count(decision);
    }
}

thread_local! {
    /// A stream of seeds for each worker, that none waits for another.
    static RANDOM: RefCell<Random> = RefCell::new(Random::new(RandomState::new().hash_one(0_u8)));
}

#[cfg(test)]
mod tests;
