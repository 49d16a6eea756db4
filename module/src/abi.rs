//! The dynamic-module ABI of Envoy 1.40, by hand: what this module calls, what Envoy calls, and nothing else.
//!
//! All unsafe code of the crate is here and, for the memory of its allocator, in [`aside`]. Behind it are the traits of
//! `envoy` and `Handler`, which know no pointer. The callbacks are looked up by name when Envoy loads the module, so that
//! one that is not there is told in a line with its remedy and not by the loader. Envoy's own header,
//! source/extensions/dynamic_modules/abi/abi.h, is the reference.

#![allow(unsafe_code, reason = "an ABI cannot be met without it; each block says why it is sound")]

// Named, since an example has this file by its path.
#[path = "abi/aside.rs"]
pub(crate) mod aside;

use std::ffi::{c_char, c_void};
use std::ptr;
use std::sync::OnceLock;

use crate::envoy::{Bell, Configuration, Counter, Stream};
use crate::fit;
use crate::handler::Handler;
use crate::plugin::Plugin;
use crate::verdict::{Reply, Verdict, contained, guarded};

/// Bytes of either side: theirs for the time of one call, ours for the time of one callback.
#[repr(C)]
#[derive(Clone, Copy)]
struct Bytes {
    start: *const u8,
    length: usize,
}

/// A header of either side.
#[repr(C)]
#[derive(Clone, Copy)]
struct Header {
    name: Bytes,
    value: Bytes,
}

/// `DynamicModuleHttpFilterConfig*` of Envoy.
type EnvoyConfig = *mut c_void;
/// `DynamicModuleHttpFilter*` of Envoy.
type EnvoyFilter = *mut c_void;
/// A `Plugin` of this module.
type ModuleConfig = *const c_void;
/// A `Handler` of this module.
type ModuleFilter = *const c_void;
/// A scheduler of Envoy's, which whoever asked for it deletes.
type Scheduler = *mut c_void;

const REQUEST_HEADERS: u32 = 0;
const RECEIVED_REQUEST_BODY: u32 = 0;
const METRICS_SUCCESS: u32 = 0;
const SOURCE_ADDRESS: u32 = 24;
const URI_SAN_PEER_CERTIFICATE: u32 = 37;

const CONTINUE: u32 = 0;
const STOP_HEADERS: u32 = 1;
const STOP_BODY_NO_BUFFER: u32 = 3;
const STOP_TRAILERS: u32 = 1;

/// Where `%FILTER_STATE(wasm.zoneway:PLAIN)%` finds the log field: under the key that Envoy's Wasm filter makes of
/// `zoneway`, so that one access log fits both.
const LOG_FIELD: &str = "wasm.zoneway";

/// Levels of Envoy's log.
#[derive(Debug, Clone, Copy)]
#[repr(u32)]
pub(crate) enum Level {
    Info = 2,
    Warn = 3,
    Error = 4,
    Critical = 5,
}

unsafe extern "C" {
    fn dlsym(handle: *mut c_void, symbol: *const c_char) -> *mut c_void;
}

/// `RTLD_DEFAULT`: whatever the process has, Envoy's binary first.
const EVERYWHERE: *mut c_void = ptr::null_mut();

/// The address of a symbol, which ends with a zero byte; null where the process has none.
fn look_up(symbol: &'static str) -> *mut c_void {
    if !symbol.ends_with('\0') {
        return ptr::null_mut();
    }
    // SAFETY: the symbol ends with a zero byte, and dlsym keeps nothing of it.
    unsafe { dlsym(EVERYWHERE, symbol.as_ptr().cast()) }
}

