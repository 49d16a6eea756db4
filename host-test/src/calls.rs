//! The host calls that the filter makes, as proxy-wasm ABI 0.2.1 and WASI have them. Any other traps.

use wasmtime::{Caller, Linker, Result, bail};

use crate::memory::{hand_over, pairs, parse_pairs, read, read_text, write, write_u32};
use crate::shared::LogLine;
use crate::stream::{Headers, Local};
use crate::vm::Host;

type Call<'a> = Caller<'a, Host>;

const OK: u32 = 0;
const NOT_FOUND: u32 = 1;
const BAD_ARGUMENT: u32 = 2;
const EMPTY: u32 = 7;
const CAS_MISMATCH: u32 = 8;
/// A status that no SDK knows.
const UNEXPECTED: u32 = 12;

const REQUEST_HEADERS: u32 = 0;
const REQUEST_BODY: u32 = 0;
const PLUGIN_CONFIGURATION: u32 = 7;

/// Counts a call; `Some` when it is to fail.
fn called(caller: &mut Call<'_>, name: &'static str) -> Option<u32> {
    let host = caller.data_mut();
    host.calls.push(name);
    host.fail_next_call.take_if(|fails| fails.is_empty() || *fails == name).map(|_| UNEXPECTED)
}

/// Defines a counted host call.
macro_rules! call {
    ($linker:ident, $name:literal, |$caller:ident $(, $arg:ident: $type:ty)*| $body:expr) => {
        $linker.func_wrap("env", $name, |mut $caller: Call<'_> $(, $arg: $type)*| -> Result<u32> {
            if let Some(status) = called(&mut $caller, $name) {
                return Ok(status);
            }
            $body
        })?;
    };
}

pub(crate) fn link(linker: &mut Linker<Host>) -> Result<()> {
    headers(linker)?;
    bodies(linker)?;
    sharing(linker)?;
    rest(linker)?;
    wasi(linker)
}

/// The headers of the request that is acted for.
fn map<'a>(caller: &'a mut Call<'_>, map: u32) -> Option<&'a mut Headers> {
    if map == REQUEST_HEADERS { caller.data_mut().stream().map(|stream| &mut stream.headers) } else { None }
}

/// Changes the headers; in Envoy that clears the route cache by itself.
fn change(caller: &mut Call<'_>, which: u32, with: impl FnOnce(&mut Headers)) -> u32 {
    let Some(headers) = map(caller, which) else { return BAD_ARGUMENT };
    with(headers);
    if let Some(stream) = caller.data_mut().stream() {
        stream.route_cleared = true;
    }
    OK
}

fn headers(linker: &mut Linker<Host>) -> Result<()> {
    call!(linker, "proxy_get_header_map_pairs", |caller, which: u32, at: u32, size_at: u32| {
        let Some(headers) = map(&mut caller, which) else { return Ok(BAD_ARGUMENT) };
        let made = pairs(headers)?;
        let bytes = caller.data_mut().stream().and_then(|stream| stream.block.clone()).unwrap_or(made);
        hand_over(&mut caller, &bytes, at, size_at).map(|()| OK)
    });
    call!(
        linker,
        "proxy_get_header_map_value",
        |caller, which: u32, name: u32, length: u32, at: u32, size_at: u32| {
            let name = read(&mut caller, name, length)?;
            let Some(headers) = map(&mut caller, which) else { return Ok(BAD_ARGUMENT) };
            match headers
                .iter()
                .find(|(key, _)| key.eq_ignore_ascii_case(&name))
                .map(|(_, value)| value.clone())
            {
                Some(value) => hand_over(&mut caller, &value, at, size_at).map(|()| OK),
                None => Ok(NOT_FOUND),
            }
        }
    );
    call!(linker, "proxy_add_header_map_value", |caller, which: u32, n: u32, nl: u32, v: u32, vl: u32| {
        let pair = (read(&mut caller, n, nl)?, read(&mut caller, v, vl)?);
        Ok(change(&mut caller, which, |headers| headers.push(pair)))
    });
    call!(
        linker,
        "proxy_replace_header_map_value",
        |caller, which: u32, n: u32, nl: u32, v: u32, vl: u32| {
            let (name, value) = (read(&mut caller, n, nl)?, read(&mut caller, v, vl)?);
            Ok(change(&mut caller, which, |headers| {
                headers.retain(|(key, _)| !key.eq_ignore_ascii_case(&name));
                headers.push((name, value));
            }))
        }
    );
    call!(linker, "proxy_remove_header_map_value", |caller, which: u32, name: u32, length: u32| {
        let name = read(&mut caller, name, length)?;
        Ok(change(&mut caller, which, |headers| headers.retain(|(key, _)| !key.eq_ignore_ascii_case(&name))))
    });
    call!(linker, "proxy_send_local_response", |caller,
                                                status: u32,
                                                _details: u32,
                                                _details_size: u32,
                                                body: u32,
                                                body_size: u32,
                                                headers: u32,
                                                headers_size: u32,
                                                _grpc: i32| {
        let body = read(&mut caller, body, body_size)?;
        let headers = parse_pairs(&read(&mut caller, headers, headers_size)?)?;
        let Some(stream) = caller.data_mut().stream() else { return Ok(BAD_ARGUMENT) };
        if stream.local.is_some() {
            bail!("a request is answered twice");
        }
        stream.local = Some(Local { status, headers, body });
        Ok(OK)
    });
    Ok(())
}

