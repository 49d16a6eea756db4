//! `zoneway decide --requests`: a request a line in, an answer a line out, in step.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;

use anyhow::Context;
use serde::Serialize;
use zoneway_site::Answer;

use super::request::{Asked, Line};
use super::{Decider, Exit, Output};
use crate::cli::told;

/// The answer to a line that is no request.
#[derive(Serialize)]
struct Bad {
    error: String,
}

pub(super) fn run(
    decider: &Decider,
    defaults: &Asked<'_>,
    requests: &Path,
    out: &mut Output,
) -> anyhow::Result<Exit> {
    let source: Box<dyn Read> = if requests.as_os_str() == "-" {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(requests).with_context(|| format!("{} cannot be read", requests.display()))?)
    };
    let mut source = BufReader::with_capacity(1 << 16, source);
    let (mut line, mut read, mut bad) = (Vec::new(), 0_u64, 0_u64);
    loop {
        line.clear();
        if source.buffer().is_empty() {
            // Whoever asks one by one waits for the answer before the next request.
            out.flush()?;
        }
        if source.read_until(b'\n', &mut line)? == 0 {
            break;
        }
        read += 1;
        if let Err(error) = answer(decider, defaults, &line, out)? {
            bad += 1;
            out.json_line(&Bad { error: told(&error) })?;
        }
    }
    if bad == 0 {
        return Ok(Exit::Well);
    }
    out.flush()?;
    eprintln!("zoneway: {bad} of {read} lines are no requests: see `error` in their answers");
    Ok(Exit::NotWell)
}

/// Answers one line; the inner error is the line's, the outer one the output's.
fn answer(
    decider: &Decider,
    defaults: &Asked<'_>,
    line: &[u8],
    out: &mut Output,
) -> anyhow::Result<Result<(), anyhow::Error>> {
    let line = line.trim_ascii();
    if !line.starts_with(b"{") {
        // What serde derives would take a list of the fields in their order.
        return Ok(Err(anyhow::anyhow!("a request is an object, as {{\"host\": \"notes.example.org\"}}")));
    }
    let line: Line<'_> = match serde_json::from_slice(line) {
        Ok(line) => line,
        Err(error) => return Ok(Err(error.into())),
    };
    match decider.decide(&line.over(defaults)) {
        Ok(decision) => out.json_line(&Answer::from(decision)).map(Ok),
        Err(error) => Ok(Err(error)),
    }
}
