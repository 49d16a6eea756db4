//! What a listener for anybody does besides deciding: certificates, connections for one host that are used for another, a rate
//! for each client, and a log.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use zoneway_tests::client::{Client, PROTOCOLS, Protocol, tls};
use zoneway_tests::deadline;
use zoneway_tests::edge::{Case, Over};
use zoneway_tests::household::Household;
use zoneway_tests::household::sites::TWO_ZONES;

/// The usual site with another ingress at one of its nodes.
fn with_ingress(node: &str, ingress: &str) -> String {
    let usual = format!("ingress: [\"${{{node}.ingress}}\"]");
    let site = TWO_ZONES.replace(&usual, &format!("ingress: [{ingress}]"));
    assert_ne!(site, TWO_ZONES);
    site
}

/// A certificate of this household's, as long as any will do.
fn own(node: &str) -> String {
    format!("tls: {{certificate: \"${{dir}}/{node}.pem\", key: \"${{dir}}/{node}.key\"}}")
}

/// What is shown to a client that asks for this name, and the protocol that is agreed on.
async fn shown(at: SocketAddr, name: &str, offers: &[&[u8]]) -> Result<(CertificateDer<'static>, String)> {
    let mut config = tls::anonymous()?.as_ref().clone();
    config.alpn_protocols = offers.iter().map(|offer| offer.to_vec()).collect();
    let name = ServerName::try_from(name.to_owned())?;
    let stream = TlsConnector::from(Arc::new(config)).connect(name, TcpStream::connect(at).await?).await?;
    let (_, session) = stream.get_ref();
    let certificate = session.peer_certificates().and_then(<[_]>::first).context("no certificate")?;
    let protocol = String::from_utf8_lossy(session.alpn_protocol().unwrap_or_default()).into_owned();
    Ok((certificate.clone(), protocol))
}

/// A certificate and its key for this name, in two files of a folder.
fn web_certificate(folder: &Path, name: &str) -> Result<CertificateDer<'static>> {
    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(vec![name.to_owned()])?;
    // Moved into place, the key first: that is how Envoy is told.
    for (kind, text) in [("key", signing_key.serialize_pem()), ("pem", cert.pem())] {
        let next = folder.join(format!("{name}.next"));
        fs::write(&next, text)?;
        fs::rename(next, folder.join(format!("{name}.{kind}")))?;
    }
    Ok(CertificateDer::from_pem_file(folder.join(format!("{name}.pem")))?)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_sees_the_certificate_of_the_name_that_it_asks_for() -> Result<()> {
    let names = ["films.stuartpb.com", "music.stuartpb.com"];
    let files =
        names.map(|name| format!("{{certificate: \"${{dir}}/{name}.pem\", key: \"${{dir}}/{name}.key\"}}"));
    let ingress = format!("{{listen: \"${{edge.ingress}}\", tls: [{}]}}", files.join(", "));
    let mut household = Household::prepare(&with_ingress("edge", &ingress)).await?;
    let certificates = names
        .map(|name| web_certificate(household.folder(), name))
        .into_iter()
        .collect::<Result<Vec<_>>>()?;
    for node in ["studtop", "stuchip", "edge"] {
        household.start_node(node)?;
    }
    household.settled().await?;
    let edge = household.places.get("edge.ingress")?;
    for (name, expected) in [(names[0], 0), (names[1], 1), ("other.stuartpb.com", 0)] {
        assert_eq!(shown(edge, name, &[b"h2"]).await?.0, certificates[expected], "{name}");
    }
    for (offers, agreed) in [(&[&b"h2"[..], b"http/1.1"][..], "h2"), (&[b"http/1.1"], "http/1.1"), (&[], "")]
    {
        assert_eq!(shown(edge, names[0], offers).await?.1, agreed);
    }
    let client = Client::new(edge, Protocol::Http2).tls(tls::anonymous()?);
    assert_eq!(client.get(names[0], "/").await?.report()?.node, "stuchip");

    // A new one is shown without a restart, and the other stays.
    let renewed = web_certificate(household.folder(), names[1])?;
    assert_ne!(renewed, certificates[1]);
    deadline::until("the new certificate", || async {
        ensure!(shown(edge, names[1], &[b"h2"]).await?.0 == renewed, "the old one is still shown");
        Ok(())
    })
    .await?;
    assert_eq!(shown(edge, names[0], &[b"h2"]).await?.0, certificates[0]);
    Ok(())
}

