//! The two sites that are compared, in the order in which they stand on the command line.

use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, Error, FromArgMatches};
use zoneway_site::Site;

use crate::cli::site_source::{From, Reading, SiteSource};

/// Where each of them comes from.
#[derive(Debug)]
pub(super) struct Sides {
    old: From,
    new: From,
}

const ASKED: [(&str, &str, &str); 4] = [
    ("site", "SITE", "A site file (YAML)"),
    (
        "manifests",
        "DIR",
        "A folder of Kubernetes manifests (or a file; `-` is standard input), as Flux has them",
    ),
    (
        "config",
        "FILE",
        "The configuration of a sidecar (`zoneway run`): its source, a site file or a cluster",
    ),
    (
        "cluster",
        "KUBECONFIG",
        "A Kubernetes cluster, as it is now: a kubeconfig file, a context of the usual one, or FILE#CONTEXT",
    ),
];

impl Sides {
    /// Reads and checks both.
    pub(super) fn load(&self, reading: &Reading) -> anyhow::Result<(Site, Site)> {
        // Settings are for what does not say itself how it is read; of two site files neither is.
        let says = |from: &From| from.is_said_itself();
        let unread = says(&self.old) && says(&self.new);
        let load = |from: &From| {
            let reading = if says(from) && !unread { Reading::default() } else { reading.clone() };
            SiteSource::new(from.clone(), reading).load()
        };
        Ok((load(&self.old)?, load(&self.new)?))
    }
}

impl Args for Sides {
    fn augment_args(command: Command) -> Command {
        let arg = |(name, value, help): (&'static str, &'static str, &'static str)| {
            let help = format!("{help}; two of these options are given, the old one first");
            let arg = Arg::new(name).long(name).value_name(value).help(help).action(ArgAction::Append);
            if name == "cluster" { arg.num_args(0..=1).default_missing_value("") } else { arg }
        };
        command.args(ASKED.map(arg))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Sides {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let mut found: Vec<(usize, From)> = Vec::new();
        for (name, ..) in ASKED {
            let texts = matches.get_many::<String>(name).into_iter().flatten();
            let places = matches.indices_of(name).into_iter().flatten();
            found.extend(places.zip(texts).map(|(place, text)| (place, side(name, text))));
        }
        found.sort_by_key(|(place, _)| *place);
        let mut sides = found.into_iter().map(|(_, from)| from);
        match (sides.next(), sides.next(), sides.next()) {
            (Some(old), Some(new), None) => Ok(Self { old, new }),
            _ => {
                let message = "diff wants two sites, the old one first: --site OLD --site NEW, or --manifests, --cluster or \
                               --config in place of either\n";
                Err(Error::raw(ErrorKind::WrongNumberOfValues, message))
            }
        }
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

fn side(name: &str, text: &str) -> From {
    let path = || Some(PathBuf::from(text));
    match name {
        "site" => From { site: path(), ..From::default() },
        "manifests" => From { manifests: path(), ..From::default() },
        "config" => From { config: path(), ..From::default() },
        _ => From { cluster: Some(text.to_owned()), ..From::default() },
    }
}
