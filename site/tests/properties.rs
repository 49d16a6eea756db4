//! What holds for every site: views are tables, leak nothing and do not depend on the order of what is written; and
//! nothing is served to a zone that may not ask.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "what a helper of a test does not find fails the test"
)]

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use zoneway_core::name::{HostPattern, NodeId, ZoneName};
use zoneway_core::table::wire::{Prefer, Revision, Rule, Table};
use zoneway_site::{Atlas, End, Names, Sheet, Site, Start, ViewBook, Way, Zone, list, view, wire};

const ZONES: [&str; 4] = ["alpha", "beta", "gamma", "omega"];
const HOSTS: [&str; 9] = ["a.x", "b.x", "*.x", "**.x", "in.b.x", "*.b.x", "**.in.b.x", "y", "**.z"];
const PATHS: [&str; 4] = ["/", "/admin", "/admin/deep", "/api"];

fn names(of: &'static [&'static str]) -> impl Strategy<Value = Vec<wire::Name>> {
    proptest::sample::subsequence(of, 0..=of.len())
        .prop_shuffle()
        .prop_map(|names| names.into_iter().map(wire::Name::from).collect())
}

/// The nodes of a zone: none to three, `alpha-0` and so on, each with an address of its own.
fn nodes(zone: usize) -> impl Strategy<Value = BTreeMap<String, wire::Node>> {
    (0..=3_usize).prop_map(move |count| {
        let node = |n: usize| {
            let address = format!("10.{zone}.0.{}:1{n}", n + 1);
            (format!("{}-{n}", ZONES[zone]), wire::Node { address, ..wire::Node::default() })
        };
        (0..count).map(node).collect()
    })
}

fn link(to: usize) -> impl Strategy<Value = wire::Link> {
    (proptest::option::of(1..5_u64), any::<bool>(), 0..4_u8).prop_map(move |(cost, tunnel, _)| wire::Link {
        to: ZONES[to].into(),
        cost,
        tunnel: tunnel.then_some(true),
        ..wire::Link::default()
    })
}

fn zone(number: usize) -> impl Strategy<Value = wire::Zone> {
    let links: Vec<_> =
        (0..ZONES.len()).filter(|to| *to != number).map(|to| proptest::option::of(link(to))).collect();
    let speaks_for = proptest::option::of(names(&ZONES));
    (speaks_for, nodes(number), links, Just(number == 3)).prop_map(|(speaks_for, nodes, links, public)| {
        let links: Vec<wire::Link> = links.into_iter().flatten().collect();
        wire::Zone { public: public.then_some(true), speaks_for, nodes: Some(nodes), links: Some(links) }
    })
}

fn rule() -> impl Strategy<Value = wire::Rule> {
    (proptest::option::of(names(&ZONES)), proptest::option::of(0..3_u8)).prop_map(|(expose_to, service)| {
        wire::Rule { expose_to, service: service.map(|n| wire::Name(format!("service-{n}").into())) }
    })
}

fn host() -> impl Strategy<Value = wire::Host> {
    let paths = proptest::collection::btree_map(proptest::sample::select(&PATHS), rule(), 0..4);
    (proptest::option::of(names(&ZONES)), any::<bool>(), paths).prop_map(|(expose_to, zone, paths)| {
        let paths = paths.into_iter().map(|(path, rule)| (path.to_owned(), rule)).collect();
        wire::Host { expose_to, prefer: zone.then_some(Prefer::Zone), service: None, paths: Some(paths) }
    })
}

prop_compose! {
    fn site()(
        zones in [zone(0), zone(1), zone(2), zone(3)],
        served in proptest::collection::vec(proptest::option::of((0..3_u8, 0..4_u64)), 12),
        hosts in proptest::collection::btree_map(proptest::sample::select(&HOSTS), host(), 0..7),
    ) -> wire::Site {
        let mut services: BTreeMap<String, wire::Service> =
            (0..3).map(|n| (format!("service-{n}"), wire::Service::default())).collect();
        let nodes = zones.iter().flat_map(|zone| zone.nodes.iter().flatten().map(|(id, _)| id));
        for (node, (service, weight)) in nodes.zip(&served).filter_map(|(node, served)| Some((node, (*served)?))) {
            let served = wire::Served { addresses: vec!["127.9.9.9:9999".to_owned()], weight: Some(weight) };
            let service = services.get_mut(&format!("service-{service}")).expect("there are three");
            let at = service.at.take().into_iter().flatten();
            service.at = Some(at.chain([(node.clone(), served)]).collect());
        }
        wire::Site {
            version: 1,
            settings: Some(wire::Settings { home: Some("alpha".into()), ..wire::Settings::default() }),
            zones: ZONES.iter().map(|name| (*name).to_owned()).zip(zones).collect(),
            services: Some(services.into_iter().collect()),
            hosts: Some(hosts.into_iter().map(|(host, written)| (host.to_owned(), written)).collect()),
        }
    }
}

