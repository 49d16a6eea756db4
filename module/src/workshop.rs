//! The one thread of the module: it judges and compiles pushed tables, so that no worker does, and has counts fetched.
//!
//! It is started with the first configuration of a running Envoy and ends with the process. It parks while there is
//! nothing to do, but for a look every [`TICK`].

use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use zoneway_core::endpoint::{Accepted, Answer, accept};
use zoneway_core::settings::Settings;

use crate::abi::{Level, log};
use crate::envoy::Bell;
use crate::verdict::{PANICS, contained};
use crate::{serving, tally};

/// How often it looks whether anything was counted.
const TICK: Duration = Duration::from_millis(100);
/// How long a table waits for others before it; whoever pushed it has given up by then.
const PATIENCE: Duration = Duration::from_secs(5);

static JOBS: OnceLock<Sender<Job>> = OnceLock::new();
static BELLS: Mutex<Vec<(u64, Box<dyn Bell>)>> = Mutex::new(Vec::new());

/// What a request to the endpoint asks for.
pub(crate) enum Task {
    /// To judge a table, and serve it.
    Put { body: Vec<u8>, settings: Arc<Settings> },
    /// The table that is served, as JSON.
    Get,
}

struct Job {
    task: Task,
    since: Instant,
    ticket: Arc<Ticket>,
}

/// Where an answer is left for the request that waits for it.
pub(crate) struct Ticket(Mutex<Waiting>);

struct Waiting {
    /// `None` when the request is gone: then nobody is woken.
    bell: Option<Box<dyn Bell>>,
    answer: Option<Answer>,
}

/// Starts the thread, once.
///
/// # Errors
/// When the system gives no thread.
pub(crate) fn start() -> std::io::Result<()> {
    let (sender, receiver) = channel();
    if JOBS.set(sender).is_ok() {
        thread::Builder::new().name("zoneway".to_owned()).spawn(move || work(&receiver))?;
    }
    Ok(())
}

/// Hands a task over; `None` where nobody works.
pub(crate) fn order(task: Task, bell: Box<dyn Bell>) -> Option<Arc<Ticket>> {
    let ticket = Arc::new(Ticket(Mutex::new(Waiting { bell: Some(bell), answer: None })));
    let job = Job { task, since: Instant::now(), ticket: Arc::clone(&ticket) };
    JOBS.get()?.send(job).ok()?;
    Some(ticket)
}

impl Ticket {
    /// The answer, once.
    pub(crate) fn take(&self) -> Option<Answer> {
        locked(&self.0).answer.take()
    }

    /// The request is gone: from here on its bell is not rung, nor kept.
    pub(crate) fn forget(&self) {
        locked(&self.0).bell = None;
    }

    fn answer(&self, answer: Answer) {
        let mut waiting = locked(&self.0);
        waiting.answer = Some(answer);
        // Rung under the lock: who forgets a request waits for this.
        if let Some(bell) = &waiting.bell {
            bell.ring();
        }
    }
}

/// Has this configuration woken when something was counted, until [`dismiss`].
pub(crate) fn enlist(id: u64, bell: Box<dyn Bell>) {
    locked(&BELLS).push((id, bell));
}

/// Forgets a configuration; its bell is gone when this returns.
pub(crate) fn dismiss(id: u64) {
    locked(&BELLS).retain(|(other, _)| *other != id);
}

/// Now, in milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn work(jobs: &Receiver<Job>) {
    loop {
        match jobs.recv_timeout(TICK) {
            Ok(job) => {
                let answer =
                    contained(|| judge(&job)).unwrap_or_else(|| unfinished("this program has a mistake"));
                contained(|| job.ticket.answer(answer));
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        contained(fetch_counts);
    }
}

/// Wakes one configuration, any: all of them count into the same metrics.
fn fetch_counts() {
    let bells = locked(&BELLS);
    if let Some((_, bell)) = bells.first()
        && (tally::all().is_fresh() || PANICS.load(Ordering::Relaxed) > 0)
    {
        bell.ring();
    }
}

fn judge(job: &Job) -> Answer {
    if job.since.elapsed() > PATIENCE {
        return unfinished("it has waited for 5 s behind other tables");
    }
    let serving = serving::current();
    match &job.task {
        Task::Put { body, settings } => {
            let current = serving.as_ref().map(|serving| (serving.record.revision, serving.record.digest));
            let Accepted { answer, layout } = accept(current, settings.zone(), &settings.limits(), body);
            match layout {
                Some(layout) => {
                    let line =
                        format!("table {} of {} hosts is served now", layout.revision(), layout.hosts());
                    serving::serve(layout, now_ms());
                    log(Level::Info, &line);
                }
                None if answer.status == 200 => {}
                None => log(Level::Warn, &refused(body, &answer)),
            }
            answer
        }
        Task::Get => match serving.as_ref() {
            Some(serving) => Answer::table(Ok(serving.layout.to_table())),
            None => Answer::no_table(),
        },
    }
}

fn refused(body: &[u8], answer: &Answer) -> String {
    let errors = String::from_utf8_lossy(answer.body.get(..500).unwrap_or(&answer.body));
    format!("a table of {} bytes is refused with {}: {errors}", body.len(), answer.status)
}

fn unfinished(why: &str) -> Answer {
    let message =
        format!("the table was not looked at: {why}; the one that is served is not touched, push again");
    Answer::refusal(503, vec![(String::new(), message)])
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
