use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use x509_parser::extensions::GeneralName;
use zoneway_core::name::{NodeId, ZoneName};

use super::{Authority, Days, Error, Existing, Facts, Ledger, Stage};

fn issue(folder: &Path, zone: &str, node: &str, existing: Existing) -> Result<super::Pair, Error> {
    let (zone, node) = (ZoneName::parse(zone).unwrap(), NodeId::parse(node).unwrap());
    Authority::open(folder)?.issue(&zone, &node, Days(1), existing)
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_nodes_certificate_has_its_identity_serves_and_dials_and_is_signed_by_the_authority() {
    let folder = tempfile::tempdir().unwrap();
    let ca = Authority::init(folder.path(), "lab.test", Days(2)).unwrap();
    let node = issue(folder.path(), "403", "studtop", Existing::Refuse).unwrap();
    let read = |path: &Path| std::fs::read(path).unwrap();
    let (ca, node) = (read(&ca.certificate), read(&node.certificate));
    let ca = x509_parser::pem::parse_x509_pem(&ca).unwrap().1;
    let node = x509_parser::pem::parse_x509_pem(&node).unwrap().1;
    let (ca, node) = (ca.parse_x509().unwrap(), node.parse_x509().unwrap());
    let names = &node.subject_alternative_name().unwrap().unwrap().value.general_names;
    assert_eq!(*names, [GeneralName::URI("spiffe://lab.test/zone/403/node/studtop")]);
    let usage = node.extended_key_usage().unwrap().unwrap().value;
    assert!(usage.server_auth && usage.client_auth);
    assert!(!node.is_ca() && ca.is_ca());
    assert_eq!(node.issuer(), ca.subject());
    assert!(node.validity().is_valid());
    assert_eq!(node.validity().not_after.timestamp() - node.validity().not_before.timestamp(), 25 * 3600);
}

#[test]
fn keys_are_for_their_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let ca = Authority::init(folder.path(), "lab.test", Days(1)).unwrap();
    let node = issue(folder.path(), "403", "a", Existing::Refuse).unwrap();
    assert_eq!([mode(&ca.key), mode(&node.key)], [0o600, 0o600]);
    assert_eq!([mode(&ca.certificate), mode(&node.certificate)], [0o644, 0o644]);
}

#[test]
fn a_key_that_was_made_elsewhere_is_signed_by_its_request_and_no_key_of_it_is_here() {
    let (folder, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    Authority::init(folder.path(), "lab.test", Days(1)).unwrap();
    let authority = Authority::open(folder.path()).unwrap();
    let key = super::request::OwnKey::open_or_make(&there.path().join("edge.key")).unwrap();
    let (zone, node) = (ZoneName::parse("exposed").unwrap(), NodeId::parse("edge").unwrap());
    // Whatever it asks for, it gets the identity that it is issued.
    let request = key.request("spiffe://lab.test/zone/403/node/studtop").unwrap();
    let sign = |existing| authority.issue_for(&request, &zone, &node, Days(1), existing);
    let facts = Facts::read(&sign(Existing::Refuse).unwrap()).unwrap();
    assert_eq!(facts.identity.as_deref(), Some("spiffe://lab.test/zone/exposed/node/edge"));
    assert_eq!(facts.key, key.public());
    assert_eq!(std::fs::read_to_string(authority.request_of(&node)).unwrap(), request);
    assert!(!authority.files_of(&node).key.exists());
    // It can be revoked, as every other.
    assert!(Ledger::open(folder.path()).unwrap().entries.iter().any(|entry| entry.serial == facts.serial));
    assert!(matches!(sign(Existing::Refuse), Err(Error::Exists { .. })));
    let renewed = Facts::read(&sign(Existing::Replace).unwrap()).unwrap();
    assert!(renewed.key == facts.key && renewed.serial != facts.serial);
    assert!(authority.issue_for("no request", &zone, &node, Days(1), Existing::Replace).is_err());
    // A node whose key was made here is no such one.
    issue(folder.path(), "403", "studtop", Existing::Refuse).unwrap();
    let studtop = NodeId::parse("studtop").unwrap();
    let refused = authority.issue_for(&request, &zone, &studtop, Days(1), Existing::Replace);
    assert!(matches!(refused, Err(Error::Exists { .. })));
}

#[test]
fn an_authority_is_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let files = Authority::init(folder.path(), "lab.test", Days(1)).unwrap();
    let key = std::fs::read(&files.key).unwrap();
    std::fs::remove_file(&files.certificate).unwrap();
    let error = Authority::init(folder.path(), "lab.test", Days(1)).unwrap_err();
    assert!(matches!(&error, Error::Exists { path, .. } if *path == files.key), "{error}");
    assert_eq!(std::fs::read(&files.key).unwrap(), key);
}

