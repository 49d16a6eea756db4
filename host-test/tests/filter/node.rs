//! One node's Envoy: the singleton, a table endpoint, routers.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use zoneway_host_test::{Envoy, Plugin, Request, Stream, module};

/// The parts of one Envoy, as rendered configuration has them.
pub(crate) struct Node {
    pub(crate) envoy: Envoy,
    pub(crate) compiler: Plugin,
    pub(crate) table: Plugin,
    pub(crate) ingress: Plugin,
    pub(crate) peer: Plugin,
}

/// The settings of a plugin of `studtop` in zone `403`, with these besides.
pub(crate) fn settings(role: &str, besides: Value) -> Value {
    let mut settings = json!({"role": role, "zone": "403", "node": "studtop"});
    if let (Some(settings), Value::Object(besides)) = (settings.as_object_mut(), besides) {
        settings.extend(besides);
    }
    settings
}

/// What the ingress of rendered configuration says: the filter chain has told clients apart.
pub(crate) fn ingress() -> Value {
    settings("ingress", json!({"source_zone": "403"}))
}

/// The view that the tests of this binary serve, at this revision.
pub(crate) fn table(epoch: u64, sequence: u64) -> Value {
    let host = |host: &str, exposed_to: Value, backends: Value| json!({"host": host, "exposed_to": exposed_to, "rules": [{"path": "/", "backends": backends}]});
    json!({
        "version": 1, "revision": {"epoch": epoch, "sequence": sequence}, "view": "403",
        "zones": {
            "403": {
                "nodes": {
                    "studtop": {"address": "192.168.86.23:15443"},
                    "stuchip": {"address": "192.168.86.29:15443"},
                    "stuthree": {"address": "192.168.86.30:15443"},
                },
                "links": [{"to": "exposed", "gateways": [{"node": "edge", "address": "203.0.113.7:15443"}]}],
                "speaks_for": ["403", "exposed"],
            },
            "exposed": {"public": true, "links": [{"to": "403"}]},
        },
        "hosts": [
            host("here.example", json!(["403", "exposed"]), json!([{"node": "studtop"}])),
            host("peer.example", json!(["403", "exposed"]), json!([{"node": "stuchip"}, {"node": "stuthree"}])),
            host("away.example", json!(["403"]), json!([{"zone": "exposed"}])),
            host("inside.example", json!(["403"]), json!([{"node": "studtop"}])),
            host("nowhere.example", json!(["403", "exposed"]), json!([])),
        ],
    })
}

impl Node {
    /// A node without a table.
    pub(crate) fn start() -> Result<Self> {
        let mut envoy = Envoy::new(module()?);
        let compiler = envoy.plugin(&settings("compiler", json!({})))?;
        let table = envoy.plugin(&settings("table", json!({"max_table_bytes": 2_000_000})))?;
        let routers = envoy.start(true)?;
        let ingress = envoy.configure(routers, &ingress())?;
        let peers = json!({"peer_authentication": {"spiffe": "stuartpb.com"}});
        let peer = envoy.configure(routers, &settings("peer", peers))?;
        Ok(Self { envoy, compiler, table, ingress, peer })
    }

    /// A node that serves [`table`] 7.42.
    pub(crate) fn serving() -> Result<Self> {
        let mut node = Self::start()?;
        let (status, answer) = node.push(&table(7, 42))?;
        anyhow::ensure!(status == 200, "{answer}");
        node.envoy.pass(100)?;
        Ok(node)
    }

    /// Pushes a table; status and answer.
    pub(crate) fn push(&mut self, table: &Value) -> Result<(u32, Value)> {
        self.push_bytes(table.to_string().as_bytes())
    }

    /// Pushes any body, in chunks of 16 KiB as they come off a wire.
    pub(crate) fn push_bytes(&mut self, body: &[u8]) -> Result<(u32, Value)> {
        let request = Request::put("/v1/table", body, 16_384);
        self.ask(request)
    }

    /// Asks the table endpoint; it answers before any time passes.
    pub(crate) fn ask(&mut self, request: Request) -> Result<(u32, Value)> {
        let stream = self.envoy.send(self.table, request)?;
        let local = stream.local.context("the endpoint answers each request by itself")?;
        Ok((local.status, local.json()?))
    }

    /// `GET /v1/status`.
    pub(crate) fn status(&mut self) -> Result<Value> {
        Ok(self.ask(Request::get("zoneway", "/v1/status"))?.1)
    }

    /// A client's request for `/` of a host.
    pub(crate) fn get(&mut self, host: &str) -> Result<Stream> {
        self.envoy.send(self.ingress, Request::get(host, "/"))
    }

    /// A request that a node of zone `exposed` passes on, with its certificate.
    pub(crate) fn passed_on(&mut self, host: &str) -> Result<Stream> {
        self.envoy.send(self.peer, from_edge(host))
    }
}

/// A request of zone `exposed`, passed on by its node `edge` over mutual TLS.
pub(crate) fn from_edge(host: &str) -> Request {
    Request::get(host, "/")
        .header("x-zoneway-source", "exposed")
        .header("x-zoneway-trail", "exposed/edge")
        .property("connection.uri_san_peer_certificate", "spiffe://stuartpb.com/zone/exposed/node/edge")
}
