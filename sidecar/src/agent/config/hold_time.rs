//! A time as people write it: `90s`, `15m`, `1h30m`, `2d`.

use std::time::Duration;

/// Why a text is no time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no time: write a number with its unit, as in 90s, 15m, 1h30m or 2d")]
pub(crate) struct HoldTimeError(String);

/// Parses a time.
///
/// # Errors
/// When there is no number, no unit, another unit than `s`, `m`, `h`, `d`, or more than fits.
pub(crate) fn parse(text: &str) -> Result<Duration, HoldTimeError> {
    let fault = || HoldTimeError(text.to_owned());
    let mut total = 0_u64;
    let mut number: Option<u64> = None;
    for character in text.chars() {
        if let Some(digit) = character.to_digit(10) {
            let tens = number.unwrap_or(0).checked_mul(10);
            number = Some(tens.and_then(|tens| tens.checked_add(digit.into())).ok_or_else(fault)?);
            continue;
        }
        let unit = match character {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            _ => return Err(fault()),
        };
        let seconds = number.take().and_then(|number: u64| number.checked_mul(unit)).ok_or_else(fault)?;
        total = total.checked_add(seconds).ok_or_else(fault)?;
    }
    if number.is_some() || text.is_empty() { Err(fault()) } else { Ok(Duration::from_secs(total)) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::parse;

    #[test]
    fn a_time_is_numbers_with_units() {
        for (text, seconds) in [("0s", 0), ("90s", 90), ("15m", 900), ("1h30m", 5400), ("2d", 172_800)] {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in
            ["", "1", "h", "1h30", "1.5h", "-1h", "1 h", "1w", "99999999999999999999s", "999999999999999999d"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
