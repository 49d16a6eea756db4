//! A process: VMs over one store, requests, ticks and wakes.

use std::cell::RefCell;
use std::rc::Rc;

use anyhow::{Result, anyhow, bail};
use serde_json::Value;
use wasmtime::Module;

use crate::shared::{LogLine, Shared};
use crate::stream::{Request, Stream};
use crate::vm::Vm;

/// How far time goes at once: ticks are due at multiples of it.
const STEP_MS: u64 = 10;

/// The action that lets a request go on.
const CONTINUE: u32 = 0;

/// A VM of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VmId(usize);

/// A configured plugin: a root context of a VM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plugin {
    vm: usize,
    root: u32,
}

/// A request that has not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamId {
    vm: usize,
    context: u32,
}

/// A process with one store of shared data.
pub struct Envoy {
    module: Module,
    shared: Rc<RefCell<Shared>>,
    vms: Vec<Slot>,
    draws: u64,
}

/// A VM, and what it takes to start it again.
struct Slot {
    vm: Vm,
    plugins: Vec<(u32, Vec<u8>)>,
    next_context: u32,
    reloads: bool,
}

impl Envoy {
    /// A process that runs this module.
    #[must_use]
    pub fn new(module: Module) -> Self {
        let shared = Shared { now_ms: 1_000_000, ..Shared::default() };
        Self { module, shared: Rc::new(RefCell::new(shared)), vms: Vec::new(), draws: 0 }
    }

    /// Starts a VM without plugins. With `reloads` it starts again after a trap, at the next request (`FAIL_RELOAD`).
    ///
    /// # Errors
    /// When the module does not start.
    pub fn start(&mut self, reloads: bool) -> Result<VmId> {
        let vm = self.instance(self.vms.len())?;
        self.vms.push(Slot { vm, plugins: Vec::new(), next_context: 1, reloads });
        Ok(VmId(self.vms.len() - 1))
    }

    /// Starts a VM with one plugin.
    ///
    /// # Errors
    /// When the module does not start, or refuses the configuration.
    pub fn plugin(&mut self, settings: &Value) -> Result<Plugin> {
        let vm = self.start(true)?;
        self.configure(vm, settings)
    }

    /// Adds a plugin to a VM.
    ///
    /// # Errors
    /// When the module refuses the configuration; its log says why.
    pub fn configure(&mut self, vm: VmId, settings: &Value) -> Result<Plugin> {
        self.configure_bytes(vm, settings.to_string().as_bytes())
    }

    /// Adds a plugin to a VM, with any configuration.
    ///
    /// # Errors
    /// As [`Envoy::configure`].
    pub fn configure_bytes(&mut self, vm: VmId, settings: &[u8]) -> Result<Plugin> {
        let slot = self.slot(vm.0)?;
        let root = slot.next_context;
        slot.next_context += 1;
        slot.plugins.push((root, settings.to_vec()));
        slot.configure(root, settings)?;
        self.settle()?;
        Ok(Plugin { vm: vm.0, root })
    }

    /// Sends a request and sees it to its end.
    ///
    /// # Errors
    /// When the plugin's VM is none of this process's.
    pub fn send(&mut self, plugin: Plugin, request: Request) -> Result<Stream> {
        let stream = self.open(plugin, request)?;
        self.settle()?;
        self.close(stream)
    }

    /// Sends a request, which may have to wait for its answer.
    ///
    /// # Errors
    /// When the plugin's VM is none of this process's.
    pub fn open(&mut self, plugin: Plugin, request: Request) -> Result<StreamId> {
        if self.slot(plugin.vm)?.is_to_reload() {
            self.reload(plugin.vm)?;
        }
        let slot = self.slot(plugin.vm)?;
        let context = slot.next_context;
        slot.next_context += 1;
        let Request { headers, body, properties, block } = request;
        let count = u32::try_from(headers.len())?;
        let stream = Stream { headers, properties, block, ..Stream::default() };
        let host = slot.vm.host_mut();
        host.streams.insert(context, stream);
        host.calls.clear();
        let trapped = slot.receive(plugin.root, context, count, body).is_err();
        let calls = core::mem::take(&mut slot.vm.host_mut().calls);
        let stream = slot.stream(context)?;
        (stream.trapped, stream.calls) = (trapped, calls);
        stream.continues &= !trapped && stream.local.is_none();
        Ok(StreamId { vm: plugin.vm, context })
    }

    /// A request, as it is now.
    ///
    /// # Errors
    /// When it has ended.
    pub fn stream(&mut self, id: StreamId) -> Result<&Stream> {
        Ok(&*self.slot(id.vm)?.stream(id.context)?)
    }

    /// Ends a request, answered or not.
    ///
    /// # Errors
    /// When it has ended already.
    pub fn close(&mut self, id: StreamId) -> Result<Stream> {
        let slot = self.slot(id.vm)?;
        let stream = slot.vm.host_mut().streams.remove(&id.context);
        let stream = stream.ok_or_else(|| anyhow!("{id:?} has ended"))?;
        Ok(stream)
    }

    /// Lets time pass: ticks and wakes come in their order.
    ///
    /// # Errors
    /// When the module does not export what a tick calls.
    pub fn pass(&mut self, ms: u64) -> Result<()> {
        let until = self.now_ms() + ms;
        while self.now_ms() < until {
            let now = {
                let mut shared = self.shared.borrow_mut();
                shared.now_ms = until.min(shared.now_ms + STEP_MS);
                shared.now_ms
            };
            for slot in &mut self.vms {
                slot.tick(now);
            }
            self.settle()?;
        }
        Ok(())
    }

