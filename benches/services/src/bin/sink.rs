//! `sink PATH`: takes what is put to a Unix socket 32 KiB at a time, forgets it, and answers 200.
//!
//! Whoever pushes to it in place of an Envoy pays for the sending, and nobody for what is sent. It ends with its standard input.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
/// As much as the table endpoint of an Envoy takes at once.
const PIECE: usize = 32 << 10;

fn main() -> io::Result<()> {
    let path = std::env::args_os().nth(1).ok_or_else(|| io::Error::other("usage: sink PATH"))?;
    let listener = UnixListener::bind(path)?;
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || serve(stream));
        }
    });
    io::stdin().read_to_end(&mut Vec::new()).map(drop)
}

/// Answers until the other side closes or breaks the connection.
fn serve(stream: UnixStream) -> io::Result<()> {
    let (mut requests, mut answers) = (BufReader::with_capacity(PIECE, stream.try_clone()?), stream);
    let (mut line, mut length) = (String::new(), 0);
    loop {
        line.clear();
        if requests.read_line(&mut line)? == 0 {
            return Ok(());
        }
        if let Some((name, value)) = line.split_once(':') {
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim_ascii().parse().map_err(io::Error::other)?;
            }
        } else if line == "\r\n" {
            io::copy(&mut requests.by_ref().take(length), &mut io::sink())?;
            length = 0;
            answers.write_all(ANSWER)?;
        }
    }
}
