//! What one decision costs natively, and what it costs to make and to adopt a layout, by the number of hosts.
//!
//! `cargo bench -p zoneway-core`. Beside the exact hosts every table has a tenth as many wildcards, 1,000 at most.
//! A look-up walks through the names in an order that no cache foresees, so that large tables pay for their memory.
#![allow(clippy::expect_used, reason = "a benchmark that cannot be set up has to stop")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use zoneway_core::decision::{Here, Peer, Policy, Request, Role, Trail, decide};
use zoneway_core::layout::Layout;
use zoneway_core::table::wire::{Backend, Host, Node, Revision, Rule, Table as Wire, Zone};
use zoneway_core::table::{Limits, Table};

const SIZES: [usize; 5] = [10, 1_000, 10_000, 100_000, 1_000_000];
const NODES: usize = 20;

fn host(pattern: String, node: usize) -> Host {
    let backends = vec![Backend { node: Some(format!("node-{}", node % NODES)), ..Backend::default() }];
    let rule = Rule { path: "/".to_owned(), exposed_to: None, backends: Some(backends) };
    Host {
        host: pattern,
        exposed_to: vec!["403".to_owned(), "exposed".to_owned()],
        prefer: None,
        rules: Some(vec![rule]),
    }
}

fn table(hosts: usize) -> Table {
    let nodes =
        (0..NODES).map(|n| (format!("node-{n}"), Node { address: format!("10.0.0.{}:15443", n + 1) }));
    let own = Zone { nodes: Some(nodes.collect()), ..Zone::default() };
    let exposed = Zone { public: Some(true), ..Zone::default() };
    let wildcards = (hosts / 10).clamp(1, 1_000);
    let exact = (0..hosts).map(|n| host(name(n), 0));
    let one_label = (0..wildcards / 2).map(|n| host(format!("*.tenant-{n}.example.org"), 0));
    let any_labels = (wildcards / 2..wildcards).map(|n| host(format!("**.team-{n}.example.org"), 0));
    let wire = Wire {
        version: 1,
        revision: Revision { epoch: 1, sequence: 1 },
        view: "403".to_owned(),
        zones: [("403".to_owned(), own), ("exposed".to_owned(), exposed)].into_iter().collect(),
        hosts: exact.chain(one_label).chain(any_labels).collect(),
    };
    // A million hosts are more than a table may have; the figure is for those who wonder what comes behind the limit.
    let limits = Limits { hosts: 2_000_000, ..Limits::default() };
    Table::check(wire, &limits).expect("the table is valid")
}

fn name(n: usize) -> String {
    format!("service-{n}.apps.403.example.org")
}

fn ask(layout: &Layout, host: &str) -> u16 {
    let request = Request {
        host: host.as_bytes(),
        path: b"/api/items?page=2",
        role: Role::Ingress,
        source_zone: b"403",
        trail: Trail::EMPTY,
        loops: 0,
        peer: Peer::Unchecked,
    };
    let here = Here { zone: "403", node: "node-0" };
    decide(Some(layout), &here, &Policy::default(), &request, &mut || None).status().unwrap_or(200)
}

fn decisions(criterion: &mut Criterion) {
    for size in SIZES {
        let layout = Layout::compile(&table(size));
        let wildcards = (size / 10).clamp(1, 1_000);
        let deep = format!("{}team-{}.example.org", "a.".repeat(115), wildcards - 1);
        let lists: [(&str, u16, Vec<String>); 4] = [
            // A stride that is coprime to every size visits all names, far from one another.
            ("hit", 200, (0..size.min(100_000)).map(|n| name(n * 7_919 % size)).collect()),
            ("miss", 404, (0..10_000).map(|n| format!("nothing-{n}.apps.403.example.org")).collect()),
            (
                "wildcard",
                200,
                (0..1_000).map(|n| format!("x{n}.y.team-{}.example.org", wildcards - 1)).collect(),
            ),
            // 118 labels, and a suffix that only the last look-up finds.
            ("hostile", 200, vec![deep]),
        ];
        let mut group = criterion.benchmark_group("decide");
        for (kind, status, names) in lists {
            assert_eq!(ask(&layout, names.first().expect("there are names")), status, "{kind} of {size}");
            let mut names = names.iter().cycle();
            group.bench_function(BenchmarkId::new(kind, size), |bencher| {
                bencher.iter(|| names.next().map(|name| ask(black_box(&layout), black_box(name))));
            });
        }
        group.finish();
    }
}

fn layouts(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("layout");
    group.sample_size(20);
    for size in [1_000, 10_000, 100_000] {
        let table = table(size);
        let bytes = Layout::compile(&table).into_bytes();
        let json = serde_json::to_vec(table.wire()).expect("a table is JSON");
        group.bench_function(BenchmarkId::new("parse", size), |bencher| bencher.iter(|| Table::parse(&json)));
        group.bench_function(BenchmarkId::new("compile", size), |bencher| {
            bencher.iter(|| Layout::compile(&table))
        });
        group.bench_function(BenchmarkId::new("adopt", size), |bencher| {
            bencher.iter_batched(|| bytes.clone(), Layout::adopt, criterion::BatchSize::LargeInput);
        });
    }
    group.finish();
}

criterion_group!(benches, decisions, layouts);
criterion_main!(benches);
