//! The list of revoked certificates, `crl.pem`: one of each authority that is believed. A list is good for as long as its
//! authority: one that expired before would have every node refuse every other.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use rcgen::{
    CertificateRevocationListParams, Issuer, KeyIdMethod, PublicKeyData, RevokedCertParams, SerialNumber,
};
use zoneway_core::name::{NodeId, ZoneName};

use super::{Authority, read_key};
use crate::envoy::spiffe_id;
use crate::pki::certificate::CLOCKS_DIFFER;
use crate::pki::clock::at;
use crate::pki::facts::Facts;
use crate::pki::files::{Existing, put};
use crate::pki::ledger::Ledger;
use crate::pki::{Error, hex};

impl Authority {
    /// Revokes every certificate of an identity: those that were issued here, and the one in its file. Gives their number.
    ///
    /// # Errors
    /// When the files cannot be written.
    pub(crate) fn revoke(&self, zone: &ZoneName, node: &NodeId) -> Result<usize, Error> {
        let identity = spiffe_id(&self.domain, zone, node);
        let file = Facts::read(&self.files_of(node).certificate).ok();
        let count = Ledger::change(&self.folder, |ledger| {
            // One that was issued before there was a ledger.
            if let Some(facts) = file.filter(|facts| facts.identity.as_ref() == Some(&identity)) {
                ledger.add(&facts);
            }
            ledger.revoke(&identity)
        })?;
        self.write_crl()?;
        Ok(count)
    }

    /// The list of revoked certificates.
    pub(crate) fn crl_file(&self) -> PathBuf {
        self.folder.join("crl.pem")
    }

    /// Writes the list of each authority, signed by its own key: an authority without a list would be refused with all that
    /// it signed.
    pub(super) fn write_crl(&self) -> Result<(), Error> {
        let ledger = Ledger::open(&self.folder)?;
        let mut lists = String::new();
        for (text, facts) in &self.believed {
            let key = ["ca", "next", "old"].iter().filter_map(|name| read_key(&self.key_file(name)).ok());
            let Some(key) = key.into_iter().find(|key| key.subject_public_key_info() == facts.key) else {
                continue;
            };
            let issuer = Issuer::from_ca_cert_pem(text, key)?;
            let revoked = ledger.entries.iter().filter(|entry| entry.signer == facts.signer);
            let revoked = revoked.filter_map(|entry| Some((hex::decode(&entry.serial)?, entry.revoked?)));
            let now = SystemTime::now();
            let number = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
            let params = CertificateRevocationListParams {
                this_update: (now - CLOCKS_DIFFER).into(),
                next_update: at(facts.not_after).into(),
                crl_number: SerialNumber::from(u64::try_from(number).unwrap_or(u64::MAX)),
                issuing_distribution_point: None,
                revoked_certs: revoked
                    .map(|(serial, when)| RevokedCertParams {
                        serial_number: SerialNumber::from_slice(&serial),
                        revocation_time: at(when).into(),
                        reason_code: None,
                        invalidity_date: None,
                    })
                    .collect(),
                key_identifier_method: KeyIdMethod::Sha256,
            };
            lists.push_str(&params.signed_by(&issuer)?.pem()?);
        }
        put(&self.crl_file(), &lists, 0o644, Existing::Replace, "")
    }
}
