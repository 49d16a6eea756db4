//! Counting our items in a `cdn-loop` line (RFC 8586, section 2).

use super::header::PSEUDONYM;

/// How many items of this line are ours. Items are separated by `,`, their parameters stand behind `;`, and a
/// parameter's quoted string (RFC 9110, section 5.6.4) may hold either.
pub(super) fn count(line: &[u8]) -> usize {
    let mut ours = 0;
    let mut start = 0;
    let mut quoted = false;
    let mut escaped = false;
    for (at, byte) in line.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' if !quoted => {
                ours += usize::from(line.get(start..at).is_some_and(is_ours));
                start = at + 1;
            }
            _ => {}
        }
    }
    ours + usize::from(line.get(start..).is_some_and(is_ours))
}

/// Whether an item's id, without parameters, is ours; in any case, as some proxies rewrite it.
fn is_ours(item: &[u8]) -> bool {
    let id = item.split(|byte| *byte == b';').next().unwrap_or_default();
    id.trim_ascii().eq_ignore_ascii_case(PSEUDONYM.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn items_are_counted_as_rfc_8586_separates_them() {
        for (line, ours) in [
            ("", 0),
            ("zoneway", 1),
            ("zoneway, zoneway", 2),
            ("zoneway,other,zoneway;v=1", 2),
            ("other;via=\"zoneway, zoneway\"", 0),
            ("other;q=\"a\\\", zoneway\", zoneway", 1),
            ("zonewaypoint, notzoneway", 0),
            ("\tZoneway ;x=y", 1),
            ("zoneway:80", 0),
            (",,zoneway,", 1),
            ("a;q=\"unclosed, zoneway", 0),
        ] {
            assert_eq!(count(line.as_bytes()), ours, "{line}");
        }
    }
}
