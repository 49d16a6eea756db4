//! `zoneway pki show`: which certificates there are, and how they stand.

use std::io::Write;
use std::path::PathBuf;

use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};

use crate::cli::{Exit, Format, Output};
use crate::pki::{Age, Authority, Facts, Ledger, now};

/// Show the authority's certificates: whose each is, until when it is good, whether it is revoked, and who signed it. The
/// exit code is 1 where one has expired or is to be renewed.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The authority's folder.
    #[arg(long, value_name = "DIR", default_value = ".")]
    dir: PathBuf,
}

pub(super) fn run(args: &Args, out: &mut Output) -> anyhow::Result<Exit> {
    let authority = Authority::open(&args.dir)?;
    let ledger = Ledger::open(&args.dir)?;
    let mut rows = Vec::new();
    for facts in authority.believed() {
        let state = if facts.signer == authority.signer() { "signs" } else { "believed" };
        rows.push(Row::new("ca", facts, state));
    }
    let replaced = |facts: &Facts| facts.signer != authority.signer();
    for (name, facts) in authority.certificates()? {
        let state = match facts.age(now()) {
            _ if ledger.is_revoked(&facts.serial) => "revoked",
            Age::Expired => "expired",
            Age::Due => "renew",
            Age::Good if authority.is_switched() && replaced(&facts) => "renew",
            Age::Good => "good",
        };
        rows.push(Row::new(&name, &facts, state));
    }
    let is_well = rows.iter().all(|row| !["expired", "renew"].contains(&row.state) && row.days_left >= 0);
    match out.format() {
        Format::Json => out.json(&rows.iter().map(Row::json).collect::<Vec<_>>())?,
        Format::Text => {
            let width = rows.iter().map(|row| row.identity.len()).max().unwrap_or_default();
            writeln!(
                out,
                "{:width$}  {:<20}  {:>9}  {:<8}  {:<8}  SERIAL",
                "IDENTITY", "NOT AFTER", "DAYS LEFT", "STATE", "SIGNER"
            )?;
            for row in &rows {
                let signer = row.signer.get(..8).unwrap_or(&row.signer);
                let Row { identity, not_after, days_left, state, serial, .. } = row;
                writeln!(
                    out,
                    "{identity:width$}  {not_after:<20}  {days_left:>9}  {state:<8}  {signer:<8}  {serial}"
                )?;
            }
        }
    }
    Ok(if is_well { Exit::Well } else { Exit::NotWell })
}

struct Row {
    name: String,
    identity: String,
    serial: String,
    not_after: String,
    days_left: i64,
    state: &'static str,
    signer: String,
}

impl Row {
    fn new(name: &str, facts: &Facts, state: &'static str) -> Self {
        Self {
            name: name.to_owned(),
            identity: facts.identity.clone().unwrap_or_default(),
            serial: facts.serial.clone(),
            not_after: Timestamp::from_second(facts.not_after)
                .map(|time| time.to_string())
                .unwrap_or_default(),
            days_left: facts.days_left(now()),
            state,
            signer: facts.signer.clone(),
        }
    }

    fn json(&self) -> Value {
        json!({
            "name": self.name,
            "identity": self.identity,
            "serial": self.serial,
            "not_after": self.not_after,
            "days_left": self.days_left,
            "state": self.state,
            "revoked": self.state == "revoked",
            "signer": self.signer,
        })
    }
}
