//! A node's id: its Kubernetes node name.

use super::text_newtype;

/// The id of a node: a DNS subdomain as Kubernetes has it, lower-case labels of 1 to 63 bytes, 253 in all
/// (<https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-subdomain-names>, RFC 1123).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(String);

/// Why a text is no node id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is no node id: use lower-case letters, digits, `-` and `.`, labels of 1 to 63 bytes that begin and end \
     with a letter or digit, 253 bytes in all"
)]
pub struct NodeIdError(String);

text_newtype!(NodeId, NodeIdError);

impl NodeId {
    /// Parses a node id.
    ///
    /// # Errors
    /// When the text is not a DNS subdomain.
    pub fn parse(text: &str) -> Result<Self, NodeIdError> {
        if Self::is_valid(text.as_bytes()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NodeIdError(text.to_owned()))
        }
    }

    /// Whether these bytes would parse, without allocating.
    #[must_use]
    pub fn is_valid(bytes: &[u8]) -> bool {
        let alphanumeric = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let label = |label: &[u8]| {
            label.len() <= 63
                && label.first().is_some_and(alphanumeric)
                && label.last().is_some_and(alphanumeric)
                && label.iter().all(|b| alphanumeric(b) || *b == b'-')
        };
        bytes.len() <= 253 && bytes.split(|b| *b == b'.').all(label)
    }
}
