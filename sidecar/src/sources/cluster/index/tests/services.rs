//! Services and EndpointSlices: which nodes run what now.

use zoneway_site::{Site, Verify};

use super::super::super::picture::Picture;
use super::proxies::proxy;
use super::{at_home, ingress, lines, notes, service, services};

const HEAD: &str = "apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, addressType: IPv4, metadata: {name: s-1, \
                    namespace: default, labels: {kubernetes.io/service-name: s}}";

/// What the service `s` is at, with this spec and these endpoints.
#[track_caller]
fn check(spec: &str, port: &str, slices: &str, expected: &str, expected_notes: &str) {
    let manifests = format!(
        "{{apiVersion: v1, kind: Service, metadata: {{name: s, namespace: default}}, spec: {{{spec}}}}}\n---\n{slices}\n---\n{}",
        ingress("i", "", &format!("s.example.com / P s:{port}"))
    );
    let picture = at_home(&manifests);
    assert_eq!(services(&picture), lines(expected), "{:#?}", picture.notes);
    assert_eq!(notes(&picture), lines(expected_notes), "{:#?}", picture.notes);
}

/// As [`check`], for a plain Service with these endpoints.
#[track_caller]
fn check_endpoints(endpoints: &str, expected: &str) {
    check(
        "ports: [{port: 80}]",
        "80",
        &format!("{{{HEAD}, ports: [{{port: 8080}}], endpoints: [{endpoints}]}}"),
        expected,
        "",
    );
}

#[test]
fn a_node_has_the_addresses_of_its_ready_endpoints_weighted_by_their_number() {
    check_endpoints(
        "{addresses: [10.2.0.1], nodeName: studtop}, {addresses: [10.2.0.2], nodeName: studtop}, {addresses: [10.2.0.3], nodeName: stuchip}",
        "default/s:80 stuchip=10.2.0.3:8080 studtop=10.2.0.1:8080,10.2.0.2:8080*2",
    );
}

#[test]
fn an_endpoint_that_is_not_ready_is_not_used() {
    let at = |conditions: &str| {
        format!("{{addresses: [10.2.0.1], nodeName: studtop, conditions: {{{conditions}}}}}")
    };
    let there = "default/s:80 studtop=10.2.0.1:8080";
    check_endpoints(&at("ready: true"), there);
    check_endpoints(&at(""), there);
    check_endpoints(&at("ready: false"), "default/s:80");
    check_endpoints(&at("ready: false, serving: false, terminating: true"), "default/s:80");
    check_endpoints(&at("ready: false, serving: true, terminating: false"), "default/s:80");
}

#[test]
fn endpoints_that_are_about_to_go_serve_while_there_is_no_other() {
    let leaving = "{addresses: [10.2.0.1], nodeName: studtop, conditions: {ready: false, serving: true, terminating: true}}";
    check_endpoints(leaving, "default/s:80 studtop=10.2.0.1:8080");
    let ready = format!("{leaving}, {{addresses: [10.2.0.2], nodeName: stuchip}}");
    check_endpoints(&ready, "default/s:80 stuchip=10.2.0.2:8080");
}

#[test]
fn a_service_that_publishes_what_is_not_ready_has_all() {
    let slices = format!(
        "{{{HEAD}, ports: [{{port: 8080}}], endpoints: [{{addresses: [10.2.0.1], nodeName: studtop, conditions: {{ready: false, serving: false}}}}]}}"
    );
    check(
        "ports: [{port: 80}], publishNotReadyAddresses: true",
        "80",
        &slices,
        "default/s:80 studtop=10.2.0.1:8080",
        "",
    );
}

#[test]
fn endpoints_without_a_node_are_served_by_every_envoy_of_their_zone() {
    check_endpoints("{addresses: [10.2.0.9]}", "default/s:80 stuchip=10.2.0.9:8080 studtop=10.2.0.9:8080");
    let both = "{addresses: [10.2.0.9]}, {addresses: [10.2.0.1], nodeName: studtop}";
    check_endpoints(both, "default/s:80 stuchip=10.2.0.9:8080 studtop=10.2.0.1:8080,10.2.0.9:8080*2");
}

