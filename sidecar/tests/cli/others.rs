//! Manifests of other projects: they load with the hosts that their own controllers would serve, and nothing else.
//!
//! They are read where Go keeps the modules of the versions in tools/versions, and nothing of them stands here.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use super::Bench;

/// A module of Go, of the version that `tools/versions` has.
struct Module {
    path: &'static str,
    version: &'static str,
}

const CONTOUR: Module = Module { path: "github.com/projectcontour/contour", version: "CONTOUR_VERSION" };
const GATEWAY_API: Module = Module { path: "sigs.k8s.io/gateway-api", version: "GATEWAY_API_VERSION" };
const KUBERNETES: Module = Module { path: "k8s.io/kubernetes", version: "KUBERNETES_VERSION" };

impl Module {
    /// Its folder; fetched, where it is not there yet, against Go's checksum database.
    fn folder(&self) -> PathBuf {
        let pinned = include_str!("../../../tools/versions");
        let version = pinned.lines().find_map(|line| line.strip_prefix(self.version)?.strip_prefix('='));
        let module = format!("{}@v{}", self.path, version.expect("tools/versions has it"));
        let mut go = Command::new("go");
        go.args(["mod", "download", "-json", &module]).current_dir(std::env::temp_dir());
        let said = go.output().expect("Go is installed: see https://go.dev/doc/install");
        let json: Value = serde_json::from_slice(&said.stdout).expect("go mod download speaks JSON");
        let folder = json["Dir"].as_str();
        PathBuf::from(
            folder.unwrap_or_else(|| panic!("{module}: {json} {}", String::from_utf8_lossy(&said.stderr))),
        )
    }
}

const SETTINGS: &str = "settings: {home: 403}
ingress_classes: [contour, '']
gateway_classes: [example, example-gateway-class, foo-lb, filter-lb, default-match-example, shared-gateway-class]
";

