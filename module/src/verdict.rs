//! What Envoy is told at the end of each call, whatever happened in it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

use zoneway_core::endpoint::Answer;
use zoneway_core::traffic::Refusal;

/// What becomes of the request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It goes on to the next filter.
    Continue,
    /// It waits: for the rest of its body, or for a bell.
    Wait,
    /// It is answered.
    Answer(Reply),
}

/// An answer that goes to the client.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

impl From<Refusal> for Verdict {
    fn from(refusal: Refusal) -> Self {
        Self::Answer(Reply { status: refusal.status, headers: refusal.headers, body: Vec::new() })
    }
}

impl From<Answer> for Verdict {
    fn from(answer: Answer) -> Self {
        let headers = vec![("content-type", "application/json".to_owned())];
        Self::Answer(Reply { status: answer.status, headers, body: answer.body })
    }
}

/// Panics since the last look at them, of every entry from Envoy.
pub(crate) static PANICS: AtomicU64 = AtomicU64::new(0);

/// Runs what handles a request. A panic is a 500 for that request, and counted; RFC 9209, section 2.3.29, has its name.
pub(crate) fn guarded(act: impl FnOnce() -> Verdict) -> Verdict {
    contained(act).unwrap_or_else(|| {
        let error = "zoneway; error=proxy_internal_error".to_owned();
        Verdict::Answer(Reply { status: 500, headers: vec![("proxy-status", error)], body: Vec::new() })
    })
}

/// Runs anything else that Envoy or a thread calls; `None` after a panic, which is counted.
pub(crate) fn contained<T>(act: impl FnOnce() -> T) -> Option<T> {
    // What a panic leaves half done is this request's own: tables and counts are changed in one step each.
    let ended = catch_unwind(AssertUnwindSafe(act));
    if ended.is_err() {
        PANICS.fetch_add(1, Ordering::Relaxed);
    }
    ended.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_500_for_that_request_and_counted() {
        let before = PANICS.load(Ordering::Relaxed);
        let Verdict::Answer(reply) = guarded(|| panic!("a mistake of this program")) else {
            panic!("it is answered")
        };
        assert_eq!((reply.status, reply.body.len()), (500, 0));
        assert_eq!(reply.headers, [("proxy-status", "zoneway; error=proxy_internal_error".to_owned())]);
        assert!(PANICS.load(Ordering::Relaxed) > before);
        assert_eq!(guarded(|| Verdict::Continue), Verdict::Continue);
    }
}
