//! HTTP/1.1 as bytes: one write, and every answer that comes.

use anyhow::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{Answer, Stream};

/// Writes, and reads as many answers as are expected; then says that nothing more will be sent, and reads to the end, so that
/// an answer too many is seen. Where the end itself is expected, the other side has to make it.
///
/// # Errors
/// Bytes cannot be written, or what comes back is no answer of HTTP/1.1.
pub async fn exchange(mut stream: Box<dyn Stream>, sent: &[u8], expected: &[String]) -> Result<Vec<Answer>> {
    // Who refuses a request may close before it has read all of it.
    let _ = stream.write_all(sent).await;
    stream.flush().await.ok();
    let waits_for_end = expected.last().is_some_and(|last| last == "closed");
    let mut read = Vec::new();
    let mut is_open = true;
    loop {
        let answers = answers(&read);
        if is_open && !waits_for_end && answers.len() >= expected.len() {
            is_open = false;
            stream.shutdown().await.ok();
        }
        if stream.read_buf(&mut read).await.unwrap_or(0) == 0 {
            break;
        }
    }
    let mut answers = answers(&read);
    if waits_for_end {
        answers.push(Answer::end("closed"));
    }
    Ok(answers)
}

/// The answers that are there whole.
fn answers(mut read: &[u8]) -> Vec<Answer> {
    let mut answers = Vec::new();
    while let Some((answer, rest)) = answer(read) {
        answers.push(answer);
        read = rest;
    }
    answers
}

fn answer(read: &[u8]) -> Option<(Answer, &[u8])> {
    let end = read.windows(4).position(|window| window == b"\r\n\r\n")?;
    let (head, rest) = read.split_at_checked(end + 4)?;
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let status = head.split(' ').nth(1)?.to_owned();
    let header = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    if header("transfer-encoding") == Some("chunked") {
        let (body, rest) = chunks(rest)?;
        return Some((Answer { status, body }, rest));
    }
    let length = header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let (body, rest) = rest.split_at_checked(length)?;
    Some((Answer { status, body: body.to_vec() }, rest))
}

fn chunks(mut rest: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|window| window == b"\r\n")?;
        let (size, after) = rest.split_at_checked(end)?;
        let size = usize::from_str_radix(core::str::from_utf8(size).ok()?, 16).ok()?;
        let (chunk, after) = after.get(2..)?.split_at_checked(size)?;
        rest = after.strip_prefix(b"\r\n")?;
        body.extend_from_slice(chunk);
        if size == 0 {
            return Some((body, rest));
        }
    }
}