fn bodies(linker: &mut Linker<Host>) -> Result<()> {
    call!(linker, "proxy_get_buffer_bytes", |caller,
                                             which: u32,
                                             start: u32,
                                             most: u32,
                                             at: u32,
                                             size_at: u32| {
        let host = caller.data_mut();
        let buffer = match which {
            REQUEST_BODY => host.stream().map(|stream| stream.body.clone()),
            PLUGIN_CONFIGURATION => Some(host.plugin_configuration.clone()),
            _ => None,
        };
        let Some(buffer) = buffer else { return Ok(NOT_FOUND) };
        let start = (start as usize).min(buffer.len());
        let end = start.saturating_add(most as usize).min(buffer.len());
        let part = buffer.get(start..end).unwrap_or_default();
        hand_over(&mut caller, part, at, size_at).map(|()| OK)
    });
    call!(linker, "proxy_set_buffer_bytes", |caller,
                                             which: u32,
                                             start: u32,
                                             size: u32,
                                             data: u32,
                                             length: u32| {
        let bytes = read(&mut caller, data, length)?;
        let Some(stream) = caller.data_mut().stream().filter(|_| which == REQUEST_BODY) else {
            return Ok(NOT_FOUND);
        };
        let start = (start as usize).min(stream.body.len());
        let end = start.saturating_add(size as usize).min(stream.body.len());
        stream.body.splice(start..end, bytes);
        Ok(OK)
    });
    Ok(())
}

fn sharing(linker: &mut Linker<Host>) -> Result<()> {
    call!(linker, "proxy_get_shared_data", |caller,
                                            key: u32,
                                            length: u32,
                                            at: u32,
                                            size_at: u32,
                                            cas_at: u32| {
        let key = read(&mut caller, key, length)?;
        let kept = caller.data().shared.borrow().data.get(&key).cloned();
        let Some((value, cas)) = kept else { return Ok(NOT_FOUND) };
        hand_over(&mut caller, &value, at, size_at)?;
        write_u32(&mut caller, cas_at, cas).map(|()| OK)
    });
    call!(linker, "proxy_set_shared_data", |caller,
                                            key: u32,
                                            length: u32,
                                            value: u32,
                                            size: u32,
                                            cas: u32| {
        let (key, value) = (read(&mut caller, key, length)?, read(&mut caller, value, size)?);
        let written = caller.data().shared.borrow_mut().set(&key, &value, cas);
        Ok(if written { OK } else { CAS_MISMATCH })
    });
    call!(linker, "proxy_register_shared_queue", |caller, name: u32, length: u32, at: u32| {
        let name = read_text(&mut caller, name, length)?;
        let (vm, context) = (caller.data().vm, caller.data().called);
        let number = caller.data().shared.borrow_mut().register(&name, vm, context);
        write_u32(&mut caller, at, number).map(|()| OK)
    });
    call!(linker, "proxy_resolve_shared_queue", |caller,
                                                 id: u32,
                                                 id_length: u32,
                                                 name: u32,
                                                 length: u32,
                                                 at: u32| {
        let (id, name) = (read_text(&mut caller, id, id_length)?, read_text(&mut caller, name, length)?);
        let found = caller.data().shared.borrow().resolve(&name).filter(|_| id == "zoneway");
        match found {
            Some(number) => write_u32(&mut caller, at, number).map(|()| OK),
            None => Ok(NOT_FOUND),
        }
    });
    call!(linker, "proxy_enqueue_shared_queue", |caller, number: u32, data: u32, length: u32| {
        let message = read(&mut caller, data, length)?;
        let mut shared = caller.data().shared.borrow_mut();
        let Some(queue) = shared.queue(number) else { return Ok(NOT_FOUND) };
        queue.messages.push_back(message);
        shared.wakes.push_back(number);
        Ok(OK)
    });
    call!(linker, "proxy_dequeue_shared_queue", |caller, number: u32, at: u32, size_at: u32| {
        let message = {
            let mut shared = caller.data().shared.borrow_mut();
            let Some(queue) = shared.queue(number) else { return Ok(NOT_FOUND) };
            queue.messages.pop_front()
        };
        match message {
            Some(message) => hand_over(&mut caller, &message, at, size_at).map(|()| OK),
            None => Ok(EMPTY),
        }
    });
    Ok(())
}

