//! A public node whose every program was replaced: the test itself dials the household with the node's certificate, and says
//! of host, path, source zone, trail and addresses whatever it likes.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use tokio::task::JoinSet;
use zoneway_tests::client::{Ask, Client, Connection, Protocol, tls};
use zoneway_tests::household::Household;

/// Requests that must not be served.
const FORGED: u64 = 10_000;
/// Connections that they are spread over.
const CONNECTIONS: u64 = 8;
/// What makes the same requests in every run.
const SEED: u64 = 0x5eed;

/// The service `opened` has what is exposed, `closed` what is not; both run on both nodes of the household.
const SITE: &str = r#"
version: 1
settings:
  home: 403
  domain: stuartpb.com
  peer_authentication: {ca: "${dir}/ca.pem", crl: "${dir}/crl.pem", certificate: "${dir}/{node}.pem", key: "${dir}/{node}.key"}
zones:
  403:
    speaks_for: [403, exposed]
    nodes:
      studtop: {address: "${studtop.peer}", listen: "${studtop.peer}", ingress: ["${studtop.ingress}"]}
      stuchip: {address: "${stuchip.peer}", listen: "${stuchip.peer}"}
    links: [{to: exposed, gateways: [edge]}]
  exposed:
    public: true
    nodes: {edge: {address: "${edge.peer}", listen: "${edge.peer}"}}
    links: [{to: 403, gateways: [studtop, stuchip]}]
services:
  opened: {at: {studtop: "${studtop.opened}", stuchip: "${stuchip.opened}"}}
  closed: {at: {studtop: "${studtop.closed}", stuchip: "${stuchip.closed}"}}
hosts:
  shop.stuartpb.com:
    expose_to: [403, exposed]
    paths:
      /: opened
      /admin: {service: closed, expose_to: [403]}
      /api/private: {service: closed, expose_to: [403]}
  diary.403.stuartpb.com: closed
  films.403.stuartpb.com: {paths: {/: closed, /posters: closed}}
  "*.wild.stuartpb.com": {expose_to: [exposed], service: opened}
  secret.wild.stuartpb.com: closed
  "**.deep.stuartpb.com": closed
  open.deep.stuartpb.com: {expose_to: [403, exposed], service: opened}
"#;

/// Numbers that are the same in every run (SplitMix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % (limit as u64)).unwrap_or(0)
    }

    fn pick<T: Copy + Default>(&mut self, of: &[T]) -> T {
        let index = self.below(of.len());
        of.get(index).copied().unwrap_or_default()
    }
}

const EXPOSED: [(&str, &str); 6] = [
    ("shop.stuartpb.com", "/"),
    ("shop.stuartpb.com", "/api"),
    ("shop.stuartpb.com", "/administrator"),
    ("any.wild.stuartpb.com", "/admin"),
    ("open.deep.stuartpb.com", "/x"),
    ("SHOP.stuartpb.com:8443", "/?a=/admin"),
];
const HIDDEN_HOSTS: [&str; 9] = [
    "diary.403.stuartpb.com",
    "DIARY.403.stuartpb.com",
    "diary.403.stuartpb.com:443",
    "films.403.stuartpb.com",
    "secret.wild.stuartpb.com",
    "a.deep.stuartpb.com",
    "a.b.deep.stuartpb.com",
    "two.labels.wild.stuartpb.com",
    "nobody.stuartpb.com",
];
const PATHS: [&str; 8] = ["/", "/x", "/posters", "/posters/1", "/admin", "/api/private", "/?x", "/%2e%2e/"];
const HIDDEN_PATHS: [&str; 10] = [
    "/admin",
    "/admin/",
    "/admin/users?x",
    "//admin",
    "/./admin",
    "/x/../admin",
    "/%61dmin",
    "/api/private",
    "/api/private/keys",
    "/api//private",
];
const SOURCES: [&str; 8] = ["exposed", "403", "elsewhere", "", "403,exposed", "exposed,403", "Exposed", "*"];
const TRAILS: [&str; 14] = [
    "exposed/edge",
    "403/studtop",
    "403/stuchip",
    "403/studtop,exposed/edge",
    "403/unknown,exposed/edge",
    "exposed/other",
    "exposed/edge,exposed/edge",
    "exposed/other,exposed/edge",
    "elsewhere/edge",
    "exposed/edge,403/stuchip",
    "exposed/edge, exposed/edge",
    "",
    "edge",
    "exposed/",
];
const FORGERIES: [(&str, &str); 16] = [
    ("x-zoneway-cluster", "zoneway/peers"),
    ("x-zoneway-cluster", "service/closed"),
    ("x-zoneway-cluster", "zoneway/zone/403"),
    ("x-zoneway-endpoints", "${studtop.closed}"),
    ("x-zoneway-endpoints", "${stuchip.peer}"),
    ("x-zoneway-tunnel", "studtop"),
    ("x-zoneway-source", "403"),
    ("x-zoneway-trail", "403/stuchip"),
    ("x_zoneway_source", "403"),
    ("x-forwarded-for", "192.168.86.23"),
    ("x-forwarded-host", "diary.403.stuartpb.com"),
    ("x-real-ip", "127.0.0.1"),
    ("x-envoy-internal", "true"),
    ("x-envoy-original-path", "/admin"),
    ("x-original-url", "/admin"),
    ("cdn-loop", "zoneway"),
];

