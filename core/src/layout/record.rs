//! The records of a layout's sections: what their words and flags mean.

use core::ops::Range;

use crate::table::wire::Prefer;

/// Offset and length in the text section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Text(pub(super) u32, pub(super) u32);

fn span(from: u32, count: u32) -> Range<usize> {
    from as usize..from as usize + count as usize
}

/// The flags of records tell what was written from what was left out, so that a table can be given back as it came.
macro_rules! flags {
    ($record:ident { $($flag:ident = $bit:expr => $is:ident),* $(,)? }) => {
        impl $record {
            $(pub(super) const $flag: u32 = 1 << $bit;
            pub(super) fn $is(&self) -> bool { self.meta & Self::$flag != 0 })*
        }
    };
}

#[derive(Debug, Clone, Copy)]
pub(super) struct ZoneRecord {
    pub(super) name: Text,
    pub(super) meta: u32,
    pub(super) speaks_for: u32,
    pub(super) links_from: u32,
    pub(super) links: u32,
    /// The set of routes for requests whose source is this zone.
    pub(super) carried: u32,
}

flags!(ZoneRecord {
    PUBLIC = 8 => is_public,
    PUBLIC_WRITTEN = 9 => public_is_written,
    SPEAKS_FOR = 10 => speaks_for_is_written,
    NODES = 11 => nodes_are_written,
    LINKS = 12 => links_are_written,
});

impl ZoneRecord {
    pub(super) const WORDS: usize = 6;

    pub(super) fn links(&self) -> Range<usize> {
        span(self.links_from, self.links)
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct NodeRecord {
    pub(super) id: Text,
    pub(super) address: Text,
}

impl NodeRecord {
    pub(super) const WORDS: usize = 3;
}

#[derive(Debug, Clone, Copy)]
pub(super) struct LinkRecord {
    pub(super) to: usize,
    pub(super) cost: u32,
    pub(super) meta: u32,
    pub(super) egress_from: u32,
    pub(super) egress: u32,
    pub(super) gateways_from: u32,
    pub(super) gateways: u32,
}

flags!(LinkRecord {
    COST = 0 => cost_is_written,
    EGRESS = 1 => egress_is_written,
    GATEWAYS = 2 => gateways_are_written,
});

impl LinkRecord {
    pub(super) const WORDS: usize = 7;

    pub(super) fn egress(&self) -> Range<usize> {
        span(self.egress_from, self.egress)
    }

    pub(super) fn gateways(&self) -> Range<usize> {
        span(self.gateways_from, self.gateways)
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct GatewayRecord {
    pub(super) node: Text,
    pub(super) address: Text,
    pub(super) meta: u32,
}

flags!(GatewayRecord {
    ADDRESS = 0 => address_is_written,
    TUNNEL = 1 => is_tunnel,
    TUNNEL_WRITTEN = 2 => tunnel_is_written,
});

impl GatewayRecord {
    pub(super) const WORDS: usize = 4;
}

/// The words of a host. Its pattern stands behind them, and the next host at the next unit of eight bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct HostRecord {
    pub(super) meta: u32,
    pub(super) exposed_to: u32,
    pub(super) rules_from: u32,
    pub(super) rules: u32,
}

flags!(HostRecord {
    PREFER = 8 => prefer_is_written,
    ZONE = 9 => prefers_zone,
    RULES = 10 => rules_are_written,
    PATHS = 11 => has_paths,
});

impl HostRecord {
    /// Hosts begin at multiples of so many bytes.
    pub(super) const UNIT: usize = 8;
    pub(super) const BYTES: usize = 16;

    pub(super) fn read(bytes: &[u8; Self::BYTES]) -> Self {
        // Two words at a time.
        let [low, high] = [0, 8].map(|at| {
            bytes.get(at..at + 8).and_then(|half| half.try_into().ok()).map_or(0, u64::from_le_bytes)
        });
        Self {
            meta: low as u32,
            exposed_to: (low >> 32) as u32,
            rules_from: high as u32,
            rules: (high >> 32) as u32,
        }
    }

    /// Units that a host takes whose pattern has so many bytes.
    pub(super) fn units(pattern: usize) -> usize {
        (Self::BYTES + pattern).div_ceil(Self::UNIT)
    }

    /// Bytes of the pattern.
    pub(super) fn length(&self) -> usize {
        (self.meta & 0xff) as usize
    }

    pub(super) fn rules(&self) -> Range<usize> {
        span(self.rules_from, self.rules)
    }

    pub(super) fn prefer(&self) -> Option<Prefer> {
        let prefer = if self.prefers_zone() { Prefer::Zone } else { Prefer::Node };
        self.prefer_is_written().then_some(prefer)
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct RuleRecord {
    pub(super) path: Text,
    pub(super) exposed_to: u32,
    pub(super) backends_from: u32,
    pub(super) backends: u32,
    pub(super) meta: u32,
}

flags!(RuleRecord {
    EXPOSED_TO = 16 => exposed_to_is_written,
    BACKENDS = 17 => backends_are_written,
});

impl RuleRecord {
    pub(super) const WORDS: usize = 6;

    pub(super) fn backends(&self) -> Range<usize> {
        span(self.backends_from, self.backends)
    }

    /// The rule's place in the table's own order.
    pub(super) fn ordinal(&self) -> usize {
        (self.meta & 0xffff) as usize
    }
}

pub(super) const BACKEND_IS_ZONE: u32 = 1 << 31;
pub(super) const BACKEND_HAS_WEIGHT: u32 = 1 << 30;

#[derive(Debug, Clone, Copy)]
pub(super) struct RouteRecord {
    /// [`NO_ROUTE`] where there is none.
    pub(super) cost: u32,
    pub(super) link: u32,
    pub(super) zones: u32,
}

impl RouteRecord {
    pub(super) const WORDS: usize = 3;
}

pub(super) const NO_ROUTE: u32 = u32::MAX;
