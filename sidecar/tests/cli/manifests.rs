//! `--manifests` where a site may stand, and `zoneway site`.

use serde_json::json;

use super::Bench;

const ZONES: &str = "
{apiVersion: st8s.stuartpb.com/v1alpha1, kind: Zone, metadata: {name: '403'}, spec: {speaksFor: ['403', exposed]}}
---
{apiVersion: st8s.stuartpb.com/v1alpha1, kind: Zone, metadata: {name: exposed}, spec: {public: true, links: [{to: '403'}]}}
";

/// An Ingress, exposed to these zones.
fn ingress(name: &str, zones: &str, host: &str) -> String {
    format!(
        "{{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {{name: {name}, annotations: {{st8s.stuartpb.com/expose-to: '{zones}'}}}}, \
         spec: {{rules: [{{host: {host}, http: {{paths: [{{path: /, pathType: Prefix, backend: {{service: {{name: web, port: {{number: 80}}}}}}}}]}}}}]}}}}\n---\n"
    )
}

fn bench(folder: &str, ingresses: &str) -> Bench {
    let bench = Bench::with(&[]);
    add(&bench, folder, ingresses);
    bench
}

fn add(bench: &Bench, folder: &str, ingresses: &str) {
    std::fs::create_dir(bench.path().join(folder)).expect("a folder");
    bench.write(&format!("{folder}/zones.yaml"), ZONES);
    bench.write(&format!("{folder}/ingresses.yaml"), ingresses);
}

