//! The programs under test, each ended with the test that started it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// How long a condition may take on a loaded machine before the test gives up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A running program. What it logged is printed at its end, which is shown where the test failed.
pub(crate) struct Program {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

impl Program {
    pub(crate) fn start(name: &'static str, command: &mut Command, log: &Path) -> Self {
        let file = File::options().create(true).append(true).open(log).unwrap();
        let command = command.stdin(Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file);
        Self { name, child: command.spawn().unwrap(), log: log.to_owned() }
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits until it has ended by itself.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// Ends it without a word (SIGKILL) and waits until it is gone.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
        let log = self.log();
        let lines = log.lines().collect::<Vec<_>>();
        eprintln!("--- {} ---\n{}", self.name, lines[lines.len().saturating_sub(60)..].join("\n"));
    }
}

/// Looks at a condition until it holds; fails with its last complaint.
#[track_caller]
pub(crate) fn until<T>(what: &str, mut probe: impl FnMut() -> Result<T, String>) -> T {
    let start = Instant::now();
    loop {
        match probe() {
            Ok(value) => return value,
            Err(complaint) if start.elapsed() > PATIENCE => {
                panic!("waited {PATIENCE:?} for {what}: {complaint}")
            }
            Err(_) => std::thread::sleep(Duration::from_millis(10)),
        }
    }
}

/// The binary under test.
pub(crate) fn zoneway() -> Command {
    Command::new(env!("CARGO_BIN_EXE_zoneway"))
}

/// Runs a command of the binary to its end.
pub(crate) fn run(arguments: &[&str]) -> Output {
    zoneway().args(arguments).stdin(Stdio::null()).output().unwrap()
}

/// The filter: `ZONEWAY_WASM`, else the one that `make wasm` leaves.
pub(crate) fn wasm() -> PathBuf {
    let target = Path::new(env!("CARGO_BIN_EXE_zoneway")).ancestors().nth(2).unwrap();
    let path = std::env::var_os("ZONEWAY_WASM").map_or_else(|| target.join("zoneway.wasm"), PathBuf::from);
    assert!(path.is_file(), "{} is not there: run `make wasm`, or set ZONEWAY_WASM", path.display());
    path
}

/// Envoy: `ZONEWAY_ENVOY`, else the one that `make setup` leaves, else the one in `PATH`.
pub(crate) fn envoy() -> PathBuf {
    let named = std::env::var_os("ZONEWAY_ENVOY").map(PathBuf::from);
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.zoneway/bin/envoy");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).map(|folder| folder.join("envoy")).collect::<Vec<_>>();
    let mut places = named.into_iter().chain([installed]).chain(on_path);
    places.find(|place| place.is_file()).expect("no Envoy: run `make setup`, or set ZONEWAY_ENVOY")
}
