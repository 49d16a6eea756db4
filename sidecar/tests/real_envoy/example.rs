//! An example of `envoy-config/` as it is there, but for the places on this machine that it names.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::parts::{self, repository};
use crate::process::output;

/// A copy that can be run: its own run folder, certificates and ports.
pub(crate) struct Example {
    folder: TempDir,
}

impl Example {
    /// Copies an example, with what it names by each of these texts replaced.
    pub(crate) fn copy(name: &str, more: &[(&str, String)]) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let to = |part: &str| folder.path().join(part).display().to_string();
        let mut places = vec![
            ("envoy-config/minimal/run".to_owned(), to("run")),
            ("/run/zoneway".to_owned(), to("run")),
            ("/etc/zoneway".to_owned(), to("etc")),
            ("/usr/lib/zoneway/zoneway.wasm".to_owned(), parts::wasm()?.display().to_string()),
            ("filename: target/zoneway.wasm".to_owned(), format!("filename: {}", parts::wasm()?.display())),
        ];
        places.extend(more.iter().map(|(from, to)| ((*from).to_owned(), to.clone())));
        let example = repository().join("envoy-config").join(name);
        let xds = ["xds", "run/xds"].iter().map(|xds| example.join(xds)).find(|xds| xds.is_dir());
        copy(&xds.context("an example without xds files")?, &folder.path().join("run/xds"), &places)?;
        copy(&example.join("envoy.yaml"), &folder.path().join("envoy.yaml"), &places)?;
        Ok(Self { folder })
    }

    /// Makes the certificates that the example names, by the commands that its README says.
    pub(crate) fn with_certificates(self) -> Result<Self> {
        let pki = self.path("etc/pki");
        let site = repository().join("envoy-config/site.yaml");
        let zoneway = || Command::new(parts::ZONEWAY);
        output(zoneway().args(["pki", "init", "--domain", "stuartpb.com", "--dir"]).arg(&pki))?;
        output(zoneway().args(["pki", "issue", "--site"]).arg(site).arg("--dir").arg(&pki))?;
        fs::create_dir_all(self.path("etc/tls"))?;
        for file in ["edge.pem", "edge.key"] {
            fs::copy(pki.join(file), self.path("etc/tls").join(file))?;
        }
        Ok(self)
    }

    /// A place in the copy.
    pub(crate) fn path(&self, part: &str) -> PathBuf {
        self.folder.path().join(part)
    }
}

fn copy(from: &Path, to: &Path, places: &[(String, String)]) -> Result<()> {
    if from.is_dir() {
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            copy(&entry.path(), &to.join(entry.file_name()), places)?;
        }
        return Ok(());
    }
    let mut text = fs::read_to_string(from).with_context(|| from.display().to_string())?;
    for (from, to) in places {
        text = text.replace(from, to);
    }
    fs::create_dir_all(to.parent().unwrap_or(to))?;
    Ok(fs::write(to, text)?)
}
