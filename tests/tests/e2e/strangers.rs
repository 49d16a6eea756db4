//! Who is refused at the handshake of a node's peer listener, and what its log says of it: nobody's certificate, another
//! authority's, one that has expired, one that is revoked, and one of a zone or a node that has no business there.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result, ensure};
use tokio_rustls::rustls::ClientConfig;
use zoneway_tests::client::{Answer, Ask, Client, Protocol, tls};
use zoneway_tests::deadline;
use zoneway_tests::household::sites::TWO_ZONES;
use zoneway_tests::household::{Household, pki};

type Files = (PathBuf, PathBuf);

/// Asks studtop as a node would that this certificate is of.
async fn knock(household: &Household, identity: &Arc<ClientConfig>, node: &str) -> Result<Answer> {
    let zone = node.split_once("/").map_or("", |(zone, _)| zone);
    let client =
        Client::new(household.places.get("studtop.peer")?, Protocol::Http2).tls(Arc::clone(identity));
    let ask = Ask::get("music.stuartpb.com", "/").header("x-zoneway-source", zone);
    client.send(&ask.header("x-zoneway-trail", node)).await
}

/// Waits until a handshake is refused, and its line in the log has all of these.
async fn refused(household: &mut Household, identity: &Arc<ClientConfig>, told: &[&str]) -> Result<()> {
    deadline::until("a refusal", || async {
        let answer = knock(household, identity, "403/stuchip").await;
        ensure!(answer.is_err(), "it was heard: {answer:?}");
        Ok(())
    })
    .await?;
    let node = household.node("studtop")?;
    deadline::until("a line of the log", || async {
        let lines = node.access_log("\"refused\"");
        let is_told = |line: &String| told.iter().all(|text| line.contains(text));
        ensure!(lines.iter().any(is_told), "no line has {told:?}: {lines:?}");
        Ok(())
    })
    .await
}

fn identity((certificate, key): &Files) -> Result<Arc<ClientConfig>> {
    tls::identity(certificate, key)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_refused_stands_in_the_log_with_the_reason() -> Result<()> {
    let mut household = Household::start(TWO_ZONES).await?;
    let folder = household.folder().to_path_buf();
    let stranger = folder.join("stranger");
    pki::init(&stranger)?;
    let cases: [(Arc<ClientConfig>, &[&str]); 4] = [
        (tls::anonymous()?, &["PEER_DID_NOT_RETURN_A_CERTIFICATE", "\"peer\":null"]),
        (
            identity(&pki::issue(&stranger, "403", "stuchip")?)?,
            &["unable_to_get_local_issuer_certificate", "zone/403/node/stuchip"],
        ),
        // Of the household's own authority: a node that the site does not have, and a zone that has no link to this one.
        (
            identity(&pki::issue(&folder, "403", "gone")?)?,
            &["SAN_matcher", "\"peer\":\"spiffe://stuartpb.com/zone/403/node/gone\""],
        ),
        (
            identity(&pki::issue(&folder, "cloud", "vm")?)?,
            &["SAN_matcher", "\"peer\":\"spiffe://stuartpb.com/zone/cloud/node/vm\""],
        ),
    ];
    for (identity, told) in cases {
        refused(&mut household, &identity, told).await?;
    }
    Ok(())
}

/// The same client again and again: it would resume its session if it were given one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_has_expired_is_refused_even_to_who_was_heard_before() -> Result<()> {
    let mut household = Household::start(TWO_ZONES).await?;
    // As long as a busy machine may take to be asked once.
    let life = Duration::from_secs(20);
    let times = (SystemTime::now() - Duration::from_secs(60), SystemTime::now() + life);
    let short =
        identity(&pki::certify(household.folder(), "spiffe://stuartpb.com/zone/403/node/stuchip", times)?)?;
    assert_eq!(knock(&household, &short, "403/stuchip").await?.status, 200, "while it is good it is heard");
    assert_eq!(knock(&household, &short, "403/stuchip").await?.status, 200);
    refused(&mut household, &short, &["certificate_has_expired", "zone/403/node/stuchip"]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_revoked_or_leaves_the_site_is_refused_without_a_restart() -> Result<()> {
    let mut household = Household::start(TWO_ZONES).await?;
    let folder = household.folder().to_path_buf();
    let stuchip = identity(&household.identity("stuchip"))?;
    assert_eq!(knock(&household, &stuchip, "403/stuchip").await?.status, 200);
    // Its certificate alone: a new one of the same name is heard.
    pki::run(&folder, &["revoke", "stuchip"])?;
    refused(&mut household, &stuchip, &["certificate_revoked", "zone/403/node/stuchip"]).await?;
    let anew = identity(&pki::replace(&folder, "403", "stuchip")?)?;
    assert_eq!(knock(&household, &anew, "403/stuchip").await?.status, 200);

    // And now the node: from the site.
    let edge = identity(&household.identity("edge"))?;
    assert_eq!(knock(&household, &edge, "exposed/edge").await?.status, 200);
    let no_link = TWO_ZONES.replace("    links: [{to: 403, gateways: [studtop, stuchip]}]\n", "");
    ensure!(no_link != TWO_ZONES, "the site has another link");
    household.write(&no_link).await?;
    refused(&mut household, &edge, &["SAN_matcher", "zone/exposed/node/edge"]).await?;
    assert_eq!(
        knock(&household, &anew, "403/stuchip").await?.status,
        200,
        "its neighbours are heard as ever"
    );
    household.node("studtop")?.envoy()?.alive().context("it was started anew")
}
