//! Each rule that a rendered configuration keeps, on the example household.

mod examples;
mod files;
mod listeners;
mod manners;
mod plugins;
mod refusals;
mod routes;
mod tunnels;

use serde_json::Value;
use zoneway_core::name::NodeId;
use zoneway_core::table::Table;
use zoneway_core::table::wire::Revision;
use zoneway_site::{Names, Site, view, wire};

use super::{Build, Error, Picture, RenderedFile, RunFolder, bootstrap, site_files};

/// Two zones, three nodes, mutual TLS, a service of every kind.
const HOUSEHOLD: &str = "
version: 1
settings:
  domain: lab.test
  peer_authentication: {ca: /pki/ca.pem, certificate: '/pki/{node}.pem', key: '/pki/{node}.key'}
  ingress: ['0.0.0.0:80']
  policies: {unknown_host: pass, no_table: pass}
zones:
  403:
    speaks_for: [403, exposed]
    nodes:
      studtop: 192.168.86.23
      stuchip: 192.168.86.29
    links:
      - {to: exposed, egress: [studtop]}
  exposed:
    public: true
    nodes: {edge: 203.0.113.7}
    links: [{to: 403, gateways: [studtop], address: {studtop: '198.51.100.4:15443'}}]
services:
  plain: {at: {studtop: '127.0.0.1:8080', stuchip: '127.0.0.1:8080'}}
  many: {at: {studtop: ['127.0.0.1:1', '127.0.0.1:2']}}
  named: {at: {studtop: 'app.internal:8080'}}
  unchecked: {at: {studtop: '127.0.0.1:8443'}, protocol: https, verify: none}
  system: {at: {studtop: '127.0.0.1:8443'}, protocol: https}
  own: {at: {studtop: '127.0.0.1:8443'}, protocol: h2, verify: /pki/app.pem}
  grpc: {at: {studtop: '127.0.0.1:50051'}, protocol: h2c}
  elsewhere: {at: {stuchip: '127.0.0.1:9090'}}
hosts:
  app.lab.test:
    expose_to: [403, exposed]
    paths: {/: plain, /api: many, /api/v2: grpc, /admin: elsewhere}
  other.lab.test: elsewhere
  named.lab.test: {paths: {/a: named, /b: unchecked, /c: system, /d: own}}
";

fn site(yaml: &str) -> Site {
    Site::try_from(serde_saphyr::from_str::<wire::Site>(yaml).unwrap()).unwrap()
}

fn folder() -> RunFolder {
    RunFolder::new("/run/zoneway")
}

fn wasm() -> Build {
    Build::Wasm("/usr/lib/zoneway/zoneway.wasm".into())
}

fn node(id: &str) -> NodeId {
    NodeId::parse(id).unwrap()
}

fn render(yaml: &str, id: &str) -> Result<Value, Error> {
    bootstrap(&site(yaml), &node(id), &wasm(), &folder())
}

fn rendered(yaml: &str, id: &str) -> Value {
    render(yaml, id).unwrap()
}

fn table(site: &Site, id: &str) -> Table {
    let zone = site.zone_of(&node(id)).unwrap();
    view(site, zone, Revision { epoch: 1, sequence: 1 }, &Names::default()).unwrap().table
}

/// The files of a node, newest site first.
fn files(sites: &[&str], id: &str) -> Vec<RenderedFile> {
    let sites: Vec<_> = sites.iter().map(|yaml| site(yaml)).collect();
    let tables: Vec<_> = sites.iter().map(|site| table(site, id)).collect();
    let pictures: Vec<_> = sites.iter().zip(&tables).map(|(site, table)| Picture { site, table }).collect();
    site_files(&pictures, &node(id), &folder().xds()).unwrap()
}

/// A file's content, by its place in the xds folder.
fn file(files: &[RenderedFile], place: &str) -> Value {
    let path = std::path::Path::new("/run/zoneway/xds").join(place);
    let file = files.iter().find(|file| file.path == path).unwrap_or_else(|| panic!("no {place}"));
    serde_json::from_str(&file.content).unwrap()
}

