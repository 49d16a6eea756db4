//! A certificate authority for a site, and certificates for its nodes: ECDSA on P-256, as PEM files.
//!
//! A node is known by the URI in its certificate, `spiffe://DOMAIN/zone/Z/node/N`; the authority carries its trust domain
//! in the same way, so that a certificate is never issued for another. The same certificate serves and dials.

mod anybody;
mod authority;
mod certificate;
mod clock;
mod facts;
mod files;
mod hex;
mod ledger;
mod probe;
pub(crate) mod request;
pub(crate) mod token;

pub(crate) use anybody::Anybody;
pub(crate) use authority::{Authority, Stage};
pub(crate) use certificate::Days;
pub(crate) use clock::now;
pub(crate) use facts::{Age, Facts};
pub(crate) use files::{Existing, Pair};
pub(crate) use ledger::Ledger;
pub(crate) use probe::{Seen, ask};

use std::path::PathBuf;

/// Why there is no authority, or no certificate.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// There is one already: a key that is overwritten is lost, and with it every certificate that it signed.
    #[error("{} is there already and is not overwritten: {remedy}", .path.display())]
    Exists {
        /// The file.
        path: PathBuf,
        /// What to do.
        remedy: &'static str,
    },
    /// A file cannot be read.
    #[error("{} cannot be read: make an authority with `zoneway pki init`, or name its folder with --dir", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// A file cannot be written.
    #[error("{} cannot be written", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// A file is there and is not what it has to be.
    #[error("{} is {what}: use the files that `zoneway pki init` made", .path.display())]
    NotOurs {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        what: String,
    },
    /// The authority is another trust domain's.
    #[error("the authority in {} is of {authority}, not of {asked}: name the folder of its own with --dir", .folder.display())]
    OtherDomain {
        /// The authority's folder.
        folder: PathBuf,
        /// Its trust domain.
        authority: String,
        /// The one that was asked for.
        asked: String,
    },
    /// A text is no trust domain.
    #[error("\"{0}\" is no trust domain: use letters, digits, `-`, `_` and `.` in lower case, 255 at most")]
    Domain(String),
    /// A node is called as a file of the authority's own.
    #[error(
        "{0} cannot be issued to: {0}.pem and {0}.key are the authority's own. Give the node another name"
    )]
    Reserved(String),
    /// A step of replacing an authority comes too early, or too late.
    #[error("{0}")]
    TooEarly(String),
    /// The system gives no random bytes.
    #[error("the system has no random bytes to give")]
    NoRandomness,
    /// A certificate cannot be made.
    #[error("the certificate cannot be made")]
    Make(#[from] rcgen::Error),
}

#[cfg(test)]
mod tests;
