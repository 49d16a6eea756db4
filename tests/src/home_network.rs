//! A household's network, as a provider's customer has it: private addresses behind a router that translates them. Who is
//! inside dials out; nobody dials in. The internet is this machine.
//!
//! The router is the kernel's own NAT (`nft`), in a namespace of its own.

use std::io::Write as _;
use std::net::Ipv4Addr;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Result;

use crate::namespace::{self, Namespace, ip};
use crate::process;

/// The network. Dropping it takes it away; what runs in it has to be gone by then.
#[derive(Debug)]
pub struct HomeNetwork {
    home: Namespace,
    router: Namespace,
    cable: String,
    here: Ipv4Addr,
    address: Ipv4Addr,
    boots: u32,
}

/// Which way packets are lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// What home sends.
    FromHome,
    /// What is sent to home.
    ToHome,
    /// Everything.
    BothWays,
}

impl HomeNetwork {
    /// A network, or `None` where this machine lets nobody make one: then one line says so, for the test has to leave out
    /// what it is about.
    #[must_use]
    pub fn or_skip() -> Option<Self> {
        match Self::new() {
            Ok(network) => Some(network),
            Err(error) => {
                // Past the test runner, which shows nothing of a test that passes.
                let _ = writeln!(
                    std::io::stderr(),
                    "SKIPPED: no network of its own for a household (it takes root, `ip` and `nft`): {error:#}"
                );
                None
            }
        }
    }

    fn new() -> Result<Self> {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let (process, number) = (std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        // 198.18.0.0/15 is for tests of networks (RFC 2544): eight addresses each.
        let [_, _, third, fourth] = (process.wrapping_mul(7).wrapping_add(number) * 8).to_be_bytes();
        let network = Self {
            home: Namespace::new(format!("zoneway-home-{process}-{number}"))?,
            router: Namespace::new(format!("zoneway-router-{process}-{number}"))?,
            cable: format!("zw{}-{number}", process % 1_000_000),
            here: Ipv4Addr::new(198, 18, third, fourth | 1),
            address: Ipv4Addr::new(198, 18, third, fourth | 2),
            boots: 1,
        };
        let Self { home, router, cable, here, address, .. } = &network;
        ip(&format!("link add {cable} type veth peer name wan netns {}", router.name()))?;
        ip(&format!("addr add {here}/29 dev {cable}"))?;
        ip(&format!("link set {cable} up"))?;
        router.ip(&format!("addr add {address}/29 dev wan"))?;
        router.ip("link set wan up")?;
        router.ip(&format!("link add lan type veth peer name line netns {}", home.name()))?;
        router.ip("addr add 192.168.86.1/24 dev lan")?;
        router.ip("link set lan up")?;
        home.ip("addr add 192.168.86.23/24 dev line")?;
        home.ip("link set line up")?;
        home.ip("route add default via 192.168.86.1")?;
        // A connection that the router does not know is none, even where it looks like one that is under way: so do most
        // routers, and this kernel's own default is to guess.
        let settings =
            "echo 0 >/proc/sys/net/netfilter/nf_conntrack_tcp_loose; echo 1 >/proc/sys/net/ipv4/ip_forward";
        network.at_router(Command::new("sh").args(["-e", "-c", settings]))?;
        network.nft(
            "table ip home {
               chain known { type filter hook prerouting priority raw; ct zone set 1; }
               chain leaves { type nat hook postrouting priority srcnat; oifname wan masquerade; }
               chain passes {
                 type filter hook forward priority filter; policy drop;
                 ct state invalid drop
                 iifname lan accept
                 ct state established,related accept
               }
               chain enters { type filter hook input priority filter; iifname wan drop; }
             }",
        )?;
        Ok(network)
    }

    /// Where this machine is dialled from inside.
    #[must_use]
    pub fn here(&self) -> Ipv4Addr {
        self.here
    }

    /// The address that home has on the internet.
    #[must_use]
    pub fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// Where its programs run.
    #[must_use]
    pub fn home(&self) -> &Namespace {
        &self.home
    }

    /// From now on packets are lost, and nobody is told.
    ///
    /// # Errors
    /// `nft` refuses.
    pub fn lose(&self, lost: Lost) -> Result<()> {
        let from = |side: &str| format!("iifname {side} drop;");
        let rules = match lost {
            Lost::FromHome => from("lan"),
            Lost::ToHome => from("wan"),
            Lost::BothWays => from("lan") + &from("wan"),
        };
        self.nft(&format!(
            "table ip lost {{ chain passes {{ type filter hook forward priority filter - 1; {rules} }}; }}"
        ))
    }

    /// None is lost any more.
    ///
    /// # Errors
    /// `nft` refuses.
    pub fn lose_none(&self) -> Result<()> {
        self.nft("delete table ip lost")
    }

    /// The router forgets every connection, as when it is switched off and on.
    ///
    /// # Errors
    /// `nft` refuses.
    pub fn reboot_router(&mut self) -> Result<()> {
        // The kernel keeps connections by zone: in another one it knows none.
        self.boots += 1;
        let zone = self.boots;
        self.nft(&format!("flush chain ip home known; add rule ip home known ct zone set {zone}"))
    }

    /// Home's provider gives it another address.
    ///
    /// # Errors
    /// `ip` refuses.
    pub fn change_address(&mut self) -> Result<()> {
        let [a, b, c, d] = self.address.octets();
        let old = std::mem::replace(&mut self.address, Ipv4Addr::new(a, b, c, d ^ 1));
        self.router.ip(&format!("addr del {old}/29 dev wan"))?;
        self.router.ip(&format!("addr add {}/29 dev wan", self.address))
    }

    fn nft(&self, rules: &str) -> Result<()> {
        self.at_router(Command::new("nft").arg(rules))
    }

    fn at_router(&self, command: &Command) -> Result<()> {
        process::output(&mut namespace::enter(self.router.name(), command)).map(drop)
    }
}

impl Drop for HomeNetwork {
    fn drop(&mut self) {
        // The rest goes with the namespaces.
        let _ = ip(&format!("link del {}", self.cable));
    }
}
