//! The names of the design: zones, nodes, host patterns, rule paths and addresses.
//!
//! Each is parsed once, where it enters a program, and is well-formed from then on.

mod address;
mod host_pattern;
mod node_id;
mod rule_path;
mod zone_name;

pub use address::{Address, AddressError};
pub use host_pattern::{HostPattern, HostPatternError, PatternKind};
pub use node_id::{NodeId, NodeIdError};
pub use rule_path::{RulePath, RulePathError, path_fault};
pub use zone_name::{ZoneName, ZoneNameError};

/// Gives a newtype over a checked `String` its shared read-only surface.
macro_rules! text_newtype {
    ($name:ident, $error:ident) => {
        impl $name {
            /// The name as it is written.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                core::fmt::Debug::fmt(&self.0, f)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl core::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl core::str::FromStr for $name {
            type Err = $error;

            fn from_str(text: &str) -> Result<Self, $error> {
                Self::parse(text)
            }
        }
    };
}
pub(crate) use text_newtype;