#[test]
fn endpoints_on_a_node_without_an_envoy_are_served_by_every_envoy_of_its_zone() {
    let garage = |annotations: &str| {
        format!(
            "{{apiVersion: v1, kind: Node, metadata: {{name: forge, labels: {{st8s.stuartpb.com/zone: garage}}}}, status: \
             {{addresses: [{{type: InternalIP, address: 10.0.9.1}}], conditions: [{{type: Ready, status: 'True'}}]}}}}\n---\n\
             {{apiVersion: v1, kind: Node, metadata: {{name: nas, labels: {{st8s.stuartpb.com/zone: garage}}, annotations: {{{annotations}}}}}, \
             status: {{addresses: [{{type: InternalIP, address: 10.0.9.2}}], conditions: [{{type: Ready, status: 'True'}}]}}}}\n---\n{}",
            service("s", "nas", "10.2.0.1")
        )
    };
    let hosts = ingress("i", "", "s.example.com / P s");
    let drained = at_home(&(garage("st8s.stuartpb.com/drain: ''") + "---\n" + &hosts));
    assert_eq!(services(&drained), "default/s:80 forge=10.2.0.1:8080");
    let there = at_home(&(garage("") + "---\n" + &hosts));
    assert_eq!(services(&there), "default/s:80 nas=10.2.0.1:8080");
    check_endpoints(
        "{addresses: [10.2.0.1], nodeName: gone}",
        "default/s:80 stuchip=10.2.0.1:8080 studtop=10.2.0.1:8080",
    );
}

#[test]
fn a_label_says_the_zone_of_endpoints_without_a_node() {
    let node = "{apiVersion: v1, kind: Node, metadata: {name: forge, labels: {st8s.stuartpb.com/zone: garage}}, status: {addresses: \
                [{type: InternalIP, address: 10.0.9.1}], conditions: [{type: Ready, status: 'True'}]}}\n---\n";
    let slice = format!("{{{HEAD}, ports: [{{port: 8080}}], endpoints: [{{addresses: [10.2.0.9]}}]}}");
    let of_slice = slice.replace(
        "kubernetes.io/service-name: s",
        "kubernetes.io/service-name: s, st8s.stuartpb.com/zone: garage",
    );
    let picture = at_home(&format!(
        "{node}{{apiVersion: v1, kind: Service, metadata: {{name: s, namespace: default}}, spec: {{ports: [{{port: 80}}]}}}}\n---\n{of_slice}\n---\n{}",
        ingress("i", "", "s.example.com / P s")
    ));
    assert_eq!(services(&picture), "default/s:80 forge=10.2.0.9:8080");
    let picture = at_home(&format!(
        "{node}{{apiVersion: v1, kind: Service, metadata: {{name: s, namespace: default, labels: {{st8s.stuartpb.com/zone: garage}}}}, spec: {{ports: [{{port: 80}}]}}}}\n---\n{slice}\n---\n{}",
        ingress("i", "", "s.example.com / P s")
    ));
    assert_eq!(services(&picture), "default/s:80 forge=10.2.0.9:8080");
}

#[test]
fn a_port_is_found_by_number_or_name_and_goes_to_the_slices_port_of_its_name() {
    let slices = format!(
        "{{{HEAD}, ports: [{{name: web, port: 8080}}, {{name: admin, port: 9090}}, {{name: dns, port: 53, protocol: UDP}}], endpoints: [{{addresses: [10.2.0.1], nodeName: studtop}}]}}"
    );
    let spec = "ports: [{name: web, port: 80, targetPort: http}, {name: admin, port: 81, targetPort: 9090}, {name: dns, port: 53, protocol: UDP}]";
    check(spec, "80", &slices, "default/s:80 studtop=10.2.0.1:8080", "");
    check(spec, "admin", &slices, "default/s:admin studtop=10.2.0.1:9090", "");
    check(spec, "82", &slices, "default/s:82", "ServiceNotFound Ingress default/i");
    check(spec, "53", &slices, "default/s:53", "ServiceNotFound Ingress default/i");
    check(spec, "nope", &slices, "default/s:nope", "ServiceNotFound Ingress default/i");
}

#[test]
fn a_service_that_is_not_there_serves_nothing_and_its_user_is_told() {
    let picture = at_home(&ingress("i", "", "s.example.com / P gone"));
    assert_eq!(services(&picture), "default/gone:80");
    assert_eq!(notes(&picture), "ServiceNotFound Ingress default/i");
}

#[test]
fn slices_add_up_and_one_endpoint_in_two_of_them_has_one_address() {
    let more = format!(
        "{{{HEAD}, ports: [{{port: 8080}}], endpoints: [{{addresses: [10.2.0.1], nodeName: studtop}}]}}"
    );
    let slices = format!("{more}\n---\n{}", more.replace("s-1", "s-2").replace("10.2.0.1", "10.2.0.2"));
    check("ports: [{port: 80}]", "80", &slices, "default/s:80 studtop=10.2.0.1:8080,10.2.0.2:8080*2", "");
}

