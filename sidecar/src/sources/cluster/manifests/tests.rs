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
        let said = remark.to_string().replace(&format!("{}/", folder.path().display()), "");
        assert!(said.contains(words), "{said}");
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
            "{apiVersion: apps/v1, kind: Deployment, metadata: {name: d}}\n---\n{a: 1}\n---\n[1, 2]\n---\nword\n---\n{apiVersion: other.example.com/v1, kind: Service, metadata: {name: s}}\n---\n{kind: AllowList, items: {}}",
        )],
        &[],
        &["nothing of a kind that is read"],
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
                "{apiVersion: kustomize.config.k8s.io/v1beta1, kind: Kustomization, resources: [a.yaml, p.yaml], patches: [{path: p.yaml}]}",
            ),
            (
                "plain/kustomization.yaml",
                "{apiVersion: kustomize.config.k8s.io/v1beta1, kind: Kustomization, resources: [a.yaml]}",
            ),
            ("plain/a.yaml", NODE),
            (
                "z.yaml",
                "# two\n---\napiVersion: networking.k8s.io/v1beta1\nkind: Ingress\nmetadata: {name: i}",
            ),
        ],
        &["Node -/n"],
        &[
            "a.yaml:1: HelmRelease h: ",
            "chart: a Helm chart",
            "kustomization.yaml:1: Kustomization: not followed: `patches`, `p.yaml` (not there). Read what `kustomize build",
            "z.yaml:3: Ingress i: version v1beta1 is not read: write v1",
        ],
    );
}