/// A request over TLS whose handshake asks for one name and which asks for another.
async fn over(at: SocketAddr, sni: &str, host: &str) -> Result<Vec<String>> {
    let mut answers = Vec::new();
    for request in [
        json!({"name": host, "answers": [0], "lines": ["GET / HTTP/1.1", format!("Host: {host}")]}),
        json!({
            "name": host,
            "answers": [0],
            "fields": [[":method", "GET"], [":scheme", "https"], [":authority", host], [":path", "/"]],
        }),
    ] {
        let case = Case { sni: Some(sni.to_owned()), ..serde_json::from_value(request)? };
        answers.extend(case.send(at, Over::Tls).await?.answers);
    }
    answers.dedup();
    Ok(answers)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_is_for_hosts_of_one_exposure() -> Result<()> {
    let ingress = format!(
        "{{listen: \"${{studtop.ingress}}\", {tls}}}, {{listen: \"${{studtop.ingress-outside}}\", source_zone: exposed, {tls}}}",
        tls = own("studtop")
    );
    let mut household = Household::start(&with_ingress("studtop", &ingress)).await?;
    let inside = household.places.get("studtop.ingress")?;
    let outside = household.places.get("studtop.ingress-outside")?;
    let (dashboard, films, music) =
        ("dashboard.403.stuartpb.com", "films.stuartpb.com", "music.stuartpb.com");
    for (sni, host, expected) in [
        (dashboard, dashboard, "200"),
        (films, films, "200"),
        (films, music, "200"),
        (films, dashboard, "421"),
        (dashboard, films, "421"),
        ("nobody.stuartpb.com", films, "200"),
        (films, "nobody.stuartpb.com", "404"),
    ] {
        assert_eq!(over(inside, sni, host).await?, [expected], "{sni}, then {host}");
    }
    // Whoever may not ask for the dashboard is not told that there is one.
    for (sni, host, expected) in [
        (films, dashboard, "404"),
        (films, "nobody.stuartpb.com", "404"),
        (dashboard, films, "200"),
        ("nobody.stuartpb.com", films, "200"),
    ] {
        assert_eq!(over(outside, sni, host).await?, [expected], "from outside: {sni}, then {host}");
    }
    household.node("studtop")?.logged("refuse misdirected").await?;
    // What Envoy told the filter is no service's, here or elsewhere.
    for host in [music, films] {
        let client = Client::new(inside, Protocol::Http2).tls(tls::anonymous()?);
        let report = client.get(host, "/").await?.report()?;
        assert!(report.header("x-zoneway-sni").is_empty(), "{host}: {report:?}");
    }
    Ok(())
}

/// A router forwards 443 to a node of the household: who comes in by it is of the internet.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_that_a_router_forwards_exposes_nothing_over_tls_either() -> Result<()> {
    let ingress = format!(
        "{{listen: \"${{studtop.ingress}}\", source_networks: [\"${{insider}}/32\"], {}}}",
        own("studtop")
    );
    let household = Household::start(&with_ingress("studtop", &ingress)).await?;
    let (inside, outside) = (household.places.ip("insider")?, Ipv4Addr::LOCALHOST);
    let at = household.places.get("studtop.ingress")?;
    let client = |from| anyhow::Ok(Client::new(at, Protocol::Http2).tls(tls::anonymous()?).from(from));
    let dashboard = "dashboard.403.stuartpb.com";
    assert_eq!(client(inside)?.get(dashboard, "/").await?.report()?.node, "studtop");
    assert_eq!(client(outside)?.get("films.stuartpb.com", "/").await?.report()?.node, "stuchip");
    let hidden = client(outside)?.get(dashboard, "/").await?;
    let unknown = client(outside)?.get("nobody.stuartpb.com", "/").await?;
    assert_eq!((hidden.status, hidden.without_date()), (404, unknown.without_date()));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_asks_for_too_much_is_told_so_and_others_are_served() -> Result<()> {
    let ingress = "{listen: \"${edge.ingress}\", rate_limit: {requests: 6, per: hour}}";
    let household = Household::start(&with_ingress("edge", ingress)).await?;
    let at = household.places.get("edge.ingress")?;
    for (last, protocol) in [(71, Protocol::Http1), (72, Protocol::Http2)] {
        let client = Client::new(at, protocol).from(Ipv4Addr::new(127, 0, 0, last));
        // What is served here and what is forwarded count alike, over all workers.
        for turn in 0..6 {
            let host = if turn % 2 == 0 { "status.stuartpb.com" } else { "films.stuartpb.com" };
            assert_eq!(client.get(host, "/").await?.status, 200, "{protocol:?} {turn}");
        }
        for _ in 0..4 {
            assert_eq!(client.get("films.stuartpb.com", "/").await?.status, 429, "{protocol:?}");
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_of_requests_goes_where_the_site_says() -> Result<()> {
    let site = TWO_ZONES.replace("settings:\n", "settings:\n  access_log: \"${dir}/access.log\"\n");
    let mut household = Household::start(&site).await?;
    for protocol in PROTOCOLS {
        assert_eq!(
            household.client_of("edge", protocol)?.get("films.stuartpb.com", "/seen").await?.status,
            200
        );
    }
    let file = household.folder().join("access.log");
    let line = deadline::until("a line in the file", || async {
        let text = fs::read_to_string(&file)?;
        let line = text.lines().find(|line| line.contains("zone cross_zone 403") && line.contains("/seen"));
        line.map(str::to_owned).with_context(|| format!("no line of the decision in {text}"))
    })
    .await?;
    let line: serde_json::Value = serde_json::from_str(&line)?;
    assert_eq!((&line["status"], &line["authority"]), (&json!(200), &json!("films.stuartpb.com")));
    assert!(household.node("edge")?.access_log("/seen").is_empty(), "it is on standard output too");
    Ok(())
}
