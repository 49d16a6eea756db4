//! What the VMs of one process share: data with compare-and-swap, queues, metrics, the clock.

use std::collections::{BTreeMap, VecDeque};

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// 0 (trace) to 5 (critical).
    pub level: u32,
    /// The text.
    pub text: String,
}

/// The store of one process.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    pub(crate) data: BTreeMap<Vec<u8>, (Vec<u8>, u32)>,
    pub(crate) queues: Vec<Queue>,
    /// Queues that have been written to, and whose VM is still to be called.
    pub(crate) wakes: VecDeque<u32>,
    pub(crate) metrics: Vec<(String, u64)>,
    pub(crate) log: Vec<LogLine>,
    pub(crate) now_ms: u64,
    pub(crate) last_cas: u32,
}

/// A queue and the plugin that the host wakes for it: the last to register.
#[derive(Debug)]
pub(crate) struct Queue {
    pub(crate) name: String,
    pub(crate) vm: usize,
    pub(crate) context: u32,
    pub(crate) messages: VecDeque<Vec<u8>>,
}

impl Shared {
    /// Writes a value; `false` when somebody wrote since `cas`. A `cas` of 0 always writes.
    pub(crate) fn set(&mut self, key: &[u8], value: &[u8], cas: u32) -> bool {
        if let Some((_, current)) = self.data.get(key)
            && cas != 0
            && cas != *current
        {
            return false;
        }
        self.last_cas += 1;
        self.data.insert(key.to_vec(), (value.to_vec(), self.last_cas));
        true
    }

    /// The number of a queue, registered for this plugin from now on.
    pub(crate) fn register(&mut self, name: &str, vm: usize, context: u32) -> u32 {
        let at = match self.queues.iter().position(|queue| queue.name == name) {
            Some(at) => at,
            None => {
                self.queues.push(Queue { name: name.to_owned(), vm, context, messages: VecDeque::new() });
                self.queues.len() - 1
            }
        };
        if let Some(queue) = self.queues.get_mut(at) {
            (queue.vm, queue.context) = (vm, context);
        }
        number(at)
    }

    /// The number of a queue that is registered.
    pub(crate) fn resolve(&self, name: &str) -> Option<u32> {
        self.queues.iter().position(|queue| queue.name == name).map(number)
    }

    pub(crate) fn queue(&mut self, number: u32) -> Option<&mut Queue> {
        self.queues.get_mut(usize::try_from(number).ok()?.checked_sub(1)?)
    }

    /// The number of a metric, defined once by its name.
    pub(crate) fn define(&mut self, name: &str) -> u32 {
        let at = self.metrics.iter().position(|(known, _)| known == name).unwrap_or_else(|| {
            self.metrics.push((name.to_owned(), 0));
            self.metrics.len() - 1
        });
        number(at)
    }

    pub(crate) fn metric(&mut self, number: u32) -> Option<&mut u64> {
        self.metrics.get_mut(usize::try_from(number).ok()?.checked_sub(1)?).map(|(_, value)| value)
    }
}

/// Numbers start at 1, as 0 reads as "none" in a test's output.
fn number(at: usize) -> u32 {
    u32::try_from(at + 1).unwrap_or(u32::MAX)
}
