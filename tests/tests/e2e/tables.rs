//! The table endpoint of a real Envoy: what is broken, old or not for it is refused whole, and the old table serves on.

use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use zoneway_tests::client::unix;
use zoneway_tests::household::Household;
use zoneway_tests::household::sites::TWO_ZONES;

/// An Envoy of studtop with a table, and no sidecar that would mend what a test breaks.
async fn fed() -> Result<(Household, PathBuf, Value)> {
    let mut household = Household::start(TWO_ZONES).await?;
    household.node("studtop")?.sidecar()?.kill()?;
    let socket = household.node("studtop")?.table_socket();
    let table = unix::json(&socket, "/v1/table").await?;
    Ok((household, socket, table))
}

async fn put(socket: &std::path::Path, body: impl Into<hyper::body::Bytes>) -> Result<(u16, Value)> {
    let (status, body) = unix::send(socket, "PUT", "/v1/table", body).await?;
    let text = String::from_utf8_lossy(&body).into_owned();
    Ok((status, serde_json::from_str(&text).with_context(|| format!("{status} with {text:?}"))?))
}

/// The table with the next sequence, changed.
fn next(table: &Value, change: impl FnOnce(&mut Value)) -> Value {
    let mut table = table.clone();
    if let Some(sequence) = table.pointer_mut("/revision/sequence") {
        *sequence = json!(sequence.as_u64().unwrap_or_default() + 1);
    }
    change(&mut table);
    table
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_broken_in_any_way_is_refused_and_the_old_one_serves() -> Result<()> {
    let (household, socket, table) = fed().await?;
    let whole = next(&table, |_| {}).to_string();
    let twice = whole.replacen("\"version\":1", "\"version\":1,\"version\":1", 1);
    let ways: Vec<(&str, u16, String)> = vec![
        ("empty", 422, String::new()),
        ("cut off in the middle", 422, whole[..whole.len() / 2].to_owned()),
        ("no JSON", 422, "version: 1".to_owned()),
        (
            "of a version that is not known",
            422,
            next(&table, |table| table["version"] = json!(2)).to_string(),
        ),
        ("with an unknown field", 422, next(&table, |table| table["colour"] = json!("blue")).to_string()),
        ("with a repeated key", 422, twice),
        (
            "with a backend that is no node",
            422,
            next(&table, |table| {
                table["hosts"][0]["rules"][0]["backends"] = json!([{"node": "nobody"}]);
            })
            .to_string(),
        ),
        (
            "with two hosts of one name",
            422,
            next(&table, |table| {
                let host = table["hosts"][0].clone();
                table["hosts"].as_array_mut().into_iter().for_each(|hosts| hosts.push(host.clone()));
            })
            .to_string(),
        ),
        (
            "with an address that is none",
            422,
            next(&table, |table| {
                table["zones"]["403"]["nodes"]["studtop"]["address"] = json!("studtop:15443");
            })
            .to_string(),
        ),
        (
            "exposed to a zone that is not there",
            422,
            next(&table, |table| {
                table["hosts"][0]["exposed_to"] = json!(["nowhere"]);
            })
            .to_string(),
        ),
        (
            "another zone's view",
            422,
            household.table_text("exposed")?.replacen("\"epoch\": 1", "\"epoch\": 1000000", 1),
        ),
        ("of an older epoch", 409, next(&table, |table| table["revision"]["epoch"] = json!(0)).to_string()),
        ("of the same revision with other content", 409, {
            let mut other = table.clone();
            other["hosts"].as_array_mut().map(Vec::pop);
            other.to_string()
        }),
        ("too large", 413, format!("{}{}", whole, " ".repeat(33 << 20))),
    ];
    for (way, expected, body) in ways {
        let (status, answer) = put(&socket, body).await.with_context(|| format!("a table {way}"))?;
        assert_eq!((status, &answer["accepted"]), (expected, &json!(false)), "{way}: {answer}");
        assert!(answer["errors"][0]["message"].is_string(), "{way}: {answer}");
        assert_eq!(unix::json(&socket, "/v1/table").await?, table, "after a table {way}");
        let report = household.client("studtop")?.get("films.stuartpb.com", "/").await?.report()?;
        assert_eq!(report.node, "stuchip", "after a table {way}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_error_of_a_table_is_told_with_its_path() -> Result<()> {
    let (_household, socket, table) = fed().await?;
    let broken = next(&table, |table| {
        table["hosts"][0]["exposed_to"] = json!(["nowhere"]);
        table["hosts"][1]["rules"][0]["path"] = json!("no/slash");
    });
    let (status, answer) = put(&socket, broken.to_string()).await?;
    assert_eq!(status, 422, "{answer}");
    let errors = answer["errors"].as_array().into_iter().flatten();
    let paths: Vec<&str> = errors.filter_map(|error| error["path"].as_str()).collect();
    assert_eq!(paths, ["hosts[0].exposed_to[0]", "hosts[1].rules[0].path"], "{answer}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_table_is_welcome_again_and_the_endpoint_is_its_owners_alone() -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let (_household, socket, table) = fed().await?;
    let (status, answer) = put(&socket, table.to_string()).await?;
    assert_eq!((status, &answer["accepted"]), (200, &json!(true)), "{answer}");
    assert_eq!(answer["revision"], table["revision"]);
    // The order of its members is no content.
    let (status, answer) = put(&socket, serde_json::to_vec_pretty(&table)?).await?;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(socket.metadata()?.permissions().mode() & 0o777, 0o600);

    let status = unix::json(&socket, "/v1/status").await?;
    assert_eq!(status["versions"], json!([1]), "{status}");
    assert_eq!(status["table"]["revision"], table["revision"], "{status}");
    assert_eq!(status["table"]["hosts"], json!(table["hosts"].as_array().map_or(0, Vec::len)), "{status}");
    Ok(())
}
