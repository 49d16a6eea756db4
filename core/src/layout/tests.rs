//! A layout loses nothing, finds what is there, and survives any bytes.

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::format::{CHECKED_FROM, checksum};
use super::{LAYOUT_VERSION, Layout, LayoutError};
use crate::authority::Authority;
use crate::decision::{Here, Missing, Peer, Policy, Request, Role, Trail, decide};
use crate::table::wire::{Backend, Gateway, Host, Link, Node, Prefer, Revision, Rule, Table as Wire, Zone};
use crate::table::{Limits, Table};

pub(crate) const ZONES: [&str; 5] = ["403", "a", "b.c", "exposed", "z"];
pub(crate) const NODES: [&str; 4] = ["n0", "n1", "stuchip", "studtop"];
pub(crate) const HOSTS: [&str; 9] = [
    "a.example",
    "b.a.example",
    "*.a.example",
    "*.example",
    "**.example",
    "**.a.example",
    "x.y.a.example",
    "*.y.a.example",
    "example",
];
pub(crate) const PATHS: [&str; 5] = ["/", "/a", "/a/b", "/admin", "/a%20b"];

fn names(of: &'static [&'static str]) -> impl Strategy<Value = Vec<String>> {
    subsequence(of.to_vec(), 0..=of.len())
        .prop_shuffle()
        .prop_map(|names| names.into_iter().map(str::to_owned).collect())
}

fn gateways() -> impl Strategy<Value = Vec<Gateway>> {
    names(&NODES).prop_flat_map(|nodes| {
        let count = nodes.len();
        (Just(nodes), vec(any::<bool>(), count)).prop_map(|(nodes, tunnels)| {
            let gateway = |(node, tunnel): (String, bool)| Gateway {
                node,
                address: (!tunnel).then(|| "203.0.113.7:15443".to_owned()),
                tunnel: tunnel.then_some(true),
            };
            nodes.into_iter().zip(tunnels).map(gateway).collect()
        })
    })
}

fn links(zone: usize) -> impl Strategy<Value = Vec<Link>> {
    let others: Vec<&str> =
        ZONES.iter().enumerate().filter(|(index, _)| *index != zone).map(|(_, name)| *name).collect();
    let egress = option::of(names(&NODES));
    let link = (select(others), option::of(1..4_u64), egress, option::of(gateways())).prop_map(
        move |(to, cost, egress, gateways)| Link {
            to: to.to_owned(),
            cost,
            egress: egress.filter(|_| zone == 0),
            gateways: gateways.filter(|_| zone == 0),
        },
    );
    vec(link, 0..4).prop_map(|mut links| {
        let mut seen = std::collections::HashSet::new();
        links.retain(|link| seen.insert(link.to.clone()));
        links
    })
}

fn zone(index: usize) -> impl Strategy<Value = (String, Zone)> {
    (option::of(links(index)), option::of(names(&ZONES)), option::of(any::<bool>())).prop_map(
        move |(links, speaks_for, public)| {
            let nodes = NODES
                .iter()
                .zip(1..)
                .map(|(id, last)| (id.to_string(), Node { address: format!("10.0.0.{last}:15443") }));
            let zone = Zone {
                public,
                nodes: (index == 0).then(|| nodes.collect()),
                links,
                speaks_for: speaks_for.filter(|_| public != Some(true)),
            };
            (ZONES[index].to_owned(), zone)
        },
    )
}

fn backends() -> impl Strategy<Value = Vec<Backend>> {
    let node = select(NODES.to_vec()).prop_map(|node| (Some(node.to_owned()), None));
    let zone = select(ZONES[1..].to_vec()).prop_map(|zone| (None, Some(zone.to_owned())));
    btree_map(prop_oneof![node, zone], option::of(0..4_u64), 0..4).prop_map(|backends| {
        let backend = |((node, zone), weight)| Backend { node, zone, weight };
        backends.into_iter().map(backend).rev().collect()
    })
}

