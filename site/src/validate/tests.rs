//! What a site is refused for, and where; and what it means where nothing is written.

use core::net::SocketAddr;

use zoneway_core::name::{NodeId, ZoneName};

use crate::network::Network;
use crate::site::{AccessLog, Clients, PeerAuthentication, Site, Verify, Way};
use crate::wire;

fn read(yaml: &str) -> Result<wire::Site, String> {
    serde_saphyr::from_str(yaml).map_err(|error| error.without_snippet().to_string())
}

fn site(yaml: &str) -> Site {
    Site::try_from(read(yaml).expect("the site is YAML")).expect("the site is valid")
}

/// Expects faults at exactly these paths.
#[track_caller]
fn check(yaml: &str, paths: &[&str]) {
    let written = read(yaml).expect("the site is YAML");
    match Site::try_from(&written) {
        Ok(_) => assert!(paths.is_empty(), "accepted: {yaml}"),
        Err(error) => {
            let found: Vec<&str> = error.0.iter().map(|fault| fault.path.as_str()).collect();
            assert_eq!(found, paths, "{error}");
        }
    }
}

/// A site of zones 403 (nodes a, b) and exposed (public, node edge), with more zones and other sections.
fn with(zones: &str, rest: &str) -> String {
    format!(
        "{{version: 1, zones: {{403: {{nodes: {{a: 10.0.0.1, b: 10.0.0.2}}}}, \
           exposed: {{public: true, nodes: {{edge: 203.0.113.7}}}}, {zones}}}, {rest}}}"
    )
}

#[track_caller]
fn check_rest(rest: &str, paths: &[&str]) {
    check(&with("", rest), paths);
}

#[track_caller]
fn check_zone(zone: &str, paths: &[&str]) {
    check(&with(&format!("z: {zone}"), ""), paths);
}

fn zone(site: &Site, name: &str) -> crate::Zone {
    site.zones()[name].clone()
}

#[test]
fn what_stands_in_a_zone_without_a_proper_name_is_checked_all_the_same() {
    check(
        &with("a b: {nodes: {c: \"10.0.0.1:0\", a: 10.0.0.1}, links: [{to: nowhere}]}", ""),
        &[
            "zones[\"a b\"]",
            "zones[\"a b\"].nodes.a",
            "zones[\"a b\"].nodes.c.address",
            "zones[\"a b\"].links[0].to",
        ],
    );
}

#[test]
fn the_example_is_valid_and_two_sections_are_enough() {
    site(include_str!("../../tests/data/example.yaml"));
    check("{version: 1, zones: {}}", &[]);
    assert!(read("{version: 1}").is_err());
    assert!(read("{zones: {}}").is_err());
    check("{version: 2, zones: {}}", &["version"]);
}

#[test]
fn a_typo_and_a_repeated_key_are_errors_wherever_they_stand() {
    for yaml in [
        "{version: 1, zones: {}, zone: {}}",
        "{version: 1, zones: {a: {public: true, nods: {}}}}",
        "{version: 1, zones: {a: {nodes: {n: {address: 1.2.3.4, lisen: 0.0.0.0:1}}}}}",
        "{version: 1, zones: {a: {nodes: {n: {address: 1.2.3.4, ingress: [{listen: '1.2.3.4:1', tsl: {}}]}}}}}",
        "{version: 1, zones: {a: {links: [{to: b, via: c}]}}}",
        "{version: 1, zones: {}, services: {s: {on: {}}}}",
        "{version: 1, zones: {}, services: {s: {at: {n: {address: 'a:1', wieght: 1}}}}}",
        "{version: 1, zones: {}, hosts: {h: {expose: [a]}}}",
        "{version: 1, zones: {}, hosts: {h: {paths: {/: {service: s, prefer: zone}}}}}",
        "{version: 1, zones: {}, settings: {policies: {unknown: pass}}}",
        "{version: 1, zones: {}, settings: {balance: sometimes}}",
        "{version: 1, zones: {}, settings: {balance: {cooky: a}}}",
        "{version: 1, zones: {}, zones: {}}",
        "{version: 1, zones: {403: {}, '403': {}}}",
        "{version: 1, zones: {a: {nodes: {n: 1.2.3.4, n: 1.2.3.5}}}}",
        "{version: 1, zones: {}, hosts: {h: s, h: s}}",
        "{version: 1, zones: {}, hosts: {h: {paths: {/: s, /: s}}}}",
        "{version: 1, zones: {}, settings: null}",
    ] {
        assert!(read(yaml).is_err(), "{yaml}");
    }
}

