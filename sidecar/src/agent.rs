//! The agent: feeds Envoys their zone's table, and keeps the files that their clusters, members and routes come from.
//!
//! Architecture invariant: what is decided (when to push, when to stop, what a shrinking source may take away) is
//! decided by pure state machines, events in and steps out, on a clock that is handed in. Around them stand thin
//! rooms of I/O that carry a step out and bring its event back; none of them decides.

mod backoff;
pub(crate) mod client;
mod config;
pub(crate) mod endpoint_url;
mod feed;
mod hold;
mod intake;
mod name_book;
mod picture;
pub(crate) mod report;
mod state_folder;
pub(crate) mod table_endpoint;
