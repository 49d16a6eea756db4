//! How long the certificates of this sidecar's Envoys are good: read off the secrets that tell the Envoys where they are,
//! told in the log long before one expires, and in the metrics.
//!
//! It renews nothing: whoever holds the authority's key does.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing::{debug, error, warn};

use crate::envoy::XdsFolder;
use crate::pki::{Age, Facts, now};

/// How often the files are looked at. What is due stays so for weeks.
const LOOK: Duration = Duration::from_secs(600);

/// A certificate of a node or of an authority.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct CertificateStatus {
    /// The URI in it: of a node, or of an authority's trust domain.
    pub(crate) identity: String,
    /// Its number, in hex.
    pub(crate) serial: String,
    /// Where it is.
    pub(crate) file: PathBuf,
    /// Until when it is good, in seconds since 1970.
    pub(crate) not_after_s: i64,
    /// Whole days until then.
    pub(crate) days_left: i64,
    /// `good`; `renew` once less than a third of its life is left; `expired`.
    pub(crate) state: String,
}

/// Where the certificates of some Envoys are told of.
#[derive(Debug)]
pub(crate) struct Certificates {
    folders: Vec<XdsFolder>,
}

impl Certificates {
    /// Those of the Envoys with these folders of files.
    pub(crate) fn new(folders: Vec<XdsFolder>) -> Self {
        Self { folders }
    }

    /// Every certificate, once.
    pub(crate) fn status(&self) -> Vec<CertificateStatus> {
        let mut all: Vec<_> = self.folders.iter().flat_map(files).flat_map(|file| status(&file)).collect();
        all.sort();
        all.dedup_by(|a, b| a.serial == b.serial && a.identity == b.identity);
        all
    }

    /// Tells of each that is to be renewed, once a day. May be dropped at any time.
    pub(crate) async fn warn(&self) {
        let mut told: BTreeMap<PathBuf, (String, i64)> = BTreeMap::new();
        loop {
            for one in self.status().into_iter().filter(|one| one.state != "good") {
                let news = (one.serial.clone(), one.days_left);
                if told.insert(one.file.clone(), news.clone()) == Some(news) {
                    continue;
                }
                let (identity, file, days_left) = (&one.identity, one.file.display(), one.days_left);
                if one.state == "expired" {
                    error!(identity, %file, "this certificate has expired, and other nodes refuse it: replace it");
                } else {
                    warn!(identity, %file, days_left, "this certificate expires soon: renew it (`zoneway pki renew`)");
                }
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// The files of certificates that an Envoy's secrets name: its own, and those of the authorities that it believes.
fn files(xds: &XdsFolder) -> Vec<PathBuf> {
    let named = |secret: &str, pointer: &str| {
        let text = std::fs::read_to_string(xds.secret(secret)).ok()?;
        let secret: Value = serde_json::from_str(&text).ok()?;
        Some(PathBuf::from(secret.pointer(pointer)?.as_str()?))
    };
    let own = named("node", "/resources/0/tls_certificate/certificate_chain/filename");
    let authorities = named("peers", "/resources/0/validation_context/trusted_ca/filename");
    own.into_iter().chain(authorities).collect()
}

fn status(file: &Path) -> Vec<CertificateStatus> {
    let text = std::fs::read_to_string(file).map_err(|error| error.to_string());
    match text.and_then(|text| Ok(Facts::all_of(&text)?)) {
        Ok(all) => all.iter().map(|facts| CertificateStatus::new(file, facts)).collect(),
        Err(error) => {
            debug!(file = %file.display(), "how long this certificate is good is not known here: {error}");
            Vec::new()
        }
    }
}

impl CertificateStatus {
    fn new(file: &Path, facts: &Facts) -> Self {
        let state = match facts.age(now()) {
            Age::Good => "good",
            Age::Due => "renew",
            Age::Expired => "expired",
        };
        Self {
            identity: facts.identity.clone().unwrap_or_default(),
            serial: facts.serial.clone(),
            file: file.to_owned(),
            not_after_s: facts.not_after,
            days_left: facts.days_left(now()),
            state: state.to_owned(),
        }
    }
}
