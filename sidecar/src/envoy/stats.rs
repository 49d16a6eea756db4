//! Which parts of a counter's name are Prometheus labels.

use serde_json::{Value, json};

/// Makes `envoy_zoneway_requests_total{action,reason,zone}` of the Wasm filter's
/// `wasmcustom.envoy_zoneway.action.A.reason.R.zone.Z.requests_total` (Envoy writes `wasmcustom.` in front and takes it
/// off again for Prometheus). A zone's name may hold dots, an action or a reason none; there is an action
/// `zone`, so each label is found by all that stands before it.
pub(super) fn stats_config() -> Value {
    let label = |name: &str, regex: &str| json!({"tag_name": name, "regex": regex});
    json!({"stats_tags": [
        label("action", r"^wasmcustom\.envoy_zoneway\.(action\.([^.]+)\.)"),
        label("reason", r"^wasmcustom\.envoy_zoneway\.action\.[^.]+\.(reason\.([^.]+)\.)"),
        label("zone", r"^wasmcustom\.envoy_zoneway\.action\.[^.]+\.reason\.[^.]+\.(zone\.(.+)\.)requests_total$"),
    ]})
}
