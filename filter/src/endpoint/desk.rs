//! What this VM has asked the compiler and waits for.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use log::{error, warn};
use proxy_wasm::hostcalls;
use zoneway_core::endpoint::{Answer, Notice, NoticeKind, Reply};

use crate::vm::vm;
use crate::{host, keys};

/// How long a request waits for the compiler, in milliseconds (DESIGN: 503 after 5 s).
const PATIENCE_MS: u64 = 5_000;

thread_local! {
    static DESK: Desk = const { Desk { queue: Cell::new(None), tickets: Cell::new(0), open: RefCell::new(BTreeMap::new()) } };
}

struct Desk {
    /// The queue that the compiler answers into.
    queue: Cell<Option<u32>>,
    tickets: Cell<u64>,
    /// The requests that wait, by ticket.
    open: RefCell<BTreeMap<u64, Waiting>>,
}

#[derive(Clone)]
struct Waiting {
    context: u32,
    slot: u32,
    until_ms: u64,
}

/// Registers the queue of this VM: Envoy wakes the VM that registered a queue, and no other.
pub(crate) fn start() {
    let name = format!("{}{:016x}", keys::REPLY_QUEUE_PREFIX, vm(|vm| vm.id));
    let queue = hostcalls::register_shared_queue(&name).ok();
    if queue.is_none() {
        error!("queue {name} cannot be registered: no table will be taken");
    }
    DESK.with(|desk| desk.queue.set(queue));
}

/// Hands a body to the compiler; `false` when there is none to hand it to.
/// What is kept for it has room for its ticket.
pub(super) fn ask(context: u32, kind: NoticeKind, mut kept: Vec<u8>) -> bool {
    let compiler = hostcalls::resolve_shared_queue(keys::VM_ID, keys::COMPILE_QUEUE).ok().flatten();
    let (Some(compiler), Some(queue)) = (compiler, DESK.with(|desk| desk.queue.get())) else { return false };
    let (ticket, slot) = DESK.with(|desk| {
        let ticket = desk.tickets.get().wrapping_add(1);
        desk.tickets.set(ticket);
        let mut open = desk.open.borrow_mut();
        // Shared data knows no deleting: slots are used again, so that there are no more keys than requests at once.
        let slot = (0..).find(|slot| open.values().all(|waiting| waiting.slot != *slot)).unwrap_or(u32::MAX);
        let until_ms = host::now_ms().saturating_add(PATIENCE_MS);
        open.insert(ticket, Waiting { context, slot, until_ms });
        (ticket, slot)
    });
    let body_key = body_key(slot);
    if kind == NoticeKind::Put {
        Notice::mark(&mut kept, ticket);
        host::keep(&body_key, &kept, None);
    }
    let asked = host::enqueue(compiler, &Notice { kind, ticket, queue, body_key }.to_bytes());
    if !asked {
        close(ticket);
    }
    asked
}

/// Answers the requests whose replies have come.
pub(crate) fn replies(own: u32, queue: u32) {
    while let Some(message) = host::dequeue(queue) {
        let Some(reply) = Reply::parse(&message) else {
            warn!("a reply of {} bytes is none: is another release's filter running too?", message.len());
            continue;
        };
        if let Some(waiting) = close(reply.ticket) {
            host::on_behalf_of(waiting.context, own, || host::answer(&reply.answer));
        }
    }
}

/// Answers the requests that have waited long enough, and any whose reply did not wake this VM.
pub(crate) fn tick(own: u32) {
    let idle = DESK.with(|desk| desk.open.borrow().is_empty());
    if idle {
        return;
    }
    if let Some(queue) = DESK.with(|desk| desk.queue.get()) {
        replies(own, queue);
    }
    let now = host::now_ms();
    let late = |(ticket, waiting): (&u64, &Waiting)| (waiting.until_ms <= now).then_some(*ticket);
    let late: Vec<u64> = DESK.with(|desk| desk.open.borrow().iter().filter_map(late).collect());
    for ticket in late {
        if let Some(waiting) = close(ticket) {
            error!("the compiler has not answered for {PATIENCE_MS} ms: see /v1/status");
            host::on_behalf_of(waiting.context, own, || host::answer(&Answer::no_compiler()));
        }
    }
}

/// When the compiler was last seen.
pub(super) fn compiler_seen_ms() -> Option<u64> {
    let (seen, _) = host::kept(keys::COMPILER);
    seen.and_then(|seen| seen.try_into().ok()).map(u64::from_le_bytes)
}

/// Takes a request off the desk, and its body out of shared data.
fn close(ticket: u64) -> Option<Waiting> {
    let waiting = DESK.with(|desk| desk.open.borrow_mut().remove(&ticket))?;
    host::keep(&body_key(waiting.slot), &[], None);
    Some(waiting)
}

fn body_key(slot: u32) -> String {
    format!("{}{:016x}.{slot}", keys::BODY_PREFIX, vm(|vm| vm.id))
}
