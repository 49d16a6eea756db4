//! HTTP/2 as frames (RFC 9113): one stream with the fields as they are written, in their order, none of them compressed.

use anyhow::{Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{Answer, Stream};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;
/// The most that a frame may hold until the other side says otherwise.
const FRAME: usize = 16_384;

/// A connection's only stream.
const STREAM: u32 = 1;

/// Sends one request, and reads its answer, or how it ends.
///
/// # Errors
/// The connection cannot be written to, or what comes back is no HTTP/2.
pub async fn exchange(
    mut stream: Box<dyn Stream>,
    fields: &[(Vec<u8>, Vec<u8>)],
    body: Option<&[u8]>,
) -> Result<Vec<Answer>> {
    // SETTINGS_HEADER_TABLE_SIZE 0: an answer's fields stand there whole, too.
    let mut sent = [PREFACE, &frame(SETTINGS, 0, 0, &[0, 1, 0, 0, 0, 0])].concat();
    sent.extend(headers(fields, body.is_none()));
    if let Some(body) = body {
        sent.extend(frame(DATA, END_STREAM, STREAM, body));
    }
    // Who refuses a request may close before it has read all of it.
    let _ = stream.write_all(&sent).await;
    stream.flush().await.ok();
    let mut answer = Answer::default();
    loop {
        let mut head = [0; 9];
        if stream.read_exact(&mut head).await.is_err() {
            return Ok(vec![Answer::end("closed")]);
        }
        let [a, b, c, kind, flags, id @ ..] = head;
        let mut payload = vec![0; usize::try_from(u32::from_be_bytes([0, a, b, c]))?];
        if stream.read_exact(&mut payload).await.is_err() {
            return Ok(vec![Answer::end("closed")]);
        }
        match (kind, u32::from_be_bytes(id)) {
            (SETTINGS, _) if flags & ACK == 0 => {
                let _ = stream.write_all(&frame(SETTINGS, ACK, 0, &[])).await;
                stream.flush().await.ok();
            }
            (HEADERS, STREAM) if answer.status.is_empty() => answer.status = status(&payload)?,
            (DATA, STREAM) => answer.body.extend(payload),
            (RST_STREAM, STREAM) => return Ok(vec![Answer::end("reset")]),
            // The connection is at its end, and with it every stream without an answer.
            (GOAWAY, _) => return Ok(vec![Answer::end("closed")]),
            _ => continue,
        }
        if matches!(kind, DATA | HEADERS) && flags & END_STREAM != 0 {
            return Ok(vec![answer]);
        }
    }
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap_or(0).to_be_bytes();
    let mut frame = length.get(1..).unwrap_or_default().to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// HEADERS, and as many CONTINUATIONs as the fields need.
fn headers(fields: &[(Vec<u8>, Vec<u8>)], is_all: bool) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        // A literal field without indexing, with a new name (RFC 7541, section 6.2.2).
        block.push(0);
        text(&mut block, name);
        text(&mut block, value);
    }
    let parts: Vec<&[u8]> = block.chunks(FRAME).collect();
    let mut frames = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let kind = if index == 0 { HEADERS } else { CONTINUATION };
        let end = if index + 1 == parts.len() { END_HEADERS } else { 0 };
        let last = if index == 0 && is_all { END_STREAM } else { 0 };
        frames.extend(frame(kind, end | last, STREAM, part));
    }
    frames
}

/// A text without Huffman coding: its length in seven bits, or more (RFC 7541, sections 5.1 and 5.2).
fn text(block: &mut Vec<u8>, text: &[u8]) {
    match u8::try_from(text.len()) {
        Ok(length) if length < 127 => block.push(length),
        _ => {
            block.push(127);
            let mut rest = text.len() - 127;
            while rest >= 128 {
                block.push(u8::try_from(rest % 128).unwrap_or(0) | 128);
                rest /= 128;
            }
            block.push(u8::try_from(rest).unwrap_or(0));
        }
    }
    block.extend(text);
}

/// `:status` is an answer's first field: one of the static table's, or the static table's name with a text.
fn status(block: &[u8]) -> Result<String> {
    // A change of the table's size may come before it.
    let block = match block {
        [0x20, rest @ ..] => rest,
        block => block,
    };
    Ok(match block {
        [index @ 0x88..=0x8e, ..] => {
            let of = ["200", "204", "206", "304", "400", "404", "500"];
            of.get(usize::from(index - 0x88)).copied().unwrap_or_default().to_owned()
        }
        [0x08 | 0x18 | 0x48, length, rest @ ..] => {
            let is_huffman = length & 0x80 != 0;
            let text = rest.get(..usize::from(length & 0x7f)).unwrap_or_default();
            if is_huffman { digits(text) } else { String::from_utf8_lossy(text).into_owned() }
        }
        _ => bail!("an answer starts with {:?}", block.get(..8).unwrap_or(block)),
    })
}

/// Three digits in the Huffman code of RFC 7541, appendix B: 0 to 2 have five bits, 3 to 9 have six.
fn digits(text: &[u8]) -> String {
    let bits: String = text.iter().map(|byte| format!("{byte:08b}")).collect();
    let mut rest = bits.as_str();
    let mut digits = String::new();
    while digits.len() < 3 {
        let five = rest.get(..5).and_then(|bits| u32::from_str_radix(bits, 2).ok());
        let six = rest.get(..6).and_then(|bits| u32::from_str_radix(bits, 2).ok());
        let (digit, length) = match (five, six) {
            (Some(digit @ 0..=2), _) => (digit, 5),
            (_, Some(code @ 0b01_1001..=0b01_1111)) => (code - 0b01_1001 + 3, 6),
            _ => break,
        };
        digits.extend(char::from_digit(digit, 10));
        rest = rest.get(length..).unwrap_or_default();
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_read_however_it_is_written() {
        for (block, expected) in [
            (&[0x88][..], "200"),
            (&[0x20, 0x8d], "404"),
            (&[0x48, 0x03, b'4', b'2', b'1'], "421"),
            // RFC 7541, appendix C.4 and C.6, has 302 as 6402 and 307 as 640eff.
            (&[0x48, 0x82, 0x64, 0x02], "302"),
            (&[0x08, 0x83, 0x64, 0x0e, 0xff], "307"),
        ] {
            assert_eq!(status(block).unwrap(), expected, "{block:x?}");
        }
    }

    #[test]
    fn a_long_text_says_how_long_it_is() {
        let mut block = Vec::new();
        text(&mut block, &[b'a'; 1337]);
        // RFC 7541, appendix C.1.2, with a prefix of seven bits: 1337 - 127 = 1210 = 9 * 128 + 58.
        assert_eq!(block[..3], [127, 58 | 128, 9]);
    }
}
