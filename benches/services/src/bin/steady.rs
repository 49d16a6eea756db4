//! `steady ADDRESS HOSTS-FILE RATE CONNECTIONS SECONDS`: asks so many times a second, whatever the answers do.
//!
//! Each connection has its schedule. A request that had to wait for the answer before it is counted from when it was due, so that
//! a stall is seen by all whom it would have met ("coordinated omission" is the name of the opposite). Prints one line of JSON:
//! the number of answers, how many were not 200, and percentiles of the latency in microseconds.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

fn main() -> Result<(), String> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, hosts, rate, connections, seconds] = arguments.as_slice() else {
        return Err("usage: steady ADDRESS HOSTS-FILE RATE CONNECTIONS SECONDS".to_owned());
    };
    let number = |text: &str| text.parse::<u32>().map_err(|error| format!("{text}: {error}"));
    let (rate, connections, seconds) = (number(rate)?, number(connections)?, number(seconds)?);
    let hosts = std::fs::read_to_string(hosts).map_err(|error| format!("{hosts}: {error}"))?;
    let requests: Vec<Vec<u8>> =
        hosts.lines().map(|host| format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n").into_bytes()).collect();

    let step = Duration::from_secs(1) * connections / rate;
    let begin = Instant::now() + Duration::from_millis(50);
    let schedule = |connection: u32| Schedule {
        first: begin + step * connection / connections,
        end: begin + Duration::from_secs(1) * seconds,
        step,
        skip: connection as usize * 61,
    };
    let answers: Result<Vec<Answers>, String> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..connections)
            .map(|connection| {
                scope.spawn({
                    let (requests, schedule) = (&requests, schedule(connection));
                    move || run(address, requests, &schedule)
                })
            })
            .collect();
        let ended = |thread: std::thread::ScopedJoinHandle<'_, io::Result<Answers>>| {
            thread.join().map_err(|_| "a connection panicked".to_owned())?.map_err(|error| error.to_string())
        };
        running.into_iter().map(ended).collect()
    });
    let answers = answers?;
    let wrong: usize = answers.iter().map(|answers| answers.wrong).sum();
    let mut latencies: Vec<Duration> = answers.into_iter().flat_map(|answers| answers.latencies).collect();
    latencies.sort_unstable();
    let at = |part: f64| {
        let last = latencies.len().saturating_sub(1);
        let index = ((latencies.len() as f64 * part) as usize).min(last);
        latencies.get(index).map_or(0.0, |latency| latency.as_secs_f64() * 1e6)
    };
    println!(
        r#"{{"requests": {}, "wrong": {wrong}, "p50_us": {:.1}, "p99_us": {:.1}, "p999_us": {:.1}, "worst_us": {:.1}}}"#,
        latencies.len(),
        at(0.5),
        at(0.99),
        at(0.999),
        at(1.0),
    );
    Ok(())
}

/// When one connection asks, and at which request it begins.
struct Schedule {
    first: Instant,
    end: Instant,
    step: Duration,
    skip: usize,
}

/// What came back on one connection.
#[derive(Default)]
struct Answers {
    latencies: Vec<Duration>,
    wrong: usize,
}

fn run(address: &str, requests: &[Vec<u8>], schedule: &Schedule) -> io::Result<Answers> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut answers, mut due) = (Answers::default(), schedule.first);
    for request in requests.iter().cycle().skip(schedule.skip) {
        if due >= schedule.end {
            break;
        }
        let early = due.checked_duration_since(Instant::now());
        early.map(std::thread::sleep);
        // The sleep's own lateness is not Envoy's.
        let from = if early.is_some() { Instant::now() } else { due };
        stream.write_all(request)?;
        let good = answered(&mut reader)?;
        answers.latencies.push(from.elapsed());
        answers.wrong += usize::from(!good);
        due += schedule.step;
    }
    Ok(answers)
}

/// Reads one answer whole; says whether its status is 200.
fn answered(reader: &mut BufReader<TcpStream>) -> io::Result<bool> {
    let (mut line, mut length, mut good, mut first) = (String::new(), 0, false, true);
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let text = line.trim_ascii_end();
        if std::mem::take(&mut first) {
            good = text.split(' ').nth(1) == Some("200");
        } else if let Some((name, value)) = text.split_once(':') {
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim_ascii().parse().map_err(io::Error::other)?;
            }
        } else if text.is_empty() {
            io::copy(&mut reader.by_ref().take(length), &mut io::sink())?;
            return Ok(good);
        }
    }
}
