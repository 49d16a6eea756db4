//! The services and where they run.

use std::collections::BTreeMap;

use zoneway_core::fault::Step;
use zoneway_core::name::NodeId;

use super::{Check, place};
use crate::fault::SiteFault;
use crate::host_port::HostPort;
use crate::site::{Served, Service, Verify};
use crate::wire;

impl Check<'_> {
    pub(super) fn services(&mut self) -> BTreeMap<String, Service> {
        let mut services = BTreeMap::new();
        for (name, written) in self.wire.services.iter().flatten() {
            let path = place("services", name);
            let mut at = BTreeMap::new();
            for (node, served) in written.at.iter().flatten() {
                let path = format!("{path}.at{}", Step(node));
                let id = self.node(&path, node).map(|(id, _)| id);
                let served = self.served(&path, served);
                at.extend::<Option<(NodeId, Served)>>(id.map(|id| (id, served)));
            }
            let verify = match written.verify.as_deref() {
                None => Verify::System,
                Some("none") => Verify::None,
                Some(file) => Verify::Ca(file.to_owned()),
            };
            services
                .insert(name.clone(), Service { at, protocol: written.protocol.unwrap_or_default(), verify });
        }
        services
    }

    fn served(&mut self, path: &str, written: &wire::Served) -> Served {
        let mut addresses = Vec::with_capacity(written.addresses.len());
        for (index, text) in written.addresses.iter().enumerate() {
            let path =
                if written.addresses.len() == 1 { path.to_owned() } else { format!("{path}[{index}]") };
            let Some(address) = self.parsed(&path, HostPort::parse(text, None)) else { continue };
            if addresses.contains(&address) {
                self.fault(path, SiteFault::Repeated { what: "address", name: text.clone() });
            } else {
                addresses.push(address);
            }
        }
        // Nothing can be served where no address is: other nodes are not to be sent there.
        let weight = match written.weight {
            None if written.addresses.is_empty() => 0,
            weight => self.number(format_args!("{path}.weight"), weight, 0),
        };
        Served { addresses, weight }
    }
}