fn seen(site: &Site, zone: &ZoneName) -> Table {
    view(site, zone, Revision::default(), &Names::default()).expect("every view is a table").table.into_wire()
}

/// The same site with every list turned round.
fn reversed(site: &wire::Site) -> wire::Site {
    fn turn<T>(list: &mut Option<Vec<T>>) {
        list.iter_mut().for_each(|list| list.reverse());
    }
    let mut site = site.clone();
    for zone in site.zones.values_mut() {
        turn(&mut zone.speaks_for);
        turn(&mut zone.links);
        for link in zone.links.iter_mut().flatten() {
            turn(&mut link.gateways);
            turn(&mut link.egress);
        }
    }
    for host in site.hosts.iter_mut().flat_map(|hosts| hosts.make_mut().values_mut()) {
        let host = std::sync::Arc::make_mut(host);
        turn(&mut host.expose_to);
        host.paths.iter_mut().flatten().for_each(|(_, rule)| turn(&mut rule.expose_to));
    }
    site
}

/// A site with some hosts and services as another one has them, or without them; `whole`: with its zones too.
fn edited(site: &wire::Site, other: &wire::Site, which: u16, whole: u8) -> wire::Site {
    let mut next = site.clone();
    fn take<T: Clone + Eq>(into: &mut Option<wire::Entries<T>>, from: Option<&wire::Entries<T>>, which: u16) {
        let into = into.get_or_insert_default();
        let names: BTreeSet<_> =
            into.keys().chain(from.into_iter().flat_map(|from| from.keys())).cloned().collect();
        for (place, name) in names.into_iter().enumerate().filter(|(place, _)| which >> place & 1 == 1) {
            match from.and_then(|from| from.get(&name)) {
                Some(entry) => drop(into.make_mut().insert(name, entry.clone())),
                None if place % 2 == 0 => drop(into.make_mut().remove(&name)),
                None => {}
            }
        }
    }
    take(&mut next.hosts, other.hosts.as_ref(), which);
    take(&mut next.services, other.services.as_ref(), which >> 9);
    if whole.is_multiple_of(8) {
        next.zones = other.zones.clone();
    }
    next
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn a_view_is_a_table_and_blind_to_the_order_of_what_is_written(written in site()) {
        let (site, turned) = (Site::try_from(&written).expect("valid"), Site::try_from(reversed(&written)).expect("valid"));
        for zone in site.zones().keys() {
            prop_assert_eq!(seen(&site, zone), seen(&turned, zone));
        }
    }

    #[test]
    fn a_view_leaks_nothing_of_another_zones_inside(written in site()) {
        let site = Site::try_from(&written).expect("valid");
        for (name, own) in site.zones() {
            let text = serde_json::to_string(&seen(&site, name)).expect("JSON");
            prop_assert!(!text.contains("127.9.9.9") && !text.contains("service-"), "{}", text);
            for (other, zone) in site.zones().iter().filter(|(other, _)| *other != name) {
                let gateways: BTreeSet<&NodeId> = own.links.get(other).into_iter().flat_map(|l| l.gateways.keys()).collect();
                for (id, node) in &zone.nodes {
                    prop_assert_eq!(text.contains(id.as_str()), gateways.contains(id), "{} {}", id, text);
                    let dialled = own.links.get(other).is_some_and(|l| matches!(l.gateways.get(id), Some(Way::Dial(_))));
                    prop_assert_eq!(text.contains(&node.address.to_string()), dialled, "{} {}", node.address, text);
                }
            }
        }
    }

    #[test]
    fn what_is_made_of_what_changed_is_what_is_made_from_scratch(
        first in site(),
        edits in proptest::collection::vec((site(), any::<u16>(), any::<u8>()), 1..6),
    ) {
        let names = Names::default();
        let (mut written, mut books) = (first, BTreeMap::<ZoneName, ViewBook>::new());
        let mut before = Site::try_from(&written).expect("valid");
        for (other, which, whole) in edits {
            let next = edited(&written, &other, which, whole);
            let meant = Site::again(&next, (&written, &before));
            prop_assert_eq!(&meant, &Site::try_from(&next));
            // Another zone's node may be gone with its services: such a site is refused, and the next edit meets the old one.
            let Ok(meant) = meant else { continue };
            for zone in meant.zones().keys() {
                let book = books.entry(zone.clone()).or_insert_with(|| ViewBook::new(zone.clone()));
                let (sheet, warnings) = book.sheet(&meant, &names).expect("every view is a table");
                let whole = view(&meant, zone, Revision::default(), &names).expect("every view is a table");
                prop_assert_eq!(sheet.table().expect("a table"), whole.table.clone());
                prop_assert_eq!((sheet.digest(), warnings), (whole.table.digest(), whole.warnings));
                prop_assert_eq!(sheet, Sheet::of(&whole.table));
            }
            (written, before) = (next, meant);
        }
    }

    #[test]
    fn a_public_view_names_no_unexposed_host_or_path(written in site()) {
        let site = Site::try_from(&written).expect("valid");
        for zone in site.public_zones() {
            for host in seen(&site, zone).hosts {
                let meant = &site.hosts()[host.host.as_str()];
                let mut here = false;
                for rule in host.rules.iter().flatten() {
                    let written = meant.rules.get(&rule.path).expect("a path of the site");
                    let served = site.served_at(written).any(|(node, _)| site.zone_of(node) == Some(zone));
                    here |= served;
                    prop_assert!(served || written.exposed_to.contains(zone), "{} {}", host.host, rule.path);
                }
                prop_assert!(here || host.exposed_to == [zone.as_str()], "{} {:?}", host.host, host.exposed_to);
            }
        }
    }

    #[test]
    fn no_wildcard_of_an_inner_view_answers_for_another_host(written in site()) {
        let site = Site::try_from(&written).expect("valid");
        for (name, _) in site.zones().iter().filter(|(_, zone)| !zone.public) {
            let there: Vec<HostPattern> =
                seen(&site, name).hosts.iter().map(|host| HostPattern::parse(&host.host).expect("a pattern")).collect();
            for host in site.hosts().keys().filter(|host| !there.contains(host)) {
                prop_assert!(!there.iter().any(|pattern| pattern.covers(host)), "{} {:?}", host, there);
            }
        }
    }

    #[test]
    fn nothing_is_served_to_a_zone_that_may_not_ask(written in site()) {
        let site = Site::try_from(&written).expect("valid");
        let atlas = Atlas::new(&site, &Names::default()).expect("every view is a table");
        for (name, zone) in site.zones() {
            let listing = list(&site, name);
            for node in zone.nodes.keys() {
                for host in ["a.x", "b.x", "q.x", "in.b.x", "q.b.x", "q.in.b.x", "y", "z.z"] {
                    // The paths are rules of their own, so the longest rule that is there decides.
                    for path in PATHS {
                        let start = Start { node, source_zone: name.as_str(), host: host.as_bytes(), path: path.as_bytes() };
                        let journey = atlas.journey(&start).expect("the node is in a zone");
                        prop_assert!(journey.result != End::Lost && journey.result != End::Pass);
                        if journey.result != End::Local {
                            continue;
                        }
                        let (entry, rule) = answering(&site, journey.hops.last().expect("a hop").zone, host, path);
                        let listed = listing.entries.iter().any(|e| e.host == entry && e.path == rule);
                        prop_assert!(listed, "{}{} was served to {} by {:?}", host, path, name, journey);
                    }
                }
            }
        }
    }
}