/// A request that nobody but the household may have answered. Of everything that it says, something is not so: host or path are
/// not exposed, or source and trail are not the node's own.
fn forged(dice: &mut Dice, forgeries: &[(&str, &str)]) -> Ask {
    let (mut source, mut trail) = (dice.pick(&SOURCES), dice.pick(&TRAILS));
    let (host, path) = match dice.below(3) {
        0 => (dice.pick(&HIDDEN_HOSTS), dice.pick(&PATHS)),
        1 => ("shop.stuartpb.com", dice.pick(&HIDDEN_PATHS)),
        _ => {
            // What is exposed, asked for in another's name: each of these would be the household's own.
            (source, trail) = match dice.below(3) {
                0 => ("403", dice.pick(&TRAILS)),
                1 => (dice.pick(&SOURCES), "403/stuchip"),
                _ => (dice.pick(&["elsewhere", "", "403,exposed"]), "exposed/edge"),
            };
            dice.pick(&EXPOSED)
        }
    };
    // Half of the hidden ones are asked for as an honest node would ask.
    if dice.below(2) == 0 && !EXPOSED.contains(&(host, path)) {
        (source, trail) = ("exposed", "exposed/edge");
    }
    let mut ask = match dice.below(4) {
        0 => Ask::post(host, path, "x"),
        1 => Ask::get(host, path).method(hyper::Method::OPTIONS),
        _ => Ask::get(host, path),
    };
    ask = ask.header("x-zoneway-source", source).header("x-zoneway-trail", trail);
    for _ in 0..dice.below(4) {
        let (name, value) = dice.pick(forgeries);
        ask = ask.header(name, value);
    }
    ask
}

/// Sends every request of a share over one connection after the other, and gives how many were refused.
async fn send(client: Client, asks: Vec<Ask>) -> Result<u64> {
    let mut connection: Option<Connection> = None;
    let mut refused = 0;
    for ask in asks {
        let open = match connection.take() {
            Some(open) if !open.is_closed() => open,
            _ => client.connect().await?,
        };
        let open = connection.insert(open);
        // A stream that is reset was not answered either; the connection lives on, or the next request opens one.
        let answer = tokio::time::timeout(zoneway_tests::client::ANSWER_LIMIT, open.send(&ask));
        if let Ok(answer) = answer.await.with_context(|| format!("no answer to {ask:?}"))? {
            ensure!((400..=599).contains(&answer.status), "{ask:?} was answered with {answer:?}");
            ensure!(answer.header("x-service").is_empty(), "{ask:?} reached a service: {answer:?}");
        }
        refused += 1;
    }
    Ok(refused)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_captured_public_node_reaches_none_of_ten_thousand_things_that_are_not_exposed() -> Result<()> {
    let household = Household::start(SITE).await?;
    let (certificate, key) = household.identity("edge");
    let captured = tls::identity(&certificate, &key)?;
    let gateways = ["studtop.peer", "stuchip.peer"].map(|place| household.places.get(place));
    let [studtop, stuchip] = gateways;
    let dial = |at| Client::new(at, Protocol::Http2).tls(Arc::clone(&captured));
    let clients = [dial(studtop?), dial(stuchip?)];
    let place = |name: &str| household.places.get(name).map(|at| at.to_string());
    let (service, peer) = (place("studtop.closed")?, place("stuchip.peer")?);
    let forgeries = FORGERIES.map(|(name, value)| match value {
        "${studtop.closed}" => (name, service.as_str()),
        "${stuchip.peer}" => (name, peer.as_str()),
        value => (name, value),
    });

    let mut sent = JoinSet::new();
    let mut dice = Dice(SEED);
    for share in 0..CONNECTIONS {
        let asks = (0..FORGED / CONNECTIONS).map(|_| forged(&mut dice, &forgeries)).collect();
        let client = if share % 2 == 0 { &clients[0] } else { &clients[1] };
        sent.spawn(send(client.clone(), asks));
    }
    let mut refused = 0;
    while let Some(share) = sent.join_next().await {
        refused += share??;
    }
    assert_eq!(refused, FORGED);
    for place in ["studtop.closed", "stuchip.closed", "studtop.opened", "stuchip.opened"] {
        assert_eq!(household.requests(place)?, 0, "{place} was reached");
    }

    // What is exposed is there for it all the while, in its own name.
    for client in &clients {
        for (host, path) in EXPOSED {
            let ask = Ask::get(host, path).header("x-zoneway-source", "exposed");
            let answer = client.send(&ask.header("x-zoneway-trail", "exposed/edge")).await?;
            assert_eq!(answer.report()?.service, "opened", "{host}{path}");
        }
    }
    Ok(())
}
