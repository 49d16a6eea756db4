//! How much one client may ask for at an ingress.
//!
//! Each address has a bucket of its own, shared by all workers; of IPv6 the first 64 bits are one client, which is what a
//! household gets. Clients beyond those that are remembered take the place of the one that was quiet for longest.

use serde_json::{Value, json};
use zoneway_site::RateLimit;

use super::message::extension;

/// Clients whose buckets are remembered.
const CLIENTS: u32 = 10_000;

/// Bits of an IPv6 address that tell one client from another.
const IPV6_BITS: u32 = 64;

const CLIENT: &str = "masked_remote_address";

/// The filter that answers 429 to whoever asks for more.
pub(super) fn rate_limit(limit: RateLimit) -> Value {
    let always = json!({"default_value": {"numerator": 100}});
    let bucket = |tokens: u64| {
        json!({
            "max_tokens": tokens,
            "tokens_per_fill": tokens,
            "fill_interval": format!("{}s", limit.per.as_secs()),
        })
    };
    extension(
        "zoneway/rate_limit",
        "extensions.filters.http.local_ratelimit.v3.LocalRateLimit",
        json!({
            "stat_prefix": "client",
            "filter_enabled": always,
            "filter_enforced": always,
            // For all clients together there is no limit here.
            "token_bucket": bucket(u64::from(u32::MAX)),
            "max_dynamic_descriptors": CLIENTS,
            "rate_limits": [{"actions": [{CLIENT: {"v6_prefix_mask_len": IPV6_BITS}}]}],
            "descriptors": [{"entries": [{"key": CLIENT}], "token_bucket": bucket(limit.requests)}],
        }),
    )
}
