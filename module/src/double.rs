//! A stream and a configuration of no Envoy: what the shell is tested with.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::envoy::{Bell, Configuration, Counter, Stream};
use crate::handler::Handler;
use crate::verdict::{Reply, Verdict};

/// A request as a test writes it down, and what became of it.
#[derive(Default)]
pub(crate) struct Request {
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) client: Option<&'static str>,
    pub(crate) uri_san: Option<&'static str>,
    pub(crate) log: Option<String>,
    pub(crate) route_cache_cleared: bool,
    body: Vec<u8>,
    rung: Arc<AtomicUsize>,
}

impl Request {
    pub(crate) fn of(headers: &[(&str, &str)]) -> Self {
        let header = |(name, value): &(&str, &str)| ((*name).to_owned(), value.as_bytes().to_vec());
        Self { headers: headers.iter().map(header).collect(), ..Self::default() }
    }

    /// A header's values, joined by `|`.
    pub(crate) fn header(&self, name: &str) -> String {
        let values = self.headers.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
        values.map(|(_, value)| String::from_utf8_lossy(value)).collect::<Vec<_>>().join("|")
    }

    /// Goes through a handler whole, its body in pieces of a few bytes, and waits for the bell where the handler does.
    pub(crate) fn pass(&mut self, handler: &mut Handler, body: &[u8]) -> Verdict {
        let mut verdict = handler.headers(self, body.is_empty());
        let mut chunks = body.chunks(7).peekable();
        while let (Verdict::Wait | Verdict::Continue, Some(chunk)) = (&verdict, chunks.next()) {
            self.body = chunk.to_vec();
            verdict = handler.body(self, chunks.peek().is_none());
            assert_eq!(self.body, b"", "the part is drained");
        }
        if verdict == Verdict::Wait {
            while self.rung.load(Ordering::Acquire) == 0 {
                std::thread::yield_now();
            }
            verdict = handler.rung();
        }
        verdict
    }

    pub(crate) fn times_rung(&self) -> usize {
        self.rung.load(Ordering::Acquire)
    }

    /// As [`Request::pass`], where an answer is what is wanted.
    #[track_caller]
    pub(crate) fn answer(&mut self, handler: &mut Handler, body: &[u8]) -> Reply {
        reply(self.pass(handler, body))
    }
}

/// What a verdict answers.
#[track_caller]
pub(crate) fn reply(verdict: Verdict) -> Reply {
    match verdict {
        Verdict::Answer(reply) => reply,
        other => panic!("{other:?} is no answer"),
    }
}

impl Stream for Request {
    fn headers(&self) -> Vec<(&[u8], &[u8])> {
        self.headers.iter().map(|(name, value)| (name.as_bytes(), value.as_slice())).collect()
    }

    fn source_address(&self) -> Option<&[u8]> {
        self.client.map(str::as_bytes)
    }

    fn uri_san(&self) -> Option<&[u8]> {
        self.uri_san.map(str::as_bytes)
    }

    fn set_header(&mut self, name: &str, value: &[u8]) {
        self.remove_header(name.as_bytes());
        self.add_header(name, value);
    }

    fn add_header(&mut self, name: &str, value: &[u8]) {
        self.headers.push((name.to_owned(), value.to_vec()));
    }

    fn remove_header(&mut self, name: &[u8]) {
        self.headers.retain(|(other, _)| !other.as_bytes().eq_ignore_ascii_case(name));
    }

    fn clear_route_cache(&mut self) {
        self.route_cache_cleared = true;
    }

    fn set_log_field(&mut self, line: &str) {
        self.log = Some(line.to_owned());
    }

    fn take_body(&mut self, take: &mut dyn FnMut(&[u8])) {
        take(&std::mem::take(&mut self.body));
    }

    fn bell(&self) -> Option<Box<dyn Bell>> {
        Some(Box::new(Rung(Arc::clone(&self.rung))))
    }
}

/// A configuration that keeps what was counted.
#[derive(Default)]
pub(crate) struct Config {
    pub(crate) counted: RefCell<Vec<(String, Vec<String>, u64)>>,
    pub(crate) rung: Arc<AtomicUsize>,
    pub(crate) names: RefCell<Vec<String>>,
    pub(crate) validating: bool,
}

impl Configuration for Config {
    fn is_validating(&self) -> bool {
        self.validating
    }

    fn workers(&self) -> u32 {
        2
    }

    fn define_counter(&self, name: &str, _labels: &[&str]) -> Option<Counter> {
        let mut names = self.names.borrow_mut();
        names.push(name.to_owned());
        Some(Counter(names.len() - 1))
    }

    fn increment(&self, Counter(id): Counter, labels: &[&str], by: u64) {
        let labels = labels.iter().map(|label| (*label).to_owned()).collect();
        self.counted.borrow_mut().push((self.names.borrow()[id].clone(), labels, by));
    }

    fn bell(&self) -> Option<Box<dyn Bell>> {
        Some(Box::new(Rung(Arc::clone(&self.rung))))
    }
}

struct Rung(Arc<AtomicUsize>);

impl Bell for Rung {
    fn ring(&self) {
        self.0.fetch_add(1, Ordering::Release);
    }
}
