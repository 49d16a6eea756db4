//! The index of hosts: a keyed hash over labels from the right, and a cuckoo table of buckets of four.
//!
//! The hash of `a.b.c` is built from that of `b.c`, so one pass over a name gives the hash of every suffix, and a
//! wildcard costs one look-up for each of the name's labels at most, never one for each wildcard. A look-up reads two
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
    let mut hash = SuffixHash::new(header.keys);
    let (mut parent, mut parent_start, mut labels) = (hash, name.len(), 0_u32);
    for (start, end) in host.labels_from_right() {
        (parent, parent_start) = (hash, end + 1);
        hash.push(host, start, end);
        labels += 1;
    }
    if let Some(entry) = probe(block, hash.of(PatternKind::Exact), 0, name) {
        return Some(entry);
    }
    let any = |labels: u32, depths: u128| depths.checked_shr(labels).is_some_and(|depths| depths & 1 != 0);
    if labels > 1 && any(labels - 1, header.one_label) {
        let suffix = name.get(parent_start..).unwrap_or_default();
        if let Some(entry) = probe(block, parent.of(PatternKind::OneLabel), 2, suffix) {
            return Some(entry);
        }
    }
    if header.any_labels == 0 {
        return None;
    }
    // The longest suffix answers: the last that is found from the right.
    let mut found = None;
    let mut hash = SuffixHash::new(header.keys);
    for ((start, end), depth) in host.labels_from_right().zip(1..labels) {
        hash.push(host, start, end);
        if any(depth, header.any_labels) {
            let suffix = name.get(start..).unwrap_or_default();
            found = probe(block, hash.of(PatternKind::AnyLabels), 3, suffix).or(found);
        }
    }
    found
}

/// Looks in both buckets for a pattern of which `suffix` follows `wildcard` bytes of `*.` or `**.`.
fn probe(block: &Block, hash: u64, wildcard: usize, suffix: &[u8]) -> Option<Entry> {
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
            let entry = Entry::of(block, host as usize - 1);
            let pattern = block.text_bytes(entry.record.pattern)?;
            let (stars, rest) = pattern.split_at_checked(wildcard)?;
            // A tag may be met by chance, and by a pattern of another kind.
            let same_kind =
                stars.iter().filter(|byte| **byte == b'*').count() + usize::from(wildcard > 0) == wildcard;
            (same_kind && rest == suffix).then_some(entry)
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

/// Builds the index over patterns in the order of their entries. `seed` is 16 bytes that nobody chose.
pub(super) fn build(patterns: &[(PatternKind, Authority)], seed: [u64; 2]) -> Index {
    let bits = usize::BITS - patterns.len().leading_zeros();
    let (mut one_label, mut any_labels) = (0_u128, 0_u128);
    for (kind, suffix) in patterns {
        let labels = u32::try_from(suffix.labels_from_right().count()).unwrap_or(u32::MAX);
        let depth = 1_u128.checked_shl(labels).unwrap_or_default();
        match kind {
            PatternKind::Exact => {}
            PatternKind::OneLabel => one_label |= depth,
            PatternKind::AnyLabels => any_labels |= depth,
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
    patterns: &[(PatternKind, Authority)],
    keys: [u64; 2],
    bits: u32,
    count: usize,
) -> Option<Vec<[u32; BUCKET]>> {
    let hashes: Vec<u64> = patterns
        .iter()
        .map(|(kind, suffix)| {
            let mut hash = SuffixHash::new(keys);
            suffix.labels_from_right().for_each(|(start, end)| hash.push(suffix, start, end));
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
