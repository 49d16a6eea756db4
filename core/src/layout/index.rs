//! The index of hosts: keyed hashes, and a cuckoo table of buckets of four.
//!
//! An exact name is hashed as a whole. A wildcard's suffix is hashed label by label from the right, the hash of `b.c`
//! built on that of `c`: one pass over a name gives the hash of every suffix, and wildcards cost one look-up for each
//! of the name's labels at most, never one for each wildcard. A look-up reads two
//! buckets whatever the names are; the keys come from the digest of the whole table, so nobody who writes some of its
//! names can choose them to collide.

use super::Entry;
use super::format::{Block, Section};
use crate::authority::{Authority, MAX_HOST};
use crate::name::PatternKind;
use crate::words::{same, short, strip, word};

/// Slots of a bucket.
const BUCKET: usize = 4;

/// The entry of an exact name, as it is written in the table.
pub(super) fn find_exact(block: &Block, name: &[u8]) -> Option<Entry> {
    // Without its `*` no wildcard is met by chance; and what is longer than any name need not be hashed.
    if name.len() > MAX_HOST || name.first() == Some(&b'*') {
        return None;
    }
    probe(block, exact_hash(block.header().keys, name), b"", name)
}

/// The entry of the wildcard that answers for a host name.
pub(super) fn find_wildcard(block: &Block, host: &Authority) -> Option<Entry> {
    let header = block.header();
    // One pass from the right gives the hash of every suffix. The longest one answers, which is the last; that of
    // `*.` is longer than any that `**.` has, and goes before one of the same length. No suffix has more labels than the
    // longest of the table: its bit is the highest.
    let (mut one_label, mut any_labels) = (header.one_label >> 1, header.any_labels >> 1);
    let mut hash = SuffixHash::new(header.keys);
    let mut found = None;
    let mut labels = host.labels_from_right();
    while one_label | any_labels != 0 {
        let Some((start, end)) = labels.next().filter(|(start, _)| *start > 0) else { break };
        hash.push(host, start, end);
        let suffix = || host.as_bytes().get(start..).unwrap_or_default();
        if any_labels & 1 != 0 {
            found = probe(block, hash.of(PatternKind::AnyLabels), b"**.", suffix()).or(found);
        }
        if one_label & 1 != 0 && labels.one_is_left() {
            found = probe(block, hash.of(PatternKind::OneLabel), b"*.", suffix()).or(found);
        }
        (one_label, any_labels) = (one_label >> 1, any_labels >> 1);
    }
    found
}

/// Looks in both buckets for a pattern that is this wildcard and this suffix.
#[inline]
fn probe(block: &Block, hash: u64, wildcard: &[u8], suffix: &[u8]) -> Option<Entry> {
    let bits = block.header().index_bits;
    let tag = tag(hash, bits);
    let (first, second) = buckets_of(hash, block.count(Section::Buckets));
    for bucket in [first, second] {
        for slot in block.bucket(bucket) {
            let host = slot & ((1 << bits) - 1);
            if slot >> bits != tag || host == 0 {
                continue;
            }
            // A tag may be met by chance, and by a pattern of another kind.
            let unit = host as usize - 1;
            if let Some((record, pattern)) = block.host(unit)
                && strip(pattern, wildcard).is_some_and(|rest| same(rest, suffix))
            {
                return Some(Entry { unit, record });
            }
        }
    }
    None
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

/// The hash of a whole name, sixteen bytes at a time, as wyhash reads them.
#[inline]
fn exact_hash(keys: [u64; 2], name: &[u8]) -> u64 {
    let (blocks, rest) = name.as_chunks::<16>();
    let mut state = keys[0];
    let mut add = |low: u64, high: u64| state = fold(state ^ low, keys[1] ^ high);
    for block in blocks {
        if let (Some(low), Some(high)) = (block.first_chunk(), block.last_chunk()) {
            add(word(low), word(high));
        }
    }
    // What is left is read together with what stands before it, where there is enough of that.
    if let Some(last) = name.last_chunk::<16>() {
        if !rest.is_empty()
            && let (Some(low), Some(high)) = (last.first_chunk(), last.last_chunk())
        {
            add(word(low), word(high));
        }
    } else if let (Some(low), Some(high)) = (name.first_chunk(), name.last_chunk()) {
        add(word(low), word(high));
    } else {
        add(short(name), 0);
    }
    // The length goes in too: bytes that were read twice are no part of the name.
    fold(state ^ name.len() as u64, keys[1])
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

/// A pattern to be placed in the index.
pub(super) struct Pattern<'a> {
    pub(super) kind: PatternKind,
    /// The host behind its wildcard.
    pub(super) suffix: &'a str,
    /// Where its host stands.
    pub(super) unit: u32,
}

/// Builds the index over patterns. `seed` is 16 bytes that nobody chose.
pub(super) fn build(patterns: &[Pattern<'_>], seed: [u64; 2]) -> Index {
    let last = patterns.last().map_or(0, |pattern| pattern.unit + 1);
    let bits = u32::BITS - last.leading_zeros();
    let (mut one_label, mut any_labels) = (0_u128, 0_u128);
    for Pattern { kind, suffix, .. } in patterns {
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
        let hashes: Vec<u64> = patterns.iter().map(|pattern| hash_of(keys, pattern)).collect();
        if let Some(buckets) = place(&hashes, count) {
            let slot = |ordinal: &u32| {
                let pattern = ordinal.checked_sub(1).map(|at| at as usize);
                let pattern = pattern.and_then(|at| Some((hashes.get(at)?, patterns.get(at)?)));
                pattern.map_or(0, |(hash, pattern)| tag(*hash, bits) << bits | (pattern.unit + 1))
            };
            let buckets = buckets.iter().flatten().flat_map(|ordinal| slot(ordinal).to_le_bytes()).collect();
            return Index { keys, index_bits: bits, one_label, any_labels, buckets };
        }
        // Other keys, and some more room: this ends, and with 80% filled it hardly ever begins.
        keys = [fold(keys[0], 0x9e37_79b9_7f4a_7c15), fold(keys[1], 0xd1b5_4a32_d192_ed03) | 1];
        count += count / 8 + 1;
    }
}

fn hash_of(keys: [u64; 2], pattern: &Pattern<'_>) -> u64 {
    if pattern.kind == PatternKind::Exact {
        return exact_hash(keys, pattern.suffix.as_bytes());
    }
    // What a checked table has is a host; no other would ever be looked up.
    let Some(suffix) = Authority::parse(pattern.suffix.as_bytes()) else { return 0 };
    let mut hash = SuffixHash::new(keys);
    suffix.labels_from_right().for_each(|(start, end)| hash.push(&suffix, start, end));
    hash.of(pattern.kind)
}

/// Gives every pattern a place by its hash, moving others to their second bucket where there is no room: slots are
/// ordinals, from 1. `None` when that fails.
fn place(hashes: &[u64], count: usize) -> Option<Vec<[u32; BUCKET]>> {
    let mut buckets = vec![[0_u32; BUCKET]; count];
    for (hash, ordinal) in hashes.iter().zip(1..) {
        let mut moving: u32 = ordinal;
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
            let (first, second) = buckets_of(*hashes.get((moving as usize).checked_sub(1)?)?, count);
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
