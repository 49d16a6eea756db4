//! What a pushed table is answered, and that nothing that is kept can make a reader stumble.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::layout::Layout;
use crate::name::ZoneName;
use crate::table::wire::Revision;
use crate::table::{Limits, Table};

fn table(epoch: u64, sequence: u64, host: &str) -> Value {
    json!({
        "version": 1, "revision": {"epoch": epoch, "sequence": sequence}, "view": "403",
        "zones": {"403": {"nodes": {"studtop": {"address": "192.168.86.23:15443"}}}},
        "hosts": [{"host": host, "exposed_to": ["403"],
                   "rules": [{"path": "/", "backends": [{"node": "studtop"}]}]}]
    })
}

fn zone() -> ZoneName {
    ZoneName::parse("403").expect("a zone")
}

/// Pushes a body to an endpoint that serves revision 7.42 of `a.example`; whether it is taken is what comes back.
#[track_caller]
fn check(body: &str, status: u16, taken: bool, paths: &[&str]) {
    let served = Table::parse(table(7, 42, "a.example").to_string().as_bytes()).expect("a table");
    let limits = Limits { bytes: 2_000, ..Limits::default() };
    let current = Some((served.revision(), served.digest()));
    let accepted = accept(current, &zone(), &limits, body.as_bytes());
    let answer: Value = serde_json::from_slice(&accepted.answer.body).expect("JSON");
    assert_eq!(accepted.answer.status, status, "{answer}");
    assert_eq!(accepted.layout.is_some(), taken, "{answer}");
    assert_eq!(answer["accepted"], json!(status == 200));
    let none = Vec::new();
    let errors = answer["errors"].as_array().unwrap_or(&none);
    let found: Vec<&str> = errors.iter().filter_map(|error| error["path"].as_str()).collect();
    assert_eq!(found, paths, "{answer}");
}

#[test]
fn a_newer_revision_is_taken() {
    check(&table(7, 43, "b.example").to_string(), 200, true, &[]);
    check(&table(8, 0, "a.example").to_string(), 200, true, &[]);
}

#[test]
fn the_same_revision_and_content_again_is_answered_as_before() {
    let again = table(7, 42, "a.example");
    check(&again.to_string(), 200, false, &[]);
    check(&serde_json::to_string_pretty(&again).expect("JSON"), 200, false, &[]);
}

#[test]
fn an_older_revision_or_other_content_conflicts() {
    check(&table(7, 41, "b.example").to_string(), 409, false, &["revision"]);
    check(&table(6, 99, "b.example").to_string(), 409, false, &["revision"]);
    check(&table(7, 42, "b.example").to_string(), 409, false, &["revision"]);
}

#[test]
fn what_is_no_table_of_this_zone_is_refused() {
    check("", 422, false, &[""]);
    check("{}", 422, false, &[""]);
    check(&table(8, 0, "a.example:80").to_string(), 422, false, &["hosts[0].host"]);
    let mut other = table(8, 0, "a.example");
    other["view"] = json!("lab");
    other["zones"] = json!({"lab": {"nodes": {"studtop": {"address": "192.168.86.23:15443"}}}, "403": {}});
    check(&other.to_string(), 422, false, &["view"]);
    check(&" ".repeat(2_001), 413, false, &[""]);
}

#[test]
fn an_endpoint_without_a_table_takes_any_revision() {
    let body = table(0, 0, "a.example").to_string();
    let accepted = accept(None, &zone(), &Limits::default(), body.as_bytes());
    assert_eq!(accepted.answer, Answer::accepted(Revision { epoch: 0, sequence: 0 }));
    assert!(accepted.layout.is_some());
}

#[test]
fn a_thousand_errors_are_listed_at_most() {
    let mut table = table(8, 0, "a.example");
    let host = table["hosts"][0].clone();
    table["hosts"] = Value::Array(vec![host; 3_000]);
    let accepted = accept(None, &zone(), &Limits::default(), table.to_string().as_bytes());
    let answer: Value = serde_json::from_slice(&accepted.answer.body).expect("JSON");
    assert_eq!(answer["errors"].as_array().map(Vec::len), Some(MOST_ERRORS));
}

#[test]
fn calls_are_told_apart_by_method_and_path() {
    assert_eq!(Call::of(b"PUT", b"/v1/table"), Call::Put);
    assert_eq!(Call::of(b"GET", b"/v1/table?x=1"), Call::Table);
    assert_eq!(Call::of(b"GET", b"/v1/status"), Call::Status);
    let status = |method: &[u8], path: &[u8]| match Call::of(method, path) {
        Call::Unknown(answer) => answer.status,
        known => panic!("{known:?} is known"),
    };
    assert_eq!(status(b"DELETE", b"/v1/table"), 405);
    assert_eq!(status(b"PUT", b"/v1/status"), 405);
    assert_eq!(status(b"GET", b"/v2/table"), 404);
    assert_eq!(status(b"", b""), 404);
}

