//! The services and where they run.

use std::collections::BTreeMap;
use std::sync::Arc;

use zoneway_core::fault::Step;
use zoneway_core::name::NodeId;

use super::{Beside, Check, place};
use crate::fault::SiteFault;
use crate::host_port::HostPort;
use crate::site::{Served, Service, Verify};
use crate::sorted::Sorted;
use crate::wire;

impl Check<'_> {
    pub(super) fn services(&mut self) -> Arc<BTreeMap<Arc<str>, Arc<Service>>> {
        let wire = self.wire.services.as_ref();
        let before = self.before.map(|(old, site)| (old.services.as_ref(), site));
        if let Some((Some(old), site)) = before
            && wire.is_some_and(|wire| wire.is(old))
        {
            self.services_stay = true;
            return Arc::clone(&site.services);
        }
        let mut written_before =
            Beside(before.and_then(|(old, _)| old).into_iter().flat_map(|old| old.iter()).peekable());
        let mut meant_before =
            Beside(before.into_iter().flat_map(|(_, site)| site.services.iter()).peekable());
        let mut services = BTreeMap::new();
        let mut stay = 0;
        for (name, written) in wire.into_iter().flatten() {
            let old = written_before.at(name);
            stay += usize::from(old.is_some());
            if old.is_some_and(|(_, old)| Arc::ptr_eq(old, written))
                && let Some((name, service)) = meant_before.at(name)
            {
                services.insert(Arc::clone(name), Arc::clone(service));
                continue;
            }
            services.insert(Arc::clone(name), Arc::new(self.one_service(name, written)));
        }
        self.services_stay = before.is_some_and(|(old, _)| old.map_or(0, |old| old.len()) == stay);
        Arc::new(services)
    }

    fn one_service(&mut self, name: &str, written: &wire::Service) -> Service {
        let path = place("services", name);
        let mut at: BTreeMap<NodeId, Served> = BTreeMap::new();
        for (node, served) in written.at.iter().flat_map(Sorted::iter) {
            let path = format!("{path}.at{}", Step(node));
            let id = self.node(&path, node).map(|(id, _)| id);
            let served = self.served(&path, served);
            at.extend(id.map(|id| (id, served)));
        }
        let verify = match written.verify.as_deref() {
            None => Verify::System,
            Some("none") => Verify::None,
            Some(file) => Verify::Ca(file.to_owned()),
        };
        Service { at: at.into(), protocol: written.protocol.unwrap_or_default(), verify }
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
