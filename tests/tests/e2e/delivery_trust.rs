//! Who is believed where home delivers, at either end: also no longer who was believed before, and each of several public
//! nodes by its own name alone.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Result, ensure};
use tokio::sync::Mutex;
use zoneway_tests::client::{Ask, Client, Connection, Protocol, tls};
use zoneway_tests::deadline;
use zoneway_tests::household::home::{Bundle, Home};
use zoneway_tests::household::pki;
use zoneway_tests::household::sites::TWO_ZONES;
use zoneway_tests::load::{self, Load};
use zoneway_tests::process::Process;

/// What a gateway asks of a public node's sidecar first.
fn hello() -> Ask {
    Ask::get("public-node", "/v1/public-node")
}

/// A client of a public node's sidecar that shows this certificate.
fn gateway(at: SocketAddr, (certificate, key): &(PathBuf, PathBuf)) -> Result<Client> {
    let mut config = (*tls::identity(certificate, key)?).clone();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Client::new(at, Protocol::Http1).tls(Arc::new(config)))
}

/// The file of a public node's certificates.
fn file(bundle: &Bundle, name: &str) -> PathBuf {
    bundle.root().join("var/lib/zoneway/certificates").join(name)
}

/// Waits until a gateway that is heard is refused: on the connection that it has, and on a new one, for which it has the same
/// session to resume. Each is told of with the reason.
async fn refused(node: &Process, client: &Client, open: Connection, reason: &str, told: &str) -> Result<()> {
    let open = Mutex::new(open);
    let answer = deadline::until("a refusal", || async {
        let answer = open.lock().await.send(&hello()).await?;
        ensure!(answer.status == 403, "it was heard: {answer:?}");
        Ok(answer)
    })
    .await?;
    assert_eq!(String::from_utf8_lossy(&answer.body).trim(), told);
    let answer = client.send(&hello()).await;
    ensure!(answer.is_err(), "it was heard: {answer:?}");
    deadline::until("two lines of the log", || async {
        let log = node.log();
        let lines = log.lines().filter(|line| line.contains(told) && line.contains(reason));
        ensure!(lines.filter(|line| line.contains("client=")).count() > 1, "not told twice: {told}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_is_revoked_is_heard_no_more_and_the_log_says_why() -> Result<()> {
    let home = Home::start(TWO_ZONES, &["studtop"]).await?;
    let bundle = home.bundle("edge", "bundle")?;
    let node = bundle.install()?;
    home.reached(deadline::PATIENCE).await?;
    let client = gateway(home.receives_at("edge")?, &home.household.identity("stuchip"))?;
    let mut open = client.connect().await?;
    assert_eq!(open.send(&hello()).await?.status, 200, "the site names it as a gateway");
    pki::run(home.household.folder(), &["revoke", "stuchip"])?;
    refused(&node, &client, open, "reason=\"revoked\"", "its certificate is revoked").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_whose_certificate_expires_is_heard_no_more_and_the_log_says_why() -> Result<()> {
    let home = Home::start(TWO_ZONES, &["studtop"]).await?;
    let bundle = home.bundle("edge", "bundle")?;
    let node = bundle.install()?;
    home.reached(deadline::PATIENCE).await?;
    let identity = "spiffe://stuartpb.com/zone/403/node/stuchip";
    let now = SystemTime::now();
    // As long as a busy machine may take to be asked once.
    let times = (now - Duration::from_secs(60), now + Duration::from_secs(20));
    let short = pki::certify(home.household.folder(), identity, times)?;
    let client = gateway(home.receives_at("edge")?, &short)?;
    let mut open = client.connect().await?;
    assert_eq!(open.send(&hello()).await?.status, 200, "while it is good it is heard");
    refused(&node, &client, open, "reason=\"expired\"", "its certificate has expired").await
}

/// Two public nodes, each a gateway of both zones' links.
fn two_public_nodes() -> String {
    let edge = "      edge: {address";
    let quay =
        "      quay: {address: \"${quay.peer}\", listen: \"${quay.peer}\", ingress: [\"${quay.ingress}\"]}\n";
    TWO_ZONES.replace(edge, &format!("{quay}{edge}")).replace("gateways: [edge]", "gateways: [edge, quay]")
}

async fn state(home: &Home, node: &str, state: &str) -> Result<()> {
    deadline::until("another state of a public node", || async {
        let told = home.told("studtop", node).await?;
        ensure!(told.get("state").is_some_and(|now| now == state), "{told}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_of_two_public_nodes_is_believed_under_its_own_name_alone() -> Result<()> {
    let mut home = Home::start(&two_public_nodes(), &["studtop"]).await?;
    let edge = home.bundle("edge", "of-edge")?;
    let quay = home.bundle("quay", "of-quay")?;
    let (mut first, mut second) = (edge.install()?, quay.install()?);
    for node in ["edge", "quay"] {
        state(&home, node, "delivered").await?;
    }
    // Where they dial: as itself it is heard, as the other it is not.
    for (bundle, own, other) in [(&edge, "edge", "quay"), (&quay, "quay", "edge")] {
        let identity =
            tls::identity(&file(bundle, &format!("{own}.pem")), &file(bundle, &format!("{own}.key")))?;
        let client = Client::new(home.household.places.get("studtop.peer")?, Protocol::Http2).tls(identity);
        for (name, status) in [(own, 200), (other, 403)] {
            let ask = Ask::get("music.stuartpb.com", "/").header("x-zoneway-source", "exposed");
            let answer = client.send(&ask.header("x-zoneway-trail", &format!("exposed/{name}"))).await?;
            assert_eq!(answer.status, status, "{own} as {name}: {answer:?}");
        }
    }
    // Where they are dialled: one that is in the place of the other is delivered nothing.
    second.kill()?;
    for kind in ["pem", "key"] {
        fs::copy(file(&edge, &format!("edge.{kind}")), file(&quay, &format!("quay.{kind}")))?;
    }
    let _second = quay.restart()?;
    state(&home, "quay", "stranger").await?;
    home.logged(
        "it is spiffe://stuartpb.com/zone/exposed/node/edge, where spiffe://stuartpb.com/zone/exposed/node/quay is expected",
    )
    .await?;
    state(&home, "edge", "delivered").await?;
    // And one that is revoked, by the list that the site names.
    pki::run(home.household.folder(), &["revoke", "edge"])?;
    state(&home, "edge", "stranger").await?;
    home.logged("its certificate is revoked, and its key is not signed again").await?;
    first.alive()
}

/// Says a step of `zoneway pki init` until every node is ready for it.
async fn step(folder: &Path, step: &str, site: &str) -> Result<()> {
    deadline::until("every node to be ready", || async {
        pki::run(folder, &["init", step, "--site", site]).map(drop)
    })
    .await
}

/// The gateways get theirs by hand; the public node gets the authorities and its own certificate by deliveries.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_authority_is_replaced_under_load_and_home_renews_a_public_nodes_certificate() -> Result<()> {
    let home = Home::start(TWO_ZONES, &["studtop"]).await?;
    let bundle = home.bundle("edge", "bundle")?;
    // Connections to home live for a second, not for ten minutes: whatever is renewed is used.
    let bootstrap = bundle.folder().join("zoneway-edge/files/etc/zoneway/envoy.yaml");
    let text = fs::read_to_string(&bootstrap)?;
    let short = text.replace("max_connection_duration: 600s", "max_connection_duration: 1s");
    ensure!(text != short, "connections of peers have another age");
    fs::write(&bootstrap, short)?;
    let mut node = bundle.install()?;
    home.reached(deadline::PATIENCE).await?;
    state(&home, "edge", "delivered").await?;
    let folder = home.household.folder().to_path_buf();
    let site = home.household.site_file().display().to_string();
    let leaf = file(&bundle, "edge.pem");
    let first = fs::read(&leaf)?;

    let load = Load::start(&home.household.client("edge")?, &Ask::get("films.stuartpb.com", "/"), 200);
    load.pass(300).await?;
    pki::run(&folder, &["init", "--next"])?;
    step(&folder, "--switch", &site).await?;
    assert_eq!(fs::read(&leaf)?, first, "nothing is renewed before the next authority signs");
    pki::run(&folder, &["renew"])?;
    deadline::until("a new certificate of the public node", || async {
        ensure!(fs::read(&leaf)? != first, "it is the old one");
        Ok(())
    })
    .await?;
    load.pass(300).await?;
    step(&folder, "--finish", &site).await?;
    deadline::until("the new authority alone", || async {
        ensure!(fs::read(file(&bundle, "ca.pem"))? == fs::read(folder.join("ca.pem"))?, "both are there");
        Ok(())
    })
    .await?;
    load.pass(600).await?;
    let samples = load.finish().await?;
    let failed = load::failures(&samples);
    assert!(failed.is_empty(), "{} of {} failed: {:?}", failed.len(), samples.len(), load::summary(&failed));
    state(&home, "edge", "delivered").await?;
    node.alive()
}
