//! A table without what is out. The last path is never removed: a dead one is tried still, for want of another, and is
//! there the moment that it is not dead any more.

use std::collections::{BTreeMap, BTreeSet};

use zoneway_core::table::wire::{Backend, Link, Table};

use super::Subject;

/// The table without those nodes and gateways, and which of them it really is without.
pub(crate) fn without(table: &Table, out: &BTreeSet<Subject>) -> (Table, BTreeSet<Subject>) {
    let mut next = table.clone();
    let mut gone = BTreeSet::new();
    let nodes: BTreeSet<&str> = out
        .iter()
        .filter_map(|subject| match subject {
            Subject::Node(node) => Some(node.as_str()),
            Subject::Gateway { .. } => None,
        })
        .collect();
    let mut links: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for subject in out {
        if let Subject::Gateway { to, node } = subject {
            links.entry(to).or_default().insert(node);
        }
    }
    for (to, gateways) in links {
        let left = without_gateways(&mut next, to, &gateways);
        let subject = |node: &&str| Subject::Gateway { to: to.to_owned(), node: (*node).to_owned() };
        gone.extend(gateways.iter().filter(|_| left).map(subject));
    }
    let mut left = without_egress(&mut next, &nodes);
    left.extend(without_backends(&mut next, &nodes));
    gone.extend(left.into_iter().map(Subject::Node));
    (next, gone)
}

fn own_links(table: &mut Table) -> Option<&mut Vec<Link>> {
    let view = table.view.clone();
    table.zones.get_mut(&view)?.links.as_mut()
}

/// Takes gateways out of a link, or all of it where none is left and every zone is still reached for whom it was.
fn without_gateways(table: &mut Table, to: &str, out: &BTreeSet<&str>) -> bool {
    let is_in =
        |link: &Link| link.gateways.iter().flatten().any(|gateway| !out.contains(gateway.node.as_str()));
    let Some(links) = own_links(table) else { return false };
    let Some(at) = links.iter().position(|link| link.to == to) else { return false };
    let Some(link) = links.get_mut(at) else { return false };
    if is_in(link) {
        if let Some(gateways) = &mut link.gateways {
            gateways.retain(|gateway| !out.contains(gateway.node.as_str()));
        }
        return true;
    }
    let before = reached(table);
    let mut fewer = table.clone();
    if let Some(links) = own_links(&mut fewer) {
        links.remove(at);
    }
    let stays = reached(&fewer) == before;
    if stays {
        *table = fewer;
    }
    stays
}

/// The zones that are reached, for each source zone that this zone speaks for.
fn reached(table: &Table) -> BTreeSet<(String, String)> {
    let speaks =
        |zone: &str, source: &str| match table.zones.get(zone).and_then(|zone| zone.speaks_for.as_ref()) {
            Some(sources) => sources.iter().any(|each| each == source),
            None => zone == source,
        };
    let mut all = BTreeSet::new();
    for source in table.zones.keys().filter(|source| speaks(&table.view, source)) {
        let mut next = vec![table.view.as_str()];
        while let Some(zone) = next.pop() {
            let links = table.zones.get(zone).and_then(|zone| zone.links.as_ref());
            for link in links.into_iter().flatten().filter(|_| speaks(zone, source)) {
                if all.insert((source.clone(), link.to.clone())) {
                    next.push(&link.to);
                }
            }
        }
    }
    all
}

/// Takes nodes out of the egress of links that have others.
fn without_egress(table: &mut Table, out: &BTreeSet<&str>) -> BTreeSet<String> {
    let mut gone = BTreeSet::new();
    for egress in own_links(table).into_iter().flatten().filter_map(|link| link.egress.as_mut()) {
        if egress.iter().any(|node| !out.contains(node.as_str())) {
            gone.extend(egress.iter().filter(|node| out.contains(node.as_str())).cloned());
            egress.retain(|node| !out.contains(node.as_str()));
        }
    }
    gone
}

