//! A program that a test started: its output goes to a file, it ends with the test by its own process group, and the
//! end of its output is printed, which the test runner shows only for a test that failed.

use std::fs::{self, File};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

/// So many of the last lines are printed at the end.
const TAIL: usize = 80;

/// A running program. Dropping it kills its whole process group and waits for it.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `command` in a process group of its own; `name` is what its log is headed with.
    ///
    /// # Errors
    /// The log cannot be written or the program cannot be started.
    pub fn start(name: &str, command: &mut Command, log: &Path) -> Result<Self> {
        let out = File::options().create(true).append(true).open(log);
        let out = out.with_context(|| format!("cannot write {}", log.display()))?;
        let child = command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(out.try_clone()?)
            .stderr(out)
            .spawn()
            .with_context(|| format!("cannot start {}", command.get_program().display()))?;
        Ok(Self { name: name.to_owned(), child, log: log.to_path_buf() })
    }

    /// Everything that it has printed so far.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read(&self.log)
            .map_or_else(|_| String::new(), |bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Fails when it has ended, with the end of its output.
    ///
    /// # Errors
    /// It has ended.
    pub fn alive(&mut self) -> Result<()> {
        let ended = self.child.try_wait()?;
        ensure!(ended.is_none(), "{} has ended ({}):\n{}", self.name, text(ended), tail(&self.log()));
        Ok(())
    }

    /// Asks it to stop (SIGTERM) and waits, for as long as the test runner allows.
    ///
    /// # Errors
    /// It cannot be signalled.
    pub fn stop(&mut self) -> Result<ExitStatus> {
        kill_process(self.pid()?, Signal::TERM)?;
        Ok(self.child.wait()?)
    }

    /// Kills it (SIGKILL) and waits until it is gone: its sockets are closed when this returns.
    ///
    /// # Errors
    /// It cannot be signalled.
    pub fn kill(&mut self) -> Result<ExitStatus> {
        if let Some(status) = self.child.try_wait()? {
            return Ok(status);
        }
        kill_process_group(self.pid()?, Signal::KILL)?;
        Ok(self.child.wait()?)
    }

    fn pid(&self) -> Result<Pid> {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        id.with_context(|| format!("{} has no process id", self.name))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let ended = self.kill().ok();
        eprintln!("--- {} ({}) ---\n{}", self.name, text(ended), tail(&self.log()));
    }
}

/// Runs `command` to its end and gives what it printed on standard output.
///
/// # Errors
/// It cannot be started, or ends with anything but 0: the error has what it wrote.
pub fn output(command: &mut Command) -> Result<String> {
    let result = command.stdin(Stdio::null()).output();
    let result = result.with_context(|| format!("cannot start {}", command.get_program().display()))?;
    let out = String::from_utf8_lossy(&result.stdout).into_owned();
    let complaint = String::from_utf8_lossy(&result.stderr);
    ensure!(result.status.success(), "{command:?} ended with {}:\n{complaint}{}", result.status, tail(&out));
    Ok(out)
}

fn text(status: Option<ExitStatus>) -> String {
    match status {
        None => "still running".to_owned(),
        Some(status) => {
            status.signal().map_or_else(|| status.to_string(), |signal| format!("signal {signal}"))
        }
    }
}

fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    let start = lines.len().saturating_sub(TAIL);
    lines.get(start..).unwrap_or_default().join("\n")
}
