//! The site that most tests run: a household and a public node, as in the design's example.

/// Zone 403 with the nodes studtop and stuchip, public zone exposed with the node edge. Each host is named after what is
/// special about it:
///
/// * `dashboard.403.stuartpb.com` is at studtop, for 403 alone;
/// * `films.stuartpb.com` is at stuchip, `music.stuartpb.com` at studtop, `status.stuartpb.com` at edge, for both zones;
/// * `notes.stuartpb.com` is at both nodes of 403, its `/admin` for 403 alone;
/// * `calls.stuartpb.com` (stuchip), `lines.stuartpb.com` (studtop) and `pages.stuartpb.com` (edge) speak HTTP/2 to their
///   services.
pub const TWO_ZONES: &str = r#"
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
      stuchip: {address: "${stuchip.peer}", listen: "${stuchip.peer}", ingress: ["${stuchip.ingress}"]}
    links: [{to: exposed, cost: 10, gateways: [edge]}]
  exposed:
    public: true
    nodes:
      edge: {address: "${edge.peer}", listen: "${edge.peer}", ingress: ["${edge.ingress}"]}
    links: [{to: 403, gateways: [studtop, stuchip]}]
services:
  dashboard: {at: {studtop: "${studtop.dashboard}"}}
  films: {at: {stuchip: "${stuchip.films}"}}
  music: {at: {studtop: "${studtop.music}"}}
  notes: {at: {studtop: "${studtop.notes}", stuchip: "${stuchip.notes}"}}
  status: {at: {edge: "${edge.status}"}}
  calls: {at: {stuchip: "${stuchip.calls}"}, protocol: h2c}
  lines: {at: {studtop: "${studtop.lines}"}, protocol: h2c}
  pages: {at: {edge: "${edge.pages}"}, protocol: h2c}
hosts:
  dashboard.403.stuartpb.com: dashboard
  films.stuartpb.com: {expose_to: [403, exposed], service: films}
  music.stuartpb.com: {expose_to: [403, exposed], service: music}
  status.stuartpb.com: {expose_to: [403, exposed], service: status}
  calls.stuartpb.com: {expose_to: [403, exposed], service: calls}
  lines.stuartpb.com: {expose_to: [403, exposed], service: lines}
  pages.stuartpb.com: {expose_to: [403, exposed], service: pages}
  notes.stuartpb.com:
    expose_to: [403, exposed]
    paths:
      /: notes
      /admin: {service: notes, expose_to: [403]}
"#;

/// [`TWO_ZONES`] with one line changed: these gateways, with commas between, dial the public zone's nodes.
#[must_use]
pub fn tunnelled(gateways: &str) -> String {
    let dialled = "links: [{to: 403, gateways: [studtop, stuchip]}]";
    TWO_ZONES.replace(dialled, &format!("links: [{{to: 403, gateways: [{gateways}], tunnel: true}}]"))
}

/// Three zones in a row, of which only neighbours can dial each other: 403 (studtop), cloud (middle), exposed (edge).
/// `films.stuartpb.com` is at studtop, for all; `status.stuartpb.com` at edge, for all; `dashboard.403.stuartpb.com` at
/// studtop, for 403 alone. `calls.stuartpb.com` (studtop) and `pages.stuartpb.com` (edge), for all, speak HTTP/2 to their
/// services.
pub const THREE_ZONES: &str = r#"
version: 1
settings:
  home: 403
  domain: stuartpb.com
  peer_authentication: {ca: "${dir}/ca.pem", crl: "${dir}/crl.pem", certificate: "${dir}/{node}.pem", key: "${dir}/{node}.key"}
zones:
  403:
    speaks_for: [403, cloud, exposed]
    nodes:
      studtop: {address: "${studtop.peer}", listen: "${studtop.peer}", ingress: ["${studtop.ingress}"]}
    links: [{to: cloud, gateways: [middle]}]
  cloud:
    speaks_for: [403, cloud, exposed]
    nodes:
      middle: {address: "${middle.peer}", listen: "${middle.peer}", ingress: ["${middle.ingress}"]}
    links:
      - {to: 403, gateways: [studtop]}
      - {to: exposed, gateways: [edge]}
  exposed:
    public: true
    nodes:
      edge: {address: "${edge.peer}", listen: "${edge.peer}", ingress: ["${edge.ingress}"]}
    links: [{to: cloud, gateways: [middle]}]
services:
  dashboard: {at: {studtop: "${studtop.dashboard}"}}
  films: {at: {studtop: "${studtop.films}"}}
  status: {at: {edge: "${edge.status}"}}
  calls: {at: {studtop: "${studtop.calls}"}, protocol: h2c}
  pages: {at: {edge: "${edge.pages}"}, protocol: h2c}
hosts:
  dashboard.403.stuartpb.com: dashboard
  films.stuartpb.com: {expose_to: [403, cloud, exposed], service: films}
  calls.stuartpb.com: {expose_to: [403, cloud, exposed], service: calls}
  pages.stuartpb.com: {expose_to: [403, cloud, exposed], service: pages}
  status.stuartpb.com: {expose_to: [403, cloud, exposed], service: status}
"#;
