//! Where Envoy enters the VM.
//!
//! The SDK's own entries keep every request in a map, from its beginning to its end: two entries more than a decision needs, and
//! the second of them for nothing but to forget it. These keep a plugin's, and of requests only those whose body is still
//! coming. `zoneway-prune` gives them the names that Envoy calls, in place of the SDK's.

#![allow(
    unsafe_code,
    reason = "an export must be named, and a name could be another's; nothing here reads memory"
)]

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use proxy_wasm::types::Action;

use crate::endpoint::Endpoint;
use crate::root::Root;
use crate::route::{refuse, route};

/// A plugin is taken for gone after so many ticks of others without one of its own: some ten minutes. Envoy would say that it is
/// gone by the call that says the same of each request.
const SILENCE: u32 = 20_000;

thread_local! {
    static ENTRY: Entry = const { Entry { roots: RefCell::new(Vec::new()), newest: Cell::new((0, 0)), uploads: RefCell::new(BTreeMap::new()) } };
}

struct Entry {
    roots: RefCell<Vec<Known>>,
    /// The context that was created last, and its plugin's. Envoy hands a request's headers over right after its context.
    newest: Cell<(u32, u32)>,
    /// The requests whose body is still coming.
    uploads: RefCell<BTreeMap<u32, Endpoint>>,
}

struct Known {
    context: u32,
    root: Rc<Root>,
    /// Ticks of others since its own.
    silent: u32,
}

impl Entry {
    fn root(&self, context: u32) -> Option<Rc<Root>> {
        let roots = self.roots.borrow();
        roots.iter().find(|known| known.context == context).map(|known| Rc::clone(&known.root))
    }

    fn tick(&self, context: u32) {
        let mut roots = self.roots.borrow_mut();
        for known in roots.iter_mut() {
            known.silent = if known.context == context { 0 } else { known.silent.saturating_add(1) };
        }
        roots.retain(|known| known.silent < SILENCE);
    }

    fn headers(&self, context: u32, end: bool) -> Action {
        let (newest, plugin) = self.newest.get();
        let root = if newest == context { self.root(plugin) } else { None };
        match root.as_deref() {
            Some(Root::Endpoint(settings)) => {
                let mut endpoint = Endpoint::new(context, Rc::clone(settings));
                let action = endpoint.headers(end);
                if !end {
                    self.uploads.borrow_mut().insert(context, endpoint);
                }
                action
            }
            Some(Root::Route(settings)) => route(settings),
            // There is no request without a configuration; were there one, nothing may pass it.
            Some(Root::Compiler(_)) | None => refuse(),
        }
    }

    fn body(&self, context: u32, size: usize, end: bool) -> Action {
        let upload = self.uploads.borrow_mut().remove(&context);
        // What is routed goes on as it comes.
        let Some(mut upload) = upload else { return Action::Continue };
        let action = upload.body(size, end);
        if !end {
            self.uploads.borrow_mut().insert(context, upload);
        }
        action
    }
}

/// Forgets the uploads that have stopped coming: called on a tick of the table endpoint.
pub(crate) fn sweep() {
    ENTRY.with(|entry| entry.uploads.borrow_mut().retain(|_, upload| upload.is_coming()));
}

#[unsafe(no_mangle)]
extern "C" fn zoneway_on_context_create(context: u32, plugin: u32) {
    ENTRY.with(|entry| entry.newest.set((context, plugin)));
}

#[unsafe(no_mangle)]
extern "C" fn zoneway_on_vm_start(_plugin: u32, _size: usize) -> u32 {
    1
}

/// 0 has the configuration refused.
#[unsafe(no_mangle)]
extern "C" fn zoneway_on_configure(context: u32, _size: usize) -> u32 {
    let Some(root) = Root::configure() else { return 0 };
    ENTRY.with(|entry| {
        let mut roots = entry.roots.borrow_mut();
        roots.retain(|known| known.context != context);
        roots.push(Known { context, root: Rc::new(root), silent: 0 });
    });
    1
}

#[unsafe(no_mangle)]
extern "C" fn zoneway_on_tick(context: u32) {
    ENTRY.with(|entry| {
        entry.tick(context);
        if let Some(root) = entry.root(context) {
            root.tick(context);
        }
    });
}

#[unsafe(no_mangle)]
extern "C" fn zoneway_on_queue_ready(context: u32, queue: u32) {
    if let Some(root) = ENTRY.with(|entry| entry.root(context)) {
        root.queue_ready(context, queue);
    }
}

#[unsafe(no_mangle)]
extern "C" fn zoneway_on_request_headers(context: u32, _count: usize, end: u32) -> u32 {
    ENTRY.with(|entry| entry.headers(context, end != 0)) as u32
}

#[unsafe(no_mangle)]
extern "C" fn zoneway_on_request_body(context: u32, size: usize, end: u32) -> u32 {
    ENTRY.with(|entry| entry.body(context, size, end != 0)) as u32
}
