//! `zoneway push` and `zoneway status`, by hand.

use std::path::Path;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::net::{TcpListener, UnixStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use super::cluster::{Node, path_text};
use super::program::run;

/// An endpoint with mutual TLS in front of a Unix socket, as a table endpoint is reached from another machine. Gives its
/// port; the folder gets `ca.pem`, `client.pem` and `client.key`.
fn tls_front(folder: &Path, socket: &Path) -> u16 {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    std::fs::write(folder.join("ca.pem"), authority.pem()).unwrap();
    let issue = |name: &str| {
        let key = KeyPair::generate().unwrap();
        (CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, &authority).unwrap(), key)
    };
    let (client, client_key) = issue("client");
    std::fs::write(folder.join("client.pem"), client.pem()).unwrap();
    std::fs::write(folder.join("client.key"), client_key.serialize_pem()).unwrap();
    let (server, server_key) = issue("localhost");
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone()).unwrap();
    let config = ServerConfig::builder()
        .with_client_cert_verifier(WebPkiClientVerifier::builder(roots.into()).build().unwrap())
        .with_single_cert(
            vec![server.der().clone()],
            PrivateKeyDer::try_from(server_key.serialize_der()).unwrap(),
        )
        .unwrap();
    let (acceptor, socket) = (TlsAcceptor::from(Arc::new(config)), socket.to_owned());
    let (tell, port) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            tell.send(listener.local_addr().unwrap().port()).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                let mut endpoint = UnixStream::connect(&socket).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut stream, &mut endpoint).await;
            }
        });
    });
    port.recv().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_table_is_pushed_by_hand_over_a_socket_and_over_mutual_tls() {
    let mut node = Node::new();
    node.start_envoy();
    let (socket, empty) = (node.url("run/table.sock"), run(&["status", "--to", &node.url("run/table.sock")]));
    assert_eq!(empty.status.code(), Some(1), "no table is not well");
    assert!(text(&empty.stdout).contains("none yet"), "{}", text(&empty.stdout));

    let site = node.file("site.yaml");
    let table = run(&["table", "--site", &site, "--zone", "home", "--epoch", "7"]);
    std::fs::write(node.path("table.json"), &table.stdout).unwrap();
    let table = node.file("table.json");
    let pushed = run(&["push", "--table", &table, "--to", &socket]);
    assert!(pushed.status.success(), "{pushed:?}");
    assert!(text(&pushed.stdout).contains("revision 7.0"), "{}", text(&pushed.stdout));
    // The same again is accepted, as JSON too.
    let again = run(&["push", "--table", &table, "--to", &socket, "--format", "json"]);
    let answer: serde_json::Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!(answer, serde_json::json!({"accepted": true, "revision": {"epoch": 7, "sequence": 0}}));

    let port = tls_front(node.folder.path(), &node.table_socket());
    let (url, ca) = (format!("https://localhost:{port}"), node.file("ca.pem"));
    let [certificate, key] = ["client.pem", "client.key"].map(|name| path_text(&node.path(name)));
    let mutual = ["--to", &url, "--ca", &ca, "--certificate", &certificate, "--key", &key];
    let over = run(&[&["push", "--supersede", "--table", &table][..], &mutual].concat());
    assert!(over.status.success(), "{over:?}");
    assert_eq!(node.revision().unwrap(), (8, 0));
    let status = run(&[&["status"][..], &mutual].concat());
    assert!(status.status.success(), "{status:?}");
    assert!(text(&status.stdout).contains("revision 8.0"), "{}", text(&status.stdout));
    // Without a certificate there is no answer.
    let nobody = run(&["status", "--to", &url, "--ca", &ca]);
    assert_eq!(nobody.status.code(), Some(1), "{nobody:?}");
}

#[test]
fn a_refused_table_is_told_with_the_path_of_every_error() {
    let mut node = Node::new();
    node.start_envoy();
    let table = run(&["table", "--site", &node.file("site.yaml"), "--zone", "home"]);
    let good = text(&table.stdout);
    let push = |json: &str, more: &[&str]| {
        std::fs::write(node.path("table.json"), json).unwrap();
        let (table, to) = (node.file("table.json"), node.url("run/table.sock"));
        run(&[&["push", "--table", &table, "--to", &to][..], more].concat())
    };
    assert!(push(&good, &[]).status.success());
    let broken = good.replace("notes.example", "notes..example").replace("\"/\"", "\"notes\"");
    let refused = push(&broken, &[]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("hosts[0].rules[0].path: "), "{}", text(&refused.stderr));
    let json = push(&broken, &["--format", "json"]);
    let answer: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(answer["accepted"], false);
    assert!(answer["errors"].as_array().is_some_and(|errors| errors.len() >= 2), "{answer}");
    // Another zone's view is refused by the endpoint itself.
    let other = good.replace("\"home\"", "\"elsewhere\"");
    let refused = push(&other, &["--supersede"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("refused"), "{}", text(&refused.stderr));
    assert_eq!(node.revision().unwrap(), (0, 0), "the old table serves on");
}

#[test]
fn what_cannot_be_meant_is_wrong_usage() {
    for arguments in [
        &["status", "--to", "table.sock"][..],
        &["status", "--to", "https://localhost"],
        &["status", "--to", "http://localhost", "--ca", "ca.pem"],
        &["push", "--to", "unix:/t"],
        &["status", "--to", "https://localhost", "--ca", "a", "--key", "k"],
    ] {
        assert_eq!(run(arguments).status.code(), Some(64), "{arguments:?}");
    }
    let nobody = run(&["status", "--to", "unix:/nowhere/table.sock"]);
    assert_eq!(nobody.status.code(), Some(1));
    assert!(text(&nobody.stderr).contains("is it running"), "{}", text(&nobody.stderr));
}
