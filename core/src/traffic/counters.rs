//! Requests counted by action, reason and zone, in memory, until a shell hands them to Envoy.

use alloc::collections::BTreeMap;

use crate::decision::{Action, Decision, Outcome, Reason};

/// The label of a request that goes to no other zone.
pub const NO_ZONE: &str = "-";

/// Counts since the last hand-over. Counting a request that stays in this zone allocates nothing.
#[derive(Debug, Clone, Default)]
pub struct Counters {
    here: BTreeMap<(Action, Reason), u64>,
    zones: BTreeMap<String, u64>,
}

impl Counters {
    /// Counts one decision.
    pub fn count(&mut self, decision: &Decision<'_>) {
        let Outcome::Zone { zone, .. } = decision.outcome else {
            // The map keeps its keys between hand-overs, so only the first of a kind allocates.
            let count = self.here.entry((decision.action(), decision.reason())).or_insert(0);
            *count = count.wrapping_add(1);
            return;
        };
        match self.zones.get_mut(zone) {
            Some(count) => *count = count.wrapping_add(1),
            None => {
                self.zones.insert(zone.to_owned(), 1);
            }
        }
    }

    /// Hands over every count that is not 0, as action, reason, zone and count, and starts again from 0.
    pub fn drain(&mut self, mut each: impl FnMut(Action, Reason, &str, u64)) {
        for ((action, reason), count) in &mut self.here {
            match core::mem::take(count) {
                0 => {}
                count => each(*action, *reason, NO_ZONE, count),
            }
        }
        for (zone, count) in core::mem::take(&mut self.zones) {
            each(Action::Zone, Reason::CrossZone, &zone, count);
        }
    }
}

/// The name of a counter whose labels stand in the name. Envoy's `stats_tags` take them out again, which leaves
/// `envoy_zoneway_requests_total{action,reason,zone}` in Prometheus.
#[must_use]
pub fn stat_name(action: Action, reason: Reason, zone: &str) -> String {
    format!("envoy_zoneway.action.{}.reason.{}.zone.{zone}.requests_total", action.as_str(), reason.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_request_is_handed_over_once() {
        let mut counters = Counters::default();
        let zone = |zone| Outcome::Zone { zone, endpoints: vec!["10.0.0.1:1"], tunnels: Vec::new() };
        let refuse = Outcome::Refuse(Reason::NoPath);
        for outcome in
            [Outcome::Local, zone("b"), refuse.clone(), zone("a.b"), Outcome::Local, refuse, zone("b")]
        {
            counters.count(&Decision { outcome, revision: None });
        }
        let mut names = Vec::new();
        counters.drain(|action, reason, zone, count| names.push((stat_name(action, reason, zone), count)));
        let name = |labels: &str| format!("envoy_zoneway.{labels}.requests_total");
        assert_eq!(
            names,
            [
                (name("action.local.reason.here.zone.-"), 2),
                (name("action.refuse.reason.no_path.zone.-"), 2),
                (name("action.zone.reason.cross_zone.zone.a.b"), 1),
                (name("action.zone.reason.cross_zone.zone.b"), 2),
            ]
        );
        counters.drain(|_, _, _, _| panic!("nothing was counted since"));
        counters.count(&Decision { outcome: Outcome::Local, revision: None });
        let mut again = 0;
        counters.drain(|_, _, _, count| again += count);
        assert_eq!(again, 1);
    }
}
