//! A plugin: its configuration, and what it does besides requests.

use std::rc::Rc;
use std::time::Duration;

use log::error;
use proxy_wasm::hostcalls;
use proxy_wasm::types::BufferType;
use zoneway_core::settings::{Role, Settings};

use crate::compiler::Compiler;
use crate::vm::vm;
use crate::{endpoint, entry, host};

/// How often a router looks at shared data: a new table is seen by all workers within 100 ms.
const TICK: Duration = Duration::from_millis(50);
/// How often the table endpoint looks for requests that have waited long enough: each tick wakes a thread.
const ENDPOINT_TICK: Duration = Duration::from_millis(100);
/// How often the compiler says that it is there, and looks for a notice that did not wake it.
const COMPILER_TICK: Duration = Duration::from_millis(500);

/// A plugin of this VM, by its role.
pub(crate) enum Root {
    Route(Rc<Settings>),
    Endpoint(Rc<Settings>),
    Compiler(Compiler),
}

impl Root {
    /// Reads the configuration of the plugin that Envoy is starting; `None` has it refused.
    pub(crate) fn configure() -> Option<Self> {
        let json = hostcalls::get_buffer(BufferType::PluginConfiguration, 0, usize::MAX).ok().flatten();
        let settings = match Settings::parse(&json.unwrap_or_default()) {
            Ok(settings) => Rc::new(settings),
            Err(wrong) => {
                error!("the plugin's configuration is refused:\n{wrong}");
                return None;
            }
        };
        let (tick, root) = match settings.role() {
            Role::Ingress | Role::Peer => {
                // A VM that starts late, or again after a trap, serves at once.
                vm(|vm| vm.look());
                (TICK, Self::Route(settings))
            }
            Role::Table => {
                endpoint::start();
                (ENDPOINT_TICK, Self::Endpoint(settings))
            }
            Role::Compiler => (COMPILER_TICK, Self::Compiler(Compiler::start(settings))),
        };
        hostcalls::set_tick_period(tick).ok()?;
        Some(root)
    }

    pub(crate) fn tick(&self, context: u32) {
        match self {
            Self::Route(_) => vm(|vm| {
                vm.look();
                vm.beat(host::now_ms());
                vm.flush();
            }),
            Self::Endpoint(_) => {
                endpoint::tick(context);
                entry::sweep();
            }
            Self::Compiler(compiler) => compiler.tick(),
        }
    }

    pub(crate) fn queue_ready(&self, context: u32, queue: u32) {
        match self {
            Self::Endpoint(_) => endpoint::replies(context, queue),
            Self::Compiler(compiler) => compiler.work(),
            Self::Route(_) => {}
        }
    }
}
