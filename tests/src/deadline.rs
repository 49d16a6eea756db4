//! Waiting for a condition, never for a time: a probe is repeated until it holds, or a deadline ends the test with the
//! probe's last complaint.

use std::future::Future;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// How long a condition may take on a loaded machine of two cores before the test gives up.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Between two looks at a condition.
const LOOK: Duration = Duration::from_millis(10);

/// Repeats `probe` until it is `Ok`, for [`PATIENCE`] at most.
///
/// # Errors
/// The last error of `probe`, with `what` was waited for.
pub async fn until<T, F, P>(what: &str, probe: P) -> Result<T>
where
    P: FnMut() -> F,
    F: Future<Output = Result<T>>,
{
    within(PATIENCE, what, probe).await
}

/// Repeats `probe` until it is `Ok`, for `limit` at most. One try is always made.
///
/// # Errors
/// The last error of `probe`, with `what` was waited for.
pub async fn within<T, F, P>(limit: Duration, what: &str, mut probe: P) -> Result<T>
where
    P: FnMut() -> F,
    F: Future<Output = Result<T>>,
{
    let start = Instant::now();
    loop {
        match probe().await {
            Ok(value) => return Ok(value),
            Err(error) if start.elapsed() >= limit => {
                return Err(error).with_context(|| format!("waited {limit:?} for {what}"));
            }
            Err(_) => tokio::time::sleep(LOOK).await,
        }
    }
}
