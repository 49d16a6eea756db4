//! Objects in, a site out: each rule of docs/cluster.md as a test.

mod contour;
mod exposure;
mod gateways;
mod guards;
mod hosts;
mod ingresses;
mod limits;
mod listeners;
mod nodes;
mod order;
mod proxies;
mod services;
mod size;
mod told_apart;
mod unreadable;
mod zones;

use std::path::Path;

use zoneway_core::table::wire::Revision;
use zoneway_site::{Names, Protocol, Site, view, wire};

use super::Index;
use crate::sources::cluster::manifests::Manifests;
use crate::sources::cluster::objects::Object;
use crate::sources::cluster::picture::Picture;
use crate::sources::cluster::settings::Settings;

/// Two nodes at home and one in the public zone; a Service `web` on studtop, `api` on stuchip, in two namespaces.
const HOUSEHOLD: &str = r#"
{apiVersion: v1, kind: Node, metadata: {name: studtop, labels: {st8s.stuartpb.com/zone: '403', disk: ssd}},
 status: {addresses: [{type: InternalIP, address: 192.168.86.23}, {type: ExternalIP, address: 198.51.100.7}],
          conditions: [{type: Ready, status: 'True'}]}}
---
{apiVersion: v1, kind: Node, metadata: {name: stuchip, labels: {st8s.stuartpb.com/zone: '403'}},
 status: {addresses: [{type: InternalIP, address: 192.168.86.29}], conditions: [{type: Ready, status: 'True'}]}}
---
{apiVersion: st8s.stuartpb.com/v1alpha1, kind: Zone, metadata: {name: exposed},
 spec: {public: true, nodes: [{name: edge, address: 203.0.113.7}]}}
"#;

/// A Service with one ready endpoint on a node.
fn service(name: &str, node: &str, address: &str) -> String {
    let (namespace, name) = name.split_once('/').unwrap_or(("default", name));
    format!(
        "{{apiVersion: v1, kind: Service, metadata: {{name: {name}, namespace: {namespace}}}, spec: {{ports: [{{port: 80}}]}}}}\n---\n\
         {{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, addressType: IPv4, ports: [{{port: 8080}}],\n \
         metadata: {{name: {name}-1, namespace: {namespace}, labels: {{kubernetes.io/service-name: {name}}}}},\n \
         endpoints: [{{addresses: [{address}], nodeName: {node}}}]}}\n"
    )
}

fn household() -> String {
    [
        HOUSEHOLD,
        &service("web", "studtop", "10.1.0.1"),
        &service("api", "stuchip", "10.1.0.2"),
        &service("other/web", "studtop", "10.1.0.3"),
    ]
    .join("\n---\n")
}

/// An Ingress: `NAMESPACE/NAME`, its annotations, and lines of `HOST PATH TYPE SERVICE` (`-` for what is left out).
fn ingress(name: &str, annotations: &str, rules: &str) -> String {
    let (namespace, name) = name.split_once('/').unwrap_or(("default", name));
    let rule = |line: &str| {
        let [host, path, kind, service] = line.split_whitespace().collect::<Vec<_>>()[..] else {
            panic!("HOST PATH TYPE SERVICE: {line}")
        };
        let kind = match kind {
            "P" => "Prefix",
            "E" => "Exact",
            "I" => "ImplementationSpecific",
            other => other,
        };
        let (service, port) = service.split_once(':').unwrap_or((service, "80"));
        let port =
            if port.parse::<u16>().is_ok() { format!("number: {port}") } else { format!("name: {port}") };
        let host = if host == "-" { String::new() } else { format!("host: '{host}', ") };
        let path = if path == "-" { String::new() } else { format!("path: '{path}', ") };
        format!(
            "{{{host}http: {{paths: [{{{path}pathType: {kind}, backend: {{service: {{name: {service}, port: {{{port}}}}}}}}}]}}}}"
        )
    };
    let rules: Vec<String> = rules.lines().map(str::trim).filter(|line| !line.is_empty()).map(rule).collect();
    format!(
        "{{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {{name: {name}, namespace: {namespace}, \
         annotations: {{{annotations}}}}}, spec: {{rules: [{}]}}}}\n---\n",
        rules.join(", ")
    )
}

/// `expose-to` as an annotation.
fn to(zones: &str) -> String {
    format!("st8s.stuartpb.com/expose-to: '{zones}'")
}

fn objects(manifests: &str) -> Vec<Object> {
    let (mut read, mut errors) = (Manifests::default(), Vec::new());
    read.add(Path::new("test.yaml"), manifests, &mut errors);
    assert!(errors.is_empty(), "{errors:?}\n{manifests}");
    assert_eq!(read.remarks, []);
    // What stands twice is there once: the last one.
    let mut objects: Vec<Object> = Vec::new();
    for object in read.objects.into_iter().rev() {
        let name = |object: &Object| {
            (object.kind(), object.metadata().namespace.clone(), object.metadata().name.clone())
        };
        if !objects.iter().any(|there| name(there) == name(&object)) {
            objects.insert(0, object);
        }
    }
    objects
}

/// Applies all of these.
fn fill<T: Into<Object>>(index: &mut Index, objects: impl IntoIterator<Item = T>) {
    for object in objects {
        index.apply(object);
    }
}