/// Declares the callbacks, and how they are found.
macro_rules! callbacks {
    ($($name:ident($($argument:ty),*) $(-> $result:ty)?;)*) => {
        struct Callbacks {
            $($name: unsafe extern "C" fn($($argument),*) $(-> $result)?,)*
        }

        impl Callbacks {
            /// # Errors
            /// The names of those that this Envoy has not.
            fn find() -> Result<Self, Vec<&'static str>> {
                let mut missing = Vec::new();
                $(
                    let symbol = concat!("envoy_dynamic_module_callback_", stringify!($name), "\0");
                    let $name = look_up(symbol);
                    if $name.is_null() {
                        missing.push(symbol.trim_end_matches('\0'));
                    }
                )*
                if !missing.is_empty() {
                    return Err(missing);
                }
                Ok(Self {
                    $(
                        // SAFETY: it is no null pointer, and Envoy 1.40 has a function of this signature by this name.
                        $name: unsafe {
                            std::mem::transmute::<*mut c_void, unsafe extern "C" fn($($argument),*) $(-> $result)?>($name)
                        },
                    )*
                })
            }
        }
    };
}

callbacks! {
    log(u32, Bytes);
    get_concurrency() -> u32;
    is_validation_mode() -> bool;
    http_get_headers_size(EnvoyFilter, u32) -> usize;
    http_get_headers(EnvoyFilter, u32, *mut Header) -> bool;
    http_set_header(EnvoyFilter, u32, Bytes, Bytes) -> bool;
    http_add_header(EnvoyFilter, u32, Bytes, Bytes) -> bool;
    http_clear_route_cache(EnvoyFilter);
    http_send_response(EnvoyFilter, u32, *const Header, usize, Bytes, Bytes);
    http_get_body_chunks_size(EnvoyFilter, u32) -> usize;
    http_get_body_chunks(EnvoyFilter, u32, *mut Bytes) -> bool;
    http_get_body_size(EnvoyFilter, u32) -> usize;
    http_drain_body(EnvoyFilter, u32, usize) -> bool;
    http_set_filter_state_bytes(EnvoyFilter, Bytes, Bytes) -> bool;
    http_filter_get_attribute_string(EnvoyFilter, u32, *mut Bytes) -> bool;
    http_filter_scheduler_new(EnvoyFilter) -> Scheduler;
    http_filter_scheduler_commit(Scheduler, u64);
    http_filter_scheduler_delete(Scheduler);
    http_filter_config_define_counter(EnvoyConfig, Bytes, *const Bytes, usize, *mut usize) -> u32;
    http_filter_config_increment_counter(EnvoyConfig, usize, *const Bytes, usize, u64) -> u32;
    http_filter_config_scheduler_new(EnvoyConfig) -> Scheduler;
    http_filter_config_scheduler_commit(Scheduler, u64);
    http_filter_config_scheduler_delete(Scheduler);
}

static CALLBACKS: OnceLock<Callbacks> = OnceLock::new();

impl Bytes {
    const NONE: Self = Self { start: ptr::null(), length: 0 };

    fn of(bytes: &[u8]) -> Self {
        Self { start: bytes.as_ptr(), length: bytes.len() }
    }

    /// # Safety
    /// The bytes are there, and nobody writes them, for as long as the caller says.
    unsafe fn read<'a>(self) -> &'a [u8] {
        if self.start.is_null() || self.length == 0 {
            return &[];
        }
        // SAFETY: it is no null pointer; the rest is the caller's word.
        unsafe { std::slice::from_raw_parts(self.start, self.length) }
    }
}

impl Header {
    const NONE: Self = Self { name: Bytes::NONE, value: Bytes::NONE };
}

/// Writes a line into Envoy's log; from any thread. Nothing where no Envoy is, as in unit tests.
pub(crate) fn log(level: Level, line: &str) {
    if let Some(calls) = CALLBACKS.get() {
        // SAFETY: Envoy copies the line before it returns, on any thread.
        unsafe { (calls.log)(level as u32, Bytes::of(line.as_bytes())) };
    }
}

/// A request's stream, for the time of one call from Envoy.
struct EnvoyStream {
    filter: EnvoyFilter,
    calls: &'static Callbacks,
}