    /// Wakes whoever registered a queue that was written to, until nobody is left to wake.
    ///
    /// # Errors
    /// Never in a process of its own VMs.
    pub fn settle(&mut self) -> Result<()> {
        loop {
            let woken = {
                let mut shared = self.shared.borrow_mut();
                let Some(number) = shared.wakes.pop_front() else { return Ok(()) };
                shared.queue(number).map(|queue| (queue.vm, queue.context, number))
            };
            if let Some((vm, context, number)) = woken {
                let slot = self.slot(vm)?;
                if !slot.vm.dead {
                    // A trap here kills the VM, and nobody waits for the call.
                    let _ = slot.vm.call::<_, ()>("proxy_on_queue_ready", context, (context, number));
                }
            }
        }
    }

    /// Makes the next host call of a VM answer what no SDK expects: the VM traps.
    ///
    /// # Errors
    /// When the VM is none of this process's.
    pub fn break_next_call(&mut self, plugin: Plugin) -> Result<()> {
        self.break_call(plugin, "")
    }

    /// The same for the next host call of this name.
    ///
    /// # Errors
    /// When the VM is none of this process's.
    pub fn break_call(&mut self, plugin: Plugin, name: &'static str) -> Result<()> {
        self.slot(plugin.vm)?.vm.host_mut().fail_next_call = Some(name);
        Ok(())
    }

    /// The clock of the process, in milliseconds since 1970.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        self.shared.borrow().now_ms
    }

    /// Counters, by name.
    #[must_use]
    pub fn metrics(&self) -> Vec<(String, u64)> {
        let mut metrics = self.shared.borrow().metrics.clone();
        metrics.sort();
        metrics
    }

    /// What was logged so far.
    #[must_use]
    pub fn log(&self) -> Vec<LogLine> {
        self.shared.borrow().log.clone()
    }

    /// What is kept under a key of shared data.
    #[must_use]
    pub fn kept(&self, key: &str) -> Option<Vec<u8>> {
        self.shared.borrow().data.get(key.as_bytes()).map(|(value, _)| value.clone())
    }

    /// Keeps a value in shared data, as another release's filter might.
    pub fn keep(&mut self, key: &str, value: &[u8]) {
        self.shared.borrow_mut().set(key.as_bytes(), value, 0);
    }

    fn slot(&mut self, vm: usize) -> Result<&mut Slot> {
        self.vms.get_mut(vm).ok_or_else(|| anyhow!("there is no VM {vm}"))
    }

    fn instance(&mut self, vm: usize) -> Result<Vm> {
        self.draws += 1_000_000;
        Vm::start(&self.module, Rc::clone(&self.shared), vm, self.draws)
    }

    fn reload(&mut self, vm: usize) -> Result<()> {
        let fresh = self.instance(vm)?;
        let slot = self.slot(vm)?;
        slot.vm = fresh;
        for (root, settings) in slot.plugins.clone() {
            slot.configure(root, &settings)?;
        }
        Ok(())
    }
}

impl Slot {
    fn is_to_reload(&self) -> bool {
        self.vm.dead && self.reloads
    }

    fn configure(&mut self, root: u32, settings: &[u8]) -> Result<()> {
        self.vm.host_mut().plugin_configuration = settings.to_vec();
        self.vm.call::<_, ()>("proxy_on_context_create", root, (root, 0_u32))?;
        if self.vm.call::<_, u32>("proxy_on_vm_start", root, (root, 0_u32))? == 0 {
            bail!("the module does not start");
        }
        let size = u32::try_from(settings.len())?;
        if self.vm.call::<_, u32>("proxy_on_configure", root, (root, size))? == 0 {
            bail!("the module refuses its configuration {}", String::from_utf8_lossy(settings));
        }
        Ok(())
    }

    fn stream(&mut self, context: u32) -> Result<&mut Stream> {
        self.vm.host_mut().streams.get_mut(&context).ok_or_else(|| anyhow!("request {context} has ended"))
    }

    /// Calls the module for a request: its headers, then each chunk of its body until it is answered.
    fn receive(&mut self, root: u32, context: u32, count: u32, body: Vec<Vec<u8>>) -> Result<()> {
        if self.vm.dead {
            bail!("the VM is dead");
        }
        self.vm.call::<_, ()>("proxy_on_context_create", root, (context, root))?;
        let end = u32::from(body.is_empty());
        let action: u32 = self.vm.call("proxy_on_request_headers", context, (context, count, end))?;
        self.stream(context)?.continues = action == CONTINUE;
        let last = body.len().saturating_sub(1);
        for (at, chunk) in body.into_iter().enumerate() {
            let stream = self.stream(context)?;
            if stream.local.is_some() {
                break;
            }
            stream.body.extend_from_slice(&chunk);
            let size = u32::try_from(stream.body.len())?;
            let end = u32::from(at == last);
            let action: u32 = self.vm.call("proxy_on_request_body", context, (context, size, end))?;
            self.stream(context)?.continues = action == CONTINUE;
        }
        Ok(())
    }

    fn tick(&mut self, now: u64) {
        let due: Vec<u32> = self
            .vm
            .host_mut()
            .ticks
            .iter_mut()
            .filter(|(_, (period, last))| *period > 0 && now.saturating_sub(*last) >= *period)
            .map(|(context, (_, last))| {
                *last = now;
                *context
            })
            .collect();
        for context in due {
            if !self.vm.dead {
                // A trap here kills the VM, and nobody waits for the call.
                let _ = self.vm.call::<_, ()>("proxy_on_tick", context, context);
            }
        }
    }
}
