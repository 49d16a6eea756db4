//! The minimal example, run.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;

use anyhow::{Result, ensure};

use crate::example::Example;
use crate::parts;
use crate::process::Running;

/// What the service of the example says.
const HELLO: &str = "hello from the service";

/// Runs the example with its ports replaced by free ones, and asks it.
pub(crate) fn answers(start: impl FnOnce(&Example) -> Result<Command>) -> Result<()> {
    let service = serve()?;
    let ingress = free_port()?;
    let example = Example::copy(
        "minimal",
        &[
            ("port_value: 8000", format!("port_value: {}", ingress.port())),
            ("\"port_value\": 8080", format!("\"port_value\": {}", service.port())),
        ],
    )?;
    let mut envoy = Running::start(&mut start(&example)?, &example.path("log"))?;
    let answer =
        envoy.until(|| ask(ingress, "hello.localhost").ok().filter(|answer| answer.contains(HELLO)))?;
    ensure!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let unknown = ask(ingress, "unknown.localhost")?;
    ensure!(unknown.starts_with("HTTP/1.1 404"), "{unknown}");
    ensure!(unknown.contains("proxy-status: zoneway; error=destination_not_found"), "{unknown}");
    Ok(())
}

#[test]
fn plain_envoy_runs_the_minimal_example() -> Result<()> {
    answers(|example| {
        let mut envoy = Command::new(parts::envoy()?);
        envoy.args(["--disable-hot-restart", "--concurrency", "1", "-c"]).arg(example.path("envoy.yaml"));
        Ok(envoy)
    })
}

fn ask(ingress: SocketAddr, host: &str) -> Result<String> {
    let mut connection = TcpStream::connect(ingress)?;
    write!(connection, "GET / HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer)?;
    Ok(answer)
}

/// A service of one answer, for as long as the test runs.
fn serve() -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    std::thread::spawn(move || {
        for mut connection in listener.incoming().flatten() {
            let length = HELLO.len();
            let _ = connection.read(&mut [0; 4096]);
            let _ = write!(
                connection,
                "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{HELLO}"
            );
        }
    });
    Ok(address)
}

/// A port that nothing listens on a moment ago: Envoy is told its port before it starts.
fn free_port() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