#[test]
fn a_number_is_a_name_wherever_a_name_may_stand() {
    let site = site(
        "{version: 1, settings: {home: 403, peer_authentication: {none: {zones: [403]}}},
          zones: {403: {speaks_for: [403, 7], nodes: {1: 10.0.0.1, 2: {address: 10.0.0.2, ingress: [
                          {listen: '0.0.0.0:80', source_zone: 7, source_networks: [], outside_zone: 403}]}},
                        links: [{to: 7, egress: [1], gateways: [3], address: {3: 192.0.2.1}}]},
                  7: {nodes: {3: 10.0.0.3}}},
          services: {5: {at: {1: '127.0.0.1:1'}}},
          hosts: {h: 5, i: {expose_to: [403, 7], paths: {/: 5, /x: {service: 5, expose_to: [7]}}}, j: {service: 5}}}",
    );
    assert_eq!(site.hosts().len(), 3);
    assert_eq!(site.settings().home.as_ref().map(ZoneName::as_str), Some("403"));
    assert_eq!(zone(&site, "403").links["7"].gateways.keys().map(NodeId::as_str).collect::<Vec<_>>(), ["3"]);
}

#[test]
fn unknown_names_are_errors() {
    check_rest("settings: {home: else}", &["settings.home"]);
    check_rest(
        "settings: {peer_authentication: {none: {zones: [else]}}}",
        &["settings.peer_authentication.none.zones[0]"],
    );
    check_rest(
        "settings: {ingress: ['0.0.0.0:80', {listen: '0.0.0.0:81', source_zone: else, outside_zone: other}]}",
        &["settings.ingress[1].source_zone", "settings.ingress[1].outside_zone"],
    );
    check_zone("{speaks_for: [z, else]}", &["zones.z.speaks_for[1]"]);
    check_zone("{links: [{to: else, gateways: [n]}]}", &["zones.z.links[0].to"]);
    check_zone(
        "{links: [{to: 403, egress: [ghost], gateways: [a, ghost]}]}",
        &["zones.z.links[0].egress[0]", "zones.z.links[0].gateways[1]"],
    );
    check_rest("services: {s: {at: {ghost: '127.0.0.1:1'}}}", &["services.s.at.ghost"]);
    check_rest(
        "hosts: {h.b: ghost, i: {paths: {/: ghost, /x: {service: ghost, expose_to: [else]}}}}",
        &[
            "hosts[\"h.b\"].service",
            "hosts.i.paths[\"/\"].service",
            "hosts.i.paths[\"/x\"].expose_to[0]",
            "hosts.i.paths[\"/x\"].service",
        ],
    );
    check_rest("hosts: {h: {expose_to: [else], paths: {}}}", &["hosts.h.expose_to[0]"]);
}

#[test]
fn what_is_not_where_it_should_be_is_an_error() {
    check_zone("{nodes: {a: 10.0.0.9}}", &["zones.z.nodes.a"]);
    check_zone("{links: [{to: 403, gateways: [edge]}]}", &["zones.z.links[0].gateways[0]"]);
    check_zone("{nodes: {n: 10.0.0.9}, links: [{to: 403, egress: [a]}]}", &["zones.z.links[0].egress[0]"]);
    check_rest("settings: {home: exposed}", &["settings.home"]);
    check_zone("{links: [{to: 403, tunnel: true, address: {a: 1.2.3.4}}]}", &["zones.z.links[0]"]);
    check_zone("{links: [{to: 403, tunnel: false, address: {a: 1.2.3.4}}]}", &[]);
    check_zone("{links: [{to: 403, gateways: [a], address: {b: 1.2.3.4}}]}", &["zones.z.links[0].address.b"]);
    check_zone("{links: [{to: 403, address: {edge: 1.2.3.4}}]}", &["zones.z.links[0].address.edge"]);
    check_zone("{links: [{to: z}]}", &["zones.z.links[0].to"]);
    check_zone("{links: [{to: 403}, {to: 403}]}", &["zones.z.links[1].to"]);
}

