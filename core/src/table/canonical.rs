//! The canonical JSON of a table (RFC 8785) and its SHA-256.
//!
//! RFC 8785 sorts the members of an object and leaves out white space; of a valid table every key is ASCII and every
//! number a small integer, so bytewise order and plain decimal digits are what it asks for. Members are therefore
//! written below in the order of their names.

use sha2::{Digest as _, Sha256};

use super::wire::{Backend, Gateway, Host, Link, Node, Prefer, Rule, Table, Zone};
use super::{Digest, Outline};

/// SHA-256 of the canonical JSON without `revision`.
pub(super) fn digest(table: &Table) -> Digest {
    hashed(|text| text.table(table, |text| text.list(&table.hosts, Text::host)))
}

/// As [`digest`]: what hosts of a kind have before and behind their names is written once.
pub(super) fn digest_of_outline(outline: &Outline<'_>) -> Digest {
    // A checked name needs no escapes.
    let around = |kind: &Host| {
        let before = Text::of(|text| {
            text.before_name(kind);
            text.raw("\"");
        });
        let behind = Text::of(|text| {
            text.raw("\"");
            text.behind_name(kind);
        });
        (before, behind)
    };
    let kinds: Vec<(String, String)> = outline.kinds().iter().map(around).collect();
    hashed(|text| {
        text.table(outline.rest(), |text| {
            text.list(outline.hosts(), |text, host| {
                if let Some((before, behind)) = kinds.get(host.kind) {
                    [before, host.name, behind].into_iter().for_each(|piece| text.raw(piece));
                }
            });
        });
    })
}

/// What these texts come to, one behind the other.
pub(super) fn digest_of<'t>(parts: impl Iterator<Item = &'t str>) -> Digest {
    let mut sha = Sha256::new();
    parts.for_each(|part| sha.update(part));
    Digest(sha.finalize().into())
}

impl Table {
    /// Its canonical JSON, without `revision`: what the digest is of.
    #[must_use]
    pub fn canonical(&self) -> String {
        Text::of(|text| text.table(self, |text| text.list(&self.hosts, Text::host)))
    }
}

impl Host {
    /// Its canonical JSON, as it stands in a table's.
    #[must_use]
    pub fn canonical(&self) -> String {
        Text::of(|text| text.host(self))
    }
}

/// SHA-256 of what is written.
fn hashed(write: impl FnOnce(&mut Text)) -> Digest {
    let mut text = Text { text: String::with_capacity(BLOCK), sha: Some(Sha256::new()) };
    write(&mut text);
    let mut sha = text.sha.unwrap_or_default();
    sha.update(text.text.as_bytes());
    Digest(sha.finalize().into())
}

/// How much text is gathered before it is hashed: a table is never held twice.
const BLOCK: usize = 8192;

struct Text {
    text: String,
    /// Takes what is gathered; `None`: it stays.
    sha: Option<Sha256>,
}

impl Text {
    fn of(write: impl FnOnce(&mut Self)) -> String {
        let mut text = Self { text: String::new(), sha: None };
        write(&mut text);
        text.text
    }

    fn raw(&mut self, text: &str) {
        if self.text.len() + text.len() > BLOCK
            && let Some(sha) = &mut self.sha
        {
            sha.update(self.text.as_bytes());
            self.text.clear();
        }
        self.text.push_str(text);
    }

    fn string(&mut self, text: &str) {
        if text.bytes().any(|byte| byte < b' ' || byte == b'"' || byte == b'\\') {
            // serde_json escapes what RFC 8785, section 3.2.2.2, escapes, and in the same way.
            return self.raw(&serde_json::Value::from(text).to_string());
        }
        self.raw("\"");
        self.raw(text);
        self.raw("\"");
    }

    fn list<T>(&mut self, items: &[T], mut item: impl FnMut(&mut Self, &T)) {
        self.raw("[");
        for (index, value) in items.iter().enumerate() {
            if index > 0 {
                self.raw(",");
            }
            item(self, value);
        }
        self.raw("]");
    }

    fn strings(&mut self, items: &[String]) {
        self.list(items, |text, item| text.string(item));
    }

