//! In which order endpoints are tried: weighted rendezvous hashing on a seed, or weight and id without one.

use core::cmp::Reverse;

/// Something that can be ordered: a node or gateway with its id, its weight (above 0) and what it stands for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate<'a, T> {
    pub(super) id: &'a str,
    pub(super) weight: u32,
    pub(super) value: T,
}

/// Orders candidates; the seed is drawn only where there are two or more.
///
/// Weighted rendezvous hashing (Schindelhauer and Schomaker, "Weighted distributed hash tables", 2005): a candidate's
/// score is -log(u) / weight for a uniform u drawn from the seed and its id, and the least is first. The same seed
/// gives the same order everywhere, and a candidate that leaves moves nobody else's first choice.
pub(super) fn order<T>(candidates: &mut [Candidate<'_, T>], seed: &mut dyn FnMut() -> Option<u64>) {
    if candidates.len() < 2 {
        return;
    }
    match seed() {
        Some(seed) => candidates.sort_by(|a, b| {
            let (left, right) = (exponential(seed, a.id), exponential(seed, b.id));
            // left / a.weight against right / b.weight, without a division: 39 bits times 20 fit.
            let (left, right) = (left * u64::from(b.weight), right * u64::from(a.weight));
            left.cmp(&right).then_with(|| a.id.cmp(b.id))
        }),
        None => candidates.sort_by(|a, b| (Reverse(a.weight), a.id).cmp(&(Reverse(b.weight), b.id))),
    }
}

/// -log2(u) with 32 bits behind the point, for a u in (0, 1] drawn from the seed and an id.
fn exponential(seed: u64, id: &str) -> u64 {
    let hash = id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3) // FNV-1a
    });
    let drawn = mix(seed ^ mix(hash)) | 1;
    (64 << 32) - log2(drawn)
}

/// The finalizer of SplitMix64 (Steele, Lea and Flood, 2014).
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ value >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ value >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ value >> 31
}

/// log2 of a number that is not 0, with 32 bits behind the point, by squaring: integers alone, so that every target
/// gives the same bits.
fn log2(value: u64) -> u64 {
    let whole = u64::from(value.ilog2());
    // The mantissa in [1, 2), with 63 bits behind the point.
    let mut mantissa = value << value.leading_zeros();
    let mut fraction = 0;
    for _ in 0..32 {
        let square = (u128::from(mantissa) * u128::from(mantissa)) >> 63;
        let carry = (square >> 64) as u64 & 1;
        mantissa = (square >> carry) as u64;
        fraction = fraction << 1 | carry;
    }
    whole << 32 | fraction
}

#[cfg(test)]
mod tests {
    use super::{Candidate, log2, order};

    #[test]
    fn log2_is_exact_to_its_last_bits() {
        assert_eq!(log2(1), 0);
        assert_eq!(log2(1 << 63), 63 << 32);
        for value in [3_u64, 10, 12_345_678_901, u64::MAX] {
            let expected = (value as f64).log2() * 2_f64.powi(32);
            assert!((log2(value) as f64 - expected).abs() < 64.0, "{value}");
        }
    }

    #[test]
    fn shares_follow_weights() {
        let mut first = [0_u32; 3];
        for seed in 0..60_000 {
            let mut candidates =
                [("a", 1), ("b", 2), ("c", 3)].map(|(id, weight)| Candidate { id, weight, value: weight });
            order(&mut candidates, &mut || Some(seed));
            first[candidates[0].value as usize - 1] += 1;
        }
        for (count, expected) in first.into_iter().zip([10_000, 20_000, 30_000]) {
            assert!(count.abs_diff(expected) < 600, "{first:?}");
        }
    }

    #[test]
    fn who_leaves_moves_nobody_else() {
        for seed in 0..1_000 {
            let ids = ["a", "b", "c", "d"].map(|id| Candidate { id, weight: 1, value: () });
            let (mut all, mut fewer) = (ids, [ids[0], ids[1], ids[2]]);
            order(&mut all, &mut || Some(seed));
            order(&mut fewer, &mut || Some(seed));
            let left: Vec<_> = all.iter().map(|c| c.id).filter(|id| *id != "d").collect();
            assert_eq!(left, fewer.map(|c| c.id));
        }
    }

    #[test]
    fn without_a_seed_weight_and_id_decide_and_one_alone_draws_none() {
        let mut candidates =
            [("b", 1), ("c", 9), ("a", 1)].map(|(id, weight)| Candidate { id, weight, value: () });
        order(&mut candidates, &mut || None);
        assert_eq!(candidates.map(|c| c.id), ["c", "a", "b"]);
        order(&mut candidates[..1], &mut || unreachable!("no seed is drawn for one"));
    }
}
