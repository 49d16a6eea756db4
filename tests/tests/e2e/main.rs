//! Whole households of real Envoys and sidecars, one topic a file. One program, for it is linked once.

mod authority_and_path;
mod bad_peers;
mod captured_node;
mod client_address;
mod edge_cases;
mod edge_manners;
mod household_listener;
mod kills;
mod loops;
mod native_module;
mod other_filters;
mod public_node;
mod refusals;
mod retries;
mod rotation;
mod routes;
mod shared_data;
mod silent_links;
mod spoofing;
mod strangers;
mod tables;
mod traps;
mod tunnels;
mod updates;
mod upgrades;
mod visibility;