#[test]
fn what_manifests_expose_is_listed() {
    let bench =
        bench("m", &(ingress("a", "403, exposed", "a.example.com") + &ingress("b", "403", "b.example.com")));
    let listed = |zone: &str| {
        let said =
            bench.run(&["list", "--format", "json", "--manifests", "m", "--source-zone", zone]).well().json();
        let entries = said["entries"].as_array().expect("a list");
        entries.iter().map(|entry| entry["host"].as_str().expect("a name").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(listed("exposed"), ["a.example.com"]);
    assert_eq!(listed("403"), ["a.example.com", "b.example.com"]);
}

#[test]
fn a_pipeline_learns_what_becomes_public() {
    let bench = bench("old", &ingress("a", "403", "a.example.com"));
    add(&bench, "new", &ingress("a", "403, exposed", "a.example.com"));
    let said = bench.run(&["diff", "--manifests", "old", "--manifests", "new"]).code(2);
    assert!(said.out.contains("PUBLIC a.example.com/ from zone exposed"), "{}", said.out);
    bench.run(&["diff", "--manifests", "old", "--manifests", "old"]).well();
    let site = bench.run(&["site", "--manifests", "old"]).well().out;
    bench.write("site.yaml", &site);
    bench.run(&["diff", "--site", "site.yaml", "--manifests", "new"]).code(2);
    // The other way round nothing becomes public: the order is that of the command line.
    bench.run(&["diff", "--manifests", "new", "--site", "site.yaml"]).well();
}

#[test]
fn the_site_is_printed_with_what_made_it_and_can_be_read_again() {
    let bench =
        bench("m", &(ingress("a", "403, exposed", "a.example.com") + &ingress("b", "!", "b.example.com")));
    let said = bench.run(&["site", "--manifests", "m"]).well();
    for comment in ["# by Zone exposed\n", "# / by Ingress default/a\n", "# hidden:"] {
        assert!(said.out.contains(comment), "{comment}: {}", said.out);
    }
    assert!(said.err.contains("Ingress default/b: Hidden: "), "{}", said.err);
    bench.write("site.yaml", &said.out);
    bench.run(&["check", "site.yaml"]).well();
    let again = bench.run(&["site", "--format", "json", "--site", "site.yaml"]).well().json();
    let shown = bench.run(&["site", "--format", "json", "--manifests", "m"]).well().json();
    assert_eq!(again["site"], shown["site"]);
    assert_eq!(shown["hidden"], json!(["b.example.com"]));
    assert_eq!(
        shown["origins"]["paths"],
        json!({"a.example.com": {"/": {"kind": "Ingress", "namespace": "default", "name": "a"}}})
    );
    assert_eq!(shown["origins"]["zones"]["exposed"], json!({"kind": "Zone", "name": "exposed"}));
    assert_eq!(shown["notes"][0]["reason"], "Hidden");
}

#[test]
fn standard_input_is_manifests_too() {
    let bench = Bench::with(&[]);
    let said = bench.run_with(
        &["list", "--manifests", "-"],
        &(ZONES.to_owned() + "---\n" + &ingress("a", "403", "a.example.com")),
    );
    assert!(said.well().out.contains("a.example.com/\n"));
}

#[test]
fn settings_say_how_objects_are_read() {
    let bench =
        bench("m", &ingress("a", "403", "a.example.com").replace("st8s.stuartpb.com/", "zones.example.com/"));
    bench.write("settings.yaml", "{prefix: zones.example.com, settings: {home: exposed}}");
    let said = bench
        .run(&["list", "--manifests", "m", "--settings", "settings.yaml", "--source-zone", "403"])
        .well();
    assert!(said.out.contains("a.example.com/\n"), "{}", said.out);
    bench.write("wrong.yaml", "{prefix: Zones, settings: {}}");
    let said = bench.run(&["list", "--manifests", "m", "--settings", "wrong.yaml"]).code(64);
    assert!(said.err.contains("settings.home: ") && said.err.contains("prefix: "), "{}", said.err);
    bench.write("typo.yaml", "{prefx: a, settings: {home: a}}");
    assert!(
        bench.run(&["list", "--manifests", "m", "--settings", "typo.yaml"]).code(1).err.contains("prefx")
    );
}

#[test]
fn a_home_that_is_not_clear_has_to_be_said() {
    let bench = bench("m", &ingress("a", "garage", "a.example.com"));
    bench.write(
        "m/more.yaml",
        "{apiVersion: st8s.stuartpb.com/v1alpha1, kind: Zone, metadata: {name: garage}, spec: {}}",
    );
    assert!(bench.run(&["list", "--manifests", "m"]).code(64).err.contains("--home ZONE"));
    bench.run(&["list", "--manifests", "m", "--home", "garage"]).well();
    bench.run(&["list", "--manifests", "m", "--site", "x"]).code(64);
    bench.run(&["list", "--site", "x", "--home", "garage"]).code(64);
}

#[test]
fn what_cannot_be_read_is_told_with_its_file() {
    let bench =
        bench("m", "{apiVersion: v1, kind: Service, metadata: {name: s}, spec: {ports: [{port: http}]}}");
    bench.write("m/z.yaml", "a: [");
    let said = bench.run(&["list", "--manifests", "m"]).code(1);
    assert!(
        said.err.contains("m/ingresses.yaml:1: Service s: ") && said.err.contains("m/z.yaml:1:"),
        "{}",
        said.err
    );
}

/// What Flux has in its own hands and this does not follow.
const FLUX: &str = "{apiVersion: kustomize.toolkit.fluxcd.io/v1, kind: Kustomization, metadata: {name: apps}, \
                    spec: {path: ./m, commonMetadata: {annotations: {st8s.stuartpb.com/expose-to: '403, exposed'}}}}";

#[test]
fn a_pipeline_learns_what_was_not_followed() {
    let bench = bench("m", &ingress("a", "403", "a.example.com"));
    let compared = ["diff", "--manifests", "m", "--manifests", "m"];
    let strictly = ["diff", "--strict", "--manifests", "m", "--manifests", "m"];
    assert_eq!(bench.run(&compared).well().err, "");
    bench.run(&strictly).well();
    bench.write("m/flux.yaml", FLUX);
    let said = bench.run(&compared).well().err;
    assert!(
        said.contains(
            "m/flux.yaml:1: Flux Kustomization apps: not followed: `spec.commonMetadata.annotations`"
        ),
        "{said}"
    );
    assert!(said.contains("warning: m: 1 warning: what is applied may expose more"), "{said}");
    let said = bench.run(&strictly).code(1);
    assert!(
        said.out.is_empty() && said.err.contains("m/flux.yaml:1: ") && said.err.contains("--strict"),
        "{}",
        said.err
    );
}
