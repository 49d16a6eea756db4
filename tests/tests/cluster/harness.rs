//! The cluster itself, with nothing of zoneway's: a failure elsewhere is the sidecar's.

use anyhow::Result;
use serde_json::json;
use zoneway_tests::cluster::{Cluster, Definitions, Name, objects};
use zoneway_tests::deadline;

#[tokio::test]
async fn objects_are_read_back_and_outlive_the_api_server() -> Result<()> {
    let mut cluster = Cluster::start().await?;
    cluster.apply_all(&[objects::node("studtop", "403", "127.9.9.9:15443")]).await?;
    cluster.apply_all(&[objects::namespace("home", Some("403, exposed"))]).await?;
    cluster.apply_all(&[objects::service("home", "notes", 80)]).await?;
    cluster
        .apply_all(&[objects::slice("home", "notes", &[objects::endpoint("10.1.2.3", "studtop")])])
        .await?;
    cluster.apply_all(&[objects::ingress("home", "notes", "notes.example", "notes")]).await?;

    cluster.kill_api_server()?;
    cluster.start_api_server().await?;

    let node = cluster.get(&Name::cluster("v1", "Node", "studtop")).await?;
    assert_eq!(node["metadata"]["labels"]["st8s.stuartpb.com/zone"], "403");
    assert_eq!(node["status"]["conditions"][0]["status"], "True");
    let slice = cluster.get(&Name::of("discovery.k8s.io/v1", "EndpointSlice", "home", "notes-1")).await?;
    assert_eq!(slice["endpoints"][0]["nodeName"], "studtop");
    let ingresses = cluster.list("networking.k8s.io/v1", "Ingress").await?;
    assert_eq!(ingresses.len(), 1);

    cluster.stop_api_server()?;
    cluster.start_api_server().await?;
    let ingress = Name::of("networking.k8s.io/v1", "Ingress", "home", "notes");
    cluster.delete(&ingress).await?;
    assert!(cluster.get(&ingress).await.is_err());
    Ok(())
}

#[tokio::test]
async fn contours_and_the_gateways_definitions_install_and_take_objects() -> Result<()> {
    let cluster = Cluster::start().await?;
    cluster.install(Definitions::Contour).await?;
    cluster.install(Definitions::Gateway).await?;
    cluster
        .apply(
            "
apiVersion: projectcontour.io/v1
kind: HTTPProxy
metadata: {name: notes, namespace: default}
spec:
  virtualhost: {fqdn: notes.example}
  routes: [{services: [{name: notes, port: 80}]}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: notes, namespace: default}
spec:
  hostnames: [notes.example]
  rules: [{backendRefs: [{name: notes, port: 80}]}]
",
        )
        .await?;
    let proxies = cluster.kubectl(cluster.admin(), &["get", "httpproxies", "-A", "-o", "name"])?;
    assert_eq!(proxies.trim(), "httpproxy.projectcontour.io/notes");
    let route =
        cluster.get(&Name::of("gateway.networking.k8s.io/v1", "HTTPRoute", "default", "notes")).await?;
    assert_eq!(route["spec"]["hostnames"], json!(["notes.example"]));
    Ok(())
}

#[tokio::test]
async fn a_service_account_may_do_what_is_bound_to_it_and_nothing_else() -> Result<()> {
    let cluster = Cluster::start().await?;
    let account = cluster.service_account("zoneway", "zoneway").await?;
    let api = cluster.api(&account)?;
    let refused = api.list("v1", "Node").await.expect_err("nothing is bound yet").to_string();
    assert!(
        refused.contains("403") && refused.contains("system:serviceaccount:zoneway:zoneway"),
        "{refused}"
    );
    cluster
        .apply(
            "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: zoneway}
rules: [{apiGroups: [''], resources: [nodes], verbs: [get, list]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: zoneway}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: zoneway}
subjects: [{kind: ServiceAccount, namespace: zoneway, name: zoneway}]
",
        )
        .await?;
    deadline::until("the binding to count", || api.list("v1", "Node")).await?;
    assert!(api.list("v1", "Secret").await.is_err());
    let nodes = cluster.kubectl(&account, &["get", "nodes", "-o", "name"])?;
    assert_eq!(nodes, "");
    Ok(())
}

#[tokio::test]
async fn a_watch_from_before_a_compaction_is_gone() -> Result<()> {
    let cluster = Cluster::start_with(&["--watch-cache=false"]).await?;
    let node = |address: &str| objects::node("studtop", "403", address);
    cluster.apply_all(&[node("127.9.9.9:1")]).await?;
    let before = cluster.get(&Name::cluster("v1", "Node", "studtop")).await?;
    let before = before["metadata"]["resourceVersion"].as_str().unwrap().to_owned();
    for port in 2..5 {
        cluster.apply_all(&[node(&format!("127.9.9.9:{port}"))]).await?;
    }
    cluster.compact().await?;
    let path = format!("/api/v1/nodes?watch=1&timeoutSeconds=5&resourceVersion={before}");
    let answer = cluster.api(cluster.admin())?.send("GET", &path, "application/json", "").await?;
    let text = String::from_utf8_lossy(&answer.body);
    assert!(answer.status == 410 || text.contains("\"code\":410"), "{}: {text}", answer.status);
    Ok(())
}

#[tokio::test]
async fn a_cut_wire_holds_what_is_sent_and_a_healed_one_carries_it() -> Result<()> {
    let cluster = Cluster::start().await?;
    let wire = cluster.wire().await?;
    let api = cluster.api_through(cluster.admin(), &wire)?;
    assert!(api.list("v1", "Node").await?.is_empty());
    wire.cut();
    let mut waiting = std::pin::pin!(api.list("v1", "Node"));
    // The API server is asked by another way meanwhile: a second or so of the machine's, not of a clock.
    for _ in 0..50 {
        tokio::select! {
            biased;
            answer = &mut waiting => panic!("a cut wire carried {answer:?}"),
            other = cluster.list("v1", "Node") => assert!(other?.is_empty()),
        }
    }
    wire.heal();
    assert!(waiting.await?.is_empty());
    wire.refuse();
    assert!(cluster.api_through(cluster.admin(), &wire)?.list("v1", "Node").await.is_err());
    Ok(())
}
