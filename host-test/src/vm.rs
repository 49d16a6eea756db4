//! One VM: an instance of the module, and the host's side of it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use anyhow::{Result, anyhow};
use wasmtime::{Instance, Linker, Module, Store, WasmParams, WasmResults};

use crate::calls;
use crate::shared::Shared;
use crate::stream::Stream;

/// What host calls of one VM can reach.
pub(crate) struct Host {
    pub(crate) shared: Rc<RefCell<Shared>>,
    /// The VM's place among those of its process.
    pub(crate) vm: usize,
    /// The context that is called, and the one that it acts for.
    pub(crate) called: u32,
    pub(crate) effective: u32,
    pub(crate) plugin_configuration: Vec<u8>,
    pub(crate) streams: BTreeMap<u32, Stream>,
    /// Root contexts that want ticks: their period and when the last one was, in milliseconds.
    pub(crate) ticks: BTreeMap<u32, (u64, u64)>,
    /// The host calls since they were last taken.
    pub(crate) calls: Vec<&'static str>,
    /// Answers the next host call of this name, or the next of all where that is empty, with a status that no SDK expects.
    pub(crate) fail_next_call: Option<&'static str>,
    /// How often `random_get` was asked: no two answers are the same.
    pub(crate) draws: u64,
}

impl Host {
    /// The stream that the module acts for.
    pub(crate) fn stream(&mut self) -> Option<&mut Stream> {
        self.streams.get_mut(&self.effective)
    }
}

/// An instance of the module. Once it trapped, it is never called again.
pub(crate) struct Vm {
    store: Store<Host>,
    instance: Instance,
    pub(crate) dead: bool,
}

impl Vm {
    pub(crate) fn start(module: &Module, shared: Rc<RefCell<Shared>>, vm: usize, draws: u64) -> Result<Self> {
        let host = Host {
            shared,
            vm,
            called: 0,
            effective: 0,
            plugin_configuration: Vec::new(),
            streams: BTreeMap::new(),
            ticks: BTreeMap::new(),
            calls: Vec::new(),
            fail_next_call: None,
            draws,
        };
        let mut store = Store::new(module.engine(), host);
        let mut linker = Linker::new(module.engine());
        let instance = calls::link(&mut linker)
            .and_then(|()| linker.define_unknown_imports_as_traps(module))
            .and_then(|()| linker.instantiate(&mut store, module))
            .map_err(|error| anyhow!("the module does not start: {error:?}"))?;
        let mut vm = Self { store, instance, dead: false };
        vm.call::<(), ()>("_initialize", 0, ())?;
        Ok(vm)
    }

    pub(crate) fn host_mut(&mut self) -> &mut Host {
        self.store.data_mut()
    }

    /// Calls an export for a context. A trap kills the VM.
    pub(crate) fn call<P: WasmParams, R: WasmResults>(
        &mut self,
        name: &str,
        context: u32,
        with: P,
    ) -> Result<R> {
        let host = self.store.data_mut();
        (host.called, host.effective) = (context, context);
        let function = self.instance.get_typed_func::<P, R>(&mut self.store, name);
        let called = function.and_then(|function| function.call(&mut self.store, with));
        called.map_err(|error| {
            self.dead = true;
            anyhow!("{name} trapped: {error:?}")
        })
    }
}
