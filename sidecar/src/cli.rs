//! The command line: the tree of commands, and what each exit code means.
//!
//! Each command has a file of its own with its arguments (`Args`) and its body (`run`); here stand only the tree and
//! the way from a result to an exit code. A body prints to [`Output`] and returns an [`Exit`] or an error.

mod check;
mod completions;
mod decide;
mod diff;
mod edge;
mod endpoint;
mod envoy;
mod explain;
mod list;
mod man;
mod output;
mod pki;
mod push;
mod run;
mod schema;
mod site;
mod site_source;
mod status;
mod table;
mod version;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

pub(crate) use output::{Format, Output};

/// Routes HTTP requests between network zones: checks sites and tables, explains decisions, renders Envoy
/// configuration and feeds a node's Envoy.
#[derive(Debug, Parser)]
#[command(name = "zoneway", version = version::SHORT, long_version = version::LONG, max_term_width = 110)]
struct Cli {
    /// How to print the answer.
    #[arg(long, global = true, value_enum, default_value_t = Format::Text, value_name = "FORMAT")]
    format: Format,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(check::Args),
    Table(table::Args),
    Decide(decide::Args),
    Explain(explain::Args),
    List(list::Args),
    Diff(diff::Args),
    Site(site::Args),
    Envoy(envoy::Args),
    Push(push::Args),
    Status(status::Args),
    #[command(subcommand)]
    Pki(pki::Command),
    #[command(subcommand)]
    Edge(edge::Command),
    Run(run::Args),
    Schema(schema::Args),
    Completions(completions::Args),
    Man(man::Args),
}

impl Command {
    fn run(&self, out: &mut Output) -> anyhow::Result<Exit> {
        match self {
            Self::Check(args) => check::run(args, out),
            Self::Table(args) => table::run(args, out),
            Self::Decide(args) => decide::run(args, out),
            Self::Explain(args) => explain::run(args, out),
            Self::List(args) => list::run(args, out),
            Self::Diff(args) => diff::run(args, out),
            Self::Site(args) => site::run(args, out),
            Self::Envoy(args) => envoy::run(args, out),
            Self::Push(args) => push::run(args, out),
            Self::Status(args) => status::run(args, out),
            Self::Pki(command) => pki::run(command, out),
            Self::Edge(command) => edge::run(command, out),
            Self::Run(args) => run::run(args, out),
            Self::Schema(args) => schema::run(args, out),
            Self::Completions(args) => completions::run(args, &mut Cli::command(), out),
            Self::Man(args) => man::run(args, Cli::command(), out),
        }
    }
}

/// What a command that did its work has to say by its exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All is well: 0.
    Well,
    /// It is not: 1. What is not was said by the command itself.
    NotWell,
    /// `diff` alone: something became public: 2.
    BecamePublic,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Well => Self::SUCCESS,
            Exit::NotWell => Self::from(1),
            Exit::BecamePublic => Self::from(2),
        }
    }
}

/// The exit code of wrong usage (`EX_USAGE` of sysexits.h).
const WRONG_USAGE: u8 = 64;

/// Arguments that clap lets through and that still cannot be meant: exit code 64.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Usage(pub(crate) String);

/// Parses the arguments, runs the command, says what went wrong on standard error.
pub(crate) fn main(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            let code = if error.use_stderr() { ExitCode::from(WRONG_USAGE) } else { ExitCode::SUCCESS };
            // Nothing can be said where even standard error is closed.
            let _ = error.print();
            return code;
        }
    };
    let mut out = Output::new(cli.format);
    let result = cli.command.run(&mut out).and_then(|exit| {
        out.finish()?;
        Ok(exit)
    });
    match result {
        Ok(exit) => exit.into(),
        // Whoever read the answer has had enough of it (`zoneway list | head`).
        Err(error) if output::is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("zoneway: {}", told(&error));
            if error.is::<Usage>() { ExitCode::from(WRONG_USAGE) } else { ExitCode::from(1) }
        }
    }
}

/// An error and its causes in one line. Many a message says its cause itself: it is not said twice.
pub(crate) fn told(error: &anyhow::Error) -> String {
    let mut told = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if told.is_empty() {
            told = cause;
        } else if !told.contains(&cause) {
            told = format!("{told}: {cause}");
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;
    use clap::CommandFactory;

    #[test]
    fn a_cause_that_the_message_says_itself_is_not_said_twice() {
        let cause = || anyhow!("no such file");
        assert_eq!(
            super::told(&cause().context("a.yaml cannot be read")),
            "a.yaml cannot be read: no such file"
        );
        assert_eq!(super::told(&cause().context("a.yaml: no such file")), "a.yaml: no such file");
    }

    #[test]
    fn the_tree_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
