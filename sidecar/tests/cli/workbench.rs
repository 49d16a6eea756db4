//! A folder of files, and the binary run in it.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// The example of the design, as a site.
pub(crate) const EXAMPLE: &str = include_str!("../../../site/tests/data/example.yaml");

/// A folder that is gone at the end of the test.
pub(crate) struct Bench {
    folder: TempDir,
}

/// What a run said, and how it ended.
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Bench {
    /// With these files.
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let bench = Self { folder: tempfile::tempdir().expect("a folder") };
        for (name, text) in files {
            bench.write(name, text);
        }
        bench
    }

    /// With the example as `site.yaml`, and its views as `403.json` and `exposed.json`.
    pub(crate) fn example() -> Self {
        let bench = Self::with(&[("site.yaml", EXAMPLE)]);
        for zone in ["403", "exposed"] {
            let view = bench.run(&["table", "--site", "site.yaml", "--zone", zone]).well();
            bench.write(&format!("{zone}.json"), &view.out);
        }
        bench
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path().join(name), text).expect("the file can be written");
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Said {
        self.run_with(arguments, "")
    }

    /// With a text on standard input.
    pub(crate) fn run_with(&self, arguments: &[&str], input: &str) -> Said {
        let mut child = Command::new(env!("CARGO_BIN_EXE_zoneway"))
            .args(arguments)
            .current_dir(self.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let mut stdin = child.stdin.take().expect("it is piped");
        let input = input.to_owned();
        // A thread of its own: a large input would fill the pipe before the output is read. A command that reads
        // nothing closes it early, which is fine.
        let writer = std::thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
        let output = child.wait_with_output().expect("the binary ends");
        writer.join().expect("the input is written");
        let text = |bytes| String::from_utf8(bytes).expect("it speaks UTF-8");
        Said {
            code: output.status.code().expect("it ends by itself"),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }
}

impl Said {
    /// Expects exit code 0.
    #[track_caller]
    pub(crate) fn well(self) -> Self {
        self.code(0)
    }

    /// Expects an exit code.
    #[track_caller]
    pub(crate) fn code(self, expected: i32) -> Self {
        assert_eq!(self.code, expected, "out: {}\nerr: {}", self.out, self.err);
        self
    }

    /// What it printed, as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.out))
    }
}