/// A line a path of the site that files of a module come to, `HOST/PATH KIND NAMESPACE/NAME`, and one a hidden host.
fn hosts(module: &Module, files: &[&str]) -> String {
    let bench = Bench::with(&[("settings.yaml", SETTINGS)]);
    std::fs::create_dir(bench.path().join("manifests")).expect("a folder");
    let folder = module.folder();
    for (number, file) in files.iter().enumerate() {
        let text =
            std::fs::read_to_string(folder.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        bench.write(&format!("manifests/{number:02}.yaml"), &text);
    }
    let said = bench
        .run(&["site", "--format", "json", "--manifests", "manifests", "--settings", "settings.yaml"])
        .well();
    let shown = said.json();
    let mut lines = Vec::new();
    for (host, paths) in shown["origins"]["paths"].as_object().expect("a map") {
        for (path, by) in paths.as_object().expect("a map") {
            let text = |field: &str| by[field].as_str().unwrap_or_default().to_owned();
            let rule = &shown["site"]["hosts"][host]["paths"][path];
            let nobody = rule.get("expose_to").is_some_and(|zones| *zones == Value::Array(Vec::new()));
            let hidden = if nobody { " hidden" } else { "" };
            lines.push(format!(
                "{host}{path} {} {}/{}{hidden}",
                text("kind"),
                text("namespace"),
                text("name")
            ));
        }
    }
    for host in shown["hidden"].as_array().expect("a list") {
        lines.push(format!("{} hidden", host.as_str().expect("a name")));
    }
    lines.sort_unstable();
    lines.join("\n")
}

#[track_caller]
fn check(module: &Module, files: &[&str], expected: &str) {
    let expected: Vec<&str> = expected.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    assert_eq!(hosts(module, files), expected.join("\n"), "{files:?}");
}

const PROXIES: &str = "examples/example-workload/httpproxy";

#[track_caller]
fn check_proxies(files: &[&str], expected: &str) {
    let files: Vec<String> = files.iter().map(|file| format!("{PROXIES}/{file}.yaml")).collect();
    check(&CONTOUR, &files.iter().map(String::as_str).collect::<Vec<_>>(), expected);
}

#[test]
fn contours_first_examples() {
    check_proxies(
        &[
            "01-ingress-to-httpproxy/basic-httpproxy",
            "01-ingress-to-httpproxy/httpproxy-name",
            "01-ingress-to-httpproxy/httpproxy-tls",
        ],
        "bar1.bar.com/ HTTPProxy default/name-example-bar
         foo-basic.bar.com/ HTTPProxy default/basic
         foo1.bar.com/ HTTPProxy default/name-example-foo
         foo2.bar.com/ HTTPProxy default/tls-example",
    );
}

#[test]
fn contours_delegation_of_a_certificate() {
    let file = "02-tls-options/httpproxy-tls-cert-delegation";
    check_proxies(
        &[file, "02-tls-options/httpproxy-tls-upstream"],
        "foo2.bar.com/ HTTPProxy example-com/www\nwww.example.com/ HTTPProxy default/secure-backend",
    );
}

#[test]
fn contours_routes() {
    // One of them, for timeout.bar.com, is of a version that Contour does not have any more.
    check_proxies(
        &[
            "00-common/00-namespaces",
            "00-common/01-services",
            "00-common/02-deployments",
            "03-routes/httpproxy-externalname",
            "03-routes/httpproxy-header-rewrite",
            "03-routes/httpproxy-health-checks",
            "03-routes/httpproxy-lb-request-hash",
            "03-routes/httpproxy-lb-strategy",
            "03-routes/httpproxy-multiple-paths",
            "03-routes/httpproxy-multiple-upstreams",
            "03-routes/httpproxy-response-timeout",
            "03-routes/httpproxy-sticky-sessions",
            "03-routes/httpproxy-tls-permitinsecure",
            "03-routes/httpproxy-websockets",
            "03-routes/httpproxy-weight-shfiting",
        ],
        "chat.example.com/ HTTPProxy default/chat
         chat.example.com/websocket HTTPProxy default/chat
         foo2.bar.com/ HTTPProxy default/tls-example-insecure
         foo2.bar.com/blog HTTPProxy default/tls-example-insecure
         health.bar.com/ HTTPProxy default/health-check
         httpbin.davecheney.com/ HTTPProxy default/httpbin
         multi-path.bar.com/ HTTPProxy default/multiple-paths
         multi-path.bar.com/blog HTTPProxy default/multiple-paths
         multi.bar.com/ HTTPProxy default/multiple-upstreams
         request-hash.bar.com/ HTTPProxy default/lb-request-hash
         rewrite.bar.com/ HTTPProxy default/header-rewrite
         rewrite.bar.com/rewrite HTTPProxy default/header-rewrite
         strategy.bar.com/ HTTPProxy default/lb-strategy
         weights.bar.com/ HTTPProxy default/weight-shifting",
    );
    check_proxies(
        &["03-routes/httpproxy-multiple-headers"],
        "multi-path.bar.com/ HTTPProxy default/multiple-paths",
    );
}

#[test]
fn contours_inclusion() {
    check_proxies(
        &[
            "04-inclusion/httpproxy-inclusion-across-namespaces",
            "04-inclusion/httpproxy-inclusion-mutipleroots",
            "04-inclusion/httpproxy-inclusion-samenamespace",
        ],
        "bar.com/ HTTPProxy default/main
         ns-root.bar.com/ HTTPProxy default/namespace-delegation-root
         ns-root.bar.com/blog HTTPProxy marketing/blog
         root.bar.com/ HTTPProxy default/include-root
         root.bar.com/service2 HTTPProxy default/service2
         root.bar.com/service2/blog HTTPProxy default/service2
         www.bar.com/ HTTPProxy default/main",
    );
}

#[test]
fn contours_bytes_are_no_requests() {
    check_proxies(&["05-tcp-proxy/httpproxy-tls-passthrough"], "tcp.example.com hidden");
    check_proxies(&["05-tcp-proxy/httpproxy-tls-termination"], "tcp.example.com hidden");
}

#[test]
fn contours_gateway() {
    check(
        &CONTOUR,
        &[
            "examples/gateway/01-gatewayclass.yaml",
            "examples/gateway/02-gateway.yaml",
            "examples/example-workload/gatewayapi/kuard/kuard.yaml",
        ],
        "local.projectcontour.io/ HTTPRoute default/kuard",
    );
    check(
        &CONTOUR,
        &[
            "examples/gateway/02-gateway.yaml",
            "examples/example-workload/gatewayapi/blue-green/blue-green.yaml",
        ],
        "local.projectcontour.io/ HTTPRoute projectcontour/deploy",
    );
}

#[test]
fn contours_own_installation_has_no_host() {
    check(&CONTOUR, &["examples/render/contour.yaml"], "");
    check(&CONTOUR, &["examples/render/contour-gateway.yaml"], "");
}

#[track_caller]
fn check_gateways(files: &[&str], expected: &str) {
    let files: Vec<String> = files.iter().map(|file| format!("examples/standard/{file}.yaml")).collect();
    check(&GATEWAY_API, &files.iter().map(String::as_str).collect::<Vec<_>>(), expected);
}

#[test]
fn gateway_apis_routes() {
    check_gateways(
        &["http-routing/gateway", "http-routing/foo-httproute", "http-routing/bar-httproute"],
        "bar.example.com/ HTTPRoute default/bar-route
         example.com/ HTTPRoute default/example-route
         foo.example.com/login HTTPRoute default/foo-route",
    );
    check_gateways(
        &["basic-http"],
        "foo.com/bar HTTPRoute default/http-app-1
         foo.com/some/thing HTTPRoute default/http-app-1",
    );
    check_gateways(
        &["default-match-http"],
        "default-match.com/ HTTPRoute default/default-match-route hidden
         default-match.com/example/exact HTTPRoute default/default-match-route",
    );
}

#[test]
fn gateway_apis_redirects_stand_beside_the_real_thing() {
    check_gateways(
        &[
            "http-redirect-rewrite/gateway-redirect-http-https",
            "http-redirect-rewrite/httproute-redirect-http",
            "http-redirect-rewrite/httproute-redirect-https",
        ],
        "redirect.example/ HTTPRoute default/https-route",
    );
    check_gateways(
        &["http-redirect"],
        "my-filter.example.com/ HTTPRoute gateway-api-example-ns1/http-filter-2",
    );
}

#[test]
fn gateway_apis_routes_across_namespaces() {
    check_gateways(
        &[
            "cross-namespace-routing/0-namespaces",
            "cross-namespace-routing/gateway",
            "cross-namespace-routing/site-route",
            "cross-namespace-routing/store-route",
        ],
        "foo.example.com/ HTTPRoute site-ns/home
         foo.example.com/login HTTPRoute site-ns/login
         foo.example.com/store HTTPRoute store-ns/store",
    );
    // Without the namespaces nobody knows their labels.
    check_gateways(&["cross-namespace-routing/gateway", "cross-namespace-routing/site-route"], "");
}

#[test]
fn gateway_apis_routes_without_a_host_stay_local() {
    check_gateways(&["simple-gateway/gateway", "simple-gateway/httproute"], "");
    check_gateways(
        &["0-namespaces", "http-route-attachment/gateway-strict", "http-route-attachment/httproute"],
        "",
    );
}

#[test]
fn gateway_apis_gateways_of_a_class_that_is_not_ours_have_no_host() {
    let of = |name: &str| format!("simple-http-https/{name}");
    let files = ["gateway", "foo-route", "bar-route", "tls-redirect-route"].map(of);
    check_gateways(&files.each_ref().map(String::as_str), "");
}

#[test]
fn kubernetes_own_ingresses() {
    let ingress = |name: &str| format!("test/e2e/testing-manifests/ingress/{name}/ing.yaml");
    let service = |name: &str| format!("test/e2e/testing-manifests/ingress/{name}/svc.yaml");
    check(
        &KUBERNETES,
        &[&ingress("http"), &service("http")],
        "bar.baz.com/bar Ingress default/echomap
         bar.baz.com/foo Ingress default/echomap
         foo.bar.com/foo Ingress default/echomap",
    );
    check(
        &KUBERNETES,
        &[&ingress("multiple-certs"), &service("multiple-certs")],
        "test1.ingress.com/test Ingress default/multiple-certs
         test2.ingress.com/test Ingress default/multiple-certs
         test3.ingress.com/test Ingress default/multiple-certs
         test4.ingress.com/test Ingress default/multiple-certs",
    );
    // A default backend has no host.
    check(&KUBERNETES, &[&ingress("neg"), &ingress("static-ip"), &ingress("http2")], "");
}