#[test]
fn workers_that_are_not_seen_drop_out() {
    let worker = |id, seen_ms| Worker { id, revision: Some(Revision { epoch: 1, sequence: 2 }), seen_ms };
    let mut workers = Workers::default();
    workers.seen(worker(9, 1_000), STALE_MS);
    workers.seen(worker(3, 5_000), STALE_MS);
    workers.seen(Worker { revision: None, ..worker(3, 5_500) }, STALE_MS);
    let ids = |workers: &Workers| workers.iter().map(|worker| worker.id).collect::<Vec<_>>();
    assert_eq!(ids(&workers), [3, 9]);
    workers.seen(worker(3, 6_001), STALE_MS);
    assert_eq!(ids(&workers), [3]);
    assert_eq!(Workers::parse(&workers.to_bytes()), workers);
}

#[test]
fn status_tells_what_is_served_and_by_whom() {
    let layout =
        Layout::compile(&Table::parse(table(7, 42, "a.example").to_string().as_bytes()).expect("a table"));
    let mut workers = Workers::default();
    workers.seen(Worker { id: 0xab, revision: Some(layout.revision()), seen_ms: 99_000 }, STALE_MS);
    workers.seen(Worker { id: 1, revision: None, seen_ms: 94_999 }, STALE_MS);
    let record = Record::of(&layout, 40_500);
    let status =
        Status { table: Some(Ok(record)), workers: &workers, compiler_ms: Some(99_990), now_ms: 100_000 };
    let answer: Value = serde_json::from_slice(&status.answer().body).expect("JSON");
    let revision = json!({"epoch": 7, "sequence": 42});
    assert_eq!(
        answer,
        json!({
            "versions": [1],
            "table": {"revision": revision, "digest": layout.digest().to_string(), "hosts": 1, "age_s": 59},
            "workers": [{"id": "00000000000000ab", "revision": revision, "seen_ms": 1000}],
        })
    );
    let silent = Status { compiler_ms: None, table: Some(Err(RecordError::Version(2))), ..status };
    let answer: Value = serde_json::from_slice(&silent.answer().body).expect("JSON");
    assert_eq!(answer["table"], Value::Null);
    assert_eq!(answer["errors"].as_array().map(Vec::len), Some(2));
}

#[test]
fn what_is_kept_is_read_back() {
    let layout =
        Layout::compile(&Table::parse(table(7, 42, "a.example").to_string().as_bytes()).expect("a table"));
    let record = Record::of(&layout, 77);
    assert_eq!(Record::parse(&record.to_bytes()), Ok(record));
    let mut newer = record.to_bytes();
    newer[3] = 2;
    assert_eq!(Record::parse(&newer), Err(RecordError::Version(2)));
    let notice = Notice { kind: NoticeKind::Get, ticket: 5, queue: 9, body_key: "zoneway.body.1".to_owned() };
    assert_eq!(Notice::parse(&notice.to_bytes()), Some(notice.clone()));
    let kept = |ticket| {
        let mut kept = [&[0; Notice::BODY_FROM], &b"{}"[..]].concat();
        Notice::mark(&mut kept, ticket);
        kept
    };
    assert_eq!(notice.body(&kept(5)), Some(&b"{}"[..]));
    assert_eq!(notice.body(&kept(6)), None);
    let reply = Reply { ticket: 5, answer: Answer { status: 422, body: b"{}".to_vec() } };
    assert_eq!(Reply::parse(&reply.to_bytes()), Some(reply));
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_stumble(bytes in proptest::collection::vec(any::<u8>(), 0..200), kind in 0..5_u8) {
        let magic: &[u8] = match kind { 0 => b"ZWR\x01", 1 => b"ZWW1", 2 => b"ZWN1", 3 => b"ZWA1", _ => b"" };
        let bytes = [magic, &bytes].concat();
        let _ = Record::parse(&bytes);
        let _ = Workers::parse(&bytes);
        let _ = Notice::parse(&bytes);
        let _ = Reply::parse(&bytes);
        let accepted = accept(None, &zone(), &Limits::default(), &bytes);
        prop_assert_eq!(accepted.answer.status, 422);
    }

    #[test]
    fn a_table_with_anything_changed_is_judged_without_a_stumble(
        at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>(),
    ) {
        let mut body = table(7, 42, "a.example").to_string().into_bytes();
        let at = at.index(body.len());
        body[at] = byte;
        let _ = accept(None, &zone(), &Limits::default(), &body);
        body.truncate(cut.index(body.len()));
        let _ = accept(None, &zone(), &Limits::default(), &body);
    }
}