#[test]
fn of_two_families_the_services_first_one_counts() {
    let four = format!(
        "{{{HEAD}, ports: [{{port: 8080}}], endpoints: [{{addresses: [10.2.0.1], nodeName: studtop}}]}}"
    );
    let six = four.replace("s-1", "s-6").replace("IPv4", "IPv6").replace("10.2.0.1", "'fd00::1'");
    let both = format!("{four}\n---\n{six}");
    check("ports: [{port: 80}]", "80", &both, "default/s:80 studtop=10.2.0.1:8080", "");
    check(
        "ports: [{port: 80}], ipFamilies: [IPv6, IPv4]",
        "80",
        &both,
        "default/s:80 studtop=[fd00::1]:8080",
        "",
    );
    check("ports: [{port: 80}]", "80", &six, "default/s:80 studtop=[fd00::1]:8080", "");
    check("ports: [{port: 80}], ipFamilies: [IPv6]", "80", &four, "default/s:80 studtop=10.2.0.1:8080", "");
}

#[test]
fn a_headless_service_needs_no_ports_of_its_own() {
    let slices = format!("{{{HEAD}, ports: [], endpoints: [{{addresses: [10.2.0.1], nodeName: studtop}}]}}");
    check("clusterIP: None", "8080", &slices, "default/s:8080 studtop=10.2.0.1:8080", "");
    check("clusterIP: 10.96.0.1", "8080", &slices, "default/s:8080", "ServiceNotFound Ingress default/i");
}

#[test]
fn an_external_name_is_dialled_by_every_envoy_of_the_home_zone() {
    let spec = "type: ExternalName, externalName: nas.example.net, ports: [{port: 443}]";
    check(spec, "443", "", "default/s:443 stuchip=nas.example.net:443 studtop=nas.example.net:443", "");
    let bare = "type: ExternalName, externalName: nas.example.net";
    check(bare, "8443", "", "default/s:8443 stuchip=nas.example.net:8443 studtop=nas.example.net:8443", "");
    let no_place = "type: ExternalName, externalName: 'not a name'";
    check(no_place, "80", "", "default/s:80", "ServiceNotFound Ingress default/i");
}

#[test]
fn a_certificate_that_contour_would_check_is_checked() {
    let picture = |validation: &str| {
        let slices = format!(
            "{{{HEAD}, ports: [{{port: 443}}], endpoints: [{{addresses: [10.2.0.1], nodeName: studtop}}]}}\n---\n"
        );
        let service = "{apiVersion: v1, kind: Service, metadata: {name: s, namespace: default}, spec: {ports: [{port: 443}]}}\n---\n";
        let route = format!("services: [{{name: s, port: 443, protocol: tls{validation}}}]");
        let spec = format!("virtualhost: {{fqdn: s.example.com}}, routes: [{{{route}}}]");
        at_home(&(service.to_owned() + &slices + &proxy("p", "", &spec)))
    };
    let checked = picture(", validation: {caSecret: ca, subjectName: x}");
    assert_eq!(notes(&checked), "LeftToController HTTPProxy default/p");
    assert_eq!(verify(&checked), Verify::System);
    let unchecked = picture("");
    assert_eq!(notes(&unchecked), "");
    assert_eq!(verify(&unchecked), Verify::None);
}

/// How the only service's certificate is checked.
fn verify(picture: &Picture) -> Verify {
    let site = Site::try_from(picture.site.as_ref()).expect("it was checked");
    site.services().values().next().expect("there is one").verify.clone()
}

#[test]
fn a_slice_whose_port_is_not_the_services_is_told_of() {
    let slices = format!(
        "{{{HEAD}, ports: [{{name: web, port: 80}}], endpoints: [{{addresses: [10.2.0.1], nodeName: studtop}}]}}"
    );
    check("ports: [{port: 80}]", "80", &slices, "default/s:80", "ServiceNotFound Ingress default/i");
}

/// A path that goes to two Services, on studtop and on stuchip.
fn split(app: &str, weights: [u32; 2]) -> String {
    let of = |name: &str, ip: &str, node: &str, app: &str| {
        let slice = HEAD.replace("s-1", name).replace("name: s}", &format!("name: {name}}}"));
        format!(
            "{{apiVersion: v1, kind: Service, metadata: {{name: {name}, namespace: default}}, spec: {{ports: [{{port: 80{app}}}]}}}}\n---\n\
             {{{slice}, ports: [{{port: 80}}], endpoints: [{{addresses: [{ip}], nodeName: {node}}}]}}\n---\n"
        )
    };
    let [first, second] = weights;
    let both = format!(
        "services: [{{name: a, port: 80, weight: {first}}}, {{name: b, port: 80, weight: {second}}}]"
    );
    of("a", "10.2.0.1", "studtop", "")
        + &of("b", "10.2.0.2", "stuchip", app)
        + &proxy("p", "", &format!("virtualhost: {{fqdn: s.example.com}}, routes: [{{{both}}}]"))
}

