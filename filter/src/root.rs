//! A plugin: its configuration, and what it does besides requests.

use std::rc::Rc;
use std::time::Duration;

use log::error;
use proxy_wasm::hostcalls;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::ContextType;
use zoneway_core::settings::{Role, Settings};

use crate::compiler::Compiler;
use crate::endpoint::{self, Endpoint};
use crate::host;
use crate::route::Route;
use crate::vm::vm;

/// How often a plugin looks at shared data: a new table is seen by all workers within 100 ms.
const TICK: Duration = Duration::from_millis(50);
/// How often the compiler says that it is there, and looks for a notice that did not wake it.
const COMPILER_TICK: Duration = Duration::from_millis(500);

/// A plugin of this VM.
pub(crate) struct Root {
    context: u32,
    plugin: Option<Plugin>,
}

/// A plugin by its role.
enum Plugin {
    Route(Rc<Settings>),
    Endpoint(Rc<Settings>),
    Compiler(Compiler),
}

impl Root {
    pub(crate) fn new(context: u32) -> Self {
        Self { context, plugin: None }
    }
}

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, _size: usize) -> bool {
        let settings = match Settings::parse(&self.get_plugin_configuration().unwrap_or_default()) {
            Ok(settings) => Rc::new(settings),
            Err(wrong) => {
                error!("the plugin's configuration is refused:\n{wrong}");
                return false;
            }
        };
        let tick = if settings.role() == Role::Compiler { COMPILER_TICK } else { TICK };
        self.plugin = Some(match settings.role() {
            Role::Ingress | Role::Peer => {
                // A VM that starts late, or again after a trap, serves at once.
                vm(|vm| vm.look());
                Plugin::Route(settings)
            }
            Role::Table => {
                endpoint::start();
                Plugin::Endpoint(settings)
            }
            Role::Compiler => Plugin::Compiler(Compiler::start(settings)),
        });
        hostcalls::set_tick_period(tick).is_ok()
    }

    fn on_tick(&mut self) {
        match &self.plugin {
            Some(Plugin::Route(_)) => vm(|vm| {
                vm.look();
                vm.beat(host::now_ms());
                vm.flush();
            }),
            Some(Plugin::Endpoint(_)) => endpoint::tick(self.context),
            Some(Plugin::Compiler(compiler)) => compiler.tick(),
            None => {}
        }
    }

    fn on_queue_ready(&mut self, queue: u32) {
        match &self.plugin {
            Some(Plugin::Endpoint(_)) => endpoint::replies(self.context, queue),
            Some(Plugin::Compiler(compiler)) => compiler.work(),
            Some(Plugin::Route(_)) | None => {}
        }
    }

    fn create_http_context(&self, context: u32) -> Option<Box<dyn HttpContext>> {
        match &self.plugin {
            Some(Plugin::Endpoint(settings)) => Some(Box::new(Endpoint::new(context, Rc::clone(settings)))),
            Some(Plugin::Route(settings)) => Some(Box::new(Route::new(Some(Rc::clone(settings))))),
            // Neither is ever asked; the SDK wants a context all the same.
            Some(Plugin::Compiler(_)) | None => Some(Box::new(Route::new(None))),
        }
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}