#[test]
fn several_public_zones_need_a_word_where_clients_could_be_of_either() {
    let two = |ingress: &str, paths: &[&str]| {
        check(
            &format!(
                "{{version: 1, zones: {{p: {{public: true}}, q: {{public: true}}, z: {{nodes: {{n: {{address: 10.0.0.1,
                   ingress: [{ingress}]}}}}}}}}}}"
            ),
            paths,
        );
    };
    let at = "zones.z.nodes.n.ingress[0]";
    two("'0.0.0.0:80'", &[at]);
    two("{listen: '0.0.0.0:80', source_networks: [10.0.0.0/8]}", &[at]);
    two("{listen: '0.0.0.0:80', source_zone: z, source_networks: [10.0.0.0/8]}", &[at]);
    two("{listen: '0.0.0.0:80', source_zone: z}", &[]);
    two("{listen: '0.0.0.0:80', outside_zone: q}", &[]);
    check(
        "{version: 1, settings: {ingress: ['0.0.0.0:80']}, zones: {p: {public: true}, q: {public: true}}}",
        &["settings.ingress[0]"],
    );
    check("{version: 1, zones: {p: {public: true}, q: {public: true}}}", &[]);
}

#[test]
fn home_is_needed_only_where_no_zone_is_named() {
    let two = |rest: &str, paths: &[&str]| {
        check(&format!("{{version: 1, zones: {{a: {{}}, b: {{}}}}, services: {{s: {{}}}}, {rest}}}"), paths);
    };
    two("hosts: {h: {expose_to: [a], service: s}, i: {paths: {/: {service: s, expose_to: [b]}}}}", &[]);
    two("hosts: {h: s}", &["hosts.h"]);
    two("hosts: {h: {paths: {/: {expose_to: [a]}, /x: s}}}", &["hosts.h.paths[\"/x\"]"]);
    two("hosts: {h: s}, settings: {home: b}", &[]);
    check("{version: 1, zones: {p: {public: true}}, services: {s: {}}, hosts: {h: s}}", &["hosts.h"]);
}

#[test]
fn what_a_table_refuses_a_site_refuses() {
    check("{version: 1, zones: {'-': {}}}", &["zones.-"]);
    check_zone("{nodes: {N: 10.0.0.1}}", &["zones.z.nodes.N"]);
    check_zone("{nodes: {n: '10.0.0.1:0'}}", &["zones.z.nodes.n.address"]);
    check_zone("{nodes: {n: '[fe80::1%1]:1'}}", &["zones.z.nodes.n.address"]);
    check_zone("{nodes: {n: '[fd00:0::1]:1'}}", &["zones.z.nodes.n.address"]);
    check_zone("{nodes: {n: {address: 10.0.0.1, listen: 'x:1'}}}", &["zones.z.nodes.n.listen"]);
    check_zone("{links: [{to: 403, cost: 0}]}", &["zones.z.links[0].cost"]);
    check_zone("{links: [{to: 403, cost: 1000001}]}", &["zones.z.links[0].cost"]);
    check_zone("{links: [{to: 403, cost: 1000000, gateways: []}]}", &[]);
    check_zone("{links: [{to: 403, gateways: [a, a]}]}", &["zones.z.links[0].gateways[1]"]);
    check_zone("{speaks_for: [z, z]}", &["zones.z.speaks_for[1]"]);
    check_rest("services: {s: {at: {a: {address: 'a:1', weight: 1000001}}}}", &["services.s.at.a.weight"]);
    check_rest("services: {s: {at: {a: '127.0.0.1'}}}", &["services.s.at.a"]);
    check_rest("services: {s: {at: {a: ['127.0.0.1:1', 'x']}}}", &["services.s.at.a[1]"]);
    check_rest(
        "hosts: {A: {}, b.: {}, 1.2.3.4: {}, '*.*.b': {}, 'x:80': {}}",
        &["hosts[\"*.*.b\"]", "hosts[\"1.2.3.4\"]", "hosts.A", "hosts[\"b.\"]", "hosts[\"x:80\"]"],
    );
    check_rest("hosts: {h: {expose_to: [403, 403]}}", &["hosts.h.expose_to[1]"]);
    check_rest(
        "hosts: {h: {paths: {/a/: {}, a: {}, /a?b: {}, /a/../b: {}}}}",
        &[
            "hosts.h.paths[\"/a/\"]",
            "hosts.h.paths[\"/a/../b\"]",
            "hosts.h.paths[\"/a?b\"]",
            "hosts.h.paths.a",
        ],
    );
    check_rest("services: {s: {}}, hosts: {h: {service: s, paths: {}}}", &["hosts.h"]);
}

