//! How requests are shared among nodes, where a path has several Services.

use std::collections::BTreeMap;

use super::super::topology::MOST;

/// Addresses and share of each node.
pub(super) type Shares<'s> = BTreeMap<&'s str, (Vec<String>, u64)>;

/// What the shares of several Services are counted in, so that little is lost to rounding.
const WHOLE: u64 = 1_000_000;

/// The nodes of several Services, with those of one more. Its weight is its share, however many endpoints it has.
pub(super) fn with<'s>(mut all: Shares<'s>, one: Shares<'s>, weight: u64) -> Shares<'s> {
    let sum = one.values().fold(0_u64, |sum, (_, share)| sum.saturating_add(*share)).max(1);
    for (node, (addresses, share)) in one {
        let part = u128::from(share) * u128::from(weight) * u128::from(WHOLE) / u128::from(sum);
        let (there, shares) = all.entry(node).or_default();
        there.extend(addresses);
        *shares = shares.saturating_add(u64::try_from(part).unwrap_or(u64::MAX));
    }
    all
}

/// The same shares in the smallest numbers, and none above what a table takes.
pub(super) fn reduce(at: &mut Shares<'_>) {
    let common = at.values().fold(0, |common, (_, share)| gcd(common, *share)).max(1);
    let largest = at.values().map(|(_, share)| share / common).max().unwrap_or(0);
    let divisor = common.saturating_mul(largest.div_ceil(MOST).max(1));
    for (_, share) in at.values_mut().filter(|(_, share)| *share > 0) {
        *share = (*share / divisor).max(1);
    }
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}
