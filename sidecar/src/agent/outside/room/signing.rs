//! How a public node comes by its certificate: an authority here signs its key, or one elsewhere has, and what it signed is
//! a file here. The second needs no authority's key where it is delivered from.

use std::path::PathBuf;
use std::time::Instant;

use hyper::{Method, StatusCode};
use serde_json::json;
use tracing::info;

use super::super::Want;
use super::super::line::Line;
use super::{ANSWER_WITHIN, LOOK_EVERY, Room, Trouble};
use crate::agent::delivery::{self, Hello, Proof};
use crate::agent::mutual::Refused;
use crate::pki::token::{self, Record};
use crate::pki::{Age, Authority, Days, Facts, now};

/// How long a public node's certificate is good for: a captured one's is over soon. It is renewed when a third is left.
const GOOD_FOR: Days = Days(7);

/// What an authority elsewhere has signed.
struct Signed {
    path: PathBuf,
    text: String,
    facts: Facts,
}

impl Room {
    /// Whether there is a way to know a node whose certificate is not believed.
    pub(super) fn may_enrol(&self, why: &Refused, shown: &Facts, want: &Want) -> Result<(), Trouble> {
        let stranger = |message: String| Trouble("stranger", format!("{why}, and {message}"));
        if *why == Refused::Revoked {
            // Its key is in other hands, perhaps: neither that it was known before nor a token makes it good again.
            let remedy = "remove the node's key and certificate there, and install a new bundle";
            return Err(stranger(format!("its key is not signed again: {remedy}")));
        }
        if let Some(signed) = self.signed(want).map_err(stranger)? {
            return signed.fits(shown).map_err(stranger);
        }
        let record = self.record().map_err(stranger)?;
        if record.knows(&shown.key) {
            return Ok(());
        }
        record.is_open(now()).map_err(|refusal| stranger(refusal.to_string()))
    }

    /// What an authority elsewhere has signed for this node; `None` where none is to.
    fn signed(&self, want: &Want) -> Result<Option<Signed>, String> {
        let Some(folder) = &self.config.signed else { return Ok(None) };
        let path = folder.join(format!("{}.pem", self.node));
        let remedy = "sign its request with `zoneway pki issue --request`, and put what that writes there";
        let told = |what: String| format!("{} {what}: {remedy}", path.display());
        let text =
            std::fs::read_to_string(&path).map_err(|error| told(format!("cannot be read ({error})")))?;
        let facts = Facts::first_of(&text).map_err(|what| told(format!("is {what}")))?;
        if facts.identity.as_ref() != Some(&want.identity) {
            return Err(told(format!("is of {}, not of {}", facts.whose(), want.identity)));
        }
        Ok(Some(Signed { path, text, facts }))
    }

    fn record(&self) -> Result<Record, String> {
        let authority = self.config.authority.as_ref().ok_or(
            "this sidecar has no authority to sign with: a gateway whose `outside` names one has to deliver, or `signed`",
        )?;
        let record = Record::read(authority, &self.node).map_err(|error| error.to_string())?;
        record.ok_or_else(|| token::Refusal::None.to_string())
    }

    /// The certificate for a node that proves that it has its token, or has proved it before; or whose key was signed elsewhere.
    pub(super) async fn enrol(
        &self,
        line: &mut Line,
        hello: &Hello,
        shown: &Facts,
        want: &Want,
        why: &Refused,
    ) -> Result<String, Trouble> {
        let stranger = |message: String| Trouble("stranger", format!("{why}, and {message}"));
        if let Some(signed) = self.signed(want).map_err(stranger)? {
            signed.fits(shown).map_err(stranger)?;
            info!(node = %self.node, "a public node has the key that was signed: it is given the certificate");
            return Ok(signed.text);
        }
        let mut record = self.record().map_err(stranger)?;
        if !record.knows(&shown.key) {
            let nonce = token::random_hex().map_err(|error| stranger(error.to_string()))?;
            let challenge = json!({ "nonce": nonce }).to_string().into_bytes();
            let (status, body) =
                line.ask(Method::PUT, delivery::PROOF, challenge, ANSWER_WITHIN).await.map_err(stranger)?;
            if status != StatusCode::OK {
                return Err(stranger(String::from_utf8_lossy(&body).trim().to_owned()));
            }
            let Proof { proof } =
                serde_json::from_slice(&body).map_err(|error| stranger(error.to_string()))?;
            record
                .take(&nonce, &shown.key, &proof, now())
                .map_err(|refusal| stranger(refusal.to_string()))?;
            // Used from here on, whatever becomes of the rest: the same key may come again.
            if let Some(authority) = &self.config.authority {
                record.keep(authority, &self.node).map_err(|error| stranger(error.to_string()))?;
            }
            info!(node = %self.node, "a public node proved that it has its bootstrap token: its key is signed");
        }
        self.sign(hello, shown, want)
    }

