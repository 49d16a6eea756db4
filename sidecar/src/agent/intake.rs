//! What of a source serves: a broken one is refused whole and the last good serves on; one that shrinks too much keeps
//! its hosts for a while. A state machine without I/O.

mod kept;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::feed::Time;
use super::hold::Hold;
use super::picture::{self, Meant, Picture};
use super::report::{HeldHost, Serving};
use super::table_endpoint::PathError;
pub(crate) use kept::Kept;

/// The state machine of one source.
#[derive(Debug)]
pub(crate) struct Intake {
    hold_for: Duration,
    /// What the source said last that was not refused.
    own: Option<Arc<Picture>>,
    hold: Hold,
    /// The picture that each held host is from.
    origins: BTreeMap<String, Arc<Picture>>,
    serves: Option<Arc<Meant>>,
    /// Whether what serves was kept from before this start.
    kept: bool,
    read_at: Option<Time>,
    errors: Vec<PathError>,
}

/// What a person is told, loudly or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Notice {
    /// The source is refused; these are its faults, and this is what serves meanwhile.
    Refused(Vec<PathError>, Serving),
    /// What the source says now serves, with so many hosts of its own.
    Serves(usize),
    /// So many hosts went from the source at once and stay; so many do in all.
    Holds(usize, usize),
    /// So many hosts that were held go now.
    Releases(usize),
    /// The held hosts do not go together with the rest of the source any more: so many went with it.
    GivesUp(usize),
}

impl Intake {
    /// A source that has said nothing yet.
    pub(crate) fn new(hold_for: Duration) -> Self {
        Self {
            hold_for,
            own: None,
            hold: Hold::default(),
            origins: BTreeMap::new(),
            serves: None,
            kept: false,
            read_at: None,
            errors: Vec::new(),
        }
    }

    /// The source was read. `confirmed`: what went from it is meant to go, now and of what was held before.
    pub(crate) fn read(
        &mut self,
        result: Result<Picture, Vec<PathError>>,
        confirmed: bool,
        now: Time,
    ) -> Vec<Notice> {
        let picture = match result {
            Ok(picture) => Arc::new(picture),
            Err(errors) => {
                self.errors = errors;
                return vec![Notice::Refused(self.errors.clone(), self.serving())];
            }
        };
        let unchanged = self.own.as_ref().is_some_and(|own| own.says_what(&picture));
        let back = !self.errors.is_empty() || self.kept || self.own.is_none();
        self.errors.clear();
        (self.kept, self.read_at) = (false, Some(now));
        let mut notices = Vec::new();
        if confirmed {
            let released = self.hold.confirm();
            if released > 0 {
                notices.push(Notice::Releases(released));
            }
        } else if let Some(before) =
            self.own.as_ref().filter(|before| !self.origins.is_empty() || !picture.has_hosts_of(before))
        {
            let mut served = before.hosts();
            served.extend(self.origins.keys().map(String::as_str));
            let held = self.hold.compare(&served, &picture.hosts(), now, self.hold_for);
            if held > 0 {
                for (host, _) in self.hold.left(now) {
                    self.origins.entry(host.to_owned()).or_insert_with(|| Arc::clone(before));
                }
                notices.push(Notice::Holds(held, self.hold.len()));
            }
        }
        if unchanged && notices.is_empty() && !back {
            return notices;
        }
        notices.insert(0, Notice::Serves(picture.count()));
        self.own = Some(picture);
        self.settle(&mut notices);
        notices
    }

    /// Time has passed.
    pub(crate) fn tick(&mut self, now: Time) -> Vec<Notice> {
        let released = self.hold.expire(now);
        if released == 0 {
            return Vec::new();
        }
        let mut notices = vec![Notice::Releases(released)];
        self.settle(&mut notices);
        notices
    }

    /// When [`Intake::tick`] has something to do.
    pub(crate) fn next(&self) -> Option<Time> {
        self.hold.next()
    }

    /// What serves; the same pointer while nothing changes.
    pub(crate) fn serves(&self) -> Option<&Arc<Meant>> {
        self.serves.as_ref()
    }

    /// The source's own words, as it said them last.
    pub(crate) fn text(&self) -> Option<String> {
        self.own.as_ref().map(|own| own.to_string())
    }

    /// Which picture serves.
    pub(crate) fn serving(&self) -> Serving {
        match (&self.serves, self.kept, self.errors.is_empty()) {
            (None, ..) => Serving::Nothing,
            (Some(_), true, _) => Serving::Kept,
            (Some(_), false, true) => Serving::File,
            (Some(_), false, false) => Serving::LastGood,
        }
    }

    /// What the source said last that was not refused.
    pub(crate) fn own(&self) -> Option<&Arc<Picture>> {
        self.own.as_ref()
    }

    /// When what serves was read; `None` for what was kept from before this start.
    pub(crate) fn read_at(&self) -> Option<Time> {
        self.read_at
    }

    /// What is wrong with the source as it stands.
    pub(crate) fn errors(&self) -> &[PathError] {
        &self.errors
    }

    /// Every held host.
    pub(crate) fn held(&self, now: Time) -> Vec<HeldHost> {
        let held =
            |(host, left): (&str, Duration)| HeldHost { host: host.to_owned(), left_s: left.as_secs() };
        self.hold.left(now).map(held).collect()
    }

    /// Makes what serves of the source's own picture and what is held.
    fn settle(&mut self, notices: &mut Vec<Notice>) {
        let Some(own) = &self.own else { return };
        let held = self.hold.left(Time::ZERO).map(|(host, _)| host.to_owned());
        let held = held.collect::<std::collections::BTreeSet<_>>();
        self.origins.retain(|host, _| held.contains(host));
        let merged = if self.origins.is_empty() {
            Some(Arc::clone(own.meant()))
        } else {
            let held = self.origins.iter().map(|(host, from)| (host.as_str(), from.as_ref()));
            picture::with_held(own, held).map(Arc::new)
        };
        let meant = merged.unwrap_or_else(|| {
            notices.push(Notice::GivesUp(self.hold.confirm()));
            self.origins.clear();
            Arc::clone(own.meant())
        });
        if self.serves.as_ref() != Some(&meant) {
            self.serves = Some(meant);
        }
    }
}
