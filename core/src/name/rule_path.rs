//! The path of a rule, and what makes a request's path normal.

use super::text_newtype;

/// A normal absolute path without `?`, `#` or a trailing slash (`/` itself aside). It is matched as a prefix at
/// segment borders.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RulePath(String);

/// Why a text is no rule path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RulePathError {
    /// The path has a query or a fragment.
    #[error("\"{0}\" has a `?` or `#`: a rule matches the path alone")]
    Query(String),
    /// The path ends with a slash.
    #[error("\"{0}\" ends with a slash: leave it out, `/api` matches `/api` and `/api/x`")]
    TrailingSlash(String),
    /// The path is not normal.
    #[error("\"{path}\" is not a normal path: {fault}")]
    NotNormal {
        /// The path as it was written.
        path: String,
        /// What is wrong with it.
        fault: &'static str,
    },
}

text_newtype!(RulePath, RulePathError);

impl RulePath {
    /// Parses a rule path.
    ///
    /// # Errors
    /// When the path is not normal (see [`path_fault`]), has `?` or `#`, or ends with a slash.
    pub fn parse(text: &str) -> Result<Self, RulePathError> {
        Self::check(text).map(|()| Self(text.to_owned()))
    }

    /// As [`RulePath::parse`], for whoever needs no copy.
    pub(crate) fn check(text: &str) -> Result<(), RulePathError> {
        if text.contains(['?', '#']) {
            return Err(RulePathError::Query(text.to_owned()));
        }
        if let Some(fault) = path_fault(text.as_bytes()) {
            return Err(RulePathError::NotNormal { path: text.to_owned(), fault });
        }
        if text.len() > 1 && text.ends_with('/') {
            return Err(RulePathError::TrailingSlash(text.to_owned()));
        }
        Ok(())
    }
}

/// What makes a path (already cut at `?` or `#`) not normal; `None` when it is normal.
///
/// Step 5 of the decision: not starting with `/`; `//`; a raw `\` or control byte; a segment whose part before any
/// `;` is `.` or `..`; a `%` without two hex digits; an encoded letter, digit, `-`, `.`, `_`, `~`, `/`, `\` or
/// control byte. Each of these is read differently by some server behind us, so none may choose a rule.
#[must_use]
pub fn path_fault(path: &[u8]) -> Option<&'static str> {
    let [b'/', rest @ ..] = path else { return Some("it does not start with `/`") };
    let mut segment_start = true;
    let mut bytes = rest;
    loop {
        if segment_start {
            segment_start = false;
            let end = bytes.iter().position(|b| matches!(b, b'/' | b';')).unwrap_or(bytes.len());
            if matches!(bytes.get(..end), Some(b"." | b"..")) {
                return Some("it has a `.` or `..` segment");
            }
            // `//`: an empty segment with another slash behind it, at the start or later.
            if bytes.first() == Some(&b'/') {
                return Some("it has `//`");
            }
        }
        let [byte, rest @ ..] = bytes else { return None };
        bytes = rest;
        match byte {
            b'/' => segment_start = true,
            b'\\' => return Some("it has a backslash"),
            0..=0x1f | 0x7f => return Some("it has a control byte"),
            b'%' => {
                let [high, low, rest @ ..] = bytes else {
                    return Some("it has a `%` without two hex digits");
                };
                let (Some(high), Some(low)) = (hex(*high), hex(*low)) else {
                    return Some("it has a `%` without two hex digits");
                };
                if let Some(fault) = encoded_fault(high << 4 | low) {
                    return Some(fault);
                }
                bytes = rest;
            }
            _ => {}
        }
    }
}

/// What is wrong with a byte that came percent-encoded.
fn encoded_fault(byte: u8) -> Option<&'static str> {
    match byte {
        0..=0x1f | 0x7f => Some("it has an encoded control byte"),
        b'/' | b'\\' => Some("it has an encoded slash or backslash"),
        b'-' | b'.' | b'_' | b'~' => Some("it encodes a character that needs no encoding"),
        _ if byte.is_ascii_alphanumeric() => Some("it encodes a character that needs no encoding"),
        _ => None,
    }
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}
