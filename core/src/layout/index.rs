//! The index of hosts: keyed hashes, and a cuckoo table of buckets of four.
//!
//! An exact name is hashed as a whole. A wildcard's suffix is hashed label by label from the right, the hash of `b.c`
//! built on that of `c`: one pass over a name gives the hash of every suffix, and wildcards cost one look-up for each
//! of the name's labels at most, never one for each wildcard. A look-up reads two
//! buckets whatever the names are; the keys come from the digest of the whole table, so nobody who writes some of its
//! names can choose them to collide.

use super::Entry;
use super::format::{Block, Section};
use crate::authority::Authority;
use crate::name::PatternKind;

/// Slots of a bucket.
const BUCKET: usize = 4;

/// The entry for a host name.
pub(super) fn find(block: &Block, host: &Authority) -> Option<Entry> {
    let header = block.header();
    let name = host.as_bytes();
    if let Some(entry) = probe(block, exact_hash(header.keys, host), PatternKind::Exact, name) {
        return Some(entry);
    }
    if header.one_label | header.any_labels == 0 {
        return None;
    }
    // One pass from the right gives the hash of every suffix. The longest one answers, which is the last; that of
    // `*.` is longer than any that `**.` has, and goes before one of the same length.
    let any = |labels: u32, depths: u128| depths.checked_shr(labels).is_some_and(|depths| depths & 1 != 0);
    let mut hash = SuffixHash::new(header.keys);
    let mut found = None;
    for ((start, end), labels) in host.labels_from_right().zip(1..) {
        if start == 0 {
            break;
        }
        hash.push(host, start, end);
        let suffix = name.get(start..).unwrap_or_default();
        let is_parent = || !name.get(..start - 1).is_some_and(|before| before.contains(&b'.'));
        if any(labels, header.any_labels) {
            found = probe(block, hash.of(PatternKind::AnyLabels), PatternKind::AnyLabels, suffix).or(found);
        }
        if any(labels, header.one_label) && is_parent() {
            found = probe(block, hash.of(PatternKind::OneLabel), PatternKind::OneLabel, suffix).or(found);
        }
    }
    found
}

/// Looks in both buckets for a pattern of a kind with this suffix.
fn probe(block: &Block, hash: u64, kind: PatternKind, suffix: &[u8]) -> Option<Entry> {
    let buckets = block.count(Section::Buckets);
    if buckets == 0 {
        return None;
    }
    let bits = block.header().index_bits;
    let tag = tag(hash, bits);
    let (first, second) = buckets_of(hash, buckets);
    [first, second].into_iter().find_map(|bucket| {
        block.bucket(bucket).into_iter().find_map(|slot| {
            let host = slot & ((1 << bits) - 1);
            if slot >> bits != tag || host == 0 {
                return None;
            }
            // A tag may be met by chance, and by a pattern of another kind.
            let entry = Entry::of(block, host as usize - 1);
            let pattern = block.text_bytes(entry.record.pattern)?;
            let rest = match kind {
                PatternKind::Exact => pattern,
                PatternKind::OneLabel => pattern.strip_prefix(b"*.")?,
                PatternKind::AnyLabels => pattern.strip_prefix(b"**.")?,
            };
            (rest == suffix).then_some(entry)
        })
    })
}

/// The two buckets of a hash. They may be the same one.
fn buckets_of(hash: u64, buckets: usize) -> (usize, usize) {
    let of = |half: u64| ((half * buckets as u64) >> 32) as usize;
    (of(hash & 0xffff_ffff), of(hash >> 32))
}

