//! `zoneway`: one binary for the command line, rendered Envoy configuration and the agent that feeds one Envoy.

mod agent;
mod cli;
mod envoy;
mod pki;
mod sources;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main(std::env::args_os())
}