impl EnvoyStream {
    fn attribute(&self, id: u32) -> Option<&[u8]> {
        let mut value = Bytes::NONE;
        // SAFETY: `filter` is Envoy's for the time of this call; `value` is written before it returns.
        let found = unsafe { (self.calls.http_filter_get_attribute_string)(self.filter, id, &raw mut value) };
        // SAFETY: an attribute of a stream's connection lives as long as the connection, longer than this borrow.
        found.then(|| unsafe { value.read() })
    }

    /// Sends an answer. Envoy may destroy the handler before this returns: nothing may borrow it here.
    fn answer(&self, reply: &Reply) {
        let header = |(name, value): &(&'static str, String)| Header {
            name: Bytes::of(name.as_bytes()),
            value: Bytes::of(value.as_bytes()),
        };
        let headers: Vec<_> = reply.headers.iter().map(header).collect();
        let (start, length, body) = (headers.as_ptr(), headers.len(), Bytes::of(&reply.body));
        let status = u32::from(reply.status);
        // SAFETY: headers and body live until it returns, and Envoy copies what it keeps.
        unsafe { (self.calls.http_send_response)(self.filter, status, start, length, body, Bytes::NONE) };
    }
}

impl Stream for EnvoyStream {
    fn headers(&self) -> Vec<(&[u8], &[u8])> {
        // SAFETY: `filter` is Envoy's for the time of this call.
        let size = unsafe { (self.calls.http_get_headers_size)(self.filter, REQUEST_HEADERS) };
        let mut headers = vec![Header::NONE; size];
        // SAFETY: there is room for as many headers as Envoy has just said.
        if !unsafe { (self.calls.http_get_headers)(self.filter, REQUEST_HEADERS, headers.as_mut_ptr()) } {
            return Vec::new();
        }
        let read = |header: Header| {
            // SAFETY: they are there until a header is changed, for which this stream must be borrowed anew.
            let name = unsafe { header.name.read() };
            // SAFETY: as above.
            (name, unsafe { header.value.read() })
        };
        headers.into_iter().map(read).collect()
    }

    fn source_address(&self) -> Option<&[u8]> {
        self.attribute(SOURCE_ADDRESS)
    }

    fn uri_san(&self) -> Option<&[u8]> {
        self.attribute(URI_SAN_PEER_CERTIFICATE)
    }

    fn set_header(&mut self, name: &str, value: &[u8]) {
        let (name, value) = (Bytes::of(name.as_bytes()), Bytes::of(value));
        // SAFETY: Envoy copies both; no bytes of the headers are borrowed, since this stream is not.
        unsafe { (self.calls.http_set_header)(self.filter, REQUEST_HEADERS, name, value) };
    }

    fn add_header(&mut self, name: &str, value: &[u8]) {
        let (name, value) = (Bytes::of(name.as_bytes()), Bytes::of(value));
        // SAFETY: as for `set_header`.
        unsafe { (self.calls.http_add_header)(self.filter, REQUEST_HEADERS, name, value) };
    }

    fn remove_header(&mut self, name: &[u8]) {
        // SAFETY: as for `set_header`; a value that is a null pointer removes.
        unsafe { (self.calls.http_set_header)(self.filter, REQUEST_HEADERS, Bytes::of(name), Bytes::NONE) };
    }

    fn clear_route_cache(&mut self) {
        // SAFETY: `filter` is Envoy's for the time of this call.
        unsafe { (self.calls.http_clear_route_cache)(self.filter) };
    }

    fn set_log_field(&mut self, line: &str) {
        let (key, value) = (Bytes::of(LOG_FIELD.as_bytes()), Bytes::of(line.as_bytes()));
        // SAFETY: Envoy copies both.
        unsafe { (self.calls.http_set_filter_state_bytes)(self.filter, key, value) };
    }

