//! The names under which the VMs of one Envoy share data. Nothing else may write there.

/// The `vm_id` of every VM: shared data and queues are found by it.
pub(crate) const VM_ID: &str = "zoneway";
/// The compiled table, in the layout of `zoneway_core::layout`; written before its record.
pub(crate) const LAYOUT: &str = "zoneway.layout";
/// The record of the table that is served (`zoneway_core::endpoint::Record`).
pub(crate) const RECORD: &str = "zoneway.record";
/// Who adopts tables (`zoneway_core::endpoint::Workers`, version 1).
pub(crate) const WORKERS: &str = "zoneway.workers.1";
/// When the compiler was last seen: milliseconds since 1970, little-endian.
pub(crate) const COMPILER: &str = "zoneway.compiler";
/// The queue that wakes the compiler.
pub(crate) const COMPILE_QUEUE: &str = "zoneway.compile";
/// What the name of the queue begins with that wakes one VM of the table endpoint; its id follows.
pub(crate) const REPLY_QUEUE_PREFIX: &str = "zoneway.replies.";
/// What the key of a pushed body begins with; the VM's id and a slot follow.
pub(crate) const BODY_PREFIX: &str = "zoneway.body.";
