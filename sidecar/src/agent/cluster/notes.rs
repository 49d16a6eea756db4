//! Notes about objects, told as Events of the cluster (`events.k8s.io`): each once, and never a storm of them.
//!
//! An Event's name comes from what it tells, so that a second sidecar that tells the same, or the same one after a
//! restart, adds nothing: the server has it already.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use k8s_openapi::jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::sources::cluster::picture::Note;

/// How long the server keeps an Event, as API servers usually do: what still holds then is told again.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(3600);
/// The longest text of an Event (<https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/>).
const LONGEST: usize = 1024;
/// Who reports, as an Event names it.
const CONTROLLER: &str = "st8s.stuartpb.com/zoneway";

/// Which notes were told, and which are to be.
#[derive(Debug, Default)]
pub(super) struct Telling {
    now: Vec<Note>,
    /// When each was told; `None` for one that the server refused, which is not tried again while it stands.
    told: BTreeMap<Note, Option<Duration>>,
}

impl Telling {
    /// These notes hold now. What is gone is told again when it comes back.
    pub(super) fn stand(&mut self, notes: Vec<Note>) {
        self.now = notes;
        let now = &self.now;
        // Sorted: [`crate::sources::cluster::picture::Picture`] says so.
        self.told.retain(|note, _| now.binary_search(note).is_ok());
    }

    /// One that is to be told now.
    pub(super) fn next(&self, now: Duration) -> Option<&Note> {
        let is_due = |note: &&Note| match self.told.get(*note) {
            None => true,
            Some(None) => false,
            Some(Some(at)) => now >= *at + FORGOTTEN_AFTER,
        };
        self.now.iter().find(is_due)
    }

    /// It was told, or refused for ever.
    pub(super) fn told(&mut self, note: Note, is_taken: bool, now: Duration) {
        self.told.insert(note, is_taken.then_some(now));
    }

    /// Another sidecar tells from now on; whatever it missed is told again if this one's turn comes back.
    pub(super) fn forget(&mut self) {
        self.told.clear();
    }
}

/// A note as an Event. `reporter`: which sidecar.
pub(super) fn event(note: &Note, reporter: &str) -> Event {
    let object = &note.object;
    let namespace = object.namespace.as_deref().unwrap_or("default");
    let group = object.kind.group();
    let version = object.kind.version();
    let api_version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    Event {
        metadata: ObjectMeta {
            name: Some(name(note)),
            namespace: Some(namespace.to_owned()),
            ..ObjectMeta::default()
        },
        action: Some("Route".to_owned()),
        event_time: Some(MicroTime(Timestamp::now())),
        note: Some(cut(&note.message, LONGEST).to_owned()),
        reason: Some(note.reason.as_str().to_owned()),
        regarding: Some(ObjectReference {
            api_version: Some(api_version),
            kind: Some(object.kind.name().to_owned()),
            name: Some(object.name.to_string()),
            namespace: object.namespace.as_deref().map(str::to_owned),
            uid: Some(object.uid.to_string()).filter(|uid| !uid.is_empty()),
            ..ObjectReference::default()
        }),
        reporting_controller: Some(CONTROLLER.to_owned()),
        reporting_instance: Some(cut(reporter, 128).to_owned()),
        type_: Some("Warning".to_owned()),
        ..Event::default()
    }
}

/// A name of its own for each thing that is told: a DNS subdomain, as the server asks for.
fn name(note: &Note) -> String {
    let mut hash = Sha256::new();
    for part in [&note.object.uid, note.reason.as_str(), note.message.as_str()] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    let digest: String = hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let name = cut(&note.object.name, 230).trim_end_matches(['.', '-']).to_lowercase();
    format!("{name}.{digest}")
}

/// At most so many bytes of a text, whole characters.
fn cut(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    text.get(..end.unwrap_or(0)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{FORGOTTEN_AFTER, Telling, cut, event};
    use crate::sources::cluster::objects::{Kind, ObjectName};
    use crate::sources::cluster::picture::{Note, Reason};

    const NOW: Duration = Duration::from_secs(10);

    fn note(name: &str, message: &str) -> Note {
        let (kind, namespace) = (Kind::Ingress, Some("web".into()));
        let object = ObjectName { kind, namespace, name: name.into(), uid: "u".into() };
        Note { object: object.into(), reason: Reason::NoHost, message: message.to_owned() }
    }

    fn tell_all(telling: &mut Telling, now: Duration) -> usize {
        let mut told = 0;
        while let Some(note) = telling.next(now).cloned() {
            telling.told(note, true, now);
            told += 1;
        }
        told
    }

    #[test]
    fn each_note_is_told_once_however_often_the_picture_is_drawn() {
        let mut telling = Telling::default();
        for _ in 0..5 {
            telling.stand(vec![note("a", "x"), note("b", "x")]);
            tell_all(&mut telling, NOW);
        }
        assert_eq!(tell_all(&mut telling, NOW), 0);
        telling.stand(vec![note("a", "x"), note("b", "y")]);
        assert_eq!(tell_all(&mut telling, NOW), 1);
    }

    #[test]
    fn what_comes_back_or_was_forgotten_by_the_server_is_told_again() {
        let mut telling = Telling::default();
        telling.stand(vec![note("a", "x")]);
        assert_eq!(tell_all(&mut telling, NOW), 1);
        telling.stand(Vec::new());
        telling.stand(vec![note("a", "x")]);
        assert_eq!(tell_all(&mut telling, NOW), 1);
        assert_eq!(tell_all(&mut telling, NOW + FORGOTTEN_AFTER), 1);
    }

    #[test]
    fn what_the_server_refuses_is_left_alone() {
        let mut telling = Telling::default();
        telling.stand(vec![note("a", "x")]);
        telling.told(note("a", "x"), false, NOW);
        assert_eq!(telling.next(NOW + FORGOTTEN_AFTER), None);
    }

    #[test]
    fn two_sidecars_give_one_event_the_same_name_and_two_notes_two() {
        let name = |note: &Note, reporter: &str| event(note, reporter).metadata.name.unwrap();
        assert_eq!(name(&note("a", "x"), "one"), name(&note("a", "x"), "two"));
        assert_ne!(name(&note("a", "x"), "one"), name(&note("a", "y"), "one"));
    }

    #[test]
    fn an_event_is_as_long_as_the_server_takes_it() {
        let long = event(&note(&"a".repeat(253), &"ä".repeat(2000)), &"r".repeat(300));
        assert!(long.metadata.name.unwrap().len() <= 253);
        assert!(long.note.unwrap().len() <= 1024);
        assert_eq!(long.reporting_instance.unwrap().len(), 128);
        assert_eq!(cut("aä", 2), "a");
    }
}