#[test]
fn an_object_that_stands_twice_is_remarked_on() {
    check(
        &[("a.yaml", NODE), ("b.yaml", &format!("{NODE}\n---\n{NODE}"))],
        &["Node -/n", "Node -/n", "Node -/n"],
        &["b.yaml:3: Node n is also in "],
    );
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

/// A site's folder, with a kustomization.yaml of these fields.
#[track_caller]
fn kustomization(fields: &str, remarks: &[&str]) {
    check(
        &[("a.yaml", NODE), ("kustomization.yaml", &format!("resources: [a.yaml]\n{fields}"))],
        &["Node -/n"],
        remarks,
    );
}

#[test]
fn every_field_that_would_change_objects_is_named_and_no_other() {
    for field in [
        "transformers: [t.yaml]",
        "generators: [g.yaml]",
        "replacements: [{path: r.yaml}]",
        "components: [c]",
    ] {
        kustomization(field, &[&format!("not followed: `{}`", field.split(':').next().expect("a name"))]);
    }
    kustomization(
        "namespace: x\nhelmCharts: [{name: y}]",
        &["not followed: `helmCharts`, `namespace`. Read"],
    );
    kustomization("fieldOfTomorrow: 1", &["`fieldOfTomorrow`"]);
    kustomization(
        "images: [{name: x}]\npatches: []\nconfigMapGenerator: [{name: c}]\nvalidators: [v.yaml]",
        &[],
    );
}

#[test]
fn resources_that_are_not_read_are_told_of() {
    let outside = folder(&[("b.yaml", NODE)]);
    let outside = outside.path().join("b.yaml");
    let listed = format!(
        "resources: [a.yaml, https://example.com/x.yaml, ../gone.yaml, {}, notes.txt, .h.yaml]",
        outside.display()
    );
    check(
        &[("a.yaml", NODE), ("notes.txt", NODE), (".h.yaml", "a: 1"), ("Kustomization", &listed)],
        &["Node -/n"],
        &[&format!(
            "`https://example.com/x.yaml` (elsewhere), `../gone.yaml` (not there), `{}` (outside of ",
            outside.display()
        )],
    );
    check(
        &[("a.yaml", NODE), ("notes.txt", NODE), ("kustomization.yml", "resources: [notes.txt, a.yaml]")],
        &["Node -/n"],
        &["`notes.txt` (not a file that is read)"],
    );
}

#[test]
fn a_file_that_a_kustomization_leaves_out_is_read_and_told_of() {
    let service = "{apiVersion: v1, kind: Service, metadata: {name: s}}";
    check(
        &[
            ("kustomization.yaml", "resources: [a.yaml, below]"),
            ("a.yaml", NODE),
            ("b.yaml", service),
            ("below/kustomization.yaml", "resources: [../c.yaml]"),
            ("c.yaml", "{apiVersion: v1, kind: Namespace, metadata: {name: c}}"),
        ],
        &["Node -/n", "Service default/s", "Namespace -/c"],
        &["b.yaml: it is not among the resources of kustomization.yaml, and is read"],
    );
}

#[test]
fn a_patch_is_no_object() {
    let patch = "{apiVersion: v1, kind: Service, metadata: {name: s}, spec: {ports: [{port: http}]}}";
    check(
        &[
            ("base/kustomization.yaml", "resources: [s.yaml]"),
            ("base/s.yaml", "{apiVersion: v1, kind: Service, metadata: {name: s}}"),
            (
                "over/kustomization.yaml",
                "{resources: [../base], patches: [{path: p.yaml}], configMapGenerator: [{files: [v=v.yaml]}]}",
            ),
            ("over/p.yaml", patch),
            ("over/v.yaml", "{{ no: yaml"),
        ],
        &["Service default/s"],
        &[
            "over/kustomization.yaml:1: Kustomization: not followed: `patches`, `p.yaml` (used by it, not read as an object). Read",
        ],
    );
    // One that a kustomization elsewhere uses may be applied all the same, and that which Flux applies is.
    let values = ("below/kustomization.yaml", "configMapGenerator: [{files: [../a.yaml]}]");
    check(&[("a.yaml", NODE), values], &["Node -/n"], &[]);
    check(
        &[
            ("flux.yaml", &flux("path: ./all")),
            ("all/p.yaml", NODE),
            ("over/kustomization.yaml", "configMapGenerator: [{files: [../all/p.yaml]}]"),
        ],
        &["Node -/n"],
        &[],
    );
}

#[test]
fn a_chart_beside_a_kustomization_hides_nothing_of_it() {
    check(
        &[
            ("Chart.yaml", "name: c"),
            ("templates/x.yaml", "{{ not yaml"),
            ("kustomization.yaml", "{kind: Kustomization, resources: [a.yaml]}"),
            ("a.yaml", NODE),
        ],
        &["Node -/n"],
        &[": a Helm chart is not rendered"],
    );
}

/// One of Flux's, with these fields.
fn flux(fields: &str) -> String {
    let source = if fields.contains("sourceRef") {
        ""
    } else {
        "sourceRef: {kind: GitRepository, name: flux-system}, "
    };
    format!(
        "{{apiVersion: kustomize.toolkit.fluxcd.io/v1, kind: Kustomization, metadata: {{name: apps, namespace: flux-system}}, \
         spec: {{interval: 1m, prune: true, {source}{fields}}}}}"
    )
}

#[test]
fn what_flux_would_change_is_told_of() {
    let told = |fields: &str, remarks: &[&str]| {
        check(&[("apps/a.yaml", NODE), ("flux.yaml", &flux(fields))], &["Node -/n"], remarks);
    };
    told("path: ./apps", &[]);
    told("path: apps/, images: [{name: x}], patches: []", &[]);
    told("suspend: true", &[]);
    for field in [
        "patches: [{patch: x}]",
        "patchesStrategicMerge: [{}]",
        "patchesJson6902: [{}]",
        "targetNamespace: x",
        "namePrefix: x",
        "nameSuffix: x",
        "components: [../c]",
        "kubeConfig: {secretRef: {name: x}}",
        "fieldOfTomorrow: x",
    ] {
        let name = field.split(':').next().expect("a name");
        told(
            &format!("path: ./apps, {field}"),
            &[&format!(
                "flux.yaml:1: Flux Kustomization apps: not followed: `spec.{name}`. Read what `flux build"
            )],
        );
    }
    told(
        "path: ./apps, postBuild: {substitute: {A: b}, substituteFrom: [{}]}, commonMetadata: {annotations: {a: b}, labels: {a: b}}",
        &[
            "`spec.commonMetadata.annotations`, `spec.commonMetadata.labels`, `spec.postBuild.substitute`, `spec.postBuild.substituteFrom`. Read",
        ],
    );
    told("path: ./infra", &["not followed: `spec.path` (./infra is not in "]);
    told("path: ./apps, sourceRef: {kind: OCIRepository, name: o}", &["`spec.sourceRef` (OCIRepository o"]);
    told("path: ./apps, sourceRef: {kind: GitRepository, name: fleet}", &[]);
    check(
        &[
            ("a.yaml", NODE),
            ("apps/flux.yaml", &flux("path: ./apps, sourceRef: {kind: GitRepository, name: podinfo}")),
            ("flux.yaml", &flux("path: ./apps")),
        ],
        &["Node -/n"],
        &["apps/flux.yaml:1: Flux Kustomization apps: not followed: `spec.sourceRef` (GitRepository podinfo"],
    );
}

#[test]
fn a_path_of_flux_counts_from_the_top_of_the_repository() {
    let repository = folder(&[
        (".git/HEAD", ""),
        ("infra/a.yaml", NODE),
        ("clusters/home/a.yaml", NODE),
        ("clusters/home/own.yaml", &flux("path: ./clusters/home")),
        ("clusters/home/other.yaml", &flux("path: ./infra")),
        ("clusters/home/whole.yaml", &flux("path: ./")),
    ]);
    let said = |path: &str| {
        let manifests = read(&repository.path().join(path)).expect("manifests");
        manifests
            .remarks
            .iter()
            .map(|remark| remark.text.clone())
            .filter(|text| text.contains("path`"))
            .collect::<Vec<_>>()
    };
    assert_eq!(said(""), Vec::<String>::new());
    let said = said("clusters/home");
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].contains("(./infra is not in ") && said[1].contains("(./ is not in "), "{said:?}");
}

