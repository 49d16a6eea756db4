//! A request's headers as the host hands them over: one block of bytes, read where it lies.
//!
//! The SDK makes two texts of every header, some 1 µs of a request (docs/performance.md). Hence the one host call
//! that is not the SDK's, and the only unsafe code of this program; what goes wrong in it stays in the VM.

#![allow(unsafe_code, reason = "the SDK offers this host call only with two copies for each header")]

use std::ptr;

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    /// proxy-wasm 0.2.1: the host asks `proxy_on_memory_allocate` for a block, fills it, and gives it away.
    fn proxy_get_header_map_pairs(map: u32, block: *mut *mut u8, size: *mut usize) -> u32;
}

const REQUEST_HEADERS: u32 = 0;
const OK: u32 = 0;

/// The headers of the request that is being handled.
pub(crate) struct Headers(Vec<u8>);

impl Headers {
    /// One host call; no headers where the host refuses it.
    pub(crate) fn of_request() -> Self {
        let (mut block, mut size) = (ptr::null_mut(), 0);
        // SAFETY: the host writes to both places before it returns, or to neither.
        let status = unsafe { proxy_get_header_map_pairs(REQUEST_HEADERS, &raw mut block, &raw mut size) };
        if status != OK || block.is_null() {
            return Self(Vec::new());
        }
        // SAFETY: the SDK's `proxy_on_memory_allocate` made the block as a vector's of this size, and nobody else has it.
        Self(unsafe { Vec::from_raw_parts(block, size, size) })
    }

    /// Name and value of each, in their order; none at all where the block is not what [`Pairs`] says, or a name is no text: then
    /// there is no host either, and the request is refused as malformed.
    pub(crate) fn pairs(&self) -> Pairs<'_> {
        Pairs::of(&self.0).filter(Pairs::is_whole).unwrap_or_default()
    }
}

/// A block behind its first four bytes, which are the number of headers: the sizes of each name and value, four bytes each, then
/// the texts in the same order, a zero byte behind each. Numbers are little-endian.
#[derive(Clone, Default)]
pub(crate) struct Pairs<'a> {
    sizes: &'a [u8],
    texts: &'a [u8],
}

impl<'a> Pairs<'a> {
    fn of(block: &'a [u8]) -> Option<Self> {
        let (count, rest) = block.split_first_chunk()?;
        let sizes = usize::try_from(u32::from_le_bytes(*count)).ok()?.checked_mul(8)?;
        let (sizes, texts) = rest.split_at_checked(sizes)?;
        Some(Self { sizes, texts })
    }

    /// Whether every size is met, and nothing is left over.
    fn is_whole(&self) -> bool {
        let mut rest = self.clone();
        let names_are_text = rest.by_ref().all(|(name, _)| name.is_ascii());
        names_are_text && rest.sizes.is_empty() && rest.texts.is_empty()
    }

    fn text(&mut self) -> Option<&'a [u8]> {
        let (size, sizes) = self.sizes.split_first_chunk()?;
        let (text, rest) = self.texts.split_at_checked(usize::try_from(u32::from_le_bytes(*size)).ok()?)?;
        (self.sizes, self.texts) = (sizes, rest.strip_prefix(b"\0")?);
        Some(text)
    }
}

impl<'a> Iterator for Pairs<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        Some((self.text()?, self.text()?))
    }
}
