//! The table that the whole process serves, behind one atomic pointer.

use std::sync::Arc;

use arc_swap::{ArcSwapOption, Guard};
use zoneway_core::endpoint::Record;
use zoneway_core::layout::Layout;

/// A table and what is said of it, never one without the other.
#[derive(Debug)]
pub(crate) struct Serving {
    pub(crate) layout: Layout,
    pub(crate) record: Record,
}

static TABLE: ArcSwapOption<Serving> = ArcSwapOption::const_empty();

/// The table that decides, whole for as long as the caller holds it. It never waits.
pub(crate) fn current() -> Guard<Option<Arc<Serving>>> {
    TABLE.load()
}

/// Serves another table from now on: the next request of every worker is decided by it.
pub(crate) fn serve(layout: Layout, now_ms: u64) {
    let record = Record::of(&layout, now_ms);
    TABLE.store(Some(Arc::new(Serving { layout, record })));
}