#[test]
fn limits_of_the_table_hold() {
    let many = |count: usize, one: &dyn Fn(usize) -> String| (0..count).map(one).collect::<String>();
    let zones = format!("{{version: 1, zones: {{{}}}}}", many(257, &|n| format!("z{n}: {{}}, ")));
    check(&zones, &["zones"]);
    let paths = many(65, &|n| format!("/{n}: {{}}, "));
    check_rest(&format!("hosts: {{h: {{paths: {{{paths}}}}}}}"), &["hosts.h.paths"]);
    let nodes = many(10_001, &|n| format!("n{n}: 10.0.0.1, "));
    check_zone(&format!("{{nodes: {{{nodes}}}}}"), &["zones.z.nodes"]);
}

#[test]
fn settings_are_checked_and_have_defaults() {
    check_rest("settings: {domain: Example.com}", &["settings.domain"]);
    check_rest("settings: {peer_authentication: {ca: a}}", &["settings.peer_authentication"]);
    check_rest(
        "settings: {peer_authentication: {ca: a, certificate: b, key: c, none: {zones: []}}}",
        &["settings.peer_authentication"],
    );
    check_rest("settings: {ingress: ['80']}", &["settings.ingress[0].listen"]);
    check_rest("settings: {ingress: ['0.0.0.0:80', '0.0.0.0:80']}", &["settings.ingress[1]"]);
    check_rest(
        "settings: {ingress: [{listen: '0.0.0.0:80', source_networks: [10.0.0.1/8, here]}]}",
        &["settings.ingress[0].source_networks[0]", "settings.ingress[0].source_networks[1]"],
    );
    let settings = site(&with("", "")).settings().clone();
    assert_eq!(settings.home.as_ref().map(ZoneName::as_str), Some("403"), "the only zone that is not public");
    assert_eq!((settings.max_hops, settings.max_table_bytes), (8, 32 << 20));
    assert_eq!(settings.peer_authentication, None);
    let site = site(&with("", "settings: {peer_authentication: {none: {zones: [403]}}}"));
    assert!(matches!(site.settings().peer_authentication, Some(PeerAuthentication::None { .. })));
}

#[test]
fn a_listener_has_certificates_and_a_limit() {
    let check_ingress = |rest: &str, paths: &[&str]| {
        check_rest(&format!("settings: {{ingress: [{{listen: '0.0.0.0:443', {rest}}}]}}"), paths);
    };
    let at = "settings.ingress[0]";
    check_ingress("tls: {certificate: a, key: b}", &[]);
    check_ingress("tls: [{certificate: a, key: b}, {certificate: c, key: b}]", &[]);
    check_ingress("tls: []", &[&format!("{at}.tls")]);
    check_ingress("tls: {certificate: '', key: b}", &[&format!("{at}.tls.certificate")]);
    check_ingress(
        "tls: [{certificate: a, key: b}, {certificate: a, key: ''}]",
        &[&format!("{at}.tls[1].key"), &format!("{at}.tls[1]")],
    );
    for requests in ["0", "1000001"] {
        check_ingress(
            &format!("rate_limit: {{requests: {requests}}}"),
            &[&format!("{at}.rate_limit.requests")],
        );
    }
    let site = site(
        "{version: 1, settings: {ingress: [
           {listen: '0.0.0.0:443', tls: [{certificate: a, key: b}, {certificate: c, key: d}], rate_limit: {requests: 60, per: minute}},
           {listen: '0.0.0.0:80', rate_limit: {requests: 7}}, '0.0.0.0:8080']},
         zones: {h: {nodes: {n: 10.0.0.1}}}}",
    );
    let ingress = &zone(&site, "h").nodes["n"].ingress;
    let named: Vec<Vec<&str>> =
        ingress.iter().map(|one| one.tls.iter().map(|tls| tls.certificate.as_str()).collect()).collect();
    assert_eq!(named, [vec!["a", "c"], vec![], vec![]]);
    let limits: Vec<_> =
        ingress.iter().map(|one| one.rate_limit.map(|l| (l.requests, l.per.as_secs()))).collect();
    assert_eq!(limits, [Some((60, 60)), Some((7, 1)), None]);
}

