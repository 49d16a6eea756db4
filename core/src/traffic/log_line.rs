//! The one field that Zoneway writes into an access log.

use crate::decision::{Action, Decision, Outcome, Reason};

/// `ACTION REASON ZONE TRAIL EPOCH.SEQUENCE`, with `-` for what there is not. `None` for a local decision, which
/// costs nothing and shows as `-`. The trail is the one that the request came with.
#[must_use]
pub fn log_line(decision: &Decision<'_>, trail: &[u8]) -> Option<String> {
    if decision.action() == Action::Local {
        return None;
    }
    let zone = match decision.outcome {
        Outcome::Zone { zone, .. } => zone,
        _ => "-",
    };
    // A trail that is no trail is anyone's text: it must not reach a log.
    let trail = match core::str::from_utf8(trail) {
        Ok(trail) if decision.reason() != Reason::BadHop && !trail.is_empty() => trail,
        _ => "-",
    };
    let (action, reason) = (decision.action().as_str(), decision.reason().as_str());
    Some(match decision.revision {
        Some(revision) => format!("{action} {reason} {zone} {trail} {revision}"),
        None => format!("{action} {reason} {zone} {trail} -"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::wire::Revision;

    #[track_caller]
    fn check(outcome: Outcome<'_>, revision: Option<Revision>, trail: &str, line: Option<&str>) {
        let decision = Decision { outcome, revision };
        assert_eq!(log_line(&decision, trail.as_bytes()).as_deref(), line);
    }

    #[test]
    fn a_decision_is_one_line_of_five_words() {
        let revision = Some(Revision { epoch: 7, sequence: 42 });
        check(Outcome::Local, revision, "", None);
        let zone = Outcome::Zone { zone: "403", endpoints: vec!["10.0.0.1:1"], tunnels: Vec::new() };
        check(zone, revision, "b/x,exposed/y", Some("zone cross_zone 403 b/x,exposed/y 7.42"));
        check(Outcome::Refuse(Reason::NoTable), None, "", Some("refuse no_table - - -"));
        check(Outcome::Refuse(Reason::BadHop), revision, "evil text", Some("refuse bad_hop - - 7.42"));
        check(Outcome::Pass(Reason::UnknownHost), revision, "", Some("pass unknown_host - - 7.42"));
    }
}