#[test]
fn certificates_that_are_issued_at_the_same_time_are_all_noted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    Authority::init(path, "lab.test", Days(1)).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            scope.spawn(move || {
                for index in 0..8 {
                    issue(path, "403", &format!("n{thread}-{index}"), Existing::Refuse).unwrap();
                }
            });
        }
    });
    assert_eq!(Ledger::open(path).unwrap().identities().count(), 32);
}

#[test]
fn a_nodes_certificate_is_replaced_only_when_asked() {
    let folder = tempfile::tempdir().unwrap();
    Authority::init(folder.path(), "lab.test", Days(1)).unwrap();
    let files = issue(folder.path(), "403", "a", Existing::Refuse).unwrap();
    let key = std::fs::read(&files.key).unwrap();
    let error = issue(folder.path(), "403", "a", Existing::Refuse).unwrap_err();
    assert!(error.to_string().contains("--replace"), "{error}");
    assert_eq!(std::fs::read(&files.key).unwrap(), key);
    issue(folder.path(), "403", "a", Existing::Replace).unwrap();
    assert_ne!(std::fs::read(&files.key).unwrap(), key);
    assert_eq!(mode(&files.key), 0o600);
}

#[test]
fn what_is_no_authority_is_named_with_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let check = |expected: &str| {
        let error = Authority::open(folder.path()).err().unwrap().to_string();
        assert!(error.contains(expected), "{error}");
    };
    check("zoneway pki init");
    Authority::init(folder.path(), "lab.test", Days(1)).unwrap();
    let node = issue(folder.path(), "403", "a", Existing::Refuse).unwrap();
    std::fs::copy(&node.key, folder.path().join("ca.key")).unwrap();
    check("not the key of the certificate beside it");
    std::fs::copy(&node.certificate, folder.path().join("ca.pem")).unwrap();
    check("no certificate of an authority");
    std::fs::write(folder.path().join("ca.pem"), "hello").unwrap();
    check("ca.pem is no certificate");
}

#[test]
fn no_certificate_is_issued_for_another_domain() {
    let folder = tempfile::tempdir().unwrap();
    Authority::init(folder.path(), "lab.test", Days(1)).unwrap();
    let authority = Authority::open(folder.path()).unwrap();
    assert_eq!(authority.domain(), "lab.test");
    assert!(authority.expect_domain("lab.test").is_ok());
    assert!(matches!(authority.expect_domain("other.test"), Err(Error::OtherDomain { .. })));
    for domain in ["", "Lab.test", "lab.test/zone", "lab test"] {
        assert!(matches!(Authority::init(folder.path(), domain, Days(1)), Err(Error::Domain(_))), "{domain}");
    }
}

fn name(text: &str) -> (ZoneName, NodeId) {
    (ZoneName::parse("403").unwrap(), NodeId::parse(text).unwrap())
}

/// The serial numbers in a folder's lists of revoked certificates, list by list.
fn revoked(folder: &Path) -> Vec<Vec<String>> {
    let text = std::fs::read(folder.join("crl.pem")).unwrap();
    let lists = x509_parser::pem::Pem::iter_from_buffer(&text).map(|pem| {
        let pem = pem.unwrap();
        let (_, list) = x509_parser::parse_x509_crl(&pem.contents).unwrap();
        let serials = list.iter_revoked_certificates().map(|one| super::facts::serial_text(one.raw_serial()));
        serials.collect::<Vec<_>>()
    });
    lists.collect()
}