/// Takes nodes out of the backends of rules that have others which take requests.
fn without_backends(table: &mut Table, out: &BTreeSet<&str>) -> BTreeSet<String> {
    let mut gone = BTreeSet::new();
    if out.is_empty() {
        return gone;
    }
    let reached = reached(table);
    let sources: BTreeSet<&String> = reached.iter().map(|(source, _)| source).collect();
    let is_reached =
        |zone: &String| sources.iter().all(|source| reached.contains(&((*source).clone(), zone.clone())));
    let is_out = |backend: &Backend| backend.node.as_ref().is_some_and(|node| out.contains(node.as_str()));
    let takes = |backend: &Backend| {
        backend.weight != Some(0) && !is_out(backend) && backend.zone.as_ref().is_none_or(is_reached)
    };
    for backends in table.hosts.iter_mut().flat_map(|host| host.rules.iter_mut().flatten()) {
        let Some(backends) = &mut backends.backends else { continue };
        if backends.iter().any(takes) {
            gone.extend(backends.iter().filter(|each| is_out(each)).filter_map(|each| each.node.clone()));
            backends.retain(|backend| !is_out(backend));
        }
    }
    gone
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::{Value, json};
    use zoneway_core::table::Table;
    use zoneway_core::table::wire;

    use super::without;
    use crate::agent::probes::Subject;

    fn table() -> wire::Table {
        let backends = |nodes: &[&str]| nodes.iter().map(|node| json!({"node": node})).collect::<Vec<_>>();
        let host = |host: &str, backends: Vec<Value>| json!({"host": host, "exposed_to": ["h"], "rules": [{"path": "/", "backends": backends}]});
        let gateway = |node: &str, address: &str| json!({"node": node, "address": address});
        let table = json!({
            "version": 1, "revision": {"epoch": 1, "sequence": 1}, "view": "h",
            "zones": {
                "h": {
                    "nodes": {"a": {"address": "10.0.0.1:1"}, "b": {"address": "10.0.0.2:1"}},
                    "speaks_for": ["h", "x"],
                    "links": [
                        {"to": "c", "gateways": [gateway("c1", "10.0.1.1:1"), gateway("c2", "10.0.1.2:1")]},
                        {"to": "d", "egress": ["a", "b"], "gateways": [gateway("d1", "10.0.2.1:1")]},
                        {"to": "x", "gateways": [gateway("x1", "10.0.3.1:1")]},
                    ],
                },
                "c": {"links": [{"to": "d"}], "speaks_for": ["c", "h", "x"]},
                "d": {"links": [{"to": "c"}, {"to": "x"}], "speaks_for": ["d", "h"]},
                "x": {"public": true},
            },
            "hosts": [
                host("both.test", backends(&["a", "b"])),
                host("far.test", vec![json!({"node": "a"}), json!({"zone": "c"})]),
                host("one.test", backends(&["a"])),
                host("spare.test", vec![json!({"node": "a"}), json!({"node": "b", "weight": 0})]),
            ],
        });
        Table::parse(table.to_string().as_bytes()).unwrap().wire().clone()
    }

    fn node(node: &str) -> Subject {
        Subject::Node(node.to_owned())
    }

    fn gateway(to: &str, node: &str) -> Subject {
        Subject::Gateway { to: to.to_owned(), node: node.to_owned() }
    }

    /// What the table is really without; what is left has to be a table.
    #[track_caller]
    fn check(out: &[Subject], gone: &[Subject]) -> Table {
        let (left, really) = without(&table(), &out.iter().cloned().collect());
        assert_eq!(really, gone.iter().cloned().collect::<BTreeSet<_>>());
        Table::try_from(left).unwrap()
    }

    #[test]
    fn a_node_leaves_where_another_serves_and_stays_where_none_does() {
        let left = check(&[node("a")], &[node("a")]);
        let hosts = left.wire().hosts.iter().map(|host| {
            let backends = host.rules.iter().flatten().flat_map(|rule| rule.backends.iter().flatten());
            backends.filter_map(|each| each.node.clone().or(each.zone.clone())).collect::<Vec<_>>().join(" ")
        });
        assert_eq!(hosts.collect::<Vec<_>>(), ["b", "c", "a", "a b"]);
        let egress = left.wire().zones["h"].links.as_ref().unwrap()[1].egress.clone();
        assert_eq!(egress, Some(vec!["b".to_owned()]));
        // It is a node of the zone still.
        assert!(left.wire().zones["h"].nodes.as_ref().unwrap().contains_key("a"));
    }

    #[test]
    fn a_rule_whose_nodes_are_all_out_keeps_them() {
        // One of them leaves another rule, which a zone serves too.
        let left = check(&[node("a"), node("b")], &[node("a")]);
        assert_eq!(left.wire().hosts[0].rules.as_ref().unwrap()[0].backends.as_ref().unwrap().len(), 2);
    }

    #[test]
    fn a_link_loses_the_gateways_that_are_out_and_keeps_the_others() {
        let left = check(&[gateway("c", "c1")], &[gateway("c", "c1")]);
        let gateways = left.wire().zones["h"].links.as_ref().unwrap()[0].gateways.clone().unwrap();
        assert_eq!(gateways.iter().map(|gateway| gateway.node.as_str()).collect::<Vec<_>>(), ["c2"]);
    }

    #[test]
    fn a_link_leaves_whole_only_where_another_path_takes_over_for_every_source() {
        // To d there is a way by c, for both sources.
        let left = check(&[gateway("d", "d1")], &[gateway("d", "d1")]);
        assert_eq!(left.wire().zones["h"].links.as_ref().unwrap().len(), 2);
        // To c there is one by d, which does not speak for x.
        check(&[gateway("c", "c1"), gateway("c", "c2")], &[]);
        // To x there is one by d for h alone.
        check(&[gateway("x", "x1")], &[]);
    }

    #[test]
    fn two_links_that_stand_in_for_each_other_do_not_both_leave() {
        let mut both = table();
        both.zones.get_mut("d").unwrap().speaks_for = Some(["d", "h", "x"].map(str::to_owned).to_vec());
        let out = [gateway("c", "c1"), gateway("c", "c2"), gateway("d", "d1")];
        let (left, gone) = without(&both, &out.iter().cloned().collect());
        assert_eq!(left.zones["h"].links.as_ref().unwrap().len(), 2);
        assert_eq!(gone, [gateway("c", "c1"), gateway("c", "c2")].into());
    }
}
