//! The singleton on Envoy's main thread: judges pushed tables, compiles them, and keeps shared data alive.
//!
//! It acts on no request, so Envoy never starts it again after a trap: nothing here may panic on any body.

use std::rc::Rc;

use log::{error, info, warn};
use proxy_wasm::hostcalls;
use zoneway_core::endpoint::{Accepted, Answer, Notice, NoticeKind, Record, Reply, accept};
use zoneway_core::layout::Layout;
use zoneway_core::settings::Settings;

use crate::{host, keys};

/// The singleton.
pub(crate) struct Compiler {
    settings: Rc<Settings>,
    queue: Option<u32>,
}

impl Compiler {
    /// Registers the queue that wakes it.
    pub(crate) fn start(settings: Rc<Settings>) -> Self {
        let queue = hostcalls::register_shared_queue(keys::COMPILE_QUEUE).ok();
        if queue.is_none() {
            error!("queue {} cannot be registered: no table will be taken", keys::COMPILE_QUEUE);
        }
        let compiler = Self { settings, queue };
        compiler.beat();
        compiler
    }

    /// Says that it is there, and works off what did not wake it.
    pub(crate) fn tick(&self) {
        self.beat();
        self.work();
    }

    /// Works off every notice.
    pub(crate) fn work(&self) {
        let Some(queue) = self.queue else { return };
        while let Some(message) = host::dequeue(queue) {
            let Some(notice) = Notice::parse(&message) else {
                warn!(
                    "a notice of {} bytes is none: is another release's filter running too?",
                    message.len()
                );
                continue;
            };
            let answer = match notice.kind {
                NoticeKind::Put => self.put(&notice),
                NoticeKind::Get => Some(get()),
            };
            if let Some(answer) = answer {
                // A worker that is gone by now has nobody to answer.
                host::enqueue(notice.queue, &Reply { ticket: notice.ticket, answer }.to_bytes());
            }
        }
    }

    fn beat(&self) {
        host::keep(keys::COMPILER, &host::now_ms().to_le_bytes(), None);
    }

    /// Judges a body; `None` where it is gone, and with it whoever sent it.
    fn put(&self, notice: &Notice) -> Option<Answer> {
        let (kept, _) = host::kept(&notice.body_key);
        let kept = kept.unwrap_or_default();
        let body = notice.body(&kept)?;
        let (record, _) = host::kept(keys::RECORD);
        let current = record.and_then(|record| Record::parse(&record).ok());
        let current = current.map(|record| (record.revision, record.digest));
        let Accepted { answer, layout } =
            accept(current, self.settings.zone(), &self.settings.limits(), body);
        match layout {
            Some(layout) => serve(&layout),
            None if answer.status == 200 => {}
            None => warn!(
                "a table of {} bytes is refused with {}: {}",
                body.len(),
                answer.status,
                String::from_utf8_lossy(answer.body.get(..500).unwrap_or(&answer.body))
            ),
        }
        Some(answer)
    }
}

/// Writes the table down, then its record: whoever sees the record finds the table.
fn serve(layout: &Layout) {
    host::keep(keys::LAYOUT, layout.bytes(), None);
    host::keep(keys::RECORD, &Record::of(layout, host::now_ms()).to_bytes(), None);
    info!("table {} of {} hosts is served now", layout.revision(), layout.hosts());
}

/// The table that is served.
fn get() -> Answer {
    match host::kept(keys::LAYOUT) {
        (Some(bytes), _) => Answer::table(Layout::adopt(bytes).map(|layout| layout.to_table())),
        (None, _) => Answer::no_table(),
    }
}