fn rest(linker: &mut Linker<Host>) -> Result<()> {
    call!(linker, "proxy_log", |caller, level: u32, text: u32, length: u32| {
        let text = read_text(&mut caller, text, length)?;
        caller.data().shared.borrow_mut().log.push(LogLine { level, text });
        Ok(OK)
    });
    call!(linker, "proxy_get_current_time_nanoseconds", |caller, at: u32| {
        let now = caller.data().shared.borrow().now_ms * 1_000_000;
        write(&mut caller, at, &now.to_le_bytes()).map(|()| OK)
    });
    call!(linker, "proxy_set_tick_period_milliseconds", |caller, period: u32| {
        let (now, context) = (caller.data().shared.borrow().now_ms, caller.data().called);
        caller.data_mut().ticks.insert(context, (u64::from(period), now));
        Ok(OK)
    });
    call!(linker, "proxy_set_effective_context", |caller, context: u32| {
        let host = caller.data_mut();
        if context != host.called && !host.streams.contains_key(&context) {
            return Ok(BAD_ARGUMENT);
        }
        host.effective = context;
        Ok(OK)
    });
    call!(linker, "proxy_get_property", |caller, path: u32, length: u32, at: u32, size_at: u32| {
        let path = property(&read(&mut caller, path, length)?);
        let value = caller.data_mut().stream().and_then(|stream| stream.properties.get(&path).cloned());
        match value {
            Some(value) => hand_over(&mut caller, &value, at, size_at).map(|()| OK),
            None => Ok(NOT_FOUND),
        }
    });
    call!(linker, "proxy_set_property", |caller, path: u32, length: u32, value: u32, size: u32| {
        let (path, value) = (property(&read(&mut caller, path, length)?), read(&mut caller, value, size)?);
        let Some(stream) = caller.data_mut().stream() else { return Ok(BAD_ARGUMENT) };
        stream.written.insert(path, value);
        Ok(OK)
    });
    call!(linker, "proxy_define_metric", |caller, _kind: u32, name: u32, length: u32, at: u32| {
        let name = read_text(&mut caller, name, length)?;
        let number = caller.data().shared.borrow_mut().define(&name);
        write_u32(&mut caller, at, number).map(|()| OK)
    });
    call!(linker, "proxy_increment_metric", |caller, number: u32, by: i64| {
        match caller.data().shared.borrow_mut().metric(number) {
            Some(value) => *value = value.wrapping_add_signed(by),
            None => return Ok(NOT_FOUND),
        }
        Ok(OK)
    });
    Ok(())
}

/// A property's path: its parts are separated by 0 bytes.
fn property(path: &[u8]) -> String {
    String::from_utf8_lossy(path).trim_end_matches('\0').replace('\0', ".")
}

/// What the Rust standard library asks of WASI in a module without files or arguments.
fn wasi(linker: &mut Linker<Host>) -> Result<()> {
    let module = "wasi_snapshot_preview1";
    linker.func_wrap(module, "random_get", |mut caller: Call<'_>, at: u32, size: u32| -> Result<u32> {
        caller.data_mut().draws += 1;
        // SplitMix64 over a number that no other call has: unlike for every VM, and the same in every run.
        let mut state = caller.data().draws << 20;
        let mut bytes = Vec::new();
        while bytes.len() < size as usize {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            bytes.extend_from_slice(&(z ^ (z >> 31)).to_le_bytes());
        }
        bytes.truncate(size as usize);
        write(&mut caller, at, &bytes).map(|()| 0)
    })?;
    linker.func_wrap(
        module,
        "environ_sizes_get",
        |mut caller: Call<'_>, count: u32, size: u32| -> Result<u32> {
            write_u32(&mut caller, count, 0)?;
            write_u32(&mut caller, size, 0).map(|()| 0)
        },
    )?;
    linker.func_wrap(module, "environ_get", |_: Call<'_>, _: u32, _: u32| -> u32 { 0 })?;
    Ok(())
}
