//! What matters of a Zone: all that it says.

use super::super::super::objects::{Kind, ObjectRef, Zone, ZoneSpec};
use super::{Digester, created};

/// What matters of a Zone.
#[derive(Debug, PartialEq)]
pub(in super::super) struct ZoneDigest {
    pub(in super::super) object: ObjectRef,
    /// Seconds since 1970; an object without a date is older than any.
    pub(in super::super) created: i64,
    /// Zones are few: whole.
    pub(in super::super) spec: ZoneSpec,
}

impl ZoneDigest {
    pub(super) fn of(zone: &Zone, by: &mut Digester<'_>) -> Self {
        let (object, created) = (by.object(Kind::Zone, &zone.metadata), created(&zone.metadata));
        Self { object, created, spec: zone.spec.clone() }
    }
}