#[test]
fn a_request_is_logged_on_standard_output_in_a_file_or_nowhere() {
    for (written, meant) in [
        ("{}", AccessLog::Stdout),
        ("{access_log: stdout}", AccessLog::Stdout),
        ("{access_log: none}", AccessLog::None),
        ("{access_log: /var/log/zoneway.log}", AccessLog::File("/var/log/zoneway.log".to_owned())),
    ] {
        assert_eq!(site(&with("", &format!("settings: {written}"))).settings().access_log, meant);
    }
    check_rest("settings: {access_log: zoneway.log}", &["settings.access_log"]);
}

#[test]
fn a_nodes_listeners_are_its_own_or_the_settings() {
    let site = site(
        "{version: 1, settings: {ingress: ['0.0.0.0:80']}, zones: {
           h: {nodes: {n: 10.0.0.1:7, m: {address: 'm.home', listen: '[::]:9', ingress: [
             {listen: '0.0.0.0:443', source_zone: p}, {listen: '0.0.0.0:8', source_networks: [10.0.0.0/8]}]}}},
           p: {public: true}}}",
    );
    let nodes = zone(&site, "h").nodes;
    let at = |text: &str| text.parse::<SocketAddr>().expect("an address");
    assert_eq!((nodes["n"].listen, nodes["m"].listen), (at("0.0.0.0:7"), at("[::]:9")));
    let public = ZoneName::parse("p").ok();
    let own = ZoneName::parse("h").expect("a name");
    assert_eq!(
        nodes["n"].ingress[0].clients,
        Clients::ByNetwork {
            inside: own.clone(),
            networks: Network::HOUSEHOLD.to_vec(),
            outside: public.clone()
        }
    );
    assert_eq!(Some(nodes["m"].ingress[0].clients.clone()), public.clone().map(Clients::All));
    let networks = vec![Network::parse("10.0.0.0/8").expect("a network")];
    assert_eq!(nodes["m"].ingress[1].clients, Clients::ByNetwork { inside: own, networks, outside: public });
    assert_eq!(site.names().into_iter().collect::<Vec<_>>(), ["m.home"]);
}

#[test]
fn a_public_zone_speaks_for_itself_alone_whatever_is_written() {
    let site = site("{version: 1, zones: {p: {public: true, speaks_for: [z, p]}, z: {speaks_for: []}}}");
    assert_eq!(zone(&site, "p").speaks_for.iter().map(ZoneName::as_str).collect::<Vec<_>>(), ["p"]);
    assert!(zone(&site, "z").speaks_for.is_empty());
}

#[test]
fn links_and_services_have_their_defaults() {
    let site = site(&with(
        "z: {links: [{to: 403}, {to: exposed, tunnel: true}]}",
        "services: {s: {at: {a: 'localhost:1', b: ['127.0.0.1:1', '127.0.0.1:2'], edge: []}, verify: ca.pem}, t: {}}",
    ));
    let links = zone(&site, "z").links;
    assert_eq!(links["403"].cost, 1);
    assert_eq!(links["403"].gateways.len(), 2);
    assert!(matches!(&links["403"].gateways["b"], Way::Dial(place) if place.to_string() == "10.0.0.2:15443"));
    assert_eq!(links["exposed"].gateways["edge"], Way::Tunnel);
    let services = site.services();
    let weights: Vec<u64> = services["s"].at.values().map(|served| served.weight).collect();
    assert_eq!(weights, [1, 1, 0], "where no address is nothing is served");
    assert_eq!(services["s"].verify, Verify::Ca("ca.pem".to_owned()));
    assert_eq!(services["t"].verify, Verify::System);
}
