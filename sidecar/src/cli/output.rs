//! Where a command's answer goes, and in which form.

use std::io::{self, BufWriter, Stdout, Write};

use serde::Serialize;

/// The form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// For programs: one JSON document, stable between releases.
    Json,
}

/// Standard output, buffered, with the form that was asked for.
pub(crate) struct Output {
    format: Format,
    writer: BufWriter<Stdout>,
}

impl Output {
    pub(crate) fn new(format: Format) -> Self {
        Self { format, writer: BufWriter::with_capacity(1 << 16, io::stdout()) }
    }

    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// Prints a JSON document that a person may read too.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> anyhow::Result<()> {
        serde_json::to_writer_pretty(&mut self.writer, value)?;
        Ok(writeln!(self.writer)?)
    }

    /// Prints a JSON document on one line.
    pub(crate) fn json_line(&mut self, value: &impl Serialize) -> anyhow::Result<()> {
        serde_json::to_writer(&mut self.writer, value)?;
        Ok(writeln!(self.writer)?)
    }

    /// Prints a text as it is, or as the one member of a JSON object.
    pub(crate) fn text_or_json(&mut self, member: &str, text: &[u8]) -> anyhow::Result<()> {
        match self.format {
            Format::Text => Ok(self.writer.write_all(text)?),
            Format::Json => {
                let text = String::from_utf8_lossy(text).into_owned();
                self.json(&serde_json::Map::from_iter([(member.to_owned(), text.into())]))
            }
        }
    }

    /// Hands what is buffered to whoever reads.
    pub(crate) fn finish(&mut self) -> anyhow::Result<()> {
        Ok(self.writer.flush()?)
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// Whether an error says only that nobody reads on.
pub(crate) fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let kind = |cause: &(dyn std::error::Error + 'static)| {
        cause
            .downcast_ref::<io::Error>()
            .map(io::Error::kind)
            .or_else(|| cause.downcast_ref::<serde_json::Error>().and_then(serde_json::Error::io_error_kind))
    };
    error.chain().any(|cause| kind(cause) == Some(io::ErrorKind::BrokenPipe))
}