fn clusters(files: &[RenderedFile]) -> Vec<Value> {
    file(files, "clusters.json")["resources"].as_array().unwrap().clone()
}

fn cluster(files: &[RenderedFile], name: &str) -> Value {
    clusters(files).into_iter().find(|cluster| cluster["name"] == name).unwrap_or_else(|| panic!("no {name}"))
}

/// The name of the secret by which a TLS context knows who may be at the other end; its own certificate is `node`.
fn neighbours(context: &Value) -> String {
    let common = &context["typed_config"]["common_tls_context"];
    let name = |secret: &Value| {
        let file =
            format!("/run/zoneway/xds/secrets/{}.json", secret["name"].as_str().unwrap().replace('/', "+"));
        let source = &secret["sds_config"]["path_config_source"];
        assert_eq!(source["path"], file);
        assert_eq!(source["watched_directory"]["path"], "/run/zoneway/xds/secrets");
        secret["name"].as_str().unwrap().to_owned()
    };
    assert_eq!(common["tls_params"]["tls_minimum_protocol_version"], "TLSv1_3");
    assert_eq!(common["tls_params"]["tls_maximum_protocol_version"], "TLSv1_3");
    assert_eq!(common["tls_certificate_sds_secret_configs"].as_array().unwrap().len(), 1);
    assert_eq!(name(&common["tls_certificate_sds_secret_configs"][0]), "node");
    name(&common["validation_context_sds_secret_config"])
}

/// The identities that a secret accepts; one that ends in `/` stands for all that start so.
fn accepted(files: &[RenderedFile], secret: &str) -> Vec<String> {
    let file = file(files, &format!("secrets/{}.json", secret.replace('/', "+")));
    let secret = &file["resources"][0]["validation_context"];
    let uris = secret["match_typed_subject_alt_names"].as_array().unwrap().iter().map(|entry| {
        assert_eq!(entry["san_type"], "URI");
        let matcher = &entry["matcher"];
        matcher["exact"]
            .as_str()
            .or(matcher["prefix"].as_str())
            .unwrap()
            .replace("spiffe://lab.test/zone/", "")
    });
    uris.collect()
}

/// The addresses of a cluster's file, as `ip:port`.
fn members(files: &[RenderedFile], place: &str) -> Vec<String> {
    let file = file(files, &format!("endpoints/{place}.json"));
    let endpoints = file["resources"][0]["endpoints"][0]["lb_endpoints"].as_array().unwrap().clone();
    let address = |endpoint: &Value| {
        let address = &endpoint["endpoint"]["address"]["socket_address"];
        format!("{}:{}", address["address"].as_str().unwrap(), address["port_value"])
    };
    endpoints.iter().map(address).collect()
}

/// Every object in a document that has this field.
fn with_field<'v>(value: &'v Value, field: &str) -> Vec<&'v Value> {
    let mut found = Vec::new();
    match value {
        Value::Object(fields) => {
            if fields.contains_key(field) {
                found.push(value);
            }
            found.extend(fields.values().flat_map(|value| with_field(value, field)));
        }
        Value::Array(values) => found.extend(values.iter().flat_map(|value| with_field(value, field))),
        _ => {}
    }
    found
}

fn listener(bootstrap: &Value, name: &str) -> Value {
    let listeners = bootstrap["static_resources"]["listeners"].as_array().unwrap();
    listeners.iter().find(|listener| listener["name"] == name).unwrap_or_else(|| panic!("no {name}")).clone()
}

/// Every connection manager for clients and peers, by its name in the statistics.
fn managers(bootstrap: &Value) -> Vec<(String, Value)> {
    let managers = with_field(bootstrap, "rds").into_iter();
    managers.map(|manager| (manager["stat_prefix"].as_str().unwrap().to_owned(), manager.clone())).collect()
}
