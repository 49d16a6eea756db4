//! A fault at a place of a document, as every reader of one tells it: tables, the filter's configuration, sites.

use core::fmt::{self, Display};

/// One fault and its place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {fault}")]
pub struct Fault<F> {
    /// Where, as `hosts[3].rules[0].backends[1]`.
    pub path: String,
    /// What.
    #[source]
    pub fault: F,
}

/// A key as one step of a path: `.name`, or `["a.b"]` where a dot would read as a step of its own.
#[derive(Debug, Clone, Copy)]
pub struct Step<'a>(pub &'a str);

impl Display for Step<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if !self.0.is_empty() && self.0.bytes().all(plain) {
            write!(f, ".{}", self.0)
        } else {
            write!(f, "[{:?}]", self.0)
        }
    }
}

/// A path before a message; nothing for the whole document.
pub(crate) fn at(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!("{path}: ") }
}

/// A line for each fault.
#[must_use]
pub fn lines<F: Display>(faults: &[Fault<F>]) -> String {
    faults.iter().map(|Fault { path, fault }| format!("{path}: {fault}")).collect::<Vec<_>>().join("\n")
}
