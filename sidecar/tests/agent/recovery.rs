//! What happens when a program dies.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::cluster::Node;
use super::program::{run, until};

#[test]
fn a_table_is_adopted_by_every_worker_and_an_edit_changes_the_next_requests() {
    let node = Node::started();
    let reader = node.reader().unwrap();
    let workers = reader["workers"].as_array().unwrap();
    // Two workers and the main thread.
    assert_eq!(workers.len(), 3, "{reader}");
    assert!(workers.iter().all(|worker| worker["revision"] == reader["table"]["revision"]), "{reader}");
    assert_eq!(node.ask("notes.example").unwrap(), (200, "notes".to_owned()));
    assert_eq!(node.ask("more.example").unwrap().0, 404);
    node.write_site(&node.site(&["notes.example", "more.example"]));
    node.until_answers("more.example", 200);
    node.write_site(&node.site(&["more.example"]));
    node.until_answers("notes.example", 404);
    node.until_in_sync();
    assert_eq!(node.revision().unwrap().1, 2, "one push for each edit");
}

#[test]
fn an_envoy_that_was_killed_gets_its_table_soon_after_its_return() {
    let mut node = Node::started();
    let revision = node.revision().unwrap();
    node.envoy.as_mut().unwrap().kill();
    node.until_state("unreachable");
    node.start_envoy_again();
    let start = Instant::now();
    until("the table", || node.revision());
    let took = start.elapsed();
    eprintln!("the table was back {} ms after the endpoint was", took.as_millis());
    // The design says a second; a loaded test machine is given more.
    assert!(took < Duration::from_secs(10), "{took:?}");
    node.until_in_sync();
    assert_eq!(node.revision().unwrap(), revision, "the same table has the same revision");
    assert_eq!(node.ask("notes.example").unwrap().0, 200);
}

#[test]
fn a_sidecar_that_was_killed_leaves_the_table_serving_and_starts_at_the_next_epoch() {
    let mut node = Node::started();
    let (epoch, _) = node.revision().unwrap();
    node.sidecar().kill();
    assert_eq!(node.ask("notes.example").unwrap().0, 200);
    node.start_sidecar(&[]);
    until("the next epoch", || match node.revision()? {
        (now, 0) if now == epoch + 1 => Ok(()),
        other => Err(format!("{other:?}")),
    });
}

#[test]
fn a_sidecar_stops_cleanly_when_it_is_asked_to() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut node = Node::new();
        node.start_sidecar(&[]);
        until("the sidecar", || node.status());
        let start = Instant::now();
        node.sidecar().signal(signal);
        assert!(node.sidecar().ended().success());
        let took = start.elapsed();
        eprintln!("stopped in {} ms", took.as_millis());
        assert!(took < Duration::from_secs(5), "{took:?}");
        assert!(!node.path("sidecar.sock").exists());
    }
}

#[test]
fn two_sidecars_do_not_share_a_state_folder() {
    let mut node = Node::new();
    node.start_sidecar(&[]);
    until("the sidecar", || node.status());
    let second = run(&["run", "--config", &node.file("zoneway.yaml")]);
    assert_eq!(second.status.code(), Some(1));
    let complaint = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(complaint.contains("another `zoneway run` uses this state folder"), "{complaint}");
}

#[test]
fn a_sidecar_stops_pushing_after_another_writer_took_over_and_goes_on_when_it_is_started_again() {
    let mut node = Node::started();
    let table = run(&["table", "--site", &node.file("site.yaml"), "--zone", "home"]);
    std::fs::write(node.path("table.json"), &table.stdout).unwrap();
    let (table, to) = (node.file("table.json"), node.url("run/table.sock"));
    let older = run(&["push", "--table", &table, "--to", &to]);
    assert_eq!(older.status.code(), Some(1), "{older:?}");
    assert!(String::from_utf8_lossy(&older.stderr).contains("--supersede"), "{older:?}");
    let (epoch, _) = node.revision().unwrap();
    let over = run(&["push", "--table", &table, "--to", &to, "--supersede"]);
    assert!(over.status.success(), "{over:?}");
    assert_eq!(node.revision().unwrap(), (epoch + 1, 0));
    node.until_state("foreign_writer");
    node.write_site(&node.site(&["notes.example", "more.example"]));
    until("the edit to be read", || {
        let log = node.sidecar.as_ref().unwrap().log();
        if log.contains("hosts=2") { Ok(()) } else { Err(log) }
    });
    node.until_state("foreign_writer");
    assert_eq!(node.revision().unwrap(), (epoch + 1, 0));
    node.sidecar().signal(Signal::TERM);
    node.sidecar().ended();
    node.start_sidecar(&[]);
    node.until_answers("more.example", 200);
    assert_eq!(node.revision().unwrap(), (epoch + 2, 0));
}
