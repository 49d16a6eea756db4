//! A network of its own, in which programs run and sockets are opened. Only who may change networks can make one: root, as a
//! rule.

use std::fs::File;
use std::io;
use std::os::fd::AsFd as _;
use std::path::Path;
use std::process::Command;
use std::thread;

use anyhow::{Context as _, Result};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::process;

/// The namespace. Dropping it takes it away; what runs in it has to be gone by then.
#[derive(Debug)]
pub struct Namespace {
    name: String,
}

impl Namespace {
    /// A namespace whose loopback interface is up.
    ///
    /// # Errors
    /// `ip` is missing or refuses: whoever runs this may not change networks.
    pub fn new(name: String) -> Result<Self> {
        ip(&format!("netns add {name}"))?;
        let namespace = Self { name };
        namespace.ip("link set lo up")?;
        Ok(namespace)
    }

    /// Its name, as `ip netns` knows it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs `ip` in it.
    ///
    /// # Errors
    /// `ip` refuses.
    pub fn ip(&self, arguments: &str) -> Result<()> {
        ip(&format!("-n {} {arguments}", self.name))
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = ip(&format!("netns del {}", self.name));
    }
}

/// Opens a socket in the namespace of this name: it stays there, whoever uses it.
///
/// # Errors
/// The namespace cannot be entered, or what `open` says.
pub(crate) fn open<T: Send>(name: &str, open: impl FnOnce() -> io::Result<T> + Send) -> Result<T> {
    let namespace = File::open(Path::new("/run/netns").join(name))?;
    let opened = thread::scope(|scope| {
        let inside = || {
            move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))?;
            open()
        };
        scope.spawn(inside).join()
    });
    let opened = opened.map_err(|_| io::Error::other("it panicked")).flatten();
    opened.with_context(|| format!("in the namespace {name}"))
}

/// The same command, run in the namespace of this name.
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

/// Runs `ip` in this machine's own network.
pub(crate) fn ip(arguments: &str) -> Result<()> {
    process::output(Command::new("ip").args(arguments.split(' '))).map(drop)
}