#[test]
fn the_services_of_a_path_speak_one_protocol() {
    let picture = at_home(&split(", appProtocol: kubernetes.io/h2c", [1, 1]));
    assert_eq!(services(&picture), "default/a:80+default/b:80 studtop=10.2.0.1:80");
    assert_eq!(notes(&picture), "Ignored HTTPProxy default/p");
    let picture = at_home(&split("", [1, 1]));
    assert_eq!(services(&picture), "default/a:80+default/b:80 stuchip=10.2.0.2:80 studtop=10.2.0.1:80");
    assert_eq!(notes(&picture), "");
}

#[test]
fn who_splits_by_weight_is_told_what_a_weight_is_here() {
    let picture = at_home(&split("", [99, 1]));
    assert_eq!(
        services(&picture),
        "default/a:80*99+default/b:80*1 stuchip=10.2.0.2:80 studtop=10.2.0.1:80*99"
    );
    assert_eq!(notes(&picture), "LeftToController HTTPProxy default/p");
}

#[test]
fn a_weight_is_a_services_share_however_many_endpoints_it_has() {
    let more = "{addresses: [10.2.0.1], nodeName: studtop}, {addresses: [10.2.0.3], nodeName: studtop}";
    let picture = at_home(&split("", [1, 1]).replace("{addresses: [10.2.0.1], nodeName: studtop}", more));
    assert_eq!(
        services(&picture),
        "default/a:80+default/b:80 stuchip=10.2.0.2:80 studtop=10.2.0.1:80,10.2.0.3:80"
    );
    let largest = split("", [1_000_000, 3]);
    assert!(services(&at_home(&largest)).ends_with(" stuchip=10.2.0.2:80*3 studtop=10.2.0.1:80*1000000"));
}

#[test]
fn no_name_leads_to_the_machine_that_asks() {
    for own in [
        "localhost",
        "LOCALHOST.",
        "a.localhost",
        "localhost.localdomain",
        "ip6-loopback",
        "127.0.0.1",
        "0.0.0.0",
        "169.254.169.254",
    ] {
        let spec = format!("type: ExternalName, externalName: '{own}', ports: [{{port: 443}}]");
        check(&spec, "443", "", "default/s:443", "ServiceNotFound Ingress default/i");
        let slice = HEAD.replace("IPv4", "FQDN");
        let slice = format!("{{{slice}, ports: [{{port: 443}}], endpoints: [{{addresses: ['{own}']}}]}}");
        check("clusterIP: None, ports: [{port: 443}]", "443", &slice, "default/s:443", "");
    }
}

#[test]
fn what_a_port_speaks_is_said_by_the_service() {
    let slices = format!(
        "{{{HEAD}, ports: [{{port: 8443}}], endpoints: [{{addresses: [10.2.0.1], nodeName: studtop}}]}}"
    );
    for (app, spoken) in [
        ("https", " https"),
        ("kubernetes.io/wss", " https"),
        ("kubernetes.io/h2c", " h2c"),
        ("http", ""),
        ("kubernetes.io/ws", ""),
        ("example.com/other", ""),
    ] {
        let spec = format!("ports: [{{port: 80, appProtocol: {app}}}]");
        check(&spec, "80", &slices, &format!("default/s:80{spoken} studtop=10.2.0.1:8443"), "");
    }
    for (annotation, spoken) in
        [("tls: '443,80'", " https"), ("h2: '80'", " h2"), ("h2c: '80'", " h2c"), ("tls: '443'", "")]
    {
        let manifests = format!(
            "{{apiVersion: v1, kind: Service, metadata: {{name: s, namespace: default, annotations: {{projectcontour.io/upstream-protocol.{annotation}}}}}, \
             spec: {{ports: [{{port: 80}}]}}}}\n---\n{slices}\n---\n{}",
            ingress("i", "", "s.example.com / P s")
        );
        assert_eq!(
            services(&at_home(&manifests)),
            format!("default/s:80{spoken} studtop=10.2.0.1:8443"),
            "{annotation}"
        );
    }
}

