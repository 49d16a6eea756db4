//! A steady load on one listener: so many requests a second on kept connections, each with its times and its outcome.
//!
//! The rate is kept by a schedule: a request that was late does not move those after it, so an Envoy that stalls is
//! asked for as many requests as one that does not.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::task::JoinSet;

use crate::client::{Answer, Ask, Client, Connection};
use crate::deadline;

/// So many connections share the rate.
const CONNECTIONS: u32 = 20;

/// One request of a load.
#[derive(Clone, Debug)]
pub struct Sample {
    /// When it was sent.
    pub sent: Instant,
    /// When its answer was whole, or its connection broke.
    pub ended: Instant,
    /// The node that served it, or what was wrong.
    pub outcome: std::result::Result<String, String>,
}

impl Sample {
    /// Whether some of it was under way between the two moments.
    #[must_use]
    pub fn overlaps(&self, from: Instant, to: Instant) -> bool {
        self.sent <= to && self.ended >= from
    }
}

/// A load that runs until it is stopped or dropped.
#[derive(Debug)]
pub struct Load {
    stop: Arc<AtomicBool>,
    done: Arc<AtomicU64>,
    workers: JoinSet<Vec<Sample>>,
}

impl Load {
    /// Starts sending `rate` requests a second. A good answer is one with status 200 and the name of a node.
    #[must_use]
    pub fn start(client: &Client, ask: &Ask, rate: u32) -> Self {
        let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let step = Duration::from_secs(1) * CONNECTIONS / rate.max(1);
        let mut workers = JoinSet::new();
        for worker in 0..CONNECTIONS {
            let first = Instant::now() + step * worker / CONNECTIONS;
            let (client, ask) = (client.clone(), ask.clone());
            let (stop, done) = (Arc::clone(&stop), Arc::clone(&done));
            workers.spawn(async move {
                let (mut samples, mut connection, mut due) = (Vec::new(), None, first);
                while !stop.load(Ordering::Relaxed) {
                    tokio::time::sleep_until(due.into()).await;
                    due += step;
                    samples.push(one(&client, &ask, &mut connection).await);
                    done.fetch_add(1, Ordering::Relaxed);
                }
                samples
            });
        }
        Self { stop, done, workers }
    }

    /// Waits until `more` requests have ended since now.
    ///
    /// # Errors
    /// They have not within the test's patience.
    pub async fn pass(&self, more: u64) -> Result<()> {
        let goal = self.done.load(Ordering::Relaxed) + more;
        deadline::until("requests of the load", || async {
            let done = self.done.load(Ordering::Relaxed);
            ensure!(done >= goal, "{done} of {goal} requests are done");
            Ok(())
        })
        .await
    }

    /// Stops, lets what is under way end, and gives every request in the order of sending.
    ///
    /// # Errors
    /// A part of the load itself broke.
    pub async fn finish(mut self) -> Result<Vec<Sample>> {
        self.stop.store(true, Ordering::Relaxed);
        let mut samples = Vec::new();
        while let Some(worker) = self.workers.join_next().await {
            samples.extend(worker.context("a worker of the load broke")?);
        }
        samples.sort_by_key(|sample| sample.sent);
        Ok(samples)
    }
}

async fn one(client: &Client, ask: &Ask, connection: &mut Option<Connection>) -> Sample {
    let sent = Instant::now();
    let answer = match connection.take() {
        Some(kept) => Ok(kept),
        None => client.connect().await,
    };
    let outcome = match answer {
        Err(error) => Err(format!("{error:#}")),
        Ok(mut open) => match tokio::time::timeout(crate::client::ANSWER_LIMIT, open.send(ask)).await {
            Err(_) => Err("no answer in time".to_owned()),
            Ok(Err(error)) => Err(format!("{error:#}")),
            Ok(Ok(answer)) => {
                *connection = Some(open);
                served_by(&answer)
            }
        },
    };
    Sample { sent, ended: Instant::now(), outcome }
}

fn served_by(answer: &Answer) -> std::result::Result<String, String> {
    match (answer.status, answer.header("x-served-by")) {
        (200, node) if !node.is_empty() => Ok(node.to_owned()),
        _ => Err(format!(
            "status {}: {} {}",
            answer.status,
            answer.header("proxy-status"),
            String::from_utf8_lossy(&answer.body)
        )),
    }
}

/// Those that failed.
#[must_use]
pub fn failures(samples: &[Sample]) -> Vec<&Sample> {
    samples.iter().filter(|sample| sample.outcome.is_err()).collect()
}

/// How many each node served.
#[must_use]
pub fn by_node(samples: &[Sample]) -> BTreeMap<&str, usize> {
    let mut nodes = BTreeMap::new();
    for node in samples.iter().filter_map(|sample| sample.outcome.as_deref().ok()) {
        *nodes.entry(node).or_default() += 1;
    }
    nodes
}

/// What went wrong and how often, for a message.
#[must_use]
pub fn summary(failures: &[&Sample]) -> BTreeMap<String, usize> {
    let mut summary = BTreeMap::new();
    for error in failures.iter().filter_map(|sample| sample.outcome.as_ref().err()) {
        *summary.entry(error.clone()).or_default() += 1;
    }
    summary
}
