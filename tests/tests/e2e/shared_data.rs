//! The table outlives every listener: the singleton keeps the data that the VMs of one Envoy share.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use zoneway_tests::artefact::Filter;
use zoneway_tests::client::unix;
use zoneway_tests::deadline;
use zoneway_tests::household::Household;
use zoneway_tests::household::node::Node;
use zoneway_tests::household::sites::TWO_ZONES;

/// VMs that are there, by Envoy's own count.
const VMS: &str = "envoy_wasm_envoy_wasm_runtime_v8_active";

/// Moves a bootstrap's listeners into a file that Envoy follows, and gives them.
fn follow_listeners(node: &Node, file: &Path) -> Result<Vec<Value>> {
    let bootstrap = node.run_dir().with_file_name("envoy.yaml");
    let mut config: Value = serde_saphyr::from_str(&fs::read_to_string(&bootstrap)?)?;
    let listeners = config.pointer_mut("/static_resources/listeners").context("there are no listeners")?;
    let Value::Array(mut listeners) = std::mem::replace(listeners, json!([])) else {
        anyhow::bail!("the listeners are no list");
    };
    let folder = file.parent().unwrap_or(file);
    let source = json!({
        "resource_api_version": "V3",
        "path_config_source": {"path": file, "watched_directory": {"path": folder}},
    });
    let dynamic = config.pointer_mut("/dynamic_resources").and_then(Value::as_object_mut);
    dynamic.context("there are no dynamic resources")?.insert("lds_config".to_owned(), source);
    fs::write(&bootstrap, config.to_string())?;
    for listener in listeners.iter_mut().filter_map(Value::as_object_mut) {
        listener.insert("@type".to_owned(), json!("type.googleapis.com/envoy.config.listener.v3.Listener"));
    }
    Ok(listeners)
}

/// Moved into place, as Envoy wants it.
fn write_listeners(file: &Path, listeners: &[Value]) -> Result<()> {
    let next = file.with_extension("next");
    fs::write(&next, json!({"resources": listeners}).to_string())?;
    Ok(fs::rename(next, file)?)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_table_outlives_every_listener() -> Result<()> {
    let mut household = Household::prepare_with(Filter::Wasm, TWO_ZONES).await?;
    let folder = household.folder().join("listeners");
    fs::create_dir_all(&folder)?;
    let file = folder.join("listeners.json");
    let listeners = follow_listeners(household.node("studtop")?, &file)?;
    write_listeners(&file, &listeners)?;
    let site = household.site_file();
    household.node("studtop")?.start_envoy_with(&["--drain-time-s", "1"])?;
    household.node("studtop")?.start_sidecar(&site)?;
    household.node("studtop")?.serving().await?;
    // Whoever pushes is gone from here on.
    household.node("studtop")?.sidecar()?.kill()?;
    let socket = household.node("studtop")?.table_socket();
    let table = unix::json(&socket, "/v1/table").await?;
    let client = household.client("studtop")?;
    assert_eq!(client.get("music.stuartpb.com", "/").await?.status, 200);

    let studtop = household.node("studtop")?;
    let all = studtop.metric(&[VMS]).await?;
    write_listeners(&file, &[])?;
    // The singleton's own are left: its base VM and the clone that runs. What routed and what took tables is gone.
    deadline::until("the listeners' VMs to go", || async {
        let left = studtop.metric(&[VMS]).await?;
        ensure!(left <= 2, "{left} of {all} are left");
        ensure!(client.connect().await.is_err(), "the listener still accepts");
        Ok(())
    })
    .await?;
    assert!(all > 2, "there were {all} VMs");

    write_listeners(&file, &listeners)?;
    deadline::until("the listeners to be back", || async { client.connect().await.map(drop) }).await?;
    assert_eq!(client.get("music.stuartpb.com", "/").await?.status, 200);
    assert_eq!(client.get("unknown.stuartpb.com", "/").await?.status, 404);
    let again = deadline::until("the endpoint", || unix::json(&socket, "/v1/table")).await?;
    assert_eq!(again, table);
    Ok(())
}
