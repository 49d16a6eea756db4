//! The agent: feeds Envoys their zone's table, and keeps the files that their clusters, members and routes come from.
//!
//! Architecture invariant: what is decided (when to push, when to stop, what a shrinking source may take away) is
//! decided by pure state machines, events in and steps out, on a clock that is handed in. Around them stand thin
//! rooms of I/O that carry a step out and bring its event back; none of them decides.

pub(crate) mod backoff;
mod board;
mod certificates;
pub(crate) mod client;
mod cluster;
pub(crate) mod config;
pub(crate) mod delivery;
pub(crate) mod endpoint_url;
mod envoy_metrics;
mod feed;
mod feeder;
mod hold;
mod intake;
mod listing;
mod lookup;
mod members;
mod metrics;
mod mounted;
mod mutual;
mod name_book;
mod narrow;
mod node_picture;
pub(crate) mod outside;
mod picture;
mod probes;
mod receive;
pub(crate) mod report;
pub(crate) mod run;
mod server;
mod shared;
mod source_room;
mod source_watch;
mod state_folder;
pub(crate) mod table_endpoint;