fn host() -> impl Strategy<Value = Host> {
    let rules = names(&PATHS).prop_flat_map(|paths| {
        let count = paths.len();
        (Just(paths), vec((option::of(backends()), option::of(0..5_usize)), count))
    });
    let prefer = option::of(select(vec![Prefer::Node, Prefer::Zone]));
    (names(&ZONES), prefer, option::of(rules)).prop_map(|(exposed_to, prefer, rules)| {
        let rule = |(path, (backends, exposed)): (String, (Option<Vec<Backend>>, Option<usize>))| Rule {
            path,
            exposed_to: exposed.map(|count| exposed_to.iter().take(count).cloned().collect()),
            backends,
        };
        let rules = rules.map(|(paths, rest)| paths.into_iter().zip(rest).map(rule).collect());
        Host { host: String::new(), exposed_to, prefer, rules }
    })
}

pub(crate) fn table() -> impl Strategy<Value = Table> {
    let zones = (zone(0), zone(1), zone(2), zone(3), zone(4));
    let hosts = names(&HOSTS).prop_flat_map(|names| {
        let count = names.len();
        (Just(names), vec(host(), count))
    });
    (zones, hosts, any::<(u64, u64)>()).prop_map(|((a, b, c, d, e), (names, hosts), (epoch, sequence))| {
        let wire = Wire {
            version: 1,
            revision: Revision { epoch, sequence },
            view: ZONES[0].to_owned(),
            zones: [a, b, c, d, e].into_iter().collect(),
            hosts: names.into_iter().zip(hosts).map(|(host, rest)| Host { host, ..rest }).collect(),
        };
        Table::try_from(wire).expect("the strategy makes valid tables")
    })
}

/// Every kind of request at once: it only has to end.
fn ask(layout: &Layout) {
    let here = Here { zone: "403", node: "n0" };
    let policy = Policy { unknown_host: Missing::Pass, ..Policy::default() };
    for host in HOSTS {
        let host = host.replace('*', "q");
        for (role, trail) in [(Role::Ingress, ""), (Role::Peer, "a/n1"), (Role::Peer, "z/x,403/n1")] {
            for source_zone in ["403", "exposed"] {
                let request = Request {
                    host: host.as_bytes(),
                    path: b"/a/b?c",
                    role,
                    source_zone: source_zone.as_bytes(),
                    trail: Trail::Joined(trail.as_bytes()),
                    loops: 0,
                    peer: Peer::Unchecked,
                };
                let decision = decide(Some(layout), &here, &policy, &request, &mut || Some(7));
                assert_eq!(decision.revision, Some(layout.revision()));
            }
        }
    }
}

proptest! {
    #[test]
    fn table_to_layout_to_table_is_lossless(table in table()) {
        let layout = Layout::compile(&table);
        let adopted = Layout::adopt(layout.bytes().to_vec()).unwrap();
        prop_assert_eq!(&adopted.to_table(), table.wire());
        prop_assert_eq!(adopted.digest(), table.digest());
        prop_assert_eq!(Table::try_from(adopted.to_table()).unwrap().digest(), table.digest());
        ask(&adopted);
    }

    #[test]
    fn a_host_is_found_by_the_best_pattern(table in table(), labels in vec(select(vec!["a", "b", "x", "y", "q"]), 0..4)) {
        let name = labels.iter().chain(["example"].iter()).copied().collect::<Vec<_>>().join(".");
        let layout = Layout::compile(&table);
        let hosts = &table.wire().hosts;
        let has = |pattern: &str| hosts.iter().map(|host| host.host.clone()).find(|host| host == pattern);
        let behind = |count: usize| name.splitn(count + 1, '.').nth(count).map(str::to_owned);
        let expected = has(&name)
            .or_else(|| has(&format!("*.{}", behind(1)?)))
            .or_else(|| (1..=labels.len()).find_map(|count| has(&format!("**.{}", behind(count)?))));
        let host = Authority::parse(name.as_bytes()).unwrap();
        prop_assert_eq!(layout.find(&host).map(|entry| layout.pattern(entry).to_owned()), expected, "{}", name);
    }

    #[test]
    fn any_bytes_are_refused_or_read(bytes in vec(any::<u8>(), 0..2_000)) {
        prop_assert!(Layout::adopt(bytes).is_err());
    }

    #[test]
    fn a_damaged_layout_is_refused_or_read(table in table(), damage in vec((any::<usize>(), any::<u8>()), 1..6)) {
        let mut bytes = Layout::compile(&table).into_bytes();
        let length = bytes.len();
        for (at, byte) in damage {
            bytes[CHECKED_FROM + at % (length - CHECKED_FROM)] ^= byte;
        }
        if let Ok(layout) = Layout::adopt(bytes.clone()) {
            prop_assert_eq!(layout.to_table(), table.wire().clone(), "the damage undid itself");
        }
        // With a checksum that fits, the checks of offsets are all that stands between the bytes and the reader.
        let sum = checksum(&bytes[CHECKED_FROM..]);
        bytes[16..CHECKED_FROM].copy_from_slice(&sum.to_le_bytes());
        if let Ok(layout) = Layout::adopt(bytes) {
            ask(&layout);
            let _ = layout.to_table();
        }
    }
}

