//! A host of the table: an exact name or a wildcard.

use super::text_newtype;
use crate::authority::{Authority, HostKind};

/// An exact name, `*.suffix` (exactly one label more) or `**.suffix` (one label or more), lower case, without a
/// trailing dot or port, 253 bytes at most.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostPattern(String);

/// The three kinds of pattern, in the order of their precedence: the smaller one answers first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PatternKind {
    /// The name itself.
    Exact,
    /// `*.suffix`: exactly one label before the suffix.
    OneLabel,
    /// `**.suffix`: one label or more before the suffix; among these the longest suffix answers.
    AnyLabels,
}

/// Why a text is no host pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HostPatternError {
    /// The name, or the suffix behind the wildcard, is not a host name.
    #[error(
        "\"{0}\" is no host: use labels of 1 to 63 letters, digits, `-` or `_`, with no `-` at either end, and \
             `*.` or `**.` in front alone"
    )]
    Malformed(String),
    /// It is an IP address.
    #[error("\"{0}\" is an address: no entry matches an address, use a name")]
    Address(String),
    /// It has capitals, a port or a trailing dot.
    #[error("\"{text}\" is not written canonically: write {canonical}")]
    NotCanonical {
        /// As it was written.
        text: String,
        /// As it should be.
        canonical: String,
    },
    /// It is longer than 253 bytes.
    #[error("\"{0}\" is longer than 253 bytes")]
    TooLong(String),
}

text_newtype!(HostPattern, HostPatternError);

impl HostPattern {
    /// Parses a host pattern.
    ///
    /// # Errors
    /// When the pattern, or its suffix behind a wildcard, is not a host name in canonical form, or is an address.
    pub fn parse(text: &str) -> Result<Self, HostPatternError> {
        Self::check(text).map(|()| Self(text.to_owned()))
    }

    /// As [`HostPattern::parse`], for whoever needs no copy.
    pub(crate) fn check(text: &str) -> Result<(), HostPatternError> {
        let suffix = text.strip_prefix("**.").or_else(|| text.strip_prefix("*.")).unwrap_or(text);
        let wildcard = text.get(..text.len() - suffix.len()).unwrap_or_default();
        let mut authority = Authority::unread();
        if !authority.read(suffix.as_bytes()) {
            return Err(HostPatternError::Malformed(text.to_owned()));
        }
        match authority.kind() {
            HostKind::Address => return Err(HostPatternError::Address(text.to_owned())),
            HostKind::Name => {}
        }
        if authority.as_str() != suffix {
            let canonical = format!("{wildcard}{}", authority.as_str());
            return Err(HostPatternError::NotCanonical { text: text.to_owned(), canonical });
        }
        if text.len() > 253 {
            return Err(HostPatternError::TooLong(text.to_owned()));
        }
        Ok(())
    }

    /// Which of the three kinds this is.
    #[must_use]
    pub fn kind(&self) -> PatternKind {
        if self.0.starts_with("**.") {
            PatternKind::AnyLabels
        } else if self.0.starts_with("*.") {
            PatternKind::OneLabel
        } else {
            PatternKind::Exact
        }
    }

    /// The exact name, or what stands behind `*.` or `**.`.
    #[must_use]
    pub fn suffix(&self) -> &str {
        self.0.trim_start_matches('*').trim_start_matches('.')
    }

    /// Whether every name that `other` matches is matched by this pattern too.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        // The labels of `name` that stand before this pattern's suffix.
        fn labels_before<'a>(suffix: &str, name: &'a str) -> Option<&'a str> {
            name.strip_suffix(suffix)?.strip_suffix('.').filter(|labels| !labels.is_empty())
        }
        let below = |name| labels_before(self.suffix(), name);
        match (self.kind(), other.kind()) {
            (PatternKind::Exact, _) => self == other,
            (PatternKind::OneLabel, PatternKind::Exact) => {
                below(other.suffix()).is_some_and(|label| !label.contains('.'))
            }
            (PatternKind::OneLabel, PatternKind::OneLabel) => self == other,
            (PatternKind::OneLabel, PatternKind::AnyLabels) => false,
            (PatternKind::AnyLabels, PatternKind::Exact) => below(other.suffix()).is_some(),
            (PatternKind::AnyLabels, _) => self.suffix() == other.suffix() || below(other.suffix()).is_some(),
        }
    }
}
