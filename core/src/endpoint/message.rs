//! What a worker asks of the compiler, and what it is answered.

use super::{Answer, Reader};

const NOTICE: [u8; 4] = *b"ZWN1";
const REPLY: [u8; 4] = *b"ZWA1";

/// A worker's request to the compiler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What is asked.
    pub kind: NoticeKind,
    /// The worker's own number of this request; the body in shared data begins with it too.
    pub ticket: u64,
    /// The queue to answer into.
    pub queue: u32,
    /// Where the body is.
    pub body_key: String,
}

/// What a worker asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeKind {
    /// To judge and serve the table in the body.
    Put,
    /// The table that is served, as JSON.
    Get,
}

impl Notice {
    /// The notice as it is queued.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = NOTICE.to_vec();
        bytes.push(match self.kind {
            NoticeKind::Put => 0,
            NoticeKind::Get => 1,
        });
        bytes.extend_from_slice(&self.ticket.to_le_bytes());
        bytes.extend_from_slice(&self.queue.to_le_bytes());
        bytes.extend_from_slice(self.body_key.as_bytes());
        bytes
    }

    /// Reads a notice; `None` for anything else.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        if reader.take()? != NOTICE {
            return None;
        }
        let kind = match reader.u8()? {
            0 => NoticeKind::Put,
            1 => NoticeKind::Get,
            _ => return None,
        };
        let (ticket, queue) = (reader.u64()?, reader.u32()?);
        let body_key = core::str::from_utf8(reader.rest()).ok()?.to_owned();
        Some(Self { kind, ticket, queue, body_key })
    }

    /// Bytes before a body as it is kept, where its ticket goes: whoever gathers a body leaves room for them.
    pub const BODY_FROM: usize = 8;

    /// Writes the ticket before a body that has room for it.
    pub fn mark(kept: &mut [u8], ticket: u64) {
        if let Some(room) = kept.first_chunk_mut() {
            *room = ticket.to_le_bytes();
        }
    }

    /// The body that is kept for this notice; `None` when it is another one's by now, or gone.
    #[must_use]
    pub fn body<'b>(&self, bytes: &'b [u8]) -> Option<&'b [u8]> {
        let mut reader = Reader(bytes);
        (reader.u64()? == self.ticket).then(|| reader.rest())
    }
}

/// The compiler's answer to a notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The ticket of the notice.
    pub ticket: u64,
    /// What the sender is answered.
    pub answer: Answer,
}

impl Reply {
    /// The reply as it is queued.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = REPLY.to_vec();
        bytes.extend_from_slice(&self.ticket.to_le_bytes());
        bytes.extend_from_slice(&u32::from(self.answer.status).to_le_bytes());
        bytes.extend_from_slice(&self.answer.body);
        bytes
    }

    /// Reads a reply; `None` for anything else.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        if reader.take()? != REPLY {
            return None;
        }
        let ticket = reader.u64()?;
        let status = u16::try_from(reader.u32()?).ok()?;
        Some(Self { ticket, answer: Answer { status, body: reader.rest().to_vec() } })
    }
}