fn minimal() -> Layout {
    let json = r#"{"version": 1, "revision": {"epoch": 1, "sequence": 2}, "view": "a", "zones": {"a": {}}, "hosts": []}"#;
    Layout::compile(&Table::parse(json.as_bytes()).unwrap())
}

#[test]
fn each_kind_of_damage_has_its_error() {
    #[track_caller]
    fn check(change: impl FnOnce(&mut Vec<u8>), expected: &LayoutError) {
        let mut bytes = minimal().into_bytes();
        change(&mut bytes);
        assert_eq!(Layout::adopt(bytes).unwrap_err(), *expected);
    }
    let length = minimal().bytes().len();
    check(|bytes| bytes.truncate(100), &LayoutError::TooShort(100));
    check(|bytes| bytes[0] = b'x', &LayoutError::Magic);
    check(|bytes| bytes[8] = 9, &LayoutError::Version(9));
    check(|bytes| bytes.push(0), &LayoutError::Length { said: length as u32, found: length + 1 });
    check(|bytes| bytes[30] ^= 1, &LayoutError::Checksum);
    assert_eq!(minimal().bytes()[8], LAYOUT_VERSION as u8);
}

#[test]
fn ten_thousand_hosts_take_no_more_than_64_bytes_each_beside_their_names() {
    let zones = [(
        "403".to_owned(),
        Zone {
            nodes: Some(
                (0..100)
                    .map(|n| (format!("n{n}"), Node { address: format!("10.0.0.{}:15443", n + 1) }))
                    .collect(),
            ),
            ..Zone::default()
        },
    )];
    let host = |n: usize| Host {
        host: format!("service-{n}.apps.example.org"),
        exposed_to: vec!["403".to_owned()],
        prefer: None,
        rules: Some(vec![Rule {
            path: format!("/p{}", n % 7),
            exposed_to: None,
            backends: Some(vec![Backend {
                node: Some(format!("n{}", n % 100)),
                zone: None,
                weight: Some(n as u64),
            }]),
        }]),
    };
    let wire = |count: usize| Wire {
        version: 1,
        revision: Revision::default(),
        view: "403".to_owned(),
        zones: zones.iter().cloned().collect(),
        hosts: (0..count).map(host).collect(),
    };
    let size = |count| Layout::compile(&Table::check(wire(count), &Limits::default()).unwrap()).bytes().len();
    let names: usize = (0..10_000).map(|n| host(n).host.len()).sum();
    let each = (size(10_000) - size(0) - names) as f64 / 10_000.0;
    // No two of these hosts share a rule: as bad as it gets with one rule and one backend.
    assert!(each <= 64.0, "{each} bytes a host");
}