    fn take_body(&mut self, take: &mut dyn FnMut(&[u8])) {
        // SAFETY: `filter` is Envoy's for the time of this call.
        let size = unsafe { (self.calls.http_get_body_chunks_size)(self.filter, RECEIVED_REQUEST_BODY) };
        let mut chunks = vec![Bytes::NONE; size];
        let start = chunks.as_mut_ptr();
        // SAFETY: there is room for as many chunks as Envoy has just said.
        if unsafe { (self.calls.http_get_body_chunks)(self.filter, RECEIVED_REQUEST_BODY, start) } {
            for chunk in chunks {
                // SAFETY: it is there until the body is drained, below.
                take(unsafe { chunk.read() });
            }
        }
        // SAFETY: no chunk is borrowed any more.
        let bytes = unsafe { (self.calls.http_get_body_size)(self.filter, RECEIVED_REQUEST_BODY) };
        // SAFETY: as above.
        unsafe { (self.calls.http_drain_body)(self.filter, RECEIVED_REQUEST_BODY, bytes) };
    }

    fn bell(&self) -> Option<Box<dyn Bell>> {
        // SAFETY: `filter` is Envoy's for the time of this call; the scheduler holds it weakly.
        let scheduler = unsafe { (self.calls.http_filter_scheduler_new)(self.filter) };
        let (commit, delete) =
            (self.calls.http_filter_scheduler_commit, self.calls.http_filter_scheduler_delete);
        EnvoyBell::boxed(scheduler, commit, delete)
    }
}

/// A scheduler of Envoy's. Its owner drops it before the thread that it wakes ends: a handler with its stream, a
/// plugin with its configuration.
struct EnvoyBell {
    scheduler: Scheduler,
    commit: unsafe extern "C" fn(Scheduler, u64),
    delete: unsafe extern "C" fn(Scheduler),
}

// SAFETY: Envoy's schedulers are made to be used from any thread, and this is their only owner.
unsafe impl Send for EnvoyBell {}

impl EnvoyBell {
    fn boxed(
        scheduler: Scheduler,
        commit: unsafe extern "C" fn(Scheduler, u64),
        delete: unsafe extern "C" fn(Scheduler),
    ) -> Option<Box<dyn Bell>> {
        if scheduler.is_null() { None } else { Some(Box::new(Self { scheduler, commit, delete })) }
    }
}

impl Bell for EnvoyBell {
    fn ring(&self) {
        // SAFETY: the scheduler is not deleted yet; Envoy posts, and drops what has nobody to go to.
        unsafe { (self.commit)(self.scheduler, 0) };
    }
}

impl Drop for EnvoyBell {
    fn drop(&mut self) {
        // SAFETY: it is deleted once, and nobody else has it.
        unsafe { (self.delete)(self.scheduler) };
    }
}

/// A filter configuration, for the time of one call from Envoy.
struct EnvoyConfiguration {
    config: EnvoyConfig,
    calls: &'static Callbacks,
}

impl Configuration for EnvoyConfiguration {
    fn is_validating(&self) -> bool {
        // SAFETY: configurations are made on the main thread alone, as this callback asks.
        unsafe { (self.calls.is_validation_mode)() }
    }

    fn workers(&self) -> u32 {
        // SAFETY: as above.
        unsafe { (self.calls.get_concurrency)() }
    }

    fn define_counter(&self, name: &str, labels: &[&str]) -> Option<Counter> {
        let labels: Vec<_> = labels.iter().map(|label| Bytes::of(label.as_bytes())).collect();
        let (name, start, length) = (Bytes::of(name.as_bytes()), labels.as_ptr(), labels.len());
        let define = self.calls.http_filter_config_define_counter;
        let mut id = 0;
        // SAFETY: `config` is Envoy's for the time of this call; it copies the texts and writes `id`.
        let result = unsafe { define(self.config, name, start, length, &raw mut id) };
        (result == METRICS_SUCCESS).then_some(Counter(id))
    }

    fn increment(&self, Counter(id): Counter, labels: &[&str], by: u64) {
        let labels: Vec<_> = labels.iter().map(|label| Bytes::of(label.as_bytes())).collect();
        let (start, length) = (labels.as_ptr(), labels.len());
        // SAFETY: `config` is Envoy's for the time of this call, and defined this counter; it copies the texts.
        unsafe { (self.calls.http_filter_config_increment_counter)(self.config, id, start, length, by) };
    }

