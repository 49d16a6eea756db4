//! The table endpoint: what a pushed table is answered, what the endpoint says of itself, and what the parts of one
//! Envoy write down for each other.
//!
//! Pure: it must not know where bytes are kept or who carries them. The Wasm filter keeps them in shared data and
//! queues, the dynamic module in memory.

mod accept;
mod answer;
mod message;
mod record;
mod request;
mod status;
mod workers;

pub use accept::{Accepted, accept};
pub use answer::{Answer, MOST_ERRORS};
pub use message::{Notice, NoticeKind, Reply};
pub use record::{Record, RecordError};
pub use request::Call;
pub use status::{STALE_MS, Status};
pub use workers::{Worker, Workers};

/// Little-endian fields, read front to back without a panic on anything.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, tail) = self.0.split_first_chunk::<N>()?;
        self.0 = tail;
        Some(*head)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take::<1>().map(|[byte]| byte)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }

    fn rest(self) -> &'a [u8] {
        self.0
    }
}

#[cfg(test)]
mod tests;
