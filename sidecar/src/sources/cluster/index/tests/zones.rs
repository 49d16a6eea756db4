//! Zones: objects and labels, links, machines of their own.

use zoneway_core::name::ZoneName;
use zoneway_site::{Site, Way};

use super::{at_home, lines, nodes, notes};

fn zone(name: &str, spec: &str) -> String {
    format!(
        "{{apiVersion: st8s.stuartpb.com/v1alpha1, kind: Zone, metadata: {{name: '{name}'}}, spec: {{{spec}}}}}\n---\n"
    )
}

/// A line a link: `FROM -> TO cost COST from EGRESS by GATEWAY=ADDRESS`.
#[track_caller]
fn check(manifests: &str, expected: &str, expected_notes: &str) {
    let picture = at_home(manifests);
    let site = Site::try_from(picture.site.as_ref()).expect("it was checked");
    let mut shown = Vec::new();
    for (zone, entry) in site.zones() {
        for (to, link) in &entry.links {
            let egress = link.egress.as_ref().map_or("all".to_owned(), |nodes| {
                nodes.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
            });
            let gateways = link.gateways.iter().map(|(node, way)| match way {
                Way::Dial(address) => format!(" {node}={address}"),
                Way::Tunnel => format!(" {node}=tunnel"),
            });
            shown.push(format!(
                "{zone} -> {to} cost {} from {egress} by{}",
                link.cost,
                gateways.collect::<String>()
            ));
        }
    }
    assert_eq!(shown.join("\n"), lines(expected), "{:#?}", picture.notes);
    assert_eq!(notes(&picture), lines(expected_notes), "{:#?}", picture.notes);
}

#[test]
fn public_alone_is_a_whole_zone() {
    let picture = at_home(&zone("exposed", "public: true"));
    let site = Site::try_from(picture.site.as_ref()).expect("a site");
    let exposed = &site.zones()[&ZoneName::parse("exposed").expect("a name")];
    assert!(exposed.public && exposed.nodes.is_empty());
    assert_eq!(notes(&picture), "");
}

#[test]
fn a_zone_that_is_only_a_label_has_the_defaults() {
    let picture = at_home(
        "{apiVersion: v1, kind: Node, metadata: {name: 'n', labels: {st8s.stuartpb.com/zone: garage}}, status: {}}",
    );
    let site = Site::try_from(picture.site.as_ref()).expect("a site");
    let garage = ZoneName::parse("garage").expect("a name");
    let zone = &site.zones()[&garage];
    assert!(!zone.public && zone.links.is_empty() && zone.speaks_for.iter().eq([&garage]));
}

#[test]
fn a_home_is_never_public() {
    let picture = at_home(&zone("403", "public: true"));
    assert_eq!(picture.site.zones["403"].public, None);
    assert_eq!(notes(&picture), "ZoneUnusable Zone 403");
}

#[test]
fn a_zone_speaks_for_whom_it_says() {
    let speaks = |spec: &str| {
        let picture = at_home(&zone("403", spec));
        let site = Site::try_from(picture.site.as_ref()).expect("a site");
        let speaks: Vec<String> = site.zones()[&ZoneName::parse("403").expect("a name")]
            .speaks_for
            .iter()
            .map(ToString::to_string)
            .collect();
        (speaks.join(","), notes(&picture))
    };
    assert_eq!(speaks(""), ("403".to_owned(), String::new()));
    assert_eq!(speaks("speaksFor: ['403', exposed]"), ("403,exposed".to_owned(), String::new()));
    assert_eq!(speaks("speaksFor: ['403', garage]"), ("403".to_owned(), "UnknownZone Zone 403".to_owned()));
}

#[test]
fn machines_that_are_no_nodes_stand_in_their_zone() {
    let at = |manifests: &str| nodes(&at_home(manifests));
    let home = "403/stuchip 192.168.86.29:15443\n403/studtop 192.168.86.23:15443";
    assert_eq!(at(""), format!("{home}\nexposed/edge 203.0.113.7:15443"));
    assert_eq!(
        at(&zone(
            "exposed",
            "public: true, nodes: [{name: edge, address: 'edge.example.com:443'}, {name: two, address: 'fd00::2'}]"
        )),
        format!("{home}\nexposed/edge edge.example.com:443\nexposed/two [fd00::2]:15443")
    );
    let wrong = at_home(&zone(
        "exposed",
        "public: true, nodes: [{name: studtop, address: 10.0.0.1}, {name: Edge_, address: 10.0.0.1}, {name: edge, address: '!'}]",
    ));
    assert_eq!(nodes(&wrong), home);
    assert_eq!(wrong.notes.len(), 3, "{:#?}", wrong.notes);
}

#[test]
fn a_link_has_all_nodes_of_both_zones_where_it_does_not_say() {
    check(
        &zone("403", "links: [{to: exposed}]"),
        "403 -> exposed cost 1 from all by edge=203.0.113.7:15443",
        "",
    );
}

#[test]
fn a_link_has_a_cost_and_who_uses_it() {
    check(
        &zone("403", "links: [{to: exposed, cost: 10, egress: {matchLabels: {disk: ssd}}}]"),
        "403 -> exposed cost 10 from studtop by edge=203.0.113.7:15443",
        "",
    );
    check(
        &zone("403", "links: [{to: exposed, cost: 0, egress: {matchLabels: {disk: none}}}]"),
        "403 -> exposed cost 1 from  by edge=203.0.113.7:15443",
        "ZoneUnusable Zone 403",
    );
}

