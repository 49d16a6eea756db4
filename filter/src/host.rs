//! The host calls of the filter, as this program wants them: bytes in and out, failures logged, none fatal.
//!
//! The SDK panics on a status that no host call of ours can return in Envoy 1.40; what can fail is an `Err` there.

use std::hash::{BuildHasher, RandomState};
use std::time::UNIX_EPOCH;

use log::error;
use proxy_wasm::hostcalls;
use zoneway_core::endpoint::Answer;

/// Now, in milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    let now = hostcalls::get_current_time().ok();
    let since = now.and_then(|now| now.duration_since(UNIX_EPOCH).ok());
    since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// A number from the host's randomness, drawn once a VM: it names the VM and starts its stream of seeds.
pub(crate) fn random() -> u64 {
    RandomState::new().hash_one(0_u8)
}

/// What is kept under a key, and its number for [`keep`]'s compare-and-swap; nothing where nothing is.
pub(crate) fn kept(key: &str) -> (Option<Vec<u8>>, Option<u32>) {
    hostcalls::get_shared_data(key).unwrap_or_default()
}

/// Keeps a value under a key. With `cas` only where nobody wrote since; `false` when somebody did.
pub(crate) fn keep(key: &str, value: &[u8], cas: Option<u32>) -> bool {
    hostcalls::set_shared_data(key, Some(value), cas).is_ok()
}

/// Puts a message into a queue; `false` when the queue is gone.
pub(crate) fn enqueue(queue: u32, message: &[u8]) -> bool {
    hostcalls::enqueue_shared_queue(queue, Some(message)).is_ok()
}

/// The next message of a queue.
pub(crate) fn dequeue(queue: u32) -> Option<Vec<u8>> {
    hostcalls::dequeue_shared_queue(queue).ok().flatten()
}

/// Answers the request of the current context with JSON.
pub(crate) fn answer(answer: &Answer) {
    let headers = vec![("content-type", "application/json")];
    let sent = hostcalls::send_http_response(u32::from(answer.status), headers, Some(&answer.body));
    if let Err(status) = sent {
        error!("an answer could not be sent: {status:?}");
    }
}

/// Runs `act` as if called for another context, then comes back to `own`.
pub(crate) fn on_behalf_of(context: u32, own: u32, act: impl FnOnce()) {
    if hostcalls::set_effective_context(context).is_ok() {
        act();
        // Its own context is there for as long as it is called.
        let _ = hostcalls::set_effective_context(own);
    }
}
