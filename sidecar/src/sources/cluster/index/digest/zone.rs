//! What matters of a Zone: all that it says.

use super::super::super::objects::{Kind, ObjectRef, Zone, ZoneSpec};
use super::Digester;

/// What matters of a Zone.
#[derive(Debug, PartialEq)]
pub(in super::super) struct ZoneDigest {
    pub(in super::super) object: ObjectRef,
    /// Zones are few: whole.
    pub(in super::super) spec: ZoneSpec,
}

impl ZoneDigest {
    pub(super) fn of(zone: &Zone, by: &mut Digester<'_>) -> Self {
        Self { object: by.object(Kind::Zone, &zone.metadata), spec: zone.spec.clone() }
    }
}
