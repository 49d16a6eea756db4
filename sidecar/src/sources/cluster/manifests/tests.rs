//! Folders of manifests, and what they come to.

use std::fs;

use super::super::settings::Settings;
use super::{Manifests, read};

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("it is in the folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }
    folder
}

fn names(manifests: &Manifests) -> Vec<String> {
    let name = |object: &super::Object| {
        let metadata = object.metadata();
        format!(
            "{} {}/{}",
            object.kind().name(),
            metadata.namespace.as_deref().unwrap_or("-"),
            metadata.name.as_deref().unwrap_or("-")
        )
    };
    manifests.objects.iter().map(name).collect()
}

#[track_caller]
fn check(files: &[(&str, &str)], expected: &[&str], remarks: &[&str]) {
    let folder = folder(files);
    let manifests = read(folder.path()).unwrap_or_else(|errors| panic!("{errors:?}"));
    assert_eq!(names(&manifests), expected);
    assert_eq!(manifests.remarks.len(), remarks.len(), "{:?}", manifests.remarks);
    for (remark, words) in manifests.remarks.iter().zip(remarks) {
        assert!(remark.contains(words), "{remark}");
    }
}

const NODE: &str = "{apiVersion: v1, kind: Node, metadata: {name: 'n'}}";

#[test]
fn every_document_of_every_file_below_the_folder_is_read() {
    check(
        &[
            (
                "b/two.yml",
                "---\napiVersion: v1\nkind: Service\nmetadata: {name: s}\n---\n# nothing\n---\napiVersion: v1\nkind: Node\nmetadata: {name: 'n'}\n",
            ),
            ("a.yaml", "{apiVersion: v1, kind: Namespace, metadata: {name: x, namespace: z}}"),
            (
                "c.json",
                "{\"apiVersion\": \"v1\", \"kind\": \"Service\", \"metadata\": {\"name\": \"t\", \"namespace\": \"x\"}}",
            ),
            ("README.md", "no: [yaml"),
            (".git/x.yaml", NODE),
        ],
        &["Namespace -/x", "Service default/s", "Node -/n", "Service x/t"],
        &[],
    );
}

#[test]
fn lists_are_their_items() {
    let list = format!(
        "{{apiVersion: v1, kind: List, items: [{NODE}, {{apiVersion: v1, kind: ServiceList, items: [{{apiVersion: v1, kind: Service, metadata: {{name: s}}}}]}}]}}"
    );
    check(&[("l.yaml", &list)], &["Node -/n", "Service default/s"], &[]);
}

#[test]
fn other_kinds_are_passed_over() {
    check(
        &[(
            "x.yaml",
            "{apiVersion: apps/v1, kind: Deployment, metadata: {name: d}}\n---\n{a: 1}\n---\n[1, 2]\n---\n{apiVersion: other.example.com/v1, kind: Service, metadata: {name: s}}",
        )],
        &[],
        &[],
    );
}

#[test]
fn what_would_change_or_add_objects_is_remarked_on() {
    check(
        &[
            ("a.yaml", "{apiVersion: helm.toolkit.fluxcd.io/v2, kind: HelmRelease, metadata: {name: h}}"),
            ("chart/Chart.yaml", "name: c"),
            ("chart/templates/x.yaml", "{{ not yaml"),
            (
                "kustomization.yaml",
                "{apiVersion: kustomize.config.k8s.io/v1beta1, kind: Kustomization, resources: [a.yaml], patches: [{path: p.yaml}]}",
            ),
            (
                "plain/kustomization.yaml",
                "{apiVersion: kustomize.config.k8s.io/v1beta1, kind: Kustomization, resources: [a.yaml]}",
            ),
            ("z.yaml", "{apiVersion: networking.k8s.io/v1beta1, kind: Ingress, metadata: {name: i}}"),
        ],
        &[],
        &["Helm chart", "HelmRelease h", "kustomize build", "write v1"],
    );
}