#[test]
fn what_else_makes_objects_is_told_of() {
    for (version, kind) in [
        ("argoproj.io/v1alpha1", "Application"),
        ("argoproj.io/v1alpha1", "ApplicationSet"),
        ("helm.cattle.io/v1", "HelmChart"),
        ("helm.cattle.io/v1", "HelmChartConfig"),
        ("fluxcd.controlplane.io/v1", "ResourceSet"),
        ("kyverno.io/v1", "ClusterPolicy"),
    ] {
        let object = format!("{{apiVersion: {version}, kind: {kind}, metadata: {{name: x}}}}\n---\n{NODE}");
        check(&[("a.yaml", &object)], &["Node -/n"], &[&format!("a.yaml:1: {kind} x: ")]);
    }
}

#[test]
fn what_is_encrypted_is_told_of_where_it_is_of_a_kind_that_is_read() {
    let object = |kind: &str| {
        format!(
            "{{apiVersion: v1, kind: {kind}, metadata: {{name: x}}, spec: 'ENC[x]', sops: {{mac: x}}}}\n---\n{NODE}"
        )
    };
    check(&[("a.yaml", &object("Secret"))], &["Node -/n"], &[]);
    check(
        &[("a.yaml", &object("Service"))],
        &["Node -/n"],
        &["a.yaml:1: Service x: it is encrypted by SOPS"],
    );
    check(&[("a.yaml", &object("'ENC[AES256_GCM]'"))], &["Node -/n"], &["encrypted by SOPS"]);
}

#[test]
fn hidden_files_are_told_of_where_they_have_objects() {
    check(
        &[
            ("a.yaml", NODE),
            (".apps/b.yaml", NODE),
            (".github/workflows/ci.yaml", "on: push # apiVersion kind"),
            (".git/c.yaml", NODE),
            (".sops.yaml", "creation_rules: []"),
        ],
        &["Node -/n"],
        &[".apps/b.yaml: it is hidden and is not read"],
    );
}