#[test]
fn gateways_are_selected_or_named() {
    let of = |gateways: &str| {
        zone(
            "exposed",
            &format!(
                "public: true, nodes: [{{name: edge, address: 203.0.113.7}}], links: [{{to: '403', gateways: [{gateways}]}}]"
            ),
        )
    };
    check(
        &of("{selector: {matchLabels: {disk: ssd}}}"),
        "exposed -> 403 cost 1 from all by studtop=192.168.86.23:15443",
        "",
    );
    check(
        &of("{selector: {}}"),
        "exposed -> 403 cost 1 from all by stuchip=192.168.86.29:15443 studtop=192.168.86.23:15443",
        "",
    );
    check(
        &of("{node: stuchip, address: '198.51.100.1:8443'}"),
        "exposed -> 403 cost 1 from all by stuchip=198.51.100.1:8443",
        "",
    );
    check(
        &of("{node: stuchip}, {selector: {matchLabels: {disk: ssd}}}"),
        "exposed -> 403 cost 1 from all by stuchip=192.168.86.29:15443 studtop=192.168.86.23:15443",
        "",
    );
    check(
        &of("{node: gone, address: 198.51.100.1}"),
        "exposed -> 403 cost 1 from all by",
        "ZoneUnusable Zone exposed",
    );
    check(
        &of("{node: stuchip, address: '!'}"),
        "exposed -> 403 cost 1 from all by",
        "ZoneUnusable Zone exposed",
    );
}

#[test]
fn gateways_of_a_tunnel_dial_in() {
    let of = |gateways: &str| {
        zone(
            "exposed",
            &format!("public: true, links: [{{to: '403', tunnel: true, gateways: [{gateways}]}}]"),
        )
    };
    check(&of("{node: stuchip}"), "exposed -> 403 cost 1 from all by stuchip=tunnel", "");
    check(
        &of("{node: stuchip, address: 10.0.0.1}"),
        "exposed -> 403 cost 1 from all by stuchip=tunnel",
        "ZoneUnusable Zone exposed",
    );
}

#[test]
fn a_link_that_leads_nowhere_is_left_out() {
    for link in ["{to: garage}", "{to: '403'}"] {
        check(&zone("403", &format!("links: [{link}]")), "", "ZoneUnusable Zone 403");
    }
    check(
        &zone("403", "links: [{to: exposed, cost: 2}, {to: exposed, cost: 3}]"),
        "403 -> exposed cost 2 from all by edge=203.0.113.7:15443",
        "ZoneUnusable Zone 403",
    );
}

#[test]
fn of_several_public_zones_the_first_is_outside_where_nobody_says() {
    let settings = "{home: 403, ingress: ['0.0.0.0:80', {listen: '0.0.0.0:81', outside_zone: exposed}]}";
    let mut with = super::settings();
    with.settings = serde_saphyr::from_str(settings).expect("settings");
    let manifests = format!("{}\n---\n{}", super::household(), zone("abroad", "public: true"));
    let picture = super::picture_of(with, &manifests);
    let outside: Vec<_> = picture
        .site
        .settings
        .iter()
        .flat_map(|settings| settings.ingress.iter().flatten())
        .map(|listener| listener.outside_zone.clone().map(|zone| zone.0))
        .collect();
    assert_eq!(outside, [Some("abroad".into()), Some("exposed".into())]);
    assert_eq!(notes(&picture), "ZoneUnusable Zone exposed");
}

#[test]
fn zones_are_summed_up() {
    let picture = at_home(&zone("403", "links: [{to: exposed}]"));
    let shown: Vec<String> = picture
        .zones
        .iter()
        .map(|zone| format!("{} {} {} {}", zone.name, zone.nodes, zone.links, zone.object.is_some()))
        .collect();
    assert_eq!(shown, ["403 2 1 true", "exposed 1 0 true"]);
}

#[test]
fn of_more_zones_than_a_table_has_room_for_those_with_an_object_stay() {
    let node = |number: usize| {
        format!(
            "{{apiVersion: v1, kind: Node, metadata: {{name: n{number}, labels: {{st8s.stuartpb.com/zone: z{number:03}}}}}, status: \
             {{addresses: [{{type: InternalIP, address: 10.9.{}.{}}}], conditions: [{{type: Ready, status: 'True'}}]}}}}\n---\n",
            number / 250,
            number % 250 + 1
        )
    };
    let manifests = (0..260).map(node).collect::<String>() + &zone("z259", "speaksFor: [z259]");
    let picture = at_home(&manifests);
    let site = zoneway_site::Site::try_from(picture.site.as_ref()).expect("a site that its check takes");
    assert_eq!(site.zones().len(), 256);
    // 403, exposed and z259 have their place; of the labels the last six go.
    let gone = (253..259).map(|number| format!("NodeUnusable Node n{number}")).collect::<Vec<_>>();
    assert_eq!(notes(&picture), gone.join("\n"));
    assert!(site.zones().keys().any(|zone| zone.as_str() == "z259"));
}

#[test]
fn of_more_links_than_a_table_has_room_for_the_last_are_left_out() {
    let links: Vec<String> = (0..70).map(|number| format!("{{to: z{number:02}}}")).collect();
    let manifests: String = (0..70)
        .map(|number| {
            let own = format!("{{to: z{number:02}}}");
            let others: Vec<&str> = links.iter().map(String::as_str).filter(|link| **link != own).collect();
            zone(&format!("z{number:02}"), &format!("links: [{}]", others.join(", "))) + "\n---\n"
        })
        .collect();
    let picture = at_home(&manifests);
    let site = zoneway_site::Site::try_from(picture.site.as_ref()).expect("a site that its check takes");
    assert_eq!(site.zones().values().map(|zone| zone.links.len()).sum::<usize>(), 4096);
    // 59 zones of 69 links are 4,071: the sixtieth has room for 25 of its own.
    let gone = (59..70).map(|number| format!("ZoneUnusable Zone z{number}")).collect::<Vec<_>>();
    assert_eq!(notes(&picture), gone.join("\n"));
}