/// The pattern and path that answer for a request in the zone that serves it: those of the whole site. A public view
/// knows no other hosts and paths, so there its own answer for them (`lint` says where).
fn answering(site: &Site, zone: &str, host: &str, path: &str) -> (String, String) {
    let whole: BTreeMap<String, Vec<String>> = match site.zones().get_key_value(zone).expect("a zone") {
        (zone, Zone { public: true, .. }) => {
            let paths = |rules: Vec<Rule>| rules.into_iter().map(|rule| rule.path).collect();
            seen(site, zone).hosts.into_iter().map(|h| (h.host, paths(h.rules.unwrap_or_default()))).collect()
        }
        _ => site
            .hosts()
            .iter()
            .map(|(p, h)| (p.to_string(), h.rules.keys().map(ToString::to_string).collect()))
            .collect(),
    };
    let name = HostPattern::parse(host).expect("a name");
    let patterns = whole.keys().map(|pattern| HostPattern::parse(pattern).expect("a pattern"));
    let matching = patterns.filter(|pattern| pattern.covers(&name));
    // Exact, then one label, then the longest suffix.
    let entry = matching
        .min_by_key(|p| (p.kind(), usize::MAX - p.suffix().len()))
        .expect("it was served")
        .to_string();
    let matches = |rule: &&String| *rule == "/" || path == **rule || path.starts_with(&format!("{rule}/"));
    let rule =
        whole[&entry].iter().filter(matches).max_by_key(|rule| rule.len()).expect("it was served").clone();
    (entry, rule)
}