#[test]
fn an_object_that_stands_twice_is_remarked_on() {
    check(&[("a.yaml", NODE), ("b.yaml", NODE)], &["Node -/n", "Node -/n"], &["more than once"]);
}

#[test]
fn versions_of_gateway_api_are_read_alike() {
    let route = "{apiVersion: gateway.networking.k8s.io/v1beta1, kind: HTTPRoute, metadata: {name: r}, spec: {rules: null, hostnames: [a.example.com]}}";
    check(&[("a.yaml", route)], &["HTTPRoute default/r"], &[]);
}

#[test]
fn every_file_and_object_that_cannot_be_read_is_told() {
    let folder = folder(&[
        ("a.yaml", "a: [1"),
        ("b.yaml", "{apiVersion: v1, kind: Service, metadata: {name: s}, spec: {ports: [{port: http}]}}"),
    ]);
    let errors = read(folder.path()).expect_err("two faults");
    let said: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(said.len(), 2, "{said:#?}");
    assert!(said[0].contains("a.yaml"), "{said:#?}");
    assert!(said[1].contains("Service s: spec.ports[0]"), "{said:#?}");
    assert!(read(&folder.path().join("gone")).is_err());
}

fn of(text: &str) -> Manifests {
    let (mut manifests, mut errors) = (Manifests::default(), Vec::new());
    manifests.add(std::path::Path::new("x.yaml"), text, &mut errors);
    assert!(errors.is_empty(), "{errors:?}");
    manifests
}

#[test]
fn home_is_the_only_zone_that_is_not_public() {
    let zone = |name: &str, spec: &str| {
        format!(
            "{{apiVersion: st8s.stuartpb.com/v1alpha1, kind: Zone, metadata: {{name: '{name}'}}, spec: {{{spec}}}}}\n---\n"
        )
    };
    let node = "{apiVersion: v1, kind: Node, metadata: {name: 'n', labels: {st8s.stuartpb.com/zone: garage}}}\n---\n";
    let home = |text: &str| of(text).home("st8s.stuartpb.com");
    assert_eq!(home(&(zone("403", "") + &zone("exposed", "public: true"))), Some("403".to_owned()));
    assert_eq!(home(node), Some("garage".to_owned()));
    assert_eq!(home(&(zone("403", "") + node)), None);
    assert_eq!(home(&zone("exposed", "public: true")), None);
    assert_eq!(home(""), None);
}

#[test]
fn what_manifests_do_not_say_is_supposed() {
    let picture = of("
{apiVersion: st8s.stuartpb.com/v1alpha1, kind: Zone, metadata: {name: exposed}, spec: {public: true}}
---
{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {ports: [{name: http, port: 8080}]}}
---
{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: i}, spec: {rules: [{host: a.example.com, http: {paths: [
  {path: /, pathType: Prefix, backend: {service: {name: web, port: {name: http}}}},
  {path: /chart, pathType: Prefix, backend: {service: {name: gone, port: {number: 81}}}}]}}]}}
")
    .picture(Settings::of_home("403"));
    assert_eq!(picture.notes, []);
    let shown = |place: &str| {
        format!("{:?}", zoneway_site::Site::try_from(picture.site.as_ref()).expect("a site")).contains(place)
    };
    for place in ["any.403", "any.exposed", "web.default.svc", "gone.default.svc"] {
        assert!(shown(place), "{place}: {:#?}", picture.site);
    }
    let services = picture.site.services.as_ref().expect("some");
    let at = |name: &str| {
        services[name]
            .at
            .as_ref()
            .expect("it is somewhere")
            .iter()
            .map(|(node, served)| format!("{node} {}", served.addresses.join(",")))
            .collect::<Vec<_>>()
    };
    assert_eq!(at("default/web:http"), ["any.403 web.default.svc:8080"]);
    assert_eq!(at("default/gone:81"), ["any.403 gone.default.svc:81"]);
}
