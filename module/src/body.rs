//! A request's body as it comes.

/// The most that one piece has, in bytes: a worker takes none that it would have the system map memory for.
const PIECE: usize = 64 << 10;

/// The parts of a body that have come, in pieces: it is put together where no worker waits for it.
#[derive(Default)]
pub(crate) struct Body {
    pieces: Vec<Vec<u8>>,
    bytes: usize,
}

impl Body {
    /// How many bytes have come.
    pub(crate) fn len(&self) -> usize {
        self.bytes
    }

    pub(crate) fn add(&mut self, part: &[u8]) {
        self.bytes = self.bytes.saturating_add(part.len());
        match self.pieces.last_mut() {
            Some(last) if last.len().saturating_add(part.len()) <= PIECE => last.extend_from_slice(part),
            // A second one is soon full: growing would leave Envoy's allocator with what it has outgrown.
            last => {
                let room = if last.is_some() { PIECE.max(part.len()) } else { part.len() };
                let mut piece = Vec::with_capacity(room);
                piece.extend_from_slice(part);
                self.pieces.push(piece);
            }
        }
    }

    /// All of it.
    pub(crate) fn whole(&self) -> Vec<u8> {
        self.pieces.concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_in_parts_of_any_size_is_put_together() {
        let text: Vec<u8> = (0..3 * PIECE).map(|at| u8::try_from(at % 251).unwrap()).collect();
        for part in [1_000, PIECE, 2 * PIECE] {
            let mut body = Body::default();
            text.chunks(part).for_each(|part| body.add(part));
            assert_eq!(body.len(), text.len());
            assert_eq!(body.whole(), text, "parts of {part} bytes");
        }
        assert_eq!(Body::default().whole(), b"");
    }
}
