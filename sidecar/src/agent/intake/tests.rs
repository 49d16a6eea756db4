use std::path::Path;
use std::time::Duration;

use super::{Intake, Kept, Notice};
use crate::agent::feed::Time;
use crate::agent::picture::{Kind, Meant, Picture};
use crate::agent::report::Serving;
use crate::agent::table_endpoint::PathError;

const HOUR: Duration = Duration::from_secs(3600);

/// A site with the hosts `h0` to `h(n-1)`, each with a service of its own.
fn site(hosts: std::ops::Range<usize>) -> String {
    let mut text =
        "version: 1\nzones:\n  home: {speaks_for: [home, exposed], nodes: {a: 10.0.0.1, b: 10.0.0.2}}\n  \
                    exposed: {public: true}\n"
            .to_owned();
    let mut lists = ["services:\n".to_owned(), "hosts:\n".to_owned()];
    for n in hosts.clone() {
        lists[0] += &format!("  s{n}: {{at: {{a: 127.0.0.1:80, b: 127.0.0.1:80}}}}\n");
        lists[1] += &format!("  h{n}.example: {{expose_to: [home, exposed], service: s{n}}}\n");
    }
    if !hosts.is_empty() {
        text += &lists.concat();
    }
    text
}

fn picture(text: &str) -> Result<Picture, Vec<PathError>> {
    Picture::parse(Kind::Site, text.to_owned(), Path::new("site.yaml"))
}

fn table(hosts: usize, zones: &str) -> Result<Picture, Vec<PathError>> {
    let host = |n| {
        format!(
            r#"{{"host": "h{n:02}.example", "exposed_to": ["x", "y"],
                 "rules": [{{"path": "/", "backends": [{{"node": "n"}}, {{"zone": "y"}}]}}]}}"#
        )
    };
    let hosts = (0..hosts).map(host).collect::<Vec<_>>().join(",");
    let text = format!(
        r#"{{"version": 1, "revision": {{"epoch": 0, "sequence": 0}}, "view": "x", "zones": {zones}, "hosts": [{hosts}]}}"#
    );
    Picture::parse(Kind::Table, text, Path::new("table.json"))
}

fn hosts(intake: &Intake) -> usize {
    match intake.serves().map(AsRef::as_ref) {
        Some(Meant::Site(site)) => site.hosts().len(),
        Some(Meant::Table(table)) => table.wire().hosts.len(),
        Some(Meant::Delivered(delivered)) => delivered.table.wire().hosts.len(),
        None => 0,
    }
}

fn broken() -> Result<Picture, Vec<PathError>> {
    picture("version: 1\nzones: {home: {nodes: {a: nowhere at all}}}\n")
}

#[test]
fn a_broken_file_is_refused_whole_and_the_old_one_serves() {
    let mut intake = Intake::new(HOUR);
    assert!(matches!(intake.read(broken(), false, Time::ZERO)[..], [Notice::Refused(_, Serving::Nothing)]));
    intake.read(picture(&site(0..3)), false, Time::ZERO);
    let notices = intake.read(broken(), false, Time::ZERO);
    assert!(
        matches!(&notices[..], [Notice::Refused(errors, Serving::LastGood)] if errors[0].path.contains("nodes"))
    );
    assert_eq!((hosts(&intake), intake.serving()), (3, Serving::LastGood));
    // Mended, even to what it was before: that is told.
    assert_eq!(intake.read(picture(&site(0..3)), false, Time::ZERO), [Notice::Serves(3)]);
    assert_eq!(intake.serving(), Serving::File);
}

#[test]
fn the_same_text_again_is_no_news_and_changes_nothing() {
    let mut intake = Intake::new(HOUR);
    intake.read(picture(&site(0..3)), false, Time::ZERO);
    let before = std::sync::Arc::clone(intake.serves().unwrap());
    assert_eq!(intake.read(picture(&site(0..3)), false, HOUR), []);
    // Another text that means the same is told, and pushes nothing.
    assert_eq!(intake.read(picture(&(site(0..3) + "# a note\n")), false, HOUR), [Notice::Serves(3)]);
    assert!(std::sync::Arc::ptr_eq(&before, intake.serves().unwrap()));
}

#[test]
fn hosts_that_went_all_at_once_stay_and_all_else_takes_effect() {
    let mut intake = Intake::new(HOUR);
    intake.read(picture(&site(0..30)), false, Time::ZERO);
    // 25 hosts go, the node b too, and of what is left h0 is exposed to home alone.
    let short = site(0..5)
        .replace(", b: 10.0.0.2", "")
        .replace(", b: 127.0.0.1:80", "")
        .replace("h0.example: {expose_to: [home, exposed]", "h0.example: {expose_to: [home]");
    let notices = intake.read(picture(&short), false, Time::ZERO);
    assert_eq!(notices, [Notice::Serves(5), Notice::Holds(25, 25)]);
    let Meant::Site(site) = intake.serves().unwrap().as_ref() else { panic!("a site") };
    assert_eq!(site.hosts().len(), 30);
    let rule = |name: &str| {
        let host = site.hosts().iter().find(|(pattern, _)| pattern.as_str() == name).unwrap().1;
        host.rules.values().next().unwrap()
    };
    assert_eq!(rule("h0.example").exposed_to.len(), 1, "lost exposure takes effect");
    assert_eq!(rule("h20.example").exposed_to.len(), 2);
    let at = site.served_at(rule("h20.example")).map(|(node, _)| node.as_str()).collect::<Vec<_>>();
    assert_eq!(at, ["a"], "a node that is gone serves nothing");
    assert_eq!(intake.held(HOUR / 2).iter().map(|held| held.left_s).max(), Some(1800));
}