#[test]
fn every_certificate_of_a_node_is_revoked_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    Authority::init(folder.path(), "lab.test", Days(9)).unwrap();
    assert_eq!(revoked(folder.path()), [Vec::<String>::new()], "there is a list from the start");
    let serial = |node: &str| Facts::read(&folder.path().join(format!("{node}.pem"))).unwrap().serial;
    issue(folder.path(), "403", "a", Existing::Refuse).unwrap();
    let mut expected = vec![serial("a")];
    issue(folder.path(), "403", "a", Existing::Replace).unwrap();
    expected.push(serial("a"));
    issue(folder.path(), "403", "b", Existing::Refuse).unwrap();
    let authority = Authority::open(folder.path()).unwrap();
    let (zone, node) = name("a");
    assert_eq!(authority.revoke(&zone, &node).unwrap(), 2);
    assert_eq!(revoked(folder.path()), [expected.clone()]);
    assert!(Ledger::open(folder.path()).unwrap().is_revoked(&serial("a")));
    assert!(!Ledger::open(folder.path()).unwrap().is_revoked(&serial("b")));
    // A new one is good; the old ones stay revoked.
    issue(folder.path(), "403", "a", Existing::Replace).unwrap();
    assert!(!Ledger::open(folder.path()).unwrap().is_revoked(&serial("a")));
    assert_eq!(revoked(folder.path()), [expected]);
}

#[test]
fn one_that_was_issued_before_anybody_took_note_is_revoked_too() {
    let folder = tempfile::tempdir().unwrap();
    Authority::init(folder.path(), "lab.test", Days(9)).unwrap();
    issue(folder.path(), "403", "a", Existing::Refuse).unwrap();
    std::fs::remove_file(folder.path().join("issued.jsonl")).unwrap();
    let (zone, node) = name("a");
    assert_eq!(Authority::open(folder.path()).unwrap().revoke(&zone, &node).unwrap(), 1);
    assert_eq!(revoked(folder.path()).concat().len(), 1);
}

#[test]
fn an_authority_is_replaced_step_by_step_and_no_step_comes_too_early() {
    let folder = tempfile::tempdir().unwrap();
    Authority::init(folder.path(), "lab.test", Days(9)).unwrap();
    issue(folder.path(), "403", "a", Existing::Refuse).unwrap();
    issue(folder.path(), "403", "gone", Existing::Refuse).unwrap();
    let open = || Authority::open(folder.path()).unwrap();
    let signer = |node: &str| Facts::read(&folder.path().join(format!("{node}.pem"))).unwrap().signer;
    let old = open().signer().to_owned();
    assert!(open().switch().is_err() && open().finish().is_err());

    open().announce(Days(9)).unwrap();
    assert_eq!((open().stage(), open().signer()), (Stage::Announced, old.as_str()));
    assert_eq!((open().believed().count(), revoked(folder.path()).len()), (2, 2), "each has a list");
    assert_eq!(mode(&folder.path().join("next.key")), 0o600);
    assert!(open().announce(Days(9)).is_err() && open().finish().is_err());
    issue(folder.path(), "403", "b", Existing::Refuse).unwrap();
    assert_eq!(signer("b"), old, "the next one is not believed everywhere yet");

    open().switch().unwrap();
    assert_eq!(open().stage(), Stage::Switched);
    let new = open().signer().to_owned();
    assert_ne!(new, old);
    assert_eq!([mode(&folder.path().join("ca.key")), mode(&folder.path().join("old.key"))], [0o600, 0o600]);
    for node in ["a", "b"] {
        let error = open().finish().unwrap_err().to_string();
        assert!(error.contains(&format!("/node/{node}")) && error.contains("/node/gone"), "{error}");
        issue(folder.path(), "403", node, Existing::Replace).unwrap();
        assert_eq!(signer(node), new);
    }
    // Whoever is revoked holds nothing up, and is on the old authority's own list.
    let (zone, node) = name("gone");
    open().revoke(&zone, &node).unwrap();
    assert_eq!(revoked(folder.path()).iter().map(Vec::len).collect::<Vec<_>>(), [0, 1]);
    open().finish().unwrap();
    assert_eq!((open().stage(), open().signer()), (Stage::One, new.as_str()));
    assert_eq!((open().believed().count(), revoked(folder.path()).len()), (1, 1));
    assert!(!folder.path().join("old.key").exists());
}

#[test]
fn no_node_takes_the_authoritys_own_files() {
    let folder = tempfile::tempdir().unwrap();
    Authority::init(folder.path(), "lab.test", Days(1)).unwrap();
    for node in ["ca", "next", "old", "crl"] {
        assert!(
            matches!(issue(folder.path(), "403", node, Existing::Replace), Err(Error::Reserved(_))),
            "{node}"
        );
    }
}