#[test]
fn links_are_followed_to_files_and_told_of_where_they_lead_to_folders_elsewhere() {
    let elsewhere = folder(&[("b.yaml", NODE)]);
    let here =
        folder(&[("a.yaml", "{apiVersion: v1, kind: Service, metadata: {name: s}}"), ("below/x.txt", "")]);
    let link = |to: &std::path::Path, name: &str| {
        std::os::unix::fs::symlink(to, here.path().join(name)).expect("a link");
    };
    link(&elsewhere.path().join("b.yaml"), "b.yaml");
    link(elsewhere.path(), "away");
    link(here.path(), "below/round");
    let manifests = read(here.path()).expect("manifests");
    assert_eq!(names(&manifests), ["Service default/s", "Node -/n"]);
    assert_eq!(manifests.remarks.len(), 1, "{:?}", manifests.remarks);
    assert!(manifests.remarks[0].to_string().contains("away: a link to a folder"));
    link(std::path::Path::new("nowhere"), "z.yaml");
    let errors = read(here.path()).expect_err("a link to nowhere");
    assert!(errors[0].to_string().contains("z.yaml cannot be read"), "{errors:?}");
}

#[test]
fn the_bytes_of_windows_and_anchors_are_read() {
    let service = "# first\n---\napiVersion: v1\nkind: Service\nmetadata:\n  name: s\n  labels: &l {a: b}\nspec:\n  selector: {<<: *l}\n";
    let windows = format!("\u{feff}{}", service.replace('\n', "\r\n"));
    check(&[("a.yaml", &windows)], &["Service default/s"], &[]);
}

#[test]
fn items_of_a_list_of_one_kind_need_not_say_it() {
    let list = "{apiVersion: networking.k8s.io/v1, kind: IngressList, items: [{metadata: {name: i}}]}";
    check(&[("a.yaml", list)], &["Ingress default/i"], &[]);
}

#[test]
fn a_zones_fields_are_those_that_its_definition_has() {
    let zone = |spec: &str| {
        format!(
            "{{apiVersion: st8s.stuartpb.com/v1alpha1, kind: Zone, metadata: {{name: z}}, spec: {{{spec}}}}}"
        )
    };
    let whole = "public: true, allow: {namespaces: [web]}, links: [{to: '403', gateways: [{selector: {matchLabels: {a.b/c: d}}}]}]";
    check(&[("a.yaml", &zone(whole))], &["Zone -/z"], &[]);
    fault(
        zone("Public: true").as_bytes(),
        "a.yaml:1: Zone z: spec.Public: there is no such field: write one of allow, links, nodes, public, speaksFor",
    );
    fault(
        zone("allow: {namespace: [web]}").as_bytes(),
        "a.yaml:1: Zone z: spec.allow.namespace: there is no",
    );
    fault(
        zone("links: [{to: '403', gateway: []}]").as_bytes(),
        "a.yaml:1: Zone z: spec.links[0].gateway: there",
    );
}

/// What is wrong with one file.
#[track_caller]
fn fault(bytes: &[u8], expected: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("a.yaml"), bytes).expect("a file");
    let errors = read(folder.path()).expect_err("a fault");
    assert_eq!(errors.len(), 1, "{errors:?}");
    let said = errors[0].to_string().replace(&format!("{}/", folder.path().display()), "");
    assert!(said.starts_with(expected), "{said}");
}

#[test]
fn a_fault_names_its_file_and_line() {
    fault(b"a: 1\nb: [1\n", "a.yaml:");
    fault(b"a: 1\na: 2\n", "a.yaml:2:1: `a` stands twice: keep one");
    fault(b"a: 1\nb: caf\xe9\n", "a.yaml:2:7: it is not UTF-8");
    fault(b"a: 1\n---\nkind: Service\napiVersion: v1\n", "a.yaml:3: Service: metadata.name");
    fault(b"a: 1\n---\nkind: List\nitems: {}\n", "a.yaml:3: List: items: a list is wanted");
    let folder = folder(&[("a.yaml", "a: b\n{{- if .Values.x }}\nc: d\n{{- end }}\n")]);
    let said = read(folder.path()).expect_err("a template")[0].to_string();
    assert!(said.contains("a.yaml:2:") && said.contains("`helm template`"), "{said}");
}
