//! A public node that holds nothing of home's: it is set up by a bundle, and home delivers what it is to have.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, ensure};
use memchr::memmem;
use serde_json::Value;
use zoneway_tests::client::{Client, Protocol, tls};
use zoneway_tests::deadline;
use zoneway_tests::household::home::Home;
use zoneway_tests::household::pki;
use zoneway_tests::household::sites::TWO_ZONES;

/// Two seconds on a quiet machine.
const SOON: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_command_sets_up_a_public_node_and_home_delivers_to_it() -> Result<()> {
    let mut home = Home::start(&with_secrets(), &["studtop"]).await?;
    let bundle = home.bundle("edge", "bundle")?;
    let mut node = bundle.install()?;
    home.reached(deadline::PATIENCE).await?;
    // Nothing was asked for yet but one exposed host.
    let found = secrets_of(node.id(), &bundle.root())?;
    assert!(found.is_empty(), "a captured node would tell: {found:?}");
    // Every host that is exposed, what the node serves itself among them, and no other.
    for (host, served_by) in [("films.stuartpb.com", "stuchip"), ("status.stuartpb.com", "edge")] {
        assert_eq!(home.household.client("edge")?.get(host, "/").await?.report()?.node, served_by);
    }
    for (host, path) in [("dashboard.403.stuartpb.com", "/"), ("notes.stuartpb.com", "/admin")] {
        let answer = home.household.client("edge")?.get(host, path).await?;
        let status = if host.starts_with("notes") { 200 } else { 404 };
        assert_eq!(answer.status, status, "{host}{path}: {answer:?}");
    }
    node.alive()?;

    // The key is the node's own and was signed at home; the token is gone.
    let certificates = bundle.root().join("var/lib/zoneway/certificates");
    assert!(certificates.join("edge.key").exists() && certificates.join("edge.pem").exists());
    assert!(!certificates.join("token").exists());
    let key = fs::read_to_string(certificates.join("edge.key"))?;
    for entry in fs::read_dir(home.household.folder())? {
        let path = entry?.path();
        assert!(fs::read_to_string(&path).map_or(true, |text| text != key), "home has the key: {path:?}");
    }

    // Home reads how it is over the same way.
    deadline::until("home to hear of it", || {
        let at = home.household.node("studtop").map(|node| node.sidecar_at());
        async {
            let client = Client::new(at?, Protocol::Http1);
            let answer = client.get("localhost", "/v1/status").await?;
            let status: Value = serde_json::from_slice(&answer.body)?;
            let edge = status.pointer("/outside/0").context("no public node")?;
            ensure!(edge["state"] == "delivered", "{edge}");
            ensure!(edge.pointer("/sidecar/nodes/0/state").is_some_and(|state| state == "in_sync"), "{edge}");
            for (page, metric) in [("metrics", "zoneway_sidecar_table_hosts"), ("envoy-metrics", "envoy_")] {
                let path = format!("/public-nodes/edge/{page}");
                let answer = client.get("localhost", &path).await?;
                let text = String::from_utf8_lossy(&answer.body).into_owned();
                ensure!(text.contains(metric), "{page}: {}: {text}", answer.status);
            }
            Ok(())
        }
    })
    .await?;

    // An edit at home arrives.
    let dashboard = "dashboard.403.stuartpb.com: dashboard";
    let exposed = "board.stuartpb.com: {expose_to: [exposed], service: dashboard}";
    home.edit(|site| site.replace(dashboard, exposed)).await?;
    deadline::until("the edit to arrive", || async {
        home.household.client("edge")?.get("board.stuartpb.com", "/").await?.report().map(drop)
    })
    .await?;

    // A machine that starts again serves at once what it had; home delivers nothing anew.
    let before = home.told("studtop", "edge").await?;
    node.kill()?;
    let mut node = bundle.restart()?;
    home.reached(SOON).await?;
    node.alive()?;
    let after = home.told("studtop", "edge").await?;
    assert_eq!(before["deliveries"], after["deliveries"], "{after}");

    // Home gone: at once, and with a reason.
    for gone in ["studtop", "stuchip"] {
        home.household.node(gone)?.envoy()?.kill()?;
    }
    let asked = Instant::now();
    let answer = home.household.client("edge")?.get("music.stuartpb.com", "/").await?;
    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(!answer.header("proxy-status").is_empty(), "{answer:?}");
    assert!(asked.elapsed() < SOON, "it took {:?}", asked.elapsed());
    Ok(())
}

