//! The table endpoint on a worker: takes a body off the wire, has the compiler judge it, and answers.
//!
//! No table is parsed here. A body goes into shared data, a notice wakes the compiler on the main thread, and its reply
//! comes through a queue of this VM's own.

mod desk;

use std::rc::Rc;

use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;
use zoneway_core::endpoint::{Answer, Call, Notice, NoticeKind, Record, Status, Workers};
use zoneway_core::settings::Settings;

use crate::{host, keys};
pub(crate) use desk::{replies, start, tick};

/// One request to the endpoint.
pub(crate) struct Endpoint {
    context: u32,
    settings: Rc<Settings>,
    body: Option<Vec<u8>>,
}

impl Endpoint {
    pub(crate) fn new(context: u32, settings: Rc<Settings>) -> Self {
        Self { context, settings, body: None }
    }

    /// Asks the compiler. The request waits for its reply, or for its deadline.
    fn ask(&self, kind: NoticeKind, body: &[u8]) {
        if !desk::ask(self.context, kind, body) {
            host::answer(&Answer::no_compiler());
        }
    }

    fn finish(&mut self) {
        if let Some(body) = self.body.take() {
            self.ask(NoticeKind::Put, &body);
        }
    }
}

impl Context for Endpoint {}

impl HttpContext for Endpoint {
    fn on_http_request_headers(&mut self, _count: usize, end: bool) -> Action {
        let method = self.get_http_request_header_bytes(":method").unwrap_or_default();
        let path = self.get_http_request_header_bytes(":path").unwrap_or_default();
        match Call::of(&method, &path) {
            Call::Put => {
                self.body = Some(Vec::new());
                if end {
                    self.finish();
                }
            }
            Call::Table => self.ask(NoticeKind::Get, &[]),
            Call::Status => host::answer(&status()),
            Call::Unknown(answer) => host::answer(&answer),
        }
        // Every call is answered here: nothing goes on to a route.
        Action::Pause
    }

    fn on_http_request_body(&mut self, size: usize, end: bool) -> Action {
        let limit = self.settings.limits().bytes;
        if let Some(body) = &mut self.body {
            let total = body.len().saturating_add(size);
            if total > limit {
                self.body = None;
                host::answer(&Answer::too_large(total, limit));
                return Action::Pause;
            }
            if let Some(chunk) = proxy_wasm::hostcalls::get_buffer(BODY, 0, size).ok().flatten() {
                body.extend_from_slice(&chunk);
            }
            // Read and dropped: Envoy holds no more than one chunk of it.
            let _ = proxy_wasm::hostcalls::set_buffer(BODY, 0, size, &[]);
        }
        if end {
            self.finish();
        }
        Action::Pause
    }
}

impl Drop for Endpoint {
    // A request that is gone is not answered: its context is no more.
    fn drop(&mut self) {
        desk::forget(self.context);
    }
}

const BODY: proxy_wasm::types::BufferType = proxy_wasm::types::BufferType::HttpRequestBody;

/// What the endpoint says of itself, from what all VMs wrote down.
fn status() -> Answer {
    let (record, _) = host::kept(keys::RECORD);
    let (workers, _) = host::kept(keys::WORKERS);
    let status = Status {
        table: record.map(|record| Record::parse(&record)),
        workers: &Workers::parse(&workers.unwrap_or_default()),
        compiler_ms: desk::compiler_seen_ms(),
        now_ms: host::now_ms(),
    };
    status.answer()
}

/// A body of this VM as it is kept for the compiler.
fn keep_body(key: &str, ticket: u64, body: &[u8]) {
    host::keep(key, &Notice::body_to_bytes(ticket, body), None);
}