fn settings() -> Settings {
    Settings::of_home("403")
}

/// The picture of these manifests, whatever the order in which they come.
fn picture_of(settings: Settings, manifests: &str) -> Picture {
    let objects = objects(manifests);
    let mut index = Index::new(settings.clone());
    fill(&mut index, objects.iter().cloned());
    let picture = index.site();
    let mut backwards = Index::new(settings);
    fill(&mut backwards, objects.into_iter().rev());
    assert_eq!(backwards.site(), picture, "the order of objects matters");
    check_serves(&picture);
    picture
}

/// It comes to a site, and every zone's view of it to a table.
#[track_caller]
fn check_serves(picture: &Picture) -> Site {
    let site =
        Site::try_from(picture.site.as_ref()).unwrap_or_else(|error| panic!("the site is refused:\n{error}"));
    let (bytes, most) = (largest_table(&site), site.settings().max_table_bytes);
    assert!(bytes <= most, "a table has {bytes} bytes, {most} at most");
    site
}

/// The bytes of the largest table that a zone gets.
#[track_caller]
fn largest_table(site: &Site) -> u64 {
    let bytes = |zone| {
        let seen = view(site, zone, Revision::default(), &Names::default());
        let seen = seen.unwrap_or_else(|error| panic!("{error}"));
        serde_json::to_vec(seen.table.wire()).expect("JSON").len() as u64
    };
    site.zones().keys().map(bytes).max().unwrap_or_default()
}

/// The household with more.
fn at_home(manifests: &str) -> Picture {
    picture_of(settings(), &format!("{}\n---\n{manifests}", household()))
}

/// A line a path: `HOST/PATH SERVICE ZONES`, `-` for none; hidden hosts too.
fn hosts(picture: &Picture) -> String {
    let site = Site::try_from(picture.site.as_ref()).expect("it was checked");
    let mut lines = Vec::new();
    for (host, entry) in site.hosts() {
        if entry.rules.is_empty() {
            assert!(picture.hidden.contains(host.as_str()), "{host}");
            lines.push(format!("{host} hidden"));
        }
        for (path, rule) in entry.rules.iter() {
            let zones: Vec<_> = rule.exposed_to.iter().map(ToString::to_string).collect();
            let zones = if zones.is_empty() { "-".to_owned() } else { zones.join(",") };
            let prefer = if entry.prefer == wire::Prefer::Zone { " prefer zone" } else { "" };
            lines.push(format!("{host}{path} {} {zones}{prefer}", rule.service.as_deref().unwrap_or("-")));
        }
    }
    lines.join("\n")
}

/// A line a note: `REASON KIND NAMESPACE/NAME`.
fn notes(picture: &Picture) -> String {
    let line = |note: &super::super::picture::Note| format!("{} {}", note.reason.as_str(), note.object);
    let mut lines: Vec<String> = picture.notes.iter().map(line).collect();
    lines.dedup();
    lines.join("\n")
}

/// A line a service: `NAME PROTOCOL NODE=ADDRESS,…*WEIGHT …`.
fn services(picture: &Picture) -> String {
    let site = Site::try_from(picture.site.as_ref()).expect("it was checked");
    let lines = site.services().iter().map(|(name, service)| {
        let at = service.at.iter().map(|(node, served)| {
            let addresses: Vec<_> = served.addresses.iter().map(ToString::to_string).collect();
            let weight = if served.weight == 1 { String::new() } else { format!("*{}", served.weight) };
            format!(" {node}={}{weight}", addresses.join(","))
        });
        let protocol = match service.protocol {
            Protocol::Http => "",
            Protocol::Https => " https",
            Protocol::H2 => " h2",
            Protocol::H2c => " h2c",
        };
        format!("{name}{protocol}{}", at.collect::<String>())
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// A line a node: `ZONE/NODE ADDRESS`.
fn nodes(picture: &Picture) -> String {
    let site = Site::try_from(picture.site.as_ref()).expect("it was checked");
    let lines = site.zones().iter().flat_map(|(zone, entry)| {
        entry.nodes.iter().map(move |(id, node)| format!("{zone}/{id} {}", node.address))
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn lines(text: &str) -> String {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

/// What a household with these manifests has as hosts, and what is noted.
#[track_caller]
fn check(manifests: &str, expected_hosts: &str, expected_notes: &str) {
    let picture = at_home(manifests);
    let messages: Vec<String> = picture.notes.iter().map(ToString::to_string).collect();
    assert_eq!(hosts(&picture), lines(expected_hosts), "hosts; notes:\n{}", messages.join("\n"));
    assert_eq!(notes(&picture), lines(expected_notes), "notes:\n{}", messages.join("\n"));
}

/// As [`check`], and a word that a note has to say.
#[track_caller]
fn check_saying(manifests: &str, expected_hosts: &str, expected_notes: &str, words: &str) {
    check(manifests, expected_hosts, expected_notes);
    let messages: Vec<String> = at_home(manifests).notes.iter().map(ToString::to_string).collect();
    assert!(messages.iter().any(|message| message.contains(words)), "{words}: {messages:#?}");
}