#[test]
fn an_httpproxy_says_what_its_service_speaks_whatever_the_port_does() {
    let slice = format!(
        "{{{HEAD}, ports: [{{port: 8443}}], endpoints: [{{addresses: [10.2.0.1], nodeName: studtop}}]}}"
    );
    for (word, name, spoken) in
        [("h2c", ":h2c", " h2c"), ("h2", ":h2", " h2"), ("tls", ":https", " https"), ("''", "", "")]
    {
        let route = format!("services: [{{name: s, port: 80, protocol: {word}}}]");
        let manifests = format!(
            "{{apiVersion: v1, kind: Service, metadata: {{name: s, namespace: default}}, spec: {{ports: [{{port: 80}}]}}}}\n---\n\
             {slice}\n---\n{}",
            super::proxies::proxy(
                "p",
                "",
                &format!("virtualhost: {{fqdn: s.example.com}}, routes: [{{{route}}}]")
            )
        );
        assert_eq!(
            services(&at_home(&manifests)),
            format!("default/s:80{name}{spoken} studtop=10.2.0.1:8443"),
            "{word}"
        );
    }
}

#[test]
fn weights_of_nodes_and_services_multiply_the_count() {
    let weighted = |service_weight: &str, node_weight: &str| {
        format!(
            "{{apiVersion: v1, kind: Node, metadata: {{name: slow, labels: {{st8s.stuartpb.com/zone: '403'}}, annotations: {{st8s.stuartpb.com/weight: '{node_weight}'}}}}, \
             status: {{addresses: [{{type: InternalIP, address: 10.0.0.3}}], conditions: [{{type: Ready, status: 'True'}}]}}}}\n---\n\
             {{apiVersion: v1, kind: Service, metadata: {{name: s, namespace: default, annotations: {{st8s.stuartpb.com/weight: '{service_weight}'}}}}, spec: {{ports: [{{port: 80}}]}}}}\n---\n\
             {{{HEAD}, ports: [{{port: 8080}}], endpoints: [{{addresses: [10.2.0.1], nodeName: slow}}, {{addresses: [10.2.0.2], nodeName: slow}}, {{addresses: [10.2.0.3], nodeName: studtop}}]}}\n---\n{}",
            ingress("i", "", "s.example.com / P s")
        )
    };
    let at = |service: &str, node: &str| services(&at_home(&weighted(service, node)));
    assert_eq!(at("3", "5"), "default/s:80 slow=10.2.0.1:8080,10.2.0.2:8080*30 studtop=10.2.0.3:8080*3");
    assert_eq!(at("1", "0"), "default/s:80 slow=10.2.0.1:8080,10.2.0.2:8080*0 studtop=10.2.0.3:8080");
    assert_eq!(
        at("1000000", "1000000"),
        "default/s:80 slow=10.2.0.1:8080,10.2.0.2:8080*1000000 studtop=10.2.0.3:8080*1000000"
    );
    let ignored = at_home(&weighted("many", "-1"));
    assert_eq!(services(&ignored), "default/s:80 slow=10.2.0.1:8080,10.2.0.2:8080*2 studtop=10.2.0.3:8080");
    assert_eq!(notes(&ignored), "Ignored Node slow\nIgnored Service default/s");
}

#[test]
fn of_too_many_nodes_those_with_the_largest_shares_serve() {
    let nodes: Vec<String> = (0..300)
        .map(|n| {
            format!(
                "{{apiVersion: v1, kind: Node, metadata: {{name: n{n:03}, labels: {{st8s.stuartpb.com/zone: garage}}}}, status: {{addresses: \
                 [{{type: InternalIP, address: 10.7.{}.{}}}], conditions: [{{type: Ready, status: 'True'}}]}}}}\n---\n",
                n / 250,
                n % 250 + 1
            )
        })
        .collect();
    let endpoints: Vec<String> = (0..300)
        .map(|n| format!("{{addresses: [10.8.{}.{}], nodeName: n{n:03}}}", n / 250, n % 250 + 1))
        .collect();
    let more = "{addresses: [10.9.0.1], nodeName: n299}";
    let picture = at_home(&format!(
        "{}{{apiVersion: v1, kind: Service, metadata: {{name: s, namespace: default}}, spec: {{ports: [{{port: 80}}]}}}}\n---\n\
         {{{HEAD}, ports: [{{port: 8080}}], endpoints: [{}, {more}]}}\n---\n{}",
        nodes.concat(),
        endpoints.join(", "),
        ingress("i", "", "s.example.com / P s")
    ));
    let at = services(&picture);
    // 256 backends, of which three are other zones.
    assert_eq!(at.matches('=').count(), 253);
    assert!(at.contains(" n000=") && at.contains(" n299=") && !at.contains(" n298="), "{at}");
    assert_eq!(notes(&picture), "Ignored Ingress default/i");
}
