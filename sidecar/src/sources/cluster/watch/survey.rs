//! Which kinds the API server serves, looked up every few seconds: that is also how it is known that the server is there.
//!
//! It is asked of `/apis`, which every account may read, so that a definition which is installed later is found without
//! a right to read definitions.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use kube::Client;
use kube::api::ApiResource;
use tokio::sync::mpsc::Sender;
use tokio::time::{sleep, timeout};

/// How often it is looked, and how often before anything was found.
const EVERY: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(1));
/// How long a server that says that it is not ready is believed. One that never is serves all the same, where something
/// fails that nobody here needs.
const BELIEVED_FOR: Duration = Duration::from_secs(30);
/// How long an answer may take.
const WITHIN: Duration = Duration::from_secs(5);

/// What one look found.
pub(super) type Found = Result<BTreeSet<String>, String>;

/// The name that a kind goes by here, and under which it is found: `plural.group/version`.
pub(super) fn name(resource: &ApiResource) -> String {
    let group = if resource.group.is_empty() { String::new() } else { format!(".{}", resource.group) };
    format!("{}{group}/{}", resource.plural, resource.version)
}

/// Looks until nobody listens, at once and then every few seconds. `kinds`: what is looked for; `missed`: whether the
/// server has said of one of them, since the last look, that it is not there.
pub(super) async fn survey(
    client: Client,
    kinds: Vec<ApiResource>,
    missed: Arc<AtomicBool>,
    tell: Sender<Found>,
) {
    // A group that has all of its kinds is not asked for them again while it is there and none is missed.
    let mut whole: BTreeSet<String> = BTreeSet::new();
    let mut pause = EVERY.1;
    let (start, mut patience) = (Instant::now(), Patience::default());
    loop {
        // Before the look: what is missed meanwhile is missed again while it is not there.
        if missed.swap(false, Ordering::Relaxed) {
            whole.clear();
        }
        let look = async {
            let is_ready = is_ready(&client).await?;
            let passes = patience.passes(is_ready.is_ok(), start.elapsed());
            is_ready.or_else(|why| if passes { Ok(()) } else { Err(why) })?;
            look(&client, &kinds, &mut whole).await
        };
        let found = match timeout(WITHIN, look).await {
            Ok(Ok(found)) => Ok(found),
            Ok(Err(error)) => Err(super::said(&error)),
            Err(_) => Err(format!("no answer within {} s", WITHIN.as_secs())),
        };
        if found.is_ok() {
            pause = EVERY.0;
        }
        if tell.send(found).await.is_err() {
            return;
        }
        sleep(pause).await;
    }
}

fn ready() -> Result<hyper::Request<Vec<u8>>, kube::Error> {
    hyper::Request::get("/readyz").body(Vec::new()).map_err(kube::Error::HttpError)
}

/// Whether the server says that it is ready; where it says that it is not, in which words. One that has just started
/// serves some kinds before others.
///
/// # Errors
/// When it says nothing.
async fn is_ready(client: &Client) -> Result<Result<(), kube::Error>, kube::Error> {
    match client.request_text(ready()?).await {
        // Who may not ask has no reason to wait.
        Err(kube::Error::Api(status)) if status.code == 403 => Ok(Ok(())),
        Err(error @ kube::Error::Api(_)) => Ok(Err(error)),
        other => other.map(|_| Ok(())),
    }
}

/// How long a server has said that it is not ready.
#[derive(Debug, Default)]
struct Patience {
    since: Option<Duration>,
}

impl Patience {
    /// Whether to look at what it serves.
    fn passes(&mut self, is_ready: bool, now: Duration) -> bool {
        if is_ready {
            self.since = None;
            return true;
        }
        now >= *self.since.get_or_insert(now) + BELIEVED_FOR
    }
}

/// One look.
///
/// # Errors
/// When the server does not answer, or not as an API server does.
pub(super) async fn look(
    client: &Client,
    kinds: &[ApiResource],
    whole: &mut BTreeSet<String>,
) -> Result<BTreeSet<String>, kube::Error> {
    let served = client.list_api_groups().await?;
    let served: BTreeSet<String> = served
        .groups
        .into_iter()
        .flat_map(|group| group.versions.into_iter().map(|version| version.group_version))
        .collect();
    whole.retain(|version| served.contains(version));
    let mut found = BTreeSet::new();
    let versions: BTreeSet<&str> = kinds.iter().map(|kind| kind.api_version.as_str()).collect();
    for version in versions {
        let wanted: Vec<&ApiResource> = kinds.iter().filter(|kind| kind.api_version == version).collect();
        // The core group is always there, and stands elsewhere.
        if version == "v1" || whole.contains(version) {
            found.extend(wanted.iter().map(|kind| name(kind)));
            continue;
        }
        if !served.contains(version) {
            continue;
        }
        let there = client.list_api_group_resources(version).await?.resources;
        let there: BTreeSet<String> = there.into_iter().map(|resource| resource.name).collect();
        let before = found.len();
        found.extend(wanted.iter().filter(|kind| there.contains(&kind.plural)).map(|kind| name(kind)));
        if found.len() - before == wanted.len() {
            whole.insert(version.to_owned());
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{BELIEVED_FOR, Patience};

    #[test]
    fn a_server_that_is_never_ready_is_looked_at_after_a_while() {
        let (mut patience, second) = (Patience::default(), Duration::from_secs(1));
        assert!(!patience.passes(false, second));
        assert!(!patience.passes(false, BELIEVED_FOR));
        assert!(patience.passes(false, BELIEVED_FOR + second));
        assert!(patience.passes(true, BELIEVED_FOR + 2 * second));
        assert!(!patience.passes(false, BELIEVED_FOR + 3 * second), "it was ready: it is believed again");
    }
}
