//! A network of its own: a namespace that one cable joins to this machine, as a household's one line joins it to the
//! internet. Only who may change networks can make one: root, as a rule.

use std::net::Ipv4Addr;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Result;

use crate::process;

/// The namespace. Dropping it takes it away; what runs in it has to be gone by then.
#[derive(Debug)]
pub struct Namespace {
    name: String,
    cable: String,
    here: Ipv4Addr,
    inside: Ipv4Addr,
}

impl Namespace {
    /// A namespace whose loopback interface and cable are up.
    ///
    /// # Errors
    /// `ip` is missing or refuses: whoever runs this may not change networks.
    pub fn new() -> Result<Self> {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let (process, number) = (std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        // 198.18.0.0/15 is for tests of networks (RFC 2544): eight addresses each.
        let [_, _, third, fourth] = (process.wrapping_mul(7).wrapping_add(number) * 8).to_be_bytes();
        let (here, inside) = (fourth | 1, fourth | 2);
        let namespace = Self {
            name: format!("zoneway-{process}-{number}"),
            cable: format!("zw{}-{number}", process % 1_000_000),
            here: Ipv4Addr::new(198, 18, third, here),
            inside: Ipv4Addr::new(198, 18, third, inside),
        };
        let Self { name, cable, here, inside } = &namespace;
        ip(&format!("netns add {name}"))?;
        ip(&format!("link add {cable} type veth peer name cable netns {name}"))?;
        ip(&format!("addr add {here}/29 dev {cable}"))?;
        ip(&format!("link set {cable} up"))?;
        ip(&format!("-n {name} link set lo up"))?;
        ip(&format!("-n {name} addr add {inside}/29 dev cable"))?;
        ip(&format!("-n {name} link set cable up"))?;
        Ok(namespace)
    }

    /// This machine's end of the cable: what is inside can dial it.
    #[must_use]
    pub fn here(&self) -> Ipv4Addr {
        self.here
    }

    /// The inner end of the cable.
    #[must_use]
    pub fn inside(&self) -> Ipv4Addr {
        self.inside
    }

    /// The same command, run inside.
    #[must_use]
    pub fn enter(&self, command: &Command) -> Command {
        enter(&self.name, command)
    }

    /// Its name, as `ip netns` knows it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Pulls the cable: bytes stop both ways, and nobody is told.
    ///
    /// # Errors
    /// `ip` refuses.
    pub fn unplug(&self) -> Result<()> {
        ip(&format!("-n {} link set cable down", self.name))
    }

    /// Puts the cable back. The inner end has another address then, as a household has whose provider gave it a new one.
    ///
    /// # Errors
    /// `ip` refuses.
    pub fn plug_with_another_address(&mut self) -> Result<()> {
        let [a, b, c, d] = self.inside.octets();
        let old = std::mem::replace(&mut self.inside, Ipv4Addr::new(a, b, c, d + 1));
        ip(&format!("-n {} addr del {old}/29 dev cable", self.name))?;
        ip(&format!("-n {} addr add {}/29 dev cable", self.name, self.inside))?;
        ip(&format!("-n {} link set cable up", self.name))
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // The cable goes with the namespace; where that did not come to be, alone.
        let _ = ip(&format!("netns del {}", self.name));
        let _ = ip(&format!("link del {}", self.cable));
    }
}

/// A command inside the namespace of this name.
pub(crate) fn enter(name: &str, command: &Command) -> Command {
    let mut inside = Command::new("ip");
    inside.args(["netns", "exec", name]).arg(command.get_program()).args(command.get_args());
    for (variable, value) in command.get_envs() {
        match value {
            Some(value) => inside.env(variable, value),
            None => inside.env_remove(variable),
        };
    }
    inside
}

fn ip(arguments: &str) -> Result<()> {
    process::output(Command::new("ip").args(arguments.split(' '))).map(drop)
}