    /// A new certificate, where the one that is there is over soon or of an authority that signs no more.
    pub(super) fn renewed(
        &mut self,
        hello: &Hello,
        shown: &Facts,
        want: &Want,
    ) -> Result<Option<String>, Trouble> {
        // One that is missing here keeps nothing from a node that is known.
        if let Ok(Some(signed)) = self.signed(want) {
            return Ok(signed.follows(shown).then_some(signed.text));
        }
        let Some(authority) = &self.config.authority else { return Ok(None) };
        let is_due = shown.age(now()) != Age::Good;
        if !is_due && self.signer_looked_at.is_some_and(|at| at.elapsed() < LOOK_EVERY) {
            return Ok(None);
        }
        self.signer_looked_at = Some(Instant::now());
        // While one authority takes another's place, what the old one signed is renewed before it goes.
        let failed = |message: String| Trouble("home_files", message);
        let signer =
            Authority::open(authority).map_err(|error| failed(error.to_string()))?.signer().to_owned();
        if !is_due && shown.signer == signer {
            return Ok(None);
        }
        info!(node = %self.node, "a public node's certificate is renewed");
        self.sign(hello, shown, want).map(Some)
    }

    /// Signs the key that the other end has shown that it has.
    fn sign(&self, hello: &Hello, shown: &Facts, want: &Want) -> Result<String, Trouble> {
        let failed = |message: String| Trouble("stranger", format!("its key cannot be signed: {message}"));
        let authority = self.config.authority.as_ref().ok_or_else(|| failed("no authority".to_owned()))?;
        let authority = Authority::open(authority).map_err(|error| failed(error.to_string()))?;
        let leaf = authority
            .sign(&hello.request, &want.zone, &self.node, GOOD_FOR)
            .map_err(|error| failed(error.to_string()))?;
        if Facts::first_of(&leaf).map(|signed| signed.key).as_ref() != Ok(&shown.key) {
            return Err(failed("it asks for another key than the one that it shows".to_owned()));
        }
        Ok(leaf)
    }

    /// What is to be done about a certificate that nobody here renews.
    pub(super) fn overdue(&self, shown: &Facts) -> Option<String> {
        if self.config.authority.is_some() || shown.age(now()) == Age::Good {
            return None;
        }
        let days = shown.left(now()).as_secs() / (24 * 60 * 60);
        let remedy = match &self.config.signed {
            Some(folder) => {
                format!("`zoneway pki renew`, and the new {}.pem in {}", self.node, folder.display())
            }
            None => "a gateway that has the authority has to deliver".to_owned(),
        };
        Some(format!("it has what it is to have, and its certificate is over in {days} days: {remedy}"))
    }
}

impl Signed {
    /// Whether it is of use to a node that is not believed with what it shows.
    fn fits(&self, shown: &Facts) -> Result<(), String> {
        let path = self.path.display();
        if self.facts.key != shown.key {
            return Err(format!(
                "{path} is for another key than it has: sign the request that is there now (NODE.csr beside its key) \
                 with `zoneway pki issue --request`"
            ));
        }
        if self.facts.serial == shown.serial {
            return Err(format!("{path} is that very certificate: make a new one with `zoneway pki renew`"));
        }
        Ok(())
    }

    /// Whether it is to take the place of what the node shows: for the same key, and made later.
    fn follows(&self, shown: &Facts) -> bool {
        self.facts.key == shown.key
            && self.facts.serial != shown.serial
            && self.facts.not_before >= shown.not_before
    }
}
