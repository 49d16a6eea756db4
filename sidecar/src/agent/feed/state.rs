//! What a person is told of one Envoy's feed.

use std::fmt;

use zoneway_core::table::wire::Revision;

use super::{Feed, Members, Trouble, adopted};

/// Where an Envoy's feed stands. Its name is a label of metrics and a word of `/v1/status`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State {
    /// There is no table for it yet: the source has never been read.
    NoSource,
    /// The reader was not asked yet.
    Starting,
    /// The reader does not answer.
    Unreachable(String),
    /// The reader does not take this program's version of the table.
    OtherVersion,
    /// Another writer has taken over.
    Foreign(Revision),
    /// The xds files cannot be written.
    Files(String),
    /// Envoy does not list every member of the wanted table yet.
    Members(String),
    /// The push is under way, or failed and is tried again.
    Pushing(Option<String>),
    /// The reader refuses the table; the one before it serves.
    Refused(String),
    /// The reader has it, and not yet every worker.
    Adopting,
    /// Every worker decides by the wanted table.
    InSync,
}

impl State {
    /// Every name, for metrics.
    pub(crate) const NAMES: [&str; 11] = [
        "no_source",
        "starting",
        "unreachable",
        "other_version",
        "foreign_writer",
        "files_failed",
        "waiting_for_members",
        "pushing",
        "refused",
        "adopting",
        "in_sync",
    ];

    /// The state's name.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::NoSource => "no_source",
            Self::Starting => "starting",
            Self::Unreachable(_) => "unreachable",
            Self::OtherVersion => "other_version",
            Self::Foreign(_) => "foreign_writer",
            Self::Files(_) => "files_failed",
            Self::Members(_) => "waiting_for_members",
            Self::Pushing(_) => "pushing",
            Self::Refused(_) => "refused",
            Self::Adopting => "adopting",
            Self::InSync => "in_sync",
        }
    }

    /// Whether a person should look.
    pub(crate) fn is_trouble(&self) -> bool {
        match self {
            Self::Unreachable(_)
            | Self::OtherVersion
            | Self::Foreign(_)
            | Self::Files(_)
            | Self::Refused(_)
            | Self::Pushing(Some(_)) => true,
            Self::NoSource
            | Self::Starting
            | Self::Members(_)
            | Self::Pushing(None)
            | Self::Adopting
            | Self::InSync => false,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSource => f.write_str("nothing to push: the source has not been read yet"),
            Self::Starting => f.write_str("not asked yet"),
            Self::Unreachable(message) => write!(f, "does not answer: {message}"),
            Self::OtherVersion => {
                f.write_str("does not read version 1 of the table: upgrade the older of the two")
            }
            Self::Foreign(revision) => write!(
                f,
                "another writer pushed revision {revision}: this sidecar has stopped pushing. Stop the other writer, \
                 then restart this sidecar, which then starts at the epoch after"
            ),
            Self::Files(message) => write!(f, "its files cannot be written: {message}"),
            Self::Members(message) => f.write_str(message),
            Self::Pushing(None) => f.write_str("being pushed"),
            Self::Pushing(Some(message)) => write!(f, "the push failed and is tried again: {message}"),
            Self::Refused(message) => write!(f, "refuses the table, the one before it serves on: {message}"),
            Self::Adopting => f.write_str("accepted, not yet adopted by every worker"),
            Self::InSync => f.write_str("every worker has adopted the table"),
        }
    }
}

impl Feed {
    /// Where the feed stands now.
    pub(crate) fn state(&self) -> State {
        if let Some(revision) = self.foreign() {
            return State::Foreign(revision);
        }
        if self.want.is_none() {
            return State::NoSource;
        }
        let reader = match &self.reader {
            None => return State::Starting,
            Some(Err(message)) => return State::Unreachable(message.clone()),
            Some(Ok(reader)) => reader,
        };
        if !reader.reads_ours {
            return State::OtherVersion;
        }
        if let Some(Trouble::Files(message)) = &self.trouble {
            return State::Files(message.clone());
        }
        if self.serves_wanted(reader) {
            return if adopted(reader) { State::InSync } else { State::Adopting };
        }
        match (&self.trouble, &self.members) {
            (Some(Trouble::Refused(message)), _) => State::Refused(message.clone()),
            (Some(Trouble::Admin(message)), Members::Missing { .. }) => {
                State::Members(format!("Envoy's admin does not tell its members: {message}"))
            }
            (_, Members::Missing { count, .. }) => {
                State::Members(format!("Envoy does not list {count} of the new table's members yet"))
            }
            (Some(Trouble::Push(message)), _) => State::Pushing(Some(message.clone())),
            _ => State::Pushing(None),
        }
    }

    /// Whether the table was or will be pushed although Envoy does not list all it names.
    pub(crate) fn members_given_up(&self) -> bool {
        self.members == Members::GivenUp
    }

    /// What was last sent.
    pub(crate) fn sent(&self) -> Option<Revision> {
        self.sent.as_ref().map(|(revision, _)| *revision)
    }
}