    fn bell(&self) -> Option<Box<dyn Bell>> {
        // SAFETY: `config` is Envoy's for the time of this call; the scheduler holds it weakly.
        let scheduler = unsafe { (self.calls.http_filter_config_scheduler_new)(self.config) };
        let (commit, delete) =
            (self.calls.http_filter_config_scheduler_commit, self.calls.http_filter_config_scheduler_delete);
        EnvoyBell::boxed(scheduler, commit, delete)
    }
}

/// Runs a handler, and carries out what it says when nothing borrows it any more.
fn handle(
    filter: EnvoyFilter,
    module: ModuleFilter,
    stop: u32,
    act: impl FnOnce(&mut Handler, &mut EnvoyStream) -> Verdict,
) -> u32 {
    let Some(calls) = CALLBACKS.get() else { return stop };
    let mut stream = EnvoyStream { filter, calls };
    let verdict = guarded(|| {
        // SAFETY: it is what `http_filter_new` gave, until `http_filter_destroy`. A stream has one thread, and no
        // callback that a handler uses calls the module again: answers, which may, are sent below.
        let handler = unsafe { &mut *module.cast_mut().cast::<Handler>() };
        act(handler, &mut stream)
    });
    match verdict {
        Verdict::Continue => CONTINUE,
        Verdict::Wait => stop,
        Verdict::Answer(reply) => {
            stream.answer(&reply);
            stop
        }
    }
}

/// Called once, by the main thread, when the module is loaded. Null has it refused.
#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_on_program_init() -> *const c_char {
    let fits = contained(|| match Callbacks::find() {
        Ok(found) => {
            CALLBACKS.get_or_init(|| found);
            std::panic::set_hook(Box::new(|panic| log(Level::Critical, &format!("libzoneway.so: {panic}"))));
            if look_up(fit::NEW_IN_THIS_VERSION).is_null() {
                log(Level::Warn, &fit::caution());
            }
            true
        }
        Err(missing) => {
            // Its log may be one of them; what Envoy says of itself goes there too.
            eprintln!("{}", fit::complaint(&missing));
            false
        }
    });
    if fits == Some(true) { fit::ABI_VERSION.as_ptr() } else { ptr::null() }
}

/// Null refuses the configuration, and the one that is there stays.
#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_on_http_filter_config_new(
    config: EnvoyConfig,
    _name: Bytes,
    text: Bytes,
) -> ModuleConfig {
    let Some(calls) = CALLBACKS.get() else { return ptr::null() };
    let made = contained(|| {
        // SAFETY: the text is there for the time of this call.
        let text = unsafe { text.read() };
        match Plugin::new(text, &EnvoyConfiguration { config, calls }) {
            Ok(plugin) => Box::into_raw(Box::new(plugin)).cast_const().cast(),
            Err(wrong) => {
                log(Level::Error, &wrong);
                ptr::null()
            }
        }
    });
    made.unwrap_or(ptr::null())
}

/// The configuration and everything of it is gone.
#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_on_http_filter_config_destroy(module: ModuleConfig) {
    // SAFETY: it is what `http_filter_config_new` gave, and given back once.
    contained(|| drop(unsafe { Box::from_raw(module.cast_mut().cast::<Plugin>()) }));
}

/// A bell of the configuration was rung.
#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_on_http_filter_config_scheduled(
    config: EnvoyConfig,
    module: ModuleConfig,
    _event: u64,
) {
    let Some(calls) = CALLBACKS.get() else { return };
    contained(|| {
        // SAFETY: it is what `http_filter_config_new` gave, and is only read until it is destroyed.
        let plugin = unsafe { &*module.cast::<Plugin>() };
        plugin.flush(&EnvoyConfiguration { config, calls });
    });
}

/// A route cannot say anything of this filter: its tables do.
#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_on_http_filter_per_route_config_new(
    _name: Bytes,
    _text: Bytes,
) -> *const c_void {
    log(Level::Error, "a route has no configuration of zoneway: remove its typed_per_filter_config");
    ptr::null()
}

