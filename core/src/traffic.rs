//! Requests as they travel: what a shell reads out of headers, and what it does for a decision.
//!
//! Shared by the Wasm filter and the dynamic module, so that both answer with the same bytes. It must not know of
//! either one's API: headers are pairs of bytes here, and what comes out says what to set, remove or answer.

mod arrival;
mod carriage;
mod cdn_loop;
mod counters;
pub mod header;
mod log_line;
mod misdirected;
mod passage;
mod refusal;
mod seed;

pub use arrival::Arrival;
pub use carriage::{Carriage, ENDPOINTS_IN_HEADER, carry_out};
pub use counters::{Counters, NO_ZONE, stat_name};
pub use log_line::log_line;
pub use passage::{Passage, Proxy, pass};
pub use refusal::Refusal;
pub use seed::{Random, cookie, hashed};
