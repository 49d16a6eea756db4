//! The table endpoint on a worker: takes a body off the wire, has it judged elsewhere, and answers.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, OnceLock};

use zoneway_core::endpoint::{Answer, Call, STALE_MS, Status, Worker, Workers};
use zoneway_core::settings::Settings;

use crate::body::Body;
use crate::envoy::Stream;
use crate::serving;
use crate::verdict::Verdict;
use crate::workshop::{self, Task, Ticket};

/// How many workers Envoy has; 0 while it has not said.
pub(crate) static WORKERS: OnceLock<u32> = OnceLock::new();

/// One request to the endpoint.
pub(crate) struct Endpoint {
    settings: Arc<Settings>,
    body: Option<Body>,
    ticket: Option<Arc<Ticket>>,
}

impl Endpoint {
    pub(crate) fn new(settings: Arc<Settings>) -> Self {
        Self { settings, body: None, ticket: None }
    }

    /// Its headers have come.
    pub(crate) fn headers(&mut self, stream: &mut impl Stream, end: bool) -> Verdict {
        let call = {
            let headers = stream.headers();
            let value = |wanted: &[u8]| {
                headers.iter().find(|(name, _)| *name == wanted).map_or(&[][..], |(_, value)| value)
            };
            Call::of(value(b":method"), value(b":path"))
        };
        match call {
            Call::Put => {
                self.body = Some(Body::default());
                if end { self.finish(stream) } else { Verdict::Wait }
            }
            Call::Table => self.order(Task::Get, stream),
            Call::Status => status().into(),
            Call::Unknown(answer) => answer.into(),
        }
    }

    /// A part of its body has come.
    pub(crate) fn body(&mut self, stream: &mut impl Stream, end: bool) -> Verdict {
        let limit = self.settings.limits().bytes;
        let Some(body) = &mut self.body else { return Verdict::Wait };
        let mut total = body.len();
        stream.take_body(&mut |chunk| {
            total = total.saturating_add(chunk.len());
            if total <= limit {
                body.add(chunk);
            }
        });
        if total > limit {
            self.body = None;
            return Answer::too_large(total, limit).into();
        }
        if end { self.finish(stream) } else { Verdict::Wait }
    }

    /// Nothing more comes.
    pub(crate) fn finish(&mut self, stream: &mut impl Stream) -> Verdict {
        match self.body.take() {
            Some(body) => {
                self.order(Task::Put { body: Arc::new(body), settings: Arc::clone(&self.settings) }, stream)
            }
            None => Verdict::Wait,
        }
    }

    /// Its bell has rung.
    pub(crate) fn rung(&mut self) -> Verdict {
        match self.ticket.as_ref().and_then(|ticket| ticket.take()) {
            Some(answer) => answer.into(),
            None => Verdict::Wait,
        }
    }

    fn order(&mut self, task: Task, stream: &impl Stream) -> Verdict {
        self.ticket = stream.bell().and_then(|bell| workshop::order(task, bell));
        if self.ticket.is_some() { Verdict::Wait } else { nobody_works().into() }
    }
}

impl Drop for Endpoint {
    // A request that is gone is not answered, and its bell must not outlive it.
    fn drop(&mut self) {
        if let Some(ticket) = &self.ticket {
            ticket.forget();
        }
    }
}

/// What the endpoint says of itself. All workers read one table through one pointer: what is served is served by each
/// of them, from the moment it is.
fn status() -> Answer {
    static FIRST_ID: OnceLock<u64> = OnceLock::new();
    let first = *FIRST_ID.get_or_init(|| RandomState::new().hash_one(0_u8) & !0xffff_ffff);
    let now_ms = workshop::now_ms();
    let serving = serving::current();
    let record = serving.as_ref().map(|serving| serving.record);
    let mut workers = Workers::default();
    for worker in 0..WORKERS.get().copied().unwrap_or_default() {
        let revision = record.map(|record| record.revision);
        let worker = Worker { id: first | u64::from(worker), revision, seen_ms: now_ms };
        workers.seen(worker, STALE_MS);
    }
    // The thread that compiles cannot end before the process does.
    Status { table: record.map(Ok), workers: &workers, compiler_ms: Some(now_ms), now_ms }.answer()
}

fn nobody_works() -> Answer {
    let message = "the thread that judges tables could not be started: restart Envoy; the table that is served is not touched";
    Answer::refusal(503, vec![(String::new(), message.to_owned())])
}

#[cfg(test)]
mod tests;
