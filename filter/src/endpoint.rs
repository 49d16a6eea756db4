//! The table endpoint on a worker: takes a body off the wire, has the compiler judge it, and answers.
//!
//! No table is parsed here. A body goes into shared data, a notice wakes the compiler on the main thread, and its reply
//! comes through a queue of this VM's own.

mod desk;

use std::rc::Rc;

use proxy_wasm::hostcalls;
use proxy_wasm::types::{Action, BufferType, MapType};
use zoneway_core::endpoint::{Answer, Call, Notice, NoticeKind, Record, Status, Workers};
use zoneway_core::settings::Settings;

use crate::{host, keys};
pub(crate) use desk::{replies, start, tick};

/// After so many ticks without a part of a body nobody waits for the rest.
const PATIENCE_TICKS: u32 = 600;

/// One request to the endpoint, until its last part has come.
pub(crate) struct Endpoint {
    context: u32,
    settings: Rc<Settings>,
    /// What has come of a table, behind room for what it is kept with.
    body: Option<Vec<u8>>,
    /// Ticks since a part came.
    idle: u32,
}

impl Endpoint {
    pub(crate) fn new(context: u32, settings: Rc<Settings>) -> Self {
        Self { context, settings, body: None, idle: 0 }
    }

    /// Asks the compiler. The request waits for its reply, or for its deadline.
    fn ask(&self, kind: NoticeKind, kept: Vec<u8>) {
        if !desk::ask(self.context, kind, kept) {
            host::answer(&Answer::no_compiler());
        }
    }

    fn finish(&mut self) {
        if let Some(body) = self.body.take() {
            self.ask(NoticeKind::Put, body);
        }
    }

    /// Its headers have come. Every call is answered here: nothing goes on to a route.
    pub(crate) fn headers(&mut self, end: bool) -> Action {
        let header = |name| {
            hostcalls::get_map_value_bytes(MapType::HttpRequestHeaders, name)
                .ok()
                .flatten()
                .unwrap_or_default()
        };
        match Call::of(&header(":method"), &header(":path")) {
            Call::Put => {
                // Room for all of it at once: a VM never gives memory back.
                let said =
                    core::str::from_utf8(&header("content-length")).ok().and_then(|said| said.parse().ok());
                let room =
                    said.filter(|said: &usize| *said <= self.settings.limits().bytes).unwrap_or_default();
                let mut body = Vec::with_capacity(Notice::BODY_FROM.saturating_add(room));
                body.resize(Notice::BODY_FROM, 0);
                self.body = Some(body);
                if end {
                    self.finish();
                }
            }
            Call::Table => self.ask(NoticeKind::Get, Vec::new()),
            Call::Status => host::answer(&status()),
            Call::Unknown(answer) => host::answer(&answer),
        }
        Action::Pause
    }

    /// A part of its body has come.
    pub(crate) fn body(&mut self, size: usize, end: bool) -> Action {
        self.idle = 0;
        let limit = self.settings.limits().bytes;
        if let Some(body) = &mut self.body {
            let total = body.len().saturating_sub(Notice::BODY_FROM).saturating_add(size);
            if total > limit {
                self.body = None;
                host::answer(&Answer::too_large(total, limit));
                return Action::Pause;
            }
            if let Some(chunk) = hostcalls::get_buffer(BODY, 0, size).ok().flatten() {
                body.extend_from_slice(&chunk);
            }
            // Read and dropped: Envoy holds no more than one chunk of it.
            let _ = hostcalls::set_buffer(BODY, 0, size, &[]);
        }
        if end {
            self.finish();
        }
        Action::Pause
    }

    /// Whether more of it may come: asked once a tick.
    pub(crate) fn is_coming(&mut self) -> bool {
        self.idle = self.idle.saturating_add(1);
        self.idle < PATIENCE_TICKS
    }
}

const BODY: BufferType = BufferType::HttpRequestBody;

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