#[test]
fn a_zone_that_is_gone_may_ask_for_no_held_host() {
    let mut intake = Intake::new(HOUR);
    intake.read(picture(&site(0..30)), false, Time::ZERO);
    let short = "version: 1\nzones:\n  home: {nodes: {a: 10.0.0.1, b: 10.0.0.2}}\n";
    intake.read(picture(short), false, Time::ZERO);
    let Meant::Site(site) = intake.serves().unwrap().as_ref() else { panic!("a site") };
    assert_eq!(site.hosts().len(), 30);
    assert!(
        site.hosts().values().flat_map(|host| host.rules.values()).all(|rule| rule.exposed_to.len() == 1)
    );
}

#[test]
fn held_hosts_go_when_their_time_is_over() {
    let mut intake = Intake::new(HOUR);
    intake.read(picture(&site(0..30)), false, Time::ZERO);
    intake.read(picture(&site(0..5)), false, Time::ZERO);
    assert_eq!((intake.tick(HOUR / 2), intake.next()), (Vec::new(), Some(HOUR)));
    assert_eq!(intake.tick(HOUR), [Notice::Releases(25)]);
    assert_eq!((hosts(&intake), intake.next()), (5, None));
}

#[test]
fn a_person_may_confirm_and_held_hosts_go_at_once() {
    let mut intake = Intake::new(HOUR);
    intake.read(picture(&site(0..30)), false, Time::ZERO);
    intake.read(picture(&site(0..5)), false, Time::ZERO);
    assert_eq!(
        intake.read(picture(&site(0..5)), true, Time::ZERO),
        [Notice::Serves(5), Notice::Releases(25)]
    );
    assert_eq!(hosts(&intake), 5);
    // Confirmed in the same reload, nothing is held at all.
    intake.read(picture(&site(0..40)), false, Time::ZERO);
    assert_eq!(intake.read(picture(&site(0..1)), true, Time::ZERO), [Notice::Serves(1)]);
    assert_eq!(hosts(&intake), 1);
}

#[test]
fn single_deletions_pass_while_others_are_held() {
    let mut intake = Intake::new(HOUR);
    intake.read(picture(&site(0..50)), false, Time::ZERO);
    intake.read(picture(&site(0..24)), false, Time::ZERO);
    intake.read(picture(&site(0..23)), false, Time::ZERO);
    assert_eq!(hosts(&intake), 23 + 26);
    // A second loss holds hosts of a second picture.
    assert_eq!(
        intake.read(picture(&site(0..2)), false, Time::ZERO),
        [Notice::Serves(2), Notice::Holds(21, 47)]
    );
    assert_eq!(hosts(&intake), 2 + 47);
}

/// What the disk has of it.
fn kept(intake: &Intake, now: Time) -> Kept {
    let to_keep = intake.to_keep(Kind::Site, now).unwrap();
    serde_json::from_str(&serde_json::to_string(&to_keep.kept()).unwrap()).unwrap()
}

#[test]
fn a_restart_goes_on_with_what_served_and_what_was_held() {
    let mut intake = Intake::new(HOUR);
    intake.read(picture(&site(0..50)), false, Time::ZERO);
    intake.read(picture(&site(0..22)), false, Time::ZERO);
    intake.read(picture(&site(0..2)), false, Time::ZERO);
    let kept = kept(&intake, HOUR / 2);
    let mut next = Intake::new(HOUR);
    next.restore(kept, Kind::Site, Path::new("site.yaml"), Time::ZERO).unwrap();
    assert_eq!((hosts(&next), next.serving()), (50, Serving::Kept));
    assert_eq!(next.serves(), intake.serves());
    // The source is away: what was kept serves on. Then it is read, and the hold goes on.
    assert!(matches!(next.read(broken(), false, Time::ZERO)[..], [Notice::Refused(_, Serving::Kept)]));
    assert_eq!(next.read(picture(&site(0..2)), false, Time::ZERO), [Notice::Serves(2)]);
    assert_eq!((hosts(&next), next.next()), (50, Some(HOUR / 2)));
}

#[test]
fn what_was_kept_of_another_kind_of_source_is_nothing() {
    let mut intake = Intake::new(HOUR);
    intake.read(picture(&site(0..2)), false, Time::ZERO);
    let kept = kept(&intake, Time::ZERO);
    let mut next = Intake::new(HOUR);
    next.restore(kept, Kind::Table, Path::new("table.json"), Time::ZERO).unwrap();
    assert_eq!(next.serving(), Serving::Nothing);
}

#[test]
fn a_table_holds_its_hosts_too_without_what_is_gone_from_it() {
    let mut intake = Intake::new(HOUR);
    let whole = r#"{"x": {"nodes": {"n": {"address": "10.0.0.1:15443"}}, "links": [{"to": "y"}]}, "y": {}}"#;
    intake.read(table(30, whole), false, Time::ZERO);
    let notices = intake.read(table(3, whole), false, Time::ZERO);
    assert_eq!(notices, [Notice::Serves(3), Notice::Holds(27, 27)]);
    assert_eq!(hosts(&intake), 30);
    let short = r#"{"x": {}}"#;
    let alone = Picture::parse(
        Kind::Table,
        format!(
            r#"{{"version": 1, "revision": {{"epoch": 0, "sequence": 0}}, "view": "x", "zones": {short}, "hosts": []}}"#
        ),
        Path::new("table.json"),
    );
    intake.read(alone, false, Time::ZERO);
    let Meant::Table(table) = intake.serves().unwrap().as_ref() else { panic!("a table") };
    let host = table.wire().hosts.last().unwrap();
    assert_eq!(host.exposed_to, ["x"]);
    assert_eq!(host.rules.as_ref().unwrap()[0].backends, Some(vec![]));
}