/// There is none.
#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_on_http_filter_per_route_config_destroy(_module: *const c_void) {}

/// A new stream. Null closes it.
#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_on_http_filter_new(
    module: ModuleConfig,
    _filter: EnvoyFilter,
) -> ModuleFilter {
    let made = contained(|| {
        // SAFETY: it is what `http_filter_config_new` gave, and is only read until it is destroyed.
        let plugin = unsafe { &*module.cast::<Plugin>() };
        Box::into_raw(Box::new(plugin.handler())).cast_const().cast()
    });
    made.unwrap_or(ptr::null())
}

/// The stream is gone.
#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_on_http_filter_destroy(module: ModuleFilter) {
    // SAFETY: it is what `http_filter_new` gave, and given back once.
    contained(|| drop(unsafe { Box::from_raw(module.cast_mut().cast::<Handler>()) }));
}

/// The request's headers have come.
#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_on_http_filter_request_headers(
    filter: EnvoyFilter,
    module: ModuleFilter,
    end: bool,
) -> u32 {
    handle(filter, module, STOP_HEADERS, |handler, stream| handler.headers(stream, end))
}

/// A part of the request's body has come.
#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_on_http_filter_request_body(
    filter: EnvoyFilter,
    module: ModuleFilter,
    end: bool,
) -> u32 {
    handle(filter, module, STOP_BODY_NO_BUFFER, |handler, stream| handler.body(stream, end))
}

/// The request's trailers have come.
#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_on_http_filter_request_trailers(
    filter: EnvoyFilter,
    module: ModuleFilter,
) -> u32 {
    handle(filter, module, STOP_TRAILERS, |handler, stream| handler.trailers(stream))
}

/// A bell of the request was rung.
#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_on_http_filter_scheduled(
    filter: EnvoyFilter,
    module: ModuleFilter,
    _event: u64,
) {
    handle(filter, module, STOP_HEADERS, |handler, _| handler.rung());
}

/// Declares what Envoy demands and this module has no use for. None of them touches the handler: Envoy calls some of
/// them from within a callback.
macro_rules! unused {
    ($($(#[$doc:meta])* $name:ident($($argument:ty),*) $(-> $result:ty)?;)*) => {
        $(
            $(#[$doc])*
            #[unsafe(no_mangle)]
            extern "C" fn $name(_: EnvoyFilter, _: ModuleFilter $(, _: $argument)*) $(-> $result)? {
                $(<$result>::from(CONTINUE))?
            }
        )*
    };
}

unused! {
    /// The response's headers have come.
    envoy_dynamic_module_on_http_filter_response_headers(bool) -> u32;
    /// A part of the response's body has come.
    envoy_dynamic_module_on_http_filter_response_body(bool) -> u32;
    /// The response's trailers have come.
    envoy_dynamic_module_on_http_filter_response_trailers() -> u32;
    /// The stream is at its end.
    envoy_dynamic_module_on_http_filter_stream_complete();
    /// A callout, which this module never makes, is done.
    envoy_dynamic_module_on_http_filter_http_callout_done(u64, u32, *const Header, usize, *const Bytes, usize);
    /// A stream of this module's own, which it never opens, has headers.
    envoy_dynamic_module_on_http_filter_http_stream_headers(u64, *const Header, usize, bool);
    /// The same, data.
    envoy_dynamic_module_on_http_filter_http_stream_data(u64, *const Bytes, usize, bool);
    /// The same, trailers.
    envoy_dynamic_module_on_http_filter_http_stream_trailers(u64, *const Header, usize);
    /// The same, at its end.
    envoy_dynamic_module_on_http_filter_http_stream_complete(u64);
    /// The same, reset.
    envoy_dynamic_module_on_http_filter_http_stream_reset(u64, u32);
    /// The client reads too slowly for a response of this module's own.
    envoy_dynamic_module_on_http_filter_downstream_above_write_buffer_high_watermark();
    /// It has caught up.
    envoy_dynamic_module_on_http_filter_downstream_below_write_buffer_low_watermark();
}