/// The bits of a slot that tell most other hosts apart without looking at them.
fn tag(hash: u64, bits: u32) -> u32 {
    ((hash.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u32) >> bits
}

/// The hash of a whole name, eight bytes at a time.
fn exact_hash(keys: [u64; 2], name: &Authority) -> u64 {
    let (mut state, length) = (keys[0], name.as_bytes().len());
    let mut at = 0;
    while length - at > 8 {
        state = fold(state ^ name.word(at), keys[1]);
        at += 8;
    }
    let last = name.word(at) & (u64::MAX >> (64 - 8 * (length - at)));
    // The length goes into the key: zeros behind a name are no part of it.
    fold(fold(state ^ last, keys[1] ^ length as u64), keys[1])
}

/// The hash of a suffix, one label after the other from the right.
#[derive(Clone, Copy)]
struct SuffixHash {
    state: u64,
    key: u64,
}

impl SuffixHash {
    fn new(keys: [u64; 2]) -> Self {
        Self { state: keys[0], key: keys[1] }
    }

    /// Adds the label that stands between two offsets of a name, eight bytes at a time.
    fn push(&mut self, name: &Authority, start: usize, end: usize) {
        let mut at = start;
        while end - at > 8 {
            self.state = fold(self.state ^ name.word(at), self.key);
            at += 8;
        }
        let last = name.word(at) & (u64::MAX >> (64 - 8 * (end - at)));
        // The label's length goes into the key, so `ab.c` is not `a.bc`.
        let length = ((end - start) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.state = fold(self.state ^ last, self.key ^ length);
    }

    fn of(self, kind: PatternKind) -> u64 {
        fold(self.state ^ (kind as u64), self.key ^ 0x2545_f491_4f6c_dd1d)
    }
}

/// Multiplies to 128 bits and folds the halves, as wyhash and foldhash do.
fn fold(left: u64, right: u64) -> u64 {
    let product = u128::from(left) * u128::from(right);
    (product as u64) ^ (product >> 64) as u64
}

/// The index of a list of patterns, as its section, with what the header says of it.
pub(super) struct Index {
    pub(super) keys: [u64; 2],
    pub(super) index_bits: u32,
    pub(super) one_label: u128,
    pub(super) any_labels: u128,
    pub(super) buckets: Vec<u8>,
}

/// Builds the index over patterns in the order of their entries: the kind of each, and the host behind its wildcard. `seed` is
/// 16 bytes that nobody chose.
pub(super) fn build(patterns: &[(PatternKind, &str)], seed: [u64; 2]) -> Index {
    let bits = usize::BITS - patterns.len().leading_zeros();
    let (mut one_label, mut any_labels) = (0_u128, 0_u128);
    for (kind, suffix) in patterns {
        let depth = || {
            let labels = suffix.split('.').count();
            u32::try_from(labels).ok().and_then(|labels| 1_u128.checked_shl(labels)).unwrap_or_default()
        };
        match kind {
            PatternKind::Exact => {}
            PatternKind::OneLabel => one_label |= depth(),
            PatternKind::AnyLabels => any_labels |= depth(),
        }
    }
    let mut count = patterns.len().div_ceil(BUCKET).saturating_mul(5) / 4 + usize::from(!patterns.is_empty());
    let mut keys = [seed[0], seed[1] | 1];
    loop {
        if let Some(buckets) = place(patterns, keys, bits, count) {
            let buckets = buckets.iter().flatten().flat_map(|slot| slot.to_le_bytes()).collect();
            return Index { keys, index_bits: bits, one_label, any_labels, buckets };
        }
        // Other keys, and some more room: this ends, and with 80% filled it hardly ever begins.
        keys = [fold(keys[0], 0x9e37_79b9_7f4a_7c15), fold(keys[1], 0xd1b5_4a32_d192_ed03) | 1];
        count += count / 8 + 1;
    }
}

/// Places every pattern, moving others to their second bucket where there is no room; `None` when that fails.
fn place(
    patterns: &[(PatternKind, &str)],
    keys: [u64; 2],
    bits: u32,
    count: usize,
) -> Option<Vec<[u32; BUCKET]>> {
    let hashes: Vec<u64> = patterns
        .iter()
        .map(|(kind, suffix)| {
            // What a checked table has is a host; no other would ever be looked up.
            let Some(suffix) = Authority::parse(suffix.as_bytes()) else { return 0 };
            if *kind == PatternKind::Exact {
                return exact_hash(keys, &suffix);
            }
            let mut hash = SuffixHash::new(keys);
            suffix.labels_from_right().for_each(|(start, end)| hash.push(&suffix, start, end));
            hash.of(*kind)
        })
        .collect();
    let mut buckets = vec![[0_u32; BUCKET]; count];
    for (index, hash) in hashes.iter().enumerate() {
        let mut moving = tag(*hash, bits) << bits | u32::try_from(index + 1).ok()?;
        let (mut target, other) = buckets_of(*hash, count);
        if !has_room(&buckets, target) && has_room(&buckets, other) {
            target = other;
        }
        for turn in 0.. {
            let bucket = buckets.get_mut(target)?;
            if let Some(slot) = bucket.iter_mut().find(|slot| **slot == 0) {
                *slot = moving;
                break;
            }
            if turn == MOST_MOVES {
                return None;
            }
            core::mem::swap(&mut moving, bucket.get_mut(turn % BUCKET)?);
            let host = (moving & ((1 << bits) - 1)) as usize;
            let (first, second) = buckets_of(*hashes.get(host.checked_sub(1)?)?, count);
            target = if target == first { second } else { first };
        }
    }
    Some(buckets)
}

/// After so many moves other keys are tried. Buckets of four hold 97% before moves get long.
const MOST_MOVES: usize = 2000;

fn has_room(buckets: &[[u32; BUCKET]], bucket: usize) -> bool {
    buckets.get(bucket).is_some_and(|bucket| bucket.contains(&0))
}
