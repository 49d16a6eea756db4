//! Who knocks at the peers' listener: no certificate, another CA's, a node that says it is another, and a captured
//! public node that speaks for the household.

use std::sync::Arc;

use anyhow::Result;
use tokio_rustls::rustls::ClientConfig;
use zoneway_tests::client::{Answer, Ask, Client, Protocol, tls};
use zoneway_tests::household::sites::TWO_ZONES;
use zoneway_tests::household::{Household, pki};

const DASHBOARD: &str = "dashboard.403.stuartpb.com";

struct Knock<'h> {
    household: &'h Household,
    identity: Arc<ClientConfig>,
}

impl<'h> Knock<'h> {
    fn of(household: &'h Household, node: &str) -> Result<Self> {
        let (certificate, key) = household.identity(node);
        Ok(Self { household, identity: tls::identity(&certificate, &key)? })
    }

    async fn ask(&self, ask: &Ask) -> Result<Answer> {
        let client = Client::new(self.household.places.get("studtop.peer")?, Protocol::Http2);
        client.tls(Arc::clone(&self.identity)).send(ask).await
    }

    async fn says(&self, host: &str, source: &str, trail: &str) -> Result<Answer> {
        self.ask(&Ask::get(host, "/").header("x-zoneway-source", source).header("x-zoneway-trail", trail))
            .await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_has_no_certificate_of_the_site_is_not_heard() -> Result<()> {
    let household = Household::start(TWO_ZONES).await?;
    let said = Ask::get("music.stuartpb.com", "/");
    let said = said.header("x-zoneway-source", "exposed").header("x-zoneway-trail", "exposed/edge");
    let anonymous = Knock { household: &household, identity: tls::anonymous()? };
    assert!(anonymous.ask(&said).await.is_err());

    // The same name, from a CA of the attacker's own.
    let folder = tempfile::tempdir()?;
    let (certificate, key) = {
        pki::init(folder.path())?;
        pki::issue(folder.path(), "exposed", "edge")?
    };
    let stranger = Knock { household: &household, identity: tls::identity(&certificate, &key)? };
    assert!(stranger.ask(&said).await.is_err());

    // Without TLS there is nobody to speak to.
    let plain = Client::new(household.places.get("studtop.peer")?, Protocol::Http2);
    assert!(plain.send(&said).await.is_err());
    let edge = Knock::of(&household, "edge")?;
    assert_eq!(edge.ask(&said).await?.report()?.node, "studtop", "whoever has one is heard");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_says_who_the_last_of_the_trail_is() -> Result<()> {
    let mut household = Household::start(TWO_ZONES).await?;
    {
        let stuchip = Knock::of(&household, "stuchip")?;
        assert_eq!(stuchip.says(DASHBOARD, "403", "403/stuchip").await?.report()?.node, "studtop");
        // Of its own zone and of another: not the last item, or not the last.
        for trail in
            ["403/studtop", "403/other", "exposed/edge", "403/stuchip,exposed/edge", "exposed/stuchip"]
        {
            let answer = stuchip.says(DASHBOARD, "403", trail).await?;
            assert_eq!(answer.status, 403, "{trail}: {answer:?}");
            assert!(
                answer.header("proxy-status").starts_with("zoneway; error=http_request_denied"),
                "{answer:?}"
            );
        }
    }
    household.node("studtop")?.logged("refuse bad_peer").await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_captured_public_node_reaches_what_is_exposed_and_nothing_else() -> Result<()> {
    let mut household = Household::start(TWO_ZONES).await?;
    {
        let edge = Knock::of(&household, "edge")?;
        // Speaking for 403 in its own name, and in that of a node of 403.
        assert_eq!(edge.says(DASHBOARD, "403", "exposed/edge").await?.status, 403);
        assert_eq!(edge.says(DASHBOARD, "403", "403/stuchip,exposed/edge").await?.status, 403);
        assert_eq!(edge.says(DASHBOARD, "403", "403/stuchip").await?.status, 403);
        assert_eq!(edge.says(DASHBOARD, "elsewhere", "exposed/edge").await?.status, 403);
        // Speaking for itself.
        assert_eq!(edge.says(DASHBOARD, "exposed", "exposed/edge").await?.status, 404);
        assert_eq!(edge.says("unknown.stuartpb.com", "exposed", "exposed/edge").await?.status, 404);
        assert_eq!(
            edge.says("music.stuartpb.com", "exposed", "exposed/edge").await?.report()?.node,
            "studtop"
        );
    }
    household.node("studtop")?.logged("refuse not_spoken_for").await?;
    assert_eq!(household.requests("studtop.dashboard")?, 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_arrival_that_says_nothing_or_too_much_is_refused() -> Result<()> {
    let household = Household::start(TWO_ZONES).await?;
    let edge = Knock::of(&household, "edge")?;
    let long = vec!["exposed/edge"; 65].join(",");
    let sayings: [&[(&str, &str)]; 9] = [
        &[],
        &[("source", "exposed")],
        &[("trail", "exposed/edge")],
        &[("source", "exposed"), ("source", "exposed"), ("trail", "exposed/edge")],
        &[("source", "exposed"), ("trail", "exposed/edge"), ("trail", "exposed/edge")],
        &[("source", "exposed"), ("trail", "")],
        &[("source", ""), ("trail", "exposed/edge")],
        &[("source", "exposed"), ("trail", "exposed/edge, exposed/edge")],
        &[("source", "exposed"), ("trail", &long)],
    ];
    for saying in sayings {
        let mut ask = Ask::get("music.stuartpb.com", "/");
        for (name, value) in saying {
            ask = ask.header(&format!("x-zoneway-{name}"), value);
        }
        let answer = edge.ask(&ask).await?;
        assert_eq!(answer.status, 400, "{saying:?}: {answer:?}");
    }
    Ok(())
}

/// Whoever dials checks too: a gateway's address that has become another's gets no request.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_of_another_zone_gets_no_request() -> Result<()> {
    // What 403 takes for edge's address is stuchip's: of the site, but not of that zone.
    let link = "links: [{to: exposed, cost: 10, gateways: [edge]}]";
    let wrong = "links: [{to: exposed, cost: 10, gateways: [edge], address: {edge: \"${stuchip.peer}\"}}]";
    let mut household = Household::prepare(&TWO_ZONES.replace(link, wrong)).await?;
    for node in ["studtop", "stuchip"] {
        household.start_node(node)?;
        household.node(node)?.serving().await?;
    }
    let answer = household.client("studtop")?.get("status.stuartpb.com", "/").await?;
    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(household.node("stuchip")?.access_log("status.stuartpb.com").is_empty());
    Ok(())
}

/// The private parts of the PKI are for their owner alone.
#[test]
fn keys_are_for_their_owner_alone() -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir()?;
    pki::init(folder.path())?;
    let (_, key) = pki::issue(folder.path(), "403", "studtop")?;
    for file in [folder.path().join("ca.key"), key] {
        let mode = file.metadata()?.permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{} has mode {mode:o}", file.display());
    }
    Ok(())
}
