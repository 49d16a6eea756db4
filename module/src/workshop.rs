//! The thread of the module: it has pushed tables judged and compiled, so that no worker does, and counts fetched.
//!
//! It is started with the first configuration of a running Envoy and ends with the process. It parks while there is
//! nothing to do, but for a look every [`TICK`]. A table is judged aside, on a thread that runs while nobody else wants to
//! ([`aside`]); where that takes longer than [`ASIDE`] because others always want to, it is judged here after all.

use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use zoneway_core::endpoint::{Accepted, Answer, accept};
use zoneway_core::layout::Layout;
use zoneway_core::settings::Settings;

use crate::abi::aside::{self, Aside};
use crate::abi::{Level, log};
use crate::body::Body;
use crate::envoy::Bell;
use crate::verdict::{PANICS, contained};
use crate::{serving, tally};

/// How often it looks whether anything was counted.
const TICK: Duration = Duration::from_millis(100);
/// How long a table waits for others before it; whoever pushed it has given up by then.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a table is judged aside.
const ASIDE: Duration = Duration::from_millis(500);
/// After so long without a table the memory that judging took is given back.
const QUIET: Duration = Duration::from_millis(300);

static JOBS: OnceLock<Sender<Job>> = OnceLock::new();
static BELLS: Mutex<Vec<(u64, Box<dyn Bell>)>> = Mutex::new(Vec::new());

/// What a request to the endpoint asks for.
pub(crate) enum Task {
    /// To judge a table, and serve it.
    Put { body: Arc<Body>, settings: Arc<Settings> },
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
    let mut bench = Bench { last: None, used: Instant::now() };
    loop {
        match jobs.recv_timeout(TICK) {
            Ok(job) => {
                let answer = contained(|| judge(&job, &mut bench))
                    .unwrap_or_else(|| unfinished("this program has a mistake"));
                contained(|| job.ticket.answer(answer));
            }
            Err(RecvTimeoutError::Timeout) => bench.clear(),
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

/// Where tables are judged.
struct Bench {
    /// The last work aside, until its thread has ended.
    last: Option<Aside<Judged>>,
    used: Instant,
}

impl Bench {
    fn accept(&mut self, settings: &Arc<Settings>, body: &Arc<Body>) -> Accepted {
        self.used = Instant::now();
        self.last = self.last.take().and_then(Aside::end);
        let serving = serving::current();
        let current = serving.as_ref().map(|serving| (serving.record.revision, serving.record.digest));
        let (own_settings, own_body) = (Arc::clone(settings), Arc::clone(body));
        // Of more than a few hosts the layout is shorter than the table.
        let room = Vec::with_capacity(body.len());
        let work = move || {
            // Pure: it leaves nothing behind.
            let accepted = accept(current, own_settings.zone(), &own_settings.limits(), &own_body.whole());
            Judged::of(accepted, room)
        };
        if let Ok(begun) = Aside::begin(work, Judged::kept) {
            let judged = begun.result(ASIDE);
            self.last = Some(begun);
            if let Some(judged) = judged {
                return judged.accepted;
            }
        }
        accept(current, settings.zone(), &settings.limits(), &body.whole())
    }

    fn clear(&mut self) {
        self.last = self.last.take().and_then(Aside::end);
        if self.used.elapsed() > QUIET {
            aside::give_back();
        }
    }
}

/// What came of a table aside.
struct Judged {
    accepted: Accepted,
    /// Memory that was there before, for a layout to stay in; `None` where it is the layout's now.
    room: Option<Vec<u8>>,
}

impl Judged {
    /// Moves the layout into this room, if it fits: nothing is mapped for it, and it need not be copied by a thread that workers wait
    /// for.
    fn of(Accepted { answer, layout }: Accepted, mut room: Vec<u8>) -> Self {
        match layout {
            Some(layout) if layout.bytes().len() <= room.capacity() => {
                room.extend_from_slice(layout.bytes());
                // It is what was compiled just now: no other comes of it.
                let moved = Layout::adopt(room).unwrap_or(layout);
                Self { accepted: Accepted { answer, layout: Some(moved) }, room: None }
            }
            layout => Self { accepted: Accepted { answer, layout }, room: Some(room) },
        }
    }

    /// What stays: a copy, but for a layout that has moved.
    fn kept(self) -> Self {
        let Accepted { answer, layout } = self.accepted;
        let layout = if self.room.is_some() { layout.clone() } else { layout };
        Self { accepted: Accepted { answer: answer.clone(), layout }, room: self.room }
    }
}

fn judge(job: &Job, bench: &mut Bench) -> Answer {
    if job.since.elapsed() > PATIENCE {
        return unfinished("it has waited for 5 s behind other tables");
    }
    match &job.task {
        Task::Put { body, settings } => {
            let Accepted { answer, layout } = bench.accept(settings, body);
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
        Task::Get => match serving::current().as_ref() {
            Some(serving) => Answer::table(Ok(serving.layout.to_table())),
            None => Answer::no_table(),
        },
    }
}

fn refused(body: &Body, answer: &Answer) -> String {
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

#[cfg(test)]
mod tests {
    use serde_json::json;
    use zoneway_core::name::ZoneName;
    use zoneway_core::table::Limits;

    use super::*;

    /// Accepts a table of so many hosts, and says whether its layout moved.
    #[track_caller]
    fn check(hosts: usize, moves: bool) {
        let host = |number| json!({"host": format!("service-{number}.example.org"), "exposed_to": ["403"], "rules": []});
        let hosts: Vec<_> = (0..hosts).map(host).collect();
        let revision = json!({"epoch": 1, "sequence": 1});
        let table =
            json!({"version": 1, "revision": revision, "view": "403", "zones": {"403": {}}, "hosts": hosts});
        let (json, zone) = (table.to_string(), ZoneName::parse("403").unwrap());
        let accepted = || accept(None, &zone, &Limits::default(), json.as_bytes());
        let judged = Judged::of(accepted(), Vec::with_capacity(json.len()));
        assert_eq!(judged.room.is_none(), moves);
        let (kept, made) = (judged.kept().accepted, accepted());
        assert_eq!(kept.answer, made.answer);
        assert_eq!(kept.layout.unwrap().bytes(), made.layout.unwrap().bytes());
    }

    #[test]
    fn a_layout_is_the_same_where_it_stays_whether_it_moved_or_is_a_copy() {
        check(1_000, true);
        check(0, false);
    }
}
