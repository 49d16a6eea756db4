use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::example::Example;
use crate::parts;
use crate::process::output;

fn validate(bootstrap: &Path) -> Result<()> {
    let mut envoy = Command::new(parts::envoy()?);
    output(envoy.args(["--mode", "validate", "--log-level", "warn", "--config-path"]).arg(bootstrap))
        .map(drop)
}

#[test]
fn envoy_takes_the_standalone_node() -> Result<()> {
    validate(&Example::copy("standalone", &[])?.with_certificates()?.path("envoy.yaml"))
}

#[test]
fn envoy_takes_the_public_edge() -> Result<()> {
    validate(&Example::copy("edge", &[])?.with_certificates()?.path("envoy.yaml"))
}

#[test]
fn envoy_takes_the_minimal_example() -> Result<()> {
    validate(&Example::copy("minimal", &[])?.path("envoy.yaml"))
}

/// Every kind of listener, service and wildcard that a site can have, as the command prints it.
const EVERYTHING: &str = "
version: 1
settings:
  home: 403
  domain: stuartpb.com
  balance: {cookie: sid}
  peer_authentication: {ca: DIR/pki/ca.pem, certificate: 'DIR/pki/{node}.pem', key: 'DIR/pki/{node}.key'}
zones:
  403:
    nodes:
      studtop:
        address: 192.168.86.23
        ingress:
          - 0.0.0.0:80
          - {listen: '[::]:80', source_networks: [192.168.86.0/24, 'fd00::/8']}
          - {listen: 0.0.0.0:443, source_zone: exposed, tls: {certificate: DIR/pki/edge.pem, key: DIR/pki/edge.key}}
          - {listen: 0.0.0.0:81, source_networks: []}
      stuchip: '[fd00::1]'
    links: [{to: exposed}, {to: cloud, egress: [stuchip]}]
  cloud: {nodes: {vm: 192.0.2.1}}
  exposed: {public: true, nodes: {edge: 203.0.113.7}, links: [{to: 403}]}
services:
  plain: {at: {studtop: ['127.0.0.1:8080', '[::1]:8080']}}
  named: {at: {studtop: ['localhost:8080', '127.0.0.1:8081']}}
  unchecked: {at: {studtop: '127.0.0.1:8443'}, protocol: https, verify: none}
  system: {at: {studtop: '127.0.0.1:8443'}, protocol: h2}
  own: {at: {studtop: '127.0.0.1:8443'}, protocol: https, verify: DIR/pki/ca.pem}
  'rpc & more': {at: {studtop: '127.0.0.1:50051'}, protocol: h2c}
hosts:
  a.test: {expose_to: [403, exposed], paths: {/: plain, /n: named, /u: unchecked, /s: system, /o: own}}
  '*.a.test': plain
  '**.a.test': 'rpc & more'
  '*.b.a.test': {paths: {/p: named}}
";

#[test]
fn envoy_takes_everything_that_a_site_can_have() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (site, pki) = (folder.path().join("site.yaml"), folder.path().join("pki"));
    let yaml = EVERYTHING.replace("DIR", &folder.path().display().to_string());
    std::fs::write(&site, yaml)?;
    let zoneway = || Command::new(parts::ZONEWAY);
    output(zoneway().args(["pki", "init", "--domain", "stuartpb.com", "--dir"]).arg(&pki))?;
    output(zoneway().args(["pki", "issue", "--site"]).arg(&site).arg("--dir").arg(&pki))?;
    for node in ["studtop", "stuchip", "vm", "edge"] {
        let mut command = zoneway();
        command.args(["envoy", "--node", node, "--site"]).arg(&site).arg("--wasm").arg(parts::wasm()?);
        let bootstrap = output(command.arg("--run-dir").arg(folder.path().join(node)))?;
        let path = folder.path().join(format!("{node}.yaml"));
        std::fs::write(&path, bootstrap)?;
        validate(&path)?;
    }
    Ok(())
}

#[test]
fn envoy_takes_the_filter_that_the_readme_adds() -> Result<()> {
    let readme = std::fs::read_to_string(parts::repository().join("envoy-config/README.md"))?;
    let (_, snippet) =
        readme.split_once("```yaml\n").context("no block of YAML in envoy-config/README.md")?;
    let (snippet, _) = snippet.split_once("```").context("a block without an end")?;
    let router = "          - name: envoy.filters.http.router\n";
    let indented: String = snippet.lines().map(|line| format!("          {line}\n")).collect();
    let example = Example::copy("minimal", &[(router, format!("{indented}{router}"))])?;
    let bootstrap = std::fs::read_to_string(example.path("envoy.yaml"))?;
    ensure!(bootstrap.contains("ExtensionWithMatcher"), "the snippet is not in:\n{bootstrap}");
    validate(&example.path("envoy.yaml"))
}
