//! YAML that Envoy and a person read alike.

use serde_json::Value;

/// A document as YAML.
///
/// # Errors
/// Never for what is rendered here: only for values that YAML cannot hold.
pub(crate) fn to_yaml(value: &Value) -> Result<String, serde_saphyr::ser::Error> {
    // A line that is folded is a line that cannot be searched for.
    serde_saphyr::to_string_with_options(value, serde_saphyr::ser_options! { prefer_block_scalars: false })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn what_looks_like_a_number_or_a_boolean_stays_a_text() {
        let value = json!({"a": ["403", "1e3", "true", "on", "null", "~", "", "0x1f", "1_000", "600s", "127.0.0.1", "12:30", "2026-11-22"],
            "b": "line\nline", "c": "%REQ(:METHOD):0%", "*": "*.x", "d": "{\"a\": 1}", "@type": "x", "e": {}, "f": [], "g": [[1, 2], {"x": 1.5}], "h": ": a", "i": "x #y", "j": " s "});
        let text = super::to_yaml(&value).unwrap();
        let read: serde_json::Value = serde_saphyr::from_str(&text).unwrap();
        assert_eq!(read, value);
    }
}
