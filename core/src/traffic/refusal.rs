//! The answer to a request that is refused.

use super::header::{NO_TABLE, PROXY_STATUS, PSEUDONYM, RETRY_AFTER};
use crate::decision::{Decision, Here, Reason, Role};

/// A local answer; its body is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// Its headers.
    pub headers: Vec<(&'static str, String)>,
}

impl Refusal {
    /// The refusal for this reason. `tell` is whether the source zone may know node, reason and revision: it is asked
    /// only where they would be told at all, which is not on a 404, since all of those are the same.
    pub(super) fn new(
        reason: Reason,
        decision: &Decision<'_>,
        here: &Here<'_>,
        role: Role,
        tell: impl FnOnce() -> bool,
    ) -> Self {
        let status = reason.status().unwrap_or(503);
        let mut proxy_status = format!("{PSEUDONYM}; error={}", error_type(status));
        if status != 404 && tell() {
            let details = match decision.revision {
                Some(revision) => {
                    format!("node={} reason={} revision={revision}", here.node, reason.as_str())
                }
                None => format!("node={} reason={}", here.node, reason.as_str()),
            };
            // Nothing in a node id, a reason or a revision needs escaping in a quoted string (RFC 8941, 3.3.3).
            proxy_status.push_str(&format!("; details=\"{details}\""));
        }
        let mut headers = vec![(PROXY_STATUS, proxy_status)];
        if reason == Reason::NoTable {
            headers.push((RETRY_AFTER, "1".to_owned()));
            if role == Role::Peer {
                headers.push((NO_TABLE, "1".to_owned()));
            }
        }
        Self { status, headers }
    }
}

/// The error types of RFC 9209, section 2.3.
fn error_type(status: u16) -> &'static str {
    match status {
        400 => "http_request_error",
        403 => "http_request_denied",
        404 => "destination_not_found",
        508 => "proxy_loop_detected",
        _ => "destination_unavailable",
    }
}
