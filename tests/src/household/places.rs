//! Fills the places in a test's site file: `${NODE.NAME}` becomes an address of its own with a free port, the same one
//! wherever it stands; `${NODE}` is the node's IP address and `${dir}` the household's folder.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::address::{self, Addresses};

/// Every address that a household uses.
#[derive(Debug)]
pub struct Places {
    folder: PathBuf,
    addresses: Addresses,
    nodes: BTreeMap<String, Ipv4Addr>,
    places: BTreeMap<(String, String), SocketAddr>,
}

impl Places {
    /// No place yet; `folder` is what `${dir}` stands for.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, addresses: Addresses::default(), nodes: BTreeMap::new(), places: BTreeMap::new() }
    }

    /// Replaces every place in a text; what stands there for the first time gets an address.
    ///
    /// # Errors
    /// A place is not closed, or there is no free port.
    pub fn fill(&mut self, template: &str) -> Result<String> {
        let mut filled = String::with_capacity(template.len());
        let mut rest = template;
        while let Some((before, after)) = rest.split_once("${") {
            let (place, after) = after.split_once('}').context("a `${` of the template is not closed")?;
            filled.push_str(before);
            filled.push_str(&self.replacement(place)?);
            rest = after;
        }
        filled.push_str(rest);
        Ok(filled)
    }

    fn replacement(&mut self, place: &str) -> Result<String> {
        if place == "dir" {
            return Ok(self.folder.display().to_string());
        }
        let (node, name) = place.split_once('.').unwrap_or((place, ""));
        let addresses = &mut self.addresses;
        let ip = *self.nodes.entry(node.to_owned()).or_insert_with(|| addresses.node());
        if name.is_empty() {
            return Ok(ip.to_string());
        }
        let key = (node.to_owned(), name.to_owned());
        if let Some(known) = self.places.get(&key) {
            return Ok(known.to_string());
        }
        let address = address::free(ip).with_context(|| format!("no free port for {place}"))?;
        self.places.insert(key, address);
        Ok(address.to_string())
    }

    /// The address of `NODE.NAME`.
    ///
    /// # Errors
    /// No template has named it.
    pub fn get(&self, place: &str) -> Result<SocketAddr> {
        let (node, name) = place.split_once('.').context("a place is NODE.NAME")?;
        let known = self.places.get(&(node.to_owned(), name.to_owned()));
        known.copied().with_context(|| format!("the site names no ${{{place}}}"))
    }

    /// The node's IP address.
    ///
    /// # Errors
    /// No template has named it.
    pub fn ip(&self, node: &str) -> Result<Ipv4Addr> {
        self.nodes.get(node).copied().with_context(|| format!("the site names no node {node}"))
    }

    /// Every place: node, name and address.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str, SocketAddr)> {
        self.places.iter().map(|((node, name), address)| (node.as_str(), name.as_str(), *address))
    }
}
