//! Requests and a service, as plain as HTTP/1.1 allows: what is under test is who answers.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

/// Asks over TCP; the status and the body, or why there is none.
pub(crate) fn get(address: SocketAddr, host: &str, path: &str) -> Result<(u16, String), String> {
    exchange(TcpStream::connect(address).map_err(|error| error.to_string())?, host, path)
}

/// Asks over a Unix socket for JSON.
pub(crate) fn get_json(socket: &Path, path: &str) -> Result<Value, String> {
    let stream = UnixStream::connect(socket).map_err(|error| error.to_string())?;
    let (status, body) = exchange(stream, "localhost", path)?;
    if status != 200 {
        return Err(format!("{path}: {status} {body}"));
    }
    serde_json::from_str(&body).map_err(|error| error.to_string())
}

/// Asks over a Unix socket for text.
pub(crate) fn get_text(socket: &Path, path: &str) -> Result<(u16, String), String> {
    exchange(UnixStream::connect(socket).map_err(|error| error.to_string())?, "localhost", path)
}

fn exchange(mut stream: impl Read + Write, host: &str, path: &str) -> Result<(u16, String), String> {
    let text = |error: std::io::Error| error.to_string();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n").map_err(text)?;
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).map_err(text)?;
    let status =
        line.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or(format!("no status in {line:?}"))?;
    let (mut length, mut chunked) = (None, false);
    loop {
        line.clear();
        reader.read_line(&mut line).map_err(text)?;
        let header = line.trim_end().to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length: ") {
            length = value.parse::<u64>().ok();
        }
        chunked |= header == "transfer-encoding: chunked";
    }
    let mut body = Vec::new();
    if chunked {
        loop {
            line.clear();
            reader.read_line(&mut line).map_err(text)?;
            let size = u64::from_str_radix(line.trim_end(), 16).map_err(|error| error.to_string())?;
            (&mut reader).take(size + 2).read_to_end(&mut body).map_err(text)?;
            body.truncate(body.len() - 2);
            if size == 0 {
                break;
            }
        }
    } else {
        reader.take(length.unwrap_or(u64::MAX)).read_to_end(&mut body).map_err(text)?;
    }
    Ok((status, String::from_utf8_lossy(&body).into_owned()))
}

/// A service that answers with its name; it ends with the test's process.
pub(crate) fn service(name: &'static str) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || serve(stream, name));
        }
    });
    address
}

fn serve(mut stream: TcpStream, name: &str) -> Option<()> {
    stream.set_read_timeout(Some(Duration::from_secs(60))).ok()?;
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    loop {
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
        }
        write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{name}", name.len()).ok()?;
    }
}
