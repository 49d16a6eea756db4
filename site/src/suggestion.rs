//! "Did you mean": the known name that an unknown one is most like.

/// The known name that is at most two letters away from the given one, if any.
pub(crate) fn closest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 2 && *distance < candidate.len())
        .min()
        .map(|(_, candidate)| candidate)
}

/// The number of letters to change, add or take away (Levenshtein).
fn distance(left: &str, right: &str) -> usize {
    if left.len().abs_diff(right.len()) > 2 {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, l) in left.bytes().enumerate() {
        let mut diagonal = core::mem::replace(row.first_mut().unwrap_or(&mut 0), i + 1);
        let mut before = i + 1;
        for (cell, r) in row.iter_mut().skip(1).zip(right.bytes()) {
            let cost = (diagonal + usize::from(l != r)).min(before + 1).min(*cell + 1);
            diagonal = core::mem::replace(cell, cost);
            before = cost;
        }
    }
    row.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::{closest, distance};

    #[test]
    fn a_slip_finds_the_name_that_was_meant() {
        let known = ["studtop", "stuchip", "edge"];
        assert_eq!(closest("stuchp", known.into_iter()), Some("stuchip"));
        assert_eq!(closest("egde", known.into_iter()), Some("edge"));
        assert_eq!(closest("elsewhere", known.into_iter()), None);
        assert_eq!(closest("ab", ["xy"].into_iter()), None, "not a letter in common");
        assert_eq!(distance("kitten", "sittin"), 2);
    }
}
