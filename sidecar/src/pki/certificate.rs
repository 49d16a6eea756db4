//! What stands in a certificate.

use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyUsagePurpose, SanType, SerialNumber,
};
use ring::rand::{SecureRandom, SystemRandom};

use super::Error;

/// How long a certificate is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Days(pub(crate) u32);

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// A certificate is good from this long ago: clocks of machines differ.
pub(super) const CLOCKS_DIFFER: Duration = Duration::from_secs(60 * 60);
/// The longest common name (RFC 5280, appendix A.1, `ub-common-name`). It is for people; what counts is the URI.
pub(super) const LONGEST_NAME: usize = 64;

/// An authority's: it signs nodes' certificates, and no further authority.
pub(super) fn authority(identity: &str, name: &str, days: Days) -> Result<CertificateParams, Error> {
    let mut params = bare(identity, name, days)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

/// A node's: it serves and dials.
pub(super) fn node(identity: &str, name: &str, days: Days) -> Result<CertificateParams, Error> {
    let mut params = bare(identity, name, days)?;
    params.is_ca = IsCa::ExplicitNoCa;
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    Ok(params)
}

fn bare(identity: &str, name: &str, days: Days) -> Result<CertificateParams, Error> {
    let mut params = CertificateParams::default();
    params.serial_number = Some(number()?);
    let now = SystemTime::now();
    params.not_before = (now - CLOCKS_DIFFER).into();
    params.not_after = (now + DAY * days.0).into();
    params.subject_alt_names = vec![SanType::URI(identity.try_into()?)];
    params.distinguished_name = DistinguishedName::new();
    if name.len() <= LONGEST_NAME {
        params.distinguished_name.push(DnType::CommonName, name);
    }
    Ok(params)
}

/// A number of its own (RFC 5280, section 4.1.2.2: positive, 20 bytes at most): a certificate that renews another for the same key
/// has to be told from it.
fn number() -> Result<SerialNumber, Error> {
    let mut bytes = [0; 16];
    SystemRandom::new().fill(&mut bytes).map_err(|_| Error::NoRandomness)?;
    bytes[0] = bytes[0] & 0x3f | 0x40;
    Ok(SerialNumber::from_slice(&bytes))
}
