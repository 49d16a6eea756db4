//! Thousands of Ingresses, added and edited while requests run: no answer is wrong, and none fails for a host that no
//! change touched.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use zoneway_tests::address;
use zoneway_tests::client::Ask;
use zoneway_tests::cluster::machine::{Machine, hosts};
use zoneway_tests::cluster::{Cluster, objects};
use zoneway_tests::load::{self, Load};
use zoneway_tests::service::Service;

const ADDED: usize = 3000;
const EDITED: usize = 500;
/// A debug build of the sidecar on a loaded machine takes its time for thousands of hosts.
const LIMIT: Duration = Duration::from_secs(240);

fn host(number: usize) -> String {
    format!("h{number}.example")
}

fn ingress(number: usize, service: &str) -> serde_json::Value {
    objects::ingress("web", &format!("i{number}"), &host(number), service)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_thousand_ingresses_added_and_five_hundred_edited_under_load() -> Result<()> {
    let cluster = Cluster::start().await?;
    let own = address::own()?;
    let mut first = vec![objects::namespace("web", None)];
    let mut services = Vec::new();
    for name in ["old", "new"] {
        let at = address::free(own)?;
        services
            .push(Service { name: name.to_owned(), node: name.to_owned(), forward: None }.start(at).await?);
        let mut slice = objects::slice("web", name, &[objects::endpoint(&at.ip().to_string(), "studtop")]);
        slice["ports"][0]["port"] = at.port().into();
        first.extend([objects::service("web", name, 80), slice]);
    }
    first.push(objects::ingress("web", "steady", "steady.example", "old"));
    cluster.apply_all(&first).await?;
    let mut machine = Machine::start(&cluster, "studtop", "403", "").await?;
    machine.until_answers("steady.example", "/", 200, Some("old")).await?;

    // One host is asked all the time, and those that have come so far one after the other.
    let steady = Load::start(&machine.client(), &Ask::get("steady.example", "/"), 100);
    let (there, edited) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let wrong = Arc::new(Mutex::new(Vec::<String>::new()));
    let asking = {
        let (there, edited, wrong) = (Arc::clone(&there), Arc::clone(&edited), Arc::clone(&wrong));
        let client = machine.client();
        tokio::spawn(async move {
            let mut asked: usize = 0;
            loop {
                asked += 1;
                let there = there.load(Ordering::Relaxed).max(1);
                let number = asked.wrapping_mul(2_654_435_761) % there;
                let edited_before = edited.load(Ordering::Relaxed);
                let answer = client.get(&host(number), "/").await;
                let is_edited = number < EDITED && (edited_before > 0 || edited.load(Ordering::Relaxed) > 0);
                let right = match &answer {
                    Err(_) => false,
                    Ok(answer) => match (answer.status, answer.header("x-served-by")) {
                        (200, "old") => true,
                        (200, "new") => is_edited,
                        // It was written, and is not served yet.
                        (404, "") => edited_before == 0,
                        _ => false,
                    },
                };
                if !right && let Ok(mut wrong) = wrong.lock() {
                    let said = answer.map(|answer| (answer.status, answer.header("x-served-by").to_owned()));
                    wrong.push(format!("{}: {said:?}", host(number)));
                }
            }
        })
    };

    let begun = Instant::now();
    for number in 0..ADDED {
        cluster.apply_all(&[ingress(number, "old")]).await?;
        there.store(number + 1, Ordering::Relaxed);
    }
    eprintln!("every host is written after {:?}", begun.elapsed());
    let every = |table: &serde_json::Value| hosts(table).len() == ADDED + 1;
    machine.within_every_worker_has(LIMIT, "every host", every).await?;
    eprintln!("every host is served after {:?}", begun.elapsed());
    edited.store(1, Ordering::Relaxed);
    for number in 0..EDITED {
        cluster.apply_all(&[ingress(number, "new")]).await?;
    }
    machine.until_answers(&host(EDITED - 1), "/", 200, Some("new")).await?;
    for number in [0, EDITED / 2, EDITED, ADDED - 1] {
        let by = if number < EDITED { "new" } else { "old" };
        machine.until_answers(&host(number), "/", 200, Some(by)).await?;
    }
    asking.abort();
    let samples = steady.finish().await?;
    let failed = load::failures(&samples);
    assert!(failed.is_empty(), "{} of {} failed: {:?}", failed.len(), samples.len(), load::summary(&failed));
    let wrong = wrong.lock().map_err(|_| anyhow::anyhow!("the asking task broke"))?;
    let some = wrong.iter().take(10).collect::<Vec<_>>();
    ensure!(wrong.is_empty(), "{} answers were wrong, as {some:?}", wrong.len());
    let asked = services.first().context("a service")?.requests();
    ensure!(asked > 200, "only {asked} requests were served");
    Ok(())
}
