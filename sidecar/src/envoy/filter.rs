//! The filter itself: how Envoy loads it, and what each of its instances is told.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use zoneway_core::decision::Missing;
use zoneway_core::name::ZoneName;
use zoneway_site::{Balance, PeerAuthentication, Settings};

use super::connection_manager::{From, Manners};
use super::error::Error;
use super::message::{extension, file, set, text};

/// Which build of the filter an Envoy loads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Build {
    /// `zoneway.wasm` at this path, in Envoy's Wasm filter.
    Wasm(PathBuf),
    /// `libzoneway.so`, a dynamic module on Envoy's search path.
    Module,
}

/// What one instance of the filter is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Ingress,
    Peer,
    Table,
    Compiler,
}

impl Role {
    fn name(self) -> &'static str {
        match self {
            Self::Ingress => "ingress",
            Self::Peer => "peer",
            Self::Table => "table",
            Self::Compiler => "compiler",
        }
    }

    /// Instances of one machine share a VM per thread. The table endpoint has a machine of its own, the compiler's on the main
    /// thread, where nobody asks the endpoint: a trap there leaves the VMs that route alive, and those that take tables. What
    /// all of them share is the vm_id, and so the shared data.
    fn machine(self) -> &'static str {
        match self {
            Self::Ingress | Self::Peer => "router",
            Self::Table | Self::Compiler => "table",
        }
    }
}

/// The filter's instances on one node.
#[derive(Clone, Copy)]
pub(super) struct Filter<'a> {
    pub(super) build: &'a Build,
    pub(super) zone: &'a ZoneName,
    pub(super) node: &'a str,
    pub(super) public: bool,
    pub(super) settings: &'a Settings,
    pub(super) public_zones: &'a [&'a ZoneName],
    /// Whether Envoy tells an ingress what name the TLS handshake asked for.
    pub(super) sni: bool,
}

impl Filter<'_> {
    /// The same at a listener with TLS for clients, or at one without.
    pub(super) fn knowing_sni(self, sni: bool) -> Self {
        Self { sni, ..self }
    }

    /// How a connection manager reads these requests.
    pub(super) fn manners(&self, from: From) -> Manners<'_> {
        Manners {
            from,
            log: &self.settings.access_log,
            public_zones: self.public_zones,
            rate_limit: None,
            sni: false,
        }
    }

    /// For clients that are all of one zone, by which the site's policies are kept.
    pub(super) fn ingress(&self, source_zone: &ZoneName) -> Value {
        let policy = |policy: Missing| match policy {
            Missing::Pass if !self.public => "pass",
            Missing::Pass | Missing::Refuse => "refuse",
        };
        self.http(
            Role::Ingress,
            json!({
                "source_zone": source_zone.as_str(),
                "unknown_host": policy(self.settings.unknown_host),
                "no_table": policy(self.settings.no_table),
                "max_hops": self.settings.max_hops,
                "balance": self.balance(),
            }),
        )
    }

    /// For clients from outside: of another zone, or of one that no table has; both policies refuse.
    pub(super) fn ingress_outside(&self, zone: Option<&ZoneName>) -> Value {
        let mut configuration = json!({
            "unknown_host": "refuse",
            "no_table": "refuse",
            "max_hops": self.settings.max_hops,
            "balance": self.balance(),
        });
        match zone {
            Some(zone) => set(&mut configuration, "source_zone", zone.as_str()),
            // No network is inside and none is named for the rest: the filter knows a zone that no table can have.
            None => set(&mut configuration, "source_networks", json!([])),
        }
        self.http(Role::Ingress, configuration)
    }

    /// For other nodes.
    pub(super) fn peer(&self, authentication: &PeerAuthentication) -> Result<Value, Error> {
        let authentication = match authentication {
            PeerAuthentication::Tls { .. } => {
                json!({"spiffe": self.settings.domain.as_deref().ok_or(Error::NoDomain)?})
            }
            PeerAuthentication::None { zones } => {
                json!({"none": {"zones": zones.iter().map(ZoneName::as_str).collect::<Vec<_>>()}})
            }
        };
        Ok(self.http(
            Role::Peer,
            json!({
                "max_hops": self.settings.max_hops,
                "balance": self.balance(),
                "peer_authentication": authentication,
            }),
        ))
    }

    /// For the sidecar.
    pub(super) fn table(&self) -> Value {
        self.http(Role::Table, json!({"max_table_bytes": self.settings.max_table_bytes}))
    }

    /// The singleton on the main thread that compiles tables, and without which the shared data would go with the
    /// last listener. A dynamic module needs none: its state is the process's.
    pub(super) fn bootstrap_extensions(&self) -> Vec<Value> {
        match self.build {
            Build::Wasm(wasm) => {
                let configuration = json!({"max_table_bytes": self.settings.max_table_bytes});
                vec![extension(
                    "envoy.bootstrap.wasm",
                    "extensions.wasm.v3.WasmService",
                    json!({"singleton": true, "config": self.plugin(wasm, Role::Compiler, configuration)}),
                )]
            }
            Build::Module => Vec::new(),
        }
    }

    fn http(&self, role: Role, configuration: Value) -> Value {
        match self.build {
            Build::Wasm(wasm) => extension(
                "zoneway",
                "extensions.filters.http.wasm.v3.Wasm",
                json!({"config": self.plugin(wasm, role, configuration)}),
            ),
            Build::Module => extension(
                "zoneway",
                "extensions.filters.http.dynamic_modules.v3.DynamicModuleFilter",
                json!({
                    "dynamic_module_config": {"name": "zoneway", "metrics_namespace": "zoneway"},
                    "filter_name": "zoneway",
                    "filter_config": self.configuration(role, configuration),
                }),
            ),
        }
    }

    fn plugin(&self, wasm: &Path, role: Role, configuration: Value) -> Value {
        let mut plugin = json!({
            "name": "zoneway",
            "root_id": role.name(),
            "vm_config": {
                "vm_id": "zoneway",
                "runtime": "envoy.wasm.runtime.v8",
                "configuration": text(role.machine().to_owned()),
                "code": {"local": file(wasm)},
            },
            "configuration": self.configuration(role, configuration),
            // A trap closes that one request; the next one finds a new VM.
            "failure_policy": "FAIL_RELOAD",
        });
        if role == Role::Table {
            // The answer waits for the body: without this, a filter that pauses at the headers never gets one.
            set(&mut plugin, "allow_on_headers_stop_iteration", true);
        }
        plugin
    }

    /// The plugin configuration, as the JSON text that both builds read.
    fn configuration(&self, role: Role, own: Value) -> Value {
        let mut all = Map::from_iter([
            ("role".to_owned(), role.name().into()),
            ("zone".to_owned(), self.zone.as_str().into()),
            ("node".to_owned(), self.node.into()),
        ]);
        if let Value::Object(own) = own {
            all.extend(own);
        }
        if role == Role::Ingress && self.sni {
            all.insert("sni".to_owned(), true.into());
        }
        text(Value::Object(all).to_string())
    }

    fn balance(&self) -> Value {
        match &self.settings.balance {
            Balance::Random => json!("random"),
            Balance::Client => json!("client"),
            Balance::Cookie(name) => json!({"cookie": name}),
            Balance::None => json!("none"),
        }
    }
}
