//! What the shell asks of Envoy, as safe traits. `abi` has them for a real Envoy, `double` for tests.

/// One request's stream, for the time of one call from Envoy.
pub(crate) trait Stream {
    /// The request's headers. They are Envoy's own bytes, need not be UTF-8, and are there until one is changed.
    fn headers(&self) -> Vec<(&[u8], &[u8])>;

    /// The client's address, as `ip:port`.
    fn source_address(&self) -> Option<&[u8]>;

    /// The URI SAN of the certificate that the client showed.
    fn uri_san(&self) -> Option<&[u8]>;

    /// Replaces whatever is there.
    fn set_header(&mut self, name: &str, value: &[u8]);

    /// Adds to whatever is there.
    fn add_header(&mut self, name: &str, value: &[u8]);

    /// Removes every line of a header.
    fn remove_header(&mut self, name: &[u8]);

    /// Has Envoy pick a route anew: it picked one before any filter ran.
    fn clear_route_cache(&mut self);

    /// Writes the field for the access log.
    fn set_log_field(&mut self, line: &str);

    /// Takes the part of the body that has come with this call; Envoy keeps none of it.
    fn take_body(&mut self, take: &mut dyn FnMut(&[u8]));

    /// What wakes this request again, from any thread. `None` where Envoy gives none.
    fn bell(&self) -> Option<Box<dyn Bell>>;
}

/// One filter configuration, on Envoy's main thread.
pub(crate) trait Configuration {
    /// Whether Envoy only looks at its configuration (`--mode validate`): nothing may be started then.
    fn is_validating(&self) -> bool;

    /// How many workers Envoy has.
    fn workers(&self) -> u32;

    /// Defines a counter with labels, and gives what it is known by.
    fn define_counter(&self, name: &str, labels: &[&str]) -> Option<Counter>;

    /// Adds to a counter of this configuration.
    fn increment(&self, counter: Counter, labels: &[&str], by: u64);

    /// What has Envoy call this configuration again on the main thread, from any thread.
    fn bell(&self) -> Option<Box<dyn Bell>>;
}

/// Wakes a request or a configuration. One that is gone by then is not woken; a bell must be gone before Envoy's
/// threads are.
pub(crate) trait Bell: Send {
    fn ring(&self);
}

/// A counter that was defined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counter(pub(crate) usize);