/// The site with names that a public node must not have: a host, a path of a host that is exposed and of one that is
/// served there, a service.
const SECRETS: [&str; 4] = ["hidden-host-7", "hidden-path-8", "hidden-path-9", "hidden-service-5"];

fn with_secrets() -> String {
    TWO_ZONES
        .replace("services:", "services:\n  hidden-service-5: {at: {studtop: \"${studtop.hidden}\"}}")
        .replace("/admin:", "/hidden-path-8:")
        .replace("hosts:\n", "hosts:\n  hidden-host-7.stuartpb.com: hidden-service-5\n")
        .replace(
            "status.stuartpb.com: {expose_to: [403, exposed], service: status}",
            "status.stuartpb.com: {expose_to: [403, exposed], paths: {/: status, /hidden-path-9: \
             {service: hidden-service-5, expose_to: [403]}}}",
        )
}

/// Which of [`SECRETS`] are in the memory of a process group, or in the files of a folder.
fn secrets_of(group: u32, folder: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let mut look = |place: String, bytes: &[u8]| {
        let has = |secret: &&&str| memmem::find(bytes, secret.as_bytes()).is_some();
        found.extend(SECRETS.iter().filter(has).map(|secret| format!("{secret} in {place}")));
    };
    let mut programs = 0;
    for entry in fs::read_dir("/proc")? {
        let process = entry?.path();
        // `pid (name) state ppid pgrp …`
        let stat = fs::read_to_string(process.join("stat")).unwrap_or_default();
        let pgrp = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(2));
        if pgrp != Some(&group.to_string()) {
            continue;
        }
        let name = fs::read_to_string(process.join("comm"))?.trim().to_owned();
        programs += usize::from(["zoneway", "envoy"].contains(&name.as_str()));
        let memory = fs::File::open(process.join("mem"))?;
        for line in fs::read_to_string(process.join("maps"))?.lines() {
            let (range, rest) = line.split_once(' ').context("no range")?;
            let (start, end) = range.split_once('-').context("no range")?;
            let (start, end) = (u64::from_str_radix(start, 16)?, u64::from_str_radix(end, 16)?);
            // Its own programs, as they are on the disk, and what the kernel maps.
            if !rest.starts_with("rw") || rest.contains("[v") {
                continue;
            }
            let mut at = start;
            let mut chunk = vec![0; 1 << 20];
            while at < end {
                let wanted = usize::try_from(end - at)?.min(chunk.len());
                let part = chunk.get_mut(..wanted).context("a chunk")?;
                let Ok(read) = memory.read_at(part, at) else { break };
                look(format!("the memory of {name}"), part.get(..read).context("a part")?);
                if read == 0 || at + read as u64 >= end {
                    break;
                }
                // A name may lie across the border.
                at += (read as u64).saturating_sub(64).max(1);
            }
        }
    }
    ensure!(programs == 2, "{programs} programs run there");
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            } else if entry.file_type()?.is_file() && !entry.path().to_string_lossy().contains("/usr/lib/") {
                look(entry.path().display().to_string(), &fs::read(entry.path())?);
            }
        }
    }
    Ok(found)
}

