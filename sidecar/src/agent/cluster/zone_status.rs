//! What the status of a `Zone` says: how many nodes and links it has, which table is its, and what keeps it from more.

use k8s_openapi::jiff::Timestamp;
use zoneway_core::name::ZoneName;
use zoneway_site::{Names, Site, ViewBook};

use crate::agent::node_picture::Books;
use crate::sources::cluster::objects::{ZoneCondition, ZoneStatus};
use crate::sources::cluster::picture::{Note, ZoneSummary};

/// How many digits of a table's digest are shown: enough to compare by eye.
const SHOWN: usize = 12;

/// The status of a zone, with no time in it yet. `None` for what is no zone of the site.
/// `books`: the views that were looked at last.
pub(super) fn status(
    zone: &ZoneSummary,
    notes: &[Note],
    site: &Site,
    names: &Names,
    books: &mut Books,
) -> Option<ZoneStatus> {
    let name = ZoneName::parse(&zone.name).ok()?;
    let book = books.entry(name.clone()).or_insert_with(|| ViewBook::new(name));
    let (view, _) = book.sheet(site, names).ok()?;
    let links = view.frame().wire().zones.get(&zone.name).and_then(|zone| zone.links.as_ref());
    let is_up = |gateways: Option<usize>| gateways.is_some_and(|gateways| gateways > 0);
    let up = links.into_iter().flatten().filter(|link| is_up(link.gateways.as_ref().map(Vec::len))).count();
    let digest = view.digest().to_string();
    Some(ZoneStatus {
        nodes: figure(zone.nodes),
        links: figure(zone.links),
        links_up: figure(up),
        revision: digest.get(..SHOWN).map(str::to_owned),
        conditions: vec![ready(zone, up, notes)],
    })
}

fn ready(zone: &ZoneSummary, up: usize, notes: &[Note]) -> ZoneCondition {
    let own = notes.iter().find(|note| Some(&note.object) == zone.object.as_ref());
    let (status, reason, message) = match own {
        Some(note) => ("False", note.reason.as_str(), note.message.clone()),
        None if zone.nodes == 0 => {
            let message =
                "no ready node has this zone's label, and `nodes` names none: nothing is served here";
            ("False", "NoNodes", message.to_owned())
        }
        None if up < zone.links => {
            let message =
                format!("{} of {} links have no gateway with an address", zone.links - up, zone.links);
            ("False", "LinksDown", message)
        }
        None => ("True", "Routed", "it has a node, and every link has a gateway with an address".to_owned()),
    };
    ZoneCondition {
        kind: "Ready".to_owned(),
        status: status.to_owned(),
        reason: reason.to_owned(),
        message,
        last_transition_time: String::new(),
    }
}

/// The status to write: `wanted` with the times of what the object has already, where that says the same; `None` where
/// the object says all of it.
pub(super) fn difference(mut wanted: ZoneStatus, has: Option<&ZoneStatus>) -> Option<ZoneStatus> {
    for condition in &mut wanted.conditions {
        let before = has.and_then(|has| has.conditions.iter().find(|before| before.kind == condition.kind));
        condition.last_transition_time = match before {
            Some(before) if before.status == condition.status => before.last_transition_time.clone(),
            _ => Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        };
    }
    (has != Some(&wanted)).then_some(wanted)
}

fn figure(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use kube::CustomResourceExt;
    use serde_json::Value;
    use zoneway_site::{Names, Site};

    use super::{Books, difference, status};
    use crate::sources::cluster::objects::{Zone, ZoneStatus};
    use crate::sources::cluster::picture::ZoneSummary;
    use crate::sources::file;

    const SITE: &str = "
version: 1
zones:
  home: {nodes: {a: 10.0.0.1}, links: [{to: world, gateways: [edge]}, {to: attic}]}
  world: {public: true, nodes: {edge: 203.0.113.7}}
  attic: {}
";

    fn site() -> Site {
        file::parse_site(std::path::Path::new("site.yaml"), SITE.as_bytes()).unwrap()
    }

    fn of(name: &str, nodes: usize, links: usize) -> ZoneStatus {
        let zone = ZoneSummary { name: name.to_owned(), object: None, nodes, links };
        status(&zone, &[], &site(), &Names::default(), &mut Books::new()).unwrap()
    }

    #[track_caller]
    fn check(status: &ZoneStatus, links_up: i64, ready: &str, reason: &str) {
        let condition = &status.conditions[0];
        assert_eq!(
            (status.links_up, condition.status.as_str(), condition.reason.as_str()),
            (links_up, ready, reason)
        );
    }

    #[test]
    fn a_zone_is_ready_when_it_has_nodes_and_every_link_a_gateway() {
        check(&of("world", 1, 0), 0, "True", "Routed");
        check(&of("home", 1, 2), 1, "False", "LinksDown");
        check(&of("attic", 0, 0), 0, "False", "NoNodes");
        // Whether its nodes have their table yet was not looked at.
        let said = &of("world", 1, 0).conditions[0].message;
        assert_eq!(said, "it has a node, and every link has a gateway with an address");
    }

    #[test]
    fn every_field_that_the_definition_declares_is_written() {
        let crd = serde_json::to_value(Zone::crd()).unwrap();
        let declared = crd.pointer("/spec/versions/0/schema/openAPIV3Schema/properties/status").unwrap();
        let written = serde_json::to_value(difference(of("world", 1, 0), None).unwrap()).unwrap();
        let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
        assert_eq!(keys(&declared["properties"]), keys(&written));
        let declared = &declared["properties"]["conditions"]["items"]["properties"];
        assert_eq!(keys(declared), keys(&written["conditions"][0]));
    }

    #[test]
    fn a_status_is_written_only_when_it_changed() {
        let first = difference(of("world", 1, 0), None).unwrap();
        assert!(!first.conditions[0].last_transition_time.is_empty());
        assert_eq!(difference(of("world", 1, 0), Some(&first)), None);
        let mut old = first.clone();
        old.conditions[0].last_transition_time = "2026-01-01T00:00:00Z".to_owned();
        old.nodes = 7;
        let again = difference(of("world", 1, 0), Some(&old)).unwrap();
        assert_eq!(
            again.conditions[0].last_transition_time, "2026-01-01T00:00:00Z",
            "it was ready all the time"
        );
    }
}
