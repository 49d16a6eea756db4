//! A zone's name: a Kubernetes label value.

use super::text_newtype;

/// The name of a zone, `[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?`.
///
/// The grammar is that of a Kubernetes label value that is not empty
/// (<https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set>).
/// Names are ordered bytewise.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ZoneName(String);

/// Why a text is no zone name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is no zone name: use 1 to 63 letters, digits, `-`, `_` or `.`, with a letter or digit at both ends"
)]
pub struct ZoneNameError(String);

text_newtype!(ZoneName, ZoneNameError);

impl ZoneName {
    /// Parses a zone name.
    ///
    /// # Errors
    /// When the text is not a Kubernetes label value of 1 to 63 bytes.
    pub fn parse(text: &str) -> Result<Self, ZoneNameError> {
        if Self::is_valid(text.as_bytes()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(ZoneNameError(text.to_owned()))
        }
    }

    /// Whether these bytes would parse, without allocating.
    #[must_use]
    pub fn is_valid(bytes: &[u8]) -> bool {
        let ends = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
        bytes.len() <= 63
            && ends(bytes.first())
            && ends(bytes.last())
            && bytes.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    }
}
