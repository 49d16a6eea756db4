//! One filter configuration of Envoy's: read once, before any request.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use zoneway_core::settings::{Role, Settings};

use crate::endpoint::{Endpoint, WORKERS};
use crate::envoy::{Configuration, Counter};
use crate::handler::Handler;
use crate::verdict::PANICS;
use crate::{tally, workshop};

/// A configuration that requests are handled by.
pub(crate) struct Plugin {
    id: u64,
    settings: Arc<Settings>,
    requests: Counter,
    panics: Counter,
}

impl Plugin {
    /// Reads a configuration. Where Envoy only validates, nothing is started.
    ///
    /// # Errors
    /// What is wrong with it, for the operator.
    pub(crate) fn new(json: &[u8], envoy: &impl Configuration) -> Result<Self, String> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let settings = Settings::parse(json)
            .map_err(|wrong| format!("the filter's configuration is refused:\n{wrong}"))?;
        if settings.role() == Role::Compiler {
            return Err(
                "the role compiler is zoneway.wasm's: libzoneway.so compiles by itself, leave it out"
                    .to_owned(),
            );
        }
        let define = |name: &str, labels: &[&str]| {
            envoy.define_counter(name, labels).ok_or_else(|| format!("Envoy refuses the counter {name}"))
        };
        let requests = define("requests_total", &["action", "reason", "zone"])?;
        let panics = define("panics_total", &[])?;
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        if !envoy.is_validating() {
            WORKERS.get_or_init(|| envoy.workers());
            workshop::start()
                .map_err(|error| format!("the thread that judges tables cannot be started: {error}"))?;
            if let Some(bell) = envoy.bell() {
                workshop::enlist(id, bell);
            }
        }
        Ok(Self { id, settings: Arc::new(settings), requests, panics })
    }

    /// What handles a new request.
    pub(crate) fn handler(&self) -> Handler {
        match self.settings.role() {
            Role::Table => Handler::Endpoint(Endpoint::new(Arc::clone(&self.settings))),
            Role::Ingress | Role::Peer | Role::Compiler => Handler::Route(Arc::clone(&self.settings)),
        }
    }

    /// Hands what was counted to Envoy: called on the main thread where a bell was rung.
    pub(crate) fn flush(&self, envoy: &impl Configuration) {
        tally::all().drain(|action, reason, zone, count| {
            envoy.increment(self.requests, &[action.as_str(), reason.as_str(), zone], count);
        });
        match PANICS.swap(0, Ordering::Relaxed) {
            0 => {}
            panics => envoy.increment(self.panics, &[], panics),
        }
    }
}

impl Drop for Plugin {
    fn drop(&mut self) {
        workshop::dismiss(self.id);
    }
}

#[cfg(test)]
mod tests;