/// Whoever knocks where home delivers, and is not home's gateway.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_no_gateway_of_home_delivers_nothing_and_the_log_says_why() -> Result<()> {
    let site = TWO_ZONES.replace("gateways: [studtop, stuchip]", "gateways: [studtop]");
    let home = Home::start(&site, &["studtop"]).await?;
    let bundle = home.bundle("edge", "bundle")?;
    let node = bundle.install()?;
    home.reached(deadline::PATIENCE).await?;
    let folder = home.household.folder().to_path_buf();
    let attacker = folder.join("attacker");
    pki::init(&attacker)?;
    let forged = pki::issue(&attacker, "403", "studtop")?;
    let other_zone = pki::issue(&folder, "exposed", "other")?;
    let (now, hour) = (SystemTime::now(), Duration::from_secs(3600));
    let expired =
        pki::certify(&folder, "spiffe://stuartpb.com/zone/403/node/studtop", (now - 3 * hour, now - hour))?;
    let of = |(certificate, key): &(PathBuf, PathBuf)| tls::identity(certificate, key);
    let knocks = [
        (tls::anonymous()?, "it shows no certificate"),
        (of(&forged)?, "its certificate is of another authority"),
        (of(&expired)?, "its certificate has expired"),
        (of(&other_zone)?, "it is spiffe://stuartpb.com/zone/exposed/node/other, who may not deliver here"),
        (
            of(&home.household.identity("stuchip"))?,
            "it is spiffe://stuartpb.com/zone/403/node/stuchip, who may not",
        ),
    ];
    for (identity, told) in knocks {
        let mut config = (*identity).clone();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let client = Client::new(home.receives_at("edge")?, Protocol::Http1).tls(Arc::new(config));
        let answer = client.get("public-node", "/v1/public-node").await;
        assert!(answer.is_err(), "{told}: {answer:?}");
        deadline::until("a line that says why", || async {
            ensure!(node.log().contains(told), "nothing is told of {told:?}");
            Ok(())
        })
        .await?;
    }
    // Home is heard still.
    let gateway = home.household.identity("studtop");
    let mut config = (*of(&gateway)?).clone();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let client = Client::new(home.receives_at("edge")?, Protocol::Http1).tls(Arc::new(config));
    let answer = client.get("public-node", "/v1/public-node").await?;
    assert_eq!(answer.status, 200, "{answer:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_is_good_for_one_machine_and_a_new_bundle_rebuilds_it() -> Result<()> {
    let mut home = Home::start(TWO_ZONES, &["studtop"]).await?;
    let first = home.bundle("edge", "first")?;
    let thief = first.copy("thief")?;
    let mut node = first.install()?;
    home.reached(deadline::PATIENCE).await?;
    node.kill()?;

    // The same bundle again, on a machine without that key.
    let mut node = thief.install()?;
    home.logged("its bootstrap token was used already, by another key").await?;
    node.kill()?;

    // A new one rebuilds it.
    let second = home.bundle("edge", "second")?;
    let mut node = second.install()?;
    home.reached(deadline::PATIENCE).await?;
    node.kill()?;

    // One that is too late says so itself, and home would not believe it either.
    let third = home.bundle("edge", "third")?;
    let install = third.folder().join("zoneway-edge/install");
    let script = fs::read_to_string(&install)?;
    let expires = script.lines().find(|line| line.starts_with("expires=")).context("no time")?.to_owned();
    fs::write(&install, script.replace(&expires, "expires=1000000000"))?;
    let complaint = third.install()?;
    deadline::until("a complaint", || {
        let log = complaint.log();
        async move {
            ensure!(log.contains("ran out") && log.contains("zoneway edge bundle"), "{log}");
            Ok(())
        }
    })
    .await?;
    fs::write(&install, &script)?;
    let record = home.household.folder().join("tokens/edge.json");
    let seconds = expires.trim_start_matches("expires=").to_owned();
    fs::write(&record, fs::read_to_string(&record)?.replace(&seconds, "1000000000"))?;
    let _node = third.install()?;
    home.logged("its bootstrap token ran out").await
}