    fn object(&mut self, members: impl FnOnce(&mut Members<'_>)) {
        self.raw("{");
        members(&mut Members { text: self, first: true });
        self.raw("}");
    }

    fn table(&mut self, table: &Table, hosts: impl FnOnce(&mut Self)) {
        self.object(|o| {
            o.member("hosts", hosts);
            o.member("version", |t| t.raw(&table.version.to_string()));
            o.member("view", |t| t.string(&table.view));
            o.member("zones", |t| {
                t.object(|o| table.zones.iter().for_each(|(name, zone)| o.member(name, |t| t.zone(zone))));
            });
        });
    }

    fn zone(&mut self, zone: &Zone) {
        self.object(|o| {
            o.some("links", zone.links.as_ref(), |t, links| t.list(links, Self::link));
            o.some("nodes", zone.nodes.as_ref(), |t, nodes| {
                t.object(|o| nodes.iter().for_each(|(id, node)| o.member(id, |t| t.node(node))));
            });
            o.some("public", zone.public.as_ref(), |t, public| t.raw(if *public { "true" } else { "false" }));
            o.some("speaks_for", zone.speaks_for.as_ref(), |t, zones| t.strings(zones));
        });
    }

    fn node(&mut self, node: &Node) {
        self.object(|o| o.member("address", |t| t.string(&node.address)));
    }

    fn link(&mut self, link: &Link) {
        self.object(|o| {
            o.some("cost", link.cost.as_ref(), |t, cost| t.raw(&cost.to_string()));
            o.some("egress", link.egress.as_ref(), |t, egress| t.strings(egress));
            o.some("gateways", link.gateways.as_ref(), |t, gateways| t.list(gateways, Self::gateway));
            o.member("to", |t| t.string(&link.to));
        });
    }

    fn gateway(&mut self, gateway: &Gateway) {
        self.object(|o| {
            o.some("address", gateway.address.as_ref(), |t, address| t.string(address));
            o.member("node", |t| t.string(&gateway.node));
            o.some("tunnel", gateway.tunnel.as_ref(), |t, tunnel| {
                t.raw(if *tunnel { "true" } else { "false" })
            });
        });
    }

    fn host(&mut self, host: &Host) {
        self.before_name(host);
        self.string(&host.host);
        self.behind_name(host);
    }

    fn before_name(&mut self, host: &Host) {
        self.raw("{\"exposed_to\":");
        self.strings(&host.exposed_to);
        self.raw(",\"host\":");
    }

    fn behind_name(&mut self, host: &Host) {
        match host.prefer {
            Some(Prefer::Node) => self.raw(",\"prefer\":\"node\""),
            Some(Prefer::Zone) => self.raw(",\"prefer\":\"zone\""),
            None => {}
        }
        if let Some(rules) = &host.rules {
            self.raw(",\"rules\":");
            self.list(rules, Self::rule);
        }
        self.raw("}");
    }

    fn rule(&mut self, rule: &Rule) {
        self.object(|o| {
            o.some("backends", rule.backends.as_ref(), |t, backends| t.list(backends, Self::backend));
            o.some("exposed_to", rule.exposed_to.as_ref(), |t, zones| t.strings(zones));
            o.member("path", |t| t.string(&rule.path));
        });
    }

    fn backend(&mut self, backend: &Backend) {
        self.object(|o| {
            o.some("node", backend.node.as_ref(), |t, node| t.string(node));
            o.some("weight", backend.weight.as_ref(), |t, weight| t.raw(&weight.to_string()));
            o.some("zone", backend.zone.as_ref(), |t, zone| t.string(zone));
        });
    }
}

/// The members of one object, in the order of their names.
struct Members<'a> {
    text: &'a mut Text,
    first: bool,
}

impl Members<'_> {
    fn member(&mut self, name: &str, value: impl FnOnce(&mut Text)) {
        if !core::mem::take(&mut self.first) {
            self.text.raw(",");
        }
        self.text.string(name);
        self.text.raw(":");
        value(self.text);
    }

    fn some<T>(&mut self, name: &str, value: Option<&T>, write: impl FnOnce(&mut Text, &T)) {
        if let Some(value) = value {
            self.member(name, |text| write(text, value));
        }
    }
}
