//! Whether this Envoy offers the ABI that the module is built for.

use std::ffi::CStr;

/// The version that Envoy 1.40 compares with its own; another Envoy warns, and may behave in another way.
pub(crate) const ABI_VERSION: &CStr = c"v0.2.0";

/// A callback that came with this version, and that nothing here calls: an Envoy without it offers an older one.
pub(crate) const NEW_IN_THIS_VERSION: &str = "envoy_dynamic_module_callback_log_v2\0";

/// The one line for an Envoy that has every callback, of an older ABI.
pub(crate) fn caution() -> String {
    format!(
        "libzoneway.so is built for Envoy's dynamic module ABI {} and this Envoy offers an older one, with all that is \
         called: where something fails, run an Envoy of the version that zoneway --version names",
        ABI_VERSION.to_string_lossy(),
    )
}

/// The one line that says what to do, for an Envoy without these callbacks.
pub(crate) fn complaint(missing: &[&str]) -> String {
    let more = match missing.len() {
        0 | 1 => String::new(),
        count => format!(" and {} more", count.saturating_sub(1)),
    };
    format!(
        "libzoneway.so is built for Envoy's dynamic module ABI {} and this Envoy has no {}{more}: run an Envoy \
         of the version that zoneway --version names, or zoneway.wasm (zoneway envoy --filter wasm)",
        ABI_VERSION.to_string_lossy(),
        missing.first().copied().unwrap_or("such ABI"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envoy_that_does_not_fit_is_told_in_one_line_with_the_remedy() {
        let line = complaint(&["envoy_dynamic_module_callback_a", "envoy_dynamic_module_callback_b"]);
        assert!(
            line.contains("v0.2.0 and this Envoy has no envoy_dynamic_module_callback_a and 1 more"),
            "{line}"
        );
        assert!(line.contains("--filter wasm"), "{line}");
        assert_eq!(line.lines().count(), 1);
        assert_eq!(caution().lines().count(), 1);
    }
}
