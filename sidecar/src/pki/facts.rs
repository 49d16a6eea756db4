//! What a certificate says, as far as it matters here: whose it is, until when, and which authority signed it.

use std::path::Path;
use std::time::Duration;

use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::pem::Pem;

use super::hex;

/// What a certificate says. Times are in seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Facts {
    /// Its only URI: `spiffe://DOMAIN/zone/Z/node/N`, or `spiffe://DOMAIN` of an authority. None where there are several:
    /// that is nobody's (SPIFFE X.509-SVID, section 2).
    pub(crate) identity: Option<String>,
    /// The name of whom it is (DER), by which nodes say which authorities they believe.
    pub(crate) subject: Vec<u8>,
    /// Its number, in hex.
    pub(crate) serial: String,
    /// From when it is good.
    pub(crate) not_before: i64,
    /// Until when.
    pub(crate) not_after: i64,
    /// The authority that signed it, by the identifier of its key, in hex.
    pub(crate) signer: String,
    /// The identifier of its own key where it is an authority.
    pub(crate) authority: Option<String>,
    /// Its public key (SubjectPublicKeyInfo, DER).
    pub(crate) key: Vec<u8>,
}

/// How a certificate stands by its times alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Age {
    /// A third of its life or more is left.
    Good,
    /// Less is left: it is time to renew it.
    Due,
    /// Its time is over, or has not begun.
    Expired,
}

const DAY: i64 = 24 * 60 * 60;

impl Facts {
    /// Every certificate in a text (PEM).
    ///
    /// # Errors
    /// What the text is instead.
    pub(crate) fn all_of(pem: &str) -> Result<Vec<Self>, &'static str> {
        let all: Result<Vec<_>, _> = Pem::iter_from_buffer(pem.as_bytes()).collect();
        let all = all.map_err(|_| "no certificate")?;
        all.iter().map(|pem| Self::of_der(&pem.contents)).collect()
    }

    /// The first certificate in a text (PEM).
    ///
    /// # Errors
    /// What the text is instead.
    pub(crate) fn first_of(pem: &str) -> Result<Self, &'static str> {
        Self::all_of(pem)?.into_iter().next().ok_or("no certificate")
    }

    /// The first certificate of a file.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) fn read(file: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
        Ok(Self::first_of(&text)?)
    }

    /// A certificate (DER).
    ///
    /// # Errors
    /// What it is instead.
    pub(crate) fn of_der(der: &[u8]) -> Result<Self, &'static str> {
        let (_, certificate) = x509_parser::parse_x509_certificate(der).map_err(|_| "no certificate")?;
        let names = certificate.subject_alternative_name().ok().flatten();
        let mut uris =
            names.iter().flat_map(|names| &names.value.general_names).filter_map(|name| match name {
                GeneralName::URI(uri) => Some((*uri).to_owned()),
                _ => None,
            });
        let identity = match (uris.next(), uris.next()) {
            (only, None) => only,
            _ => None,
        };
        let (mut signer, mut own) = (String::new(), String::new());
        for extension in certificate.extensions() {
            match extension.parsed_extension() {
                ParsedExtension::AuthorityKeyIdentifier(id) => {
                    signer = id.key_identifier.as_ref().map_or_else(String::new, |id| hex::encode(id.0));
                }
                ParsedExtension::SubjectKeyIdentifier(id) => own = hex::encode(id.0),
                _ => {}
            }
        }
        let authority = certificate.is_ca().then_some(own);
        if let Some(own) = &authority
            && signer.is_empty()
        {
            signer.clone_from(own);
        }
        Ok(Self {
            identity,
            subject: certificate.subject().as_raw().to_vec(),
            serial: serial_text(certificate.raw_serial()),
            not_before: certificate.validity().not_before.timestamp(),
            not_after: certificate.validity().not_after.timestamp(),
            signer,
            authority,
            key: certificate.public_key().raw.to_vec(),
        })
    }

    /// How it stands at a time.
    pub(crate) fn age(&self, now: i64) -> Age {
        let life = self.not_after - self.not_before;
        match self.not_after - now {
            left if left <= 0 || now < self.not_before => Age::Expired,
            left if left * 3 < life => Age::Due,
            _ => Age::Good,
        }
    }

    /// How long it is good still; nothing once it has expired.
    pub(crate) fn left(&self, now: i64) -> Duration {
        Duration::from_secs(u64::try_from(self.not_after - now).unwrap_or(0))
    }

    /// The whole days that are left; below 0 once it has expired.
    pub(crate) fn days_left(&self, now: i64) -> i64 {
        (self.not_after - now).div_euclid(DAY)
    }

    /// Whose it is, for people.
    pub(crate) fn whose(&self) -> &str {
        self.identity.as_deref().unwrap_or("nobody")
    }

    /// The node in its identity; `None` where that is no node's.
    pub(crate) fn node(&self) -> Option<(&str, &str)> {
        let (_, path) = self.identity.as_deref()?.strip_prefix("spiffe://")?.split_once("/zone/")?;
        path.split_once("/node/")
    }
}

/// A serial number as it is written: hex, without zeros in front.
pub(super) fn serial_text(bytes: &[u8]) -> String {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    hex::encode(bytes.get(zeros..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rcgen::{CertificateParams, KeyPair, SanType};

    use super::{Age, DAY, Facts};

    #[test]
    fn a_certificate_with_several_uris_is_nobodys() {
        let key = KeyPair::generate().unwrap();
        let uris = ["spiffe://lab.test/zone/403/node/a", "spiffe://lab.test/zone/403/node/b"];
        for (uris, identity) in [(&uris[..0], None), (&uris[..1], Some(uris[0])), (&uris[..], None)] {
            let mut params = CertificateParams::default();
            params.subject_alt_names =
                uris.iter().map(|uri| SanType::URI((*uri).try_into().unwrap())).collect();
            let certificate = params.self_signed(&key).unwrap();
            let facts = Facts::of_der(certificate.der()).unwrap();
            assert_eq!(facts.identity.as_deref(), identity);
            assert_eq!(facts.whose(), identity.unwrap_or("nobody"));
        }
    }

    #[test]
    fn a_certificate_is_due_when_two_thirds_of_its_life_are_over() {
        let facts = Facts {
            identity: Some("spiffe://lab.test/zone/403/node/a.b".to_owned()),
            subject: Vec::new(),
            serial: String::new(),
            not_before: 1_000_000,
            not_after: 1_000_000 + 90 * DAY,
            signer: String::new(),
            authority: None,
            key: Vec::new(),
        };
        for (day, age) in
            [(-1, Age::Expired), (0, Age::Good), (60, Age::Good), (61, Age::Due), (90, Age::Expired)]
        {
            assert_eq!(facts.age(1_000_000 + day * DAY), age, "day {day}");
        }
        assert_eq!(facts.days_left(1_000_000 + 61 * DAY), 29);
        assert_eq!(facts.days_left(1_000_000 + 90 * DAY + 1), -1);
        assert_eq!(facts.left(1_000_000 + 89 * DAY), Duration::from_secs(24 * 60 * 60));
        assert_eq!(facts.left(1_000_000 + 91 * DAY), Duration::ZERO);
        assert_eq!(facts.node(), Some(("403", "a.b")));
    }
}
