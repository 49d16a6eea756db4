//! A reader's adoption of bytes from shared data, and decisions from whatever it takes.
//!
//! A compiled layout is damaged and its checksum mended, so that the fuzzer gets behind it: what is adopted then may be
//! nonsense, but must be read within its bounds.
//!
//! `cargo +nightly fuzz run adopt` in `core/`.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use zoneway_core::decision::{Here, Peer, Policy, Request, Role, Trail, decide};
use zoneway_core::layout::Layout;
use zoneway_core::table::Table;

static WHOLE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let table = include_bytes!("../table.json");
    Layout::compile(&Table::parse(table).expect("table.json is a table")).into_bytes()
});

/// The bytes that the checksum is of begin here, and it stands in the eight before (`core/src/layout/format.rs`).
const CHECKED_FROM: usize = 24;

/// As in `core/src/layout/format.rs`.
fn checksum(bytes: &[u8]) -> u64 {
    const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;
    let step = |sum: u64, word: u64, turn| (sum ^ word).wrapping_mul(MULTIPLIER).rotate_left(turn);
    let mut lanes = [1_u64, 2, 3, 4];
    let blocks = bytes.chunks_exact(32);
    let rest = blocks.remainder();
    for block in blocks {
        for (lane, word) in lanes.iter_mut().zip(block.as_chunks().0) {
            *lane = step(*lane, u64::from_le_bytes(*word), 29);
        }
    }
    let mixed = lanes.iter().fold(bytes.len() as u64, |sum, lane| step(sum, *lane, 31));
    rest.iter().fold(mixed, |sum, byte| step(sum, u64::from(*byte), 31))
}

fuzz_target!(|input: (Vec<(u16, u8)>, Vec<u8>, Vec<u8>, Vec<u8>, u64)| {
    let (damage, host, path, trail, seed) = input;
    let mut bytes = WHOLE.clone();
    let undamaged = checksum(&bytes[CHECKED_FROM..]).to_le_bytes();
    assert_eq!(bytes[16..CHECKED_FROM], undamaged, "the checksum of layouts has changed: change it here too");
    let length = bytes.len();
    for (at, byte) in damage {
        bytes[CHECKED_FROM + usize::from(at) % (length - CHECKED_FROM)] ^= byte;
    }
    let mended = checksum(&bytes[CHECKED_FROM..]).to_le_bytes();
    bytes[16..CHECKED_FROM].copy_from_slice(&mended);
    let Ok(layout) = Layout::adopt(bytes) else { return };
    let here = Here { zone: "403", node: "studtop" };
    for (role, host) in [
        (Role::Ingress, &host[..]),
        (Role::Peer, &host[..]),
        (Role::Ingress, b"here.example"),
        (Role::Peer, b"away.example"),
        (Role::Ingress, b"a.b.wide.example"),
    ] {
        let request = Request {
            host,
            path: &path,
            role,
            source_zone: b"403",
            trail: Trail::Joined(&trail),
            loops: 0,
            peer: Peer::Unchecked,
        };
        let _ = decide(Some(&layout), &here, &Policy::default(), &request, &mut || Some(seed));
    }
    let _ = layout.to_table();
});
