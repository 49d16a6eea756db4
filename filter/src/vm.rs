//! What all plugins of one VM share: the adopted table, counters, randomness. A VM has one thread and no other reader.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use log::{error, info};
use proxy_wasm::hostcalls;
use proxy_wasm::types::MetricType;
use zoneway_core::decision::Decision;
use zoneway_core::endpoint::{Record, STALE_MS, Worker, Workers};
use zoneway_core::layout::Layout;
use zoneway_core::traffic::{Counters, Random, stat_name};

use crate::{host, keys};

/// How often a VM writes itself down though nothing changed, in milliseconds: well within [`STALE_MS`].
const BEAT_MS: u64 = 1_000;
/// How often a compare-and-swap is tried again at once; the next tick tries anew.
const TRIES: usize = 4;

thread_local! {
    static VM: Vm = Vm::new();
}

/// One VM's state.
pub(crate) struct Vm {
    /// Its name among the workers.
    pub(crate) id: u64,
    layout: RefCell<Option<Rc<Layout>>>,
    /// The number of the record that was looked at last: the host raises it with every write.
    looked_at: Cell<Option<u32>>,
    random: RefCell<Random>,
    counters: RefCell<Counters>,
    metrics: RefCell<BTreeMap<String, u32>>,
    beaten_ms: Cell<u64>,
    adopted_since_beat: Cell<bool>,
}

/// Runs `with` on this VM's state.
pub(crate) fn vm<T>(with: impl FnOnce(&Vm) -> T) -> T {
    VM.with(with)
}

impl Vm {
    fn new() -> Self {
        Self {
            id: host::random(),
            layout: RefCell::new(None),
            looked_at: Cell::new(None),
            random: RefCell::new(Random::new(host::random())),
            counters: RefCell::new(Counters::default()),
            metrics: RefCell::new(BTreeMap::new()),
            beaten_ms: Cell::new(0),
            adopted_since_beat: Cell::new(true),
        }
    }

    /// The table that decides, whole for as long as the caller holds it.
    pub(crate) fn layout(&self) -> Option<Rc<Layout>> {
        self.layout.borrow().clone()
    }

    /// A number for one request.
    pub(crate) fn draw(&self) -> u64 {
        self.random.borrow_mut().draw()
    }

    /// Counts a decision; the next flush hands it to Envoy.
    pub(crate) fn count(&self, decision: &Decision<'_>) {
        self.counters.borrow_mut().count(decision);
    }

    /// Looks whether another table is served now, and adopts it. One that cannot be read is said once, and the one
    /// that is there serves on.
    pub(crate) fn look(&self) {
        let (record, cas) = host::kept(keys::RECORD);
        if cas == self.looked_at.get() {
            return;
        }
        self.looked_at.set(cas);
        let kept = self.layout();
        let serving = kept.as_ref().map_or("no table".to_owned(), |layout| layout.revision().to_string());
        let record = match Record::parse(&record.unwrap_or_default()) {
            Ok(record) => record,
            Err(unread) => return error!("{unread}; this VM keeps serving {serving}"),
        };
        if kept.is_some_and(|kept| kept.revision() == record.revision && kept.digest() == record.digest) {
            return;
        }
        let (bytes, _) = host::kept(keys::LAYOUT);
        match Layout::adopt(bytes.unwrap_or_default()) {
            Ok(layout) => {
                info!("serving table {} of {} hosts, before: {serving}", layout.revision(), layout.hosts());
                *self.layout.borrow_mut() = Some(Rc::new(layout));
                self.adopted_since_beat.set(true);
            }
            Err(unread) => {
                error!("table {} cannot be read: {unread}; this VM keeps serving {serving}", record.revision)
            }
        }
    }

    /// Writes this VM down as serving what it serves: when that changed, and every second.
    pub(crate) fn beat(&self, now_ms: u64) {
        let revision = self.layout().map(|layout| layout.revision());
        // A clock that was set back is no reason to fall silent.
        let due = now_ms.abs_diff(self.beaten_ms.get()) >= BEAT_MS;
        if !due && !self.adopted_since_beat.get() {
            return;
        }
        for _ in 0..TRIES {
            let (list, cas) = host::kept(keys::WORKERS);
            let mut workers = Workers::parse(&list.unwrap_or_default());
            workers.seen(Worker { id: self.id, revision, seen_ms: now_ms }, STALE_MS);
            if host::keep(keys::WORKERS, &workers.to_bytes(), cas) {
                self.beaten_ms.set(now_ms);
                self.adopted_since_beat.set(false);
                return;
            }
        }
    }

    /// Hands what was counted since the last flush to Envoy.
    pub(crate) fn flush(&self) {
        let mut metrics = self.metrics.borrow_mut();
        self.counters.borrow_mut().drain(|action, reason, zone, count| {
            let name = stat_name(action, reason, zone);
            let id = match metrics.get(&name) {
                Some(id) => *id,
                None => {
                    let Ok(id) = hostcalls::define_metric(MetricType::Counter, &name) else { return };
                    metrics.insert(name, id);
                    id
                }
            };
            let _ = hostcalls::increment_metric(id, i64::try_from(count).unwrap_or(i64::MAX));
        });
    }
}
