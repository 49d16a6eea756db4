//! Bytes in and out of a VM's memory, and the ABI's form of header maps.

use wasmtime::{Caller, Extern, Memory, Result, bail, error::Context};

use crate::stream::Headers;
use crate::vm::Host;

fn memory(caller: &mut Caller<'_, Host>) -> Result<Memory> {
    match caller.get_export("memory") {
        Some(Extern::Memory(memory)) => Ok(memory),
        _ => bail!("the module exports no memory"),
    }
}

pub(crate) fn read(caller: &mut Caller<'_, Host>, at: u32, size: u32) -> Result<Vec<u8>> {
    let (at, size) = (at as usize, size as usize);
    let memory = memory(caller)?;
    let bytes = memory.data(&caller).get(at..at.saturating_add(size));
    Ok(bytes.context("the module hands over bytes outside of its memory")?.to_vec())
}

pub(crate) fn read_text(caller: &mut Caller<'_, Host>, at: u32, size: u32) -> Result<String> {
    Ok(String::from_utf8(read(caller, at, size)?)?)
}

pub(crate) fn write(caller: &mut Caller<'_, Host>, at: u32, bytes: &[u8]) -> Result<()> {
    Ok(memory(caller)?.write(caller, at as usize, bytes)?)
}

pub(crate) fn write_u32(caller: &mut Caller<'_, Host>, at: u32, value: u32) -> Result<()> {
    write(caller, at, &value.to_le_bytes())
}

/// Hands bytes over in memory that the module allocates.
pub(crate) fn hand_over(caller: &mut Caller<'_, Host>, bytes: &[u8], at: u32, size_at: u32) -> Result<()> {
    let size = u32::try_from(bytes.len())?;
    let place = if bytes.is_empty() {
        0
    } else {
        let Some(Extern::Func(allocate)) = caller.get_export("proxy_on_memory_allocate") else {
            bail!("the module exports no proxy_on_memory_allocate");
        };
        allocate.typed::<u32, u32>(&caller)?.call(&mut *caller, size)?
    };
    write(caller, place, bytes)?;
    write_u32(caller, at, place)?;
    write_u32(caller, size_at, size)
}

/// A header map: count, lengths, then names and values, each with a 0 behind it.
pub(crate) fn pairs(headers: &Headers) -> Result<Vec<u8>> {
    let mut bytes = u32::try_from(headers.len())?.to_le_bytes().to_vec();
    for (name, value) in headers {
        bytes.extend_from_slice(&u32::try_from(name.len())?.to_le_bytes());
        bytes.extend_from_slice(&u32::try_from(value.len())?.to_le_bytes());
    }
    for (name, value) in headers {
        for text in [name, value] {
            bytes.extend_from_slice(text);
            bytes.push(0);
        }
    }
    Ok(bytes)
}

/// [`pairs`], read.
pub(crate) fn parse_pairs(bytes: &[u8]) -> Result<Headers> {
    fn u32_at(bytes: &[u8], at: usize) -> Result<usize> {
        let four = bytes.get(at..at + 4).context("a header map is cut off")?;
        Ok(u32::from_le_bytes(four.try_into()?) as usize)
    }
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    let count = u32_at(bytes, 0)?;
    let mut at = 4 + 8 * count;
    let mut headers = Vec::with_capacity(count);
    for pair in 0..count {
        let mut text = |length: usize| {
            let text = bytes.get(at..at + length).context("a header map is cut off")?.to_vec();
            at += length + 1;
            Ok::<_, wasmtime::Error>(text)
        };
        let name = text(u32_at(bytes, 4 + 8 * pair)?)?;
        let value = text(u32_at(bytes, 8 + 8 * pair)?)?;
        headers.push((name, value));
    }
    Ok(headers)
}
