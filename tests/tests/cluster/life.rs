//! The ordinary life of sidecars that read a cluster: what changes there is what their Envoys decide by.

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use zoneway_tests::cluster::machine::{Machine, backends, hosts};
use zoneway_tests::cluster::{Cluster, Definitions, Name, objects};
use zoneway_tests::service::Service;
use zoneway_tests::{address, deadline};

/// A slice with endpoints on nodes, each a place where something listens.
fn slice_of(endpoints: &[(&str, SocketAddr)]) -> Value {
    let port = endpoints.first().map_or(1, |(_, at)| at.port());
    let endpoints: Vec<Value> =
        endpoints.iter().map(|(node, at)| objects::endpoint(&at.ip().to_string(), node)).collect();
    let mut slice = objects::slice("web", "notes", &endpoints);
    slice["ports"][0]["port"] = port.into();
    slice
}

/// Two machines, and a host that one of them serves; each has a service of its own to serve it with.
struct House {
    studtop: Machine,
    stuchip: Machine,
    cluster: Cluster,
    services: Vec<zoneway_tests::service::Running>,
    places: Vec<(&'static str, SocketAddr)>,
}

impl House {
    async fn start() -> Result<Self> {
        let cluster = Cluster::start().await?;
        let own = address::own()?;
        let (mut services, mut places) = (Vec::new(), Vec::new());
        for node in ["studtop", "stuchip"] {
            let at = address::free(own)?;
            let service = Service { name: "notes".to_owned(), node: node.to_owned(), forward: None };
            services.push(service.start(at).await?);
            places.push((node, at));
        }
        cluster.apply_all(&[objects::namespace("web", None), objects::service("web", "notes", 80)]).await?;
        cluster.apply_all(&[objects::ingress("web", "notes", "notes.example", "notes")]).await?;
        let mut house = Self {
            studtop: Machine::start(&cluster, "studtop", "403", "").await?,
            stuchip: Machine::start(&cluster, "stuchip", "403", "").await?,
            cluster,
            services,
            places,
        };
        house.served_by(&["studtop"]).await?;
        Ok(house)
    }

    /// Writes the slice of the service, and waits until every worker of both Envoys decides by it.
    async fn served_by(&mut self, nodes: &[&str]) -> Result<()> {
        let mut slices = Vec::new();
        for (node, at) in &self.places {
            // A slice has one port for all of its endpoints.
            let mut slice = match nodes.contains(node) {
                true => slice_of(&[(*node, *at)]),
                false => slice_of(&[]),
            };
            slice["metadata"]["name"] = format!("notes-{node}").into();
            slices.push(slice);
        }
        self.cluster.apply_all(&slices).await?;
        let mut wanted: Vec<&str> = nodes.to_vec();
        wanted.sort_unstable();
        let served = |table: &Value| backends(table, "notes.example") == wanted;
        self.studtop.until_every_worker_has("the endpoints", served).await?;
        self.stuchip.until_every_worker_has("the endpoints", served).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_endpoint_slice_is_what_every_worker_decides_by() -> Result<()> {
    let mut house = House::start().await?;
    assert_eq!(house.services.len(), 2);
    house.studtop.until_answers("notes.example", "/", 200, Some("studtop")).await?;
    house.stuchip.until_answers("notes.example", "/", 200, Some("studtop")).await?;
    house.served_by(&["stuchip", "studtop"]).await?;
    house.stuchip.until_answers("notes.example", "/", 200, Some("stuchip")).await?;
    house.served_by(&["stuchip"]).await?;
    house.studtop.until_answers("notes.example", "/", 200, Some("stuchip")).await?;
    // Nobody serves it: the host is known still, and no other answers for it.
    house.served_by(&[]).await?;
    house.studtop.until_answers("notes.example", "/", 503, None).await?;

    // An Ingress that comes, and one that goes.
    house.cluster.apply_all(&[objects::ingress("web", "more", "more.example", "notes")]).await?;
    house
        .studtop
        .until_every_worker_has("the new host", |table| hosts(table).contains(&"more.example".to_owned()))
        .await?;
    house.cluster.delete(&Name::of("networking.k8s.io/v1", "Ingress", "web", "notes")).await?;
    house.studtop.until_every_worker_has("one host less", |table| hosts(table) == ["more.example"]).await?;
    house.studtop.until_answers("notes.example", "/", 404, None).await?;

    let status = house.studtop.status().await?;
    assert_eq!(status["source"]["cluster"]["reachable"], true, "{status}");
    let (code, metrics) = house.studtop.page("/metrics").await?;
    assert_eq!(code, 200);
    for metric in [
        "zoneway_sidecar_cluster_objects{kind=\"ingresses.networking.k8s.io\"} 1",
        "zoneway_sidecar_change_to_push_seconds_count{node=\"studtop\"}",
        "zoneway_sidecar_cluster_reachable{",
        "zoneway_sidecar_cluster_event_age_seconds{",
    ] {
        assert!(metrics.contains(metric), "no {metric} in\n{metrics}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_api_server_the_last_state_serves_on_and_over_a_restart() -> Result<()> {
    let mut house = House::start().await?;
    // On the disk is what serves, not what served before the last change.
    let kept = house.studtop.node.state().join("last-good.json");
    deadline::until("the state to be kept", || async {
        let text = std::fs::read_to_string(&kept)?;
        ensure!(text.contains("notes.example") && text.contains("studtop"), "{text}");
        Ok(())
    })
    .await?;
    house.cluster.kill_api_server()?;
    deadline::until("the sidecar to miss it", || async {
        let status = house.studtop.status().await?;
        ensure!(status["source"]["cluster"]["reachable"] == false, "{}", status["source"]);
        Ok(())
    })
    .await?;
    house.studtop.until_answers("notes.example", "/", 200, Some("studtop")).await?;

    // Envoy and sidecar start anew, and nobody tells them anything but the disk.
    house.studtop.node.sidecar()?.kill()?;
    house.studtop.node.envoy()?.kill()?;
    house.studtop.node.start_envoy()?;
    house.studtop.start_sidecar()?;
    house.studtop.node.serving().await?;
    house.studtop.until_answers("notes.example", "/", 200, Some("studtop")).await?;
    let status = house.studtop.status().await?;
    assert_eq!(status["source"]["serving"], "kept", "{status}");
    // Ready means that what serves is what is wanted, not that the API server is there.
    deadline::until("readiness", || async {
        let (code, page) = house.studtop.page("/readyz").await?;
        ensure!(code == 200, "{code} {page}");
        Ok(())
    })
    .await?;

    // It is back, and what changed then is seen by the sidecar that knew it and by the one that did not.
    house.cluster.start_api_server().await?;
    house.served_by(&["stuchip"]).await?;
    house.studtop.until_answers("notes.example", "/", 200, Some("stuchip")).await?;
    deadline::until("the source as it stands", || async {
        let status = house.studtop.status().await?;
        ensure!(status["source"]["serving"] == "file", "{status}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_definition_that_is_installed_later_is_picked_up() -> Result<()> {
    let cluster = Cluster::start().await?;
    cluster.apply_all(&[objects::namespace("web", None), objects::service("web", "notes", 80)]).await?;
    let mut machine = Machine::start(&cluster, "studtop", "403", "").await?;
    let status = machine.status().await?;
    let kinds = status["source"]["cluster"]["kinds"].to_string();
    assert!(!kinds.contains("httpproxies"), "{kinds}");
    cluster.install(Definitions::Contour).await?;
    let proxy = json!({
        "apiVersion": "projectcontour.io/v1", "kind": "HTTPProxy",
        "metadata": {"name": "notes", "namespace": "web"},
        "spec": {
            "virtualhost": {"fqdn": "notes.example"},
            "routes": [{"services": [{"name": "notes", "port": 80}]}],
        },
    });
    cluster.apply_all(&[proxy]).await?;
    machine.until_every_worker_has("the proxy's host", |table| hosts(table) == ["notes.example"]).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_definition_that_is_deleted_is_missed_though_its_group_stays() -> Result<()> {
    let cluster = Cluster::start().await?;
    cluster.install(Definitions::Gateway).await?;
    let machine = Machine::start(&cluster, "studtop", "403", "").await?;
    let watched = async |kind: &str, wanted: bool| {
        deadline::within(10 * deadline::PATIENCE, kind, || async {
            let status = machine.status().await?;
            let kinds = status["source"]["cluster"]["kinds"].as_array().context("kinds")?.clone();
            let has = |name: &str| kinds.iter().any(|kind| kind["kind"] == name);
            ensure!(has("httproutes.gateway.networking.k8s.io"), "{kinds:?}");
            ensure!(has(kind) == wanted, "{kinds:?}");
            // What is not there is no complaint for ever.
            ensure!(kinds.iter().all(|kind| kind["error"].is_null()), "{kinds:?}");
            Ok(())
        })
        .await
    };
    watched("grpcroutes.gateway.networking.k8s.io", true).await?;
    let definition = Name::cluster(
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
        "grpcroutes.gateway.networking.k8s.io",
    );
    cluster.delete(&definition).await?;
    watched("grpcroutes.gateway.networking.k8s.io", false).await?;
    cluster.install(Definitions::Gateway).await?;
    watched("grpcroutes.gateway.networking.k8s.io", true).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_that_may_not_read_a_kind_serves_nothing_and_says_which() -> Result<()> {
    let cluster = Cluster::start().await?;
    let account = cluster.service_account("zoneway", "zoneway").await?;
    let rule = |group: &str, resources: &[&str]| json!({"apiGroups": [group], "resources": resources, "verbs": ["list", "watch"]});
    let role = |rules: &[Value]| {
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
            "metadata": {"name": "zoneway"}, "rules": rules,
        })
    };
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "zoneway"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "zoneway"},
        "subjects": [{"kind": "ServiceAccount", "name": "zoneway", "namespace": "zoneway"}],
    });
    let core = rule("", &["nodes", "namespaces", "services"]);
    let slices = rule("discovery.k8s.io", &["endpointslices"]);
    let ingresses = rule("networking.k8s.io", &["ingresses"]);
    cluster.apply_all(&[role(&[core.clone(), slices.clone(), ingresses.clone()]), binding]).await?;
    let kubeconfig = cluster.kubeconfig(&account)?;
    let mut machine = Machine::prepare(&cluster, "studtop", "403", &kubeconfig, "").await?;
    cluster.apply_all(&[role(&[core.clone(), ingresses.clone()])]).await?;
    machine.node.start_envoy()?;
    machine.start_sidecar()?;
    deadline::until("the complaint", || async {
        let (code, page) = machine.page("/readyz").await?;
        ensure!(code == 503, "{code} {page}");
        let status = machine.status().await?;
        let kinds = status["source"]["cluster"]["kinds"].as_array().context("kinds")?.clone();
        let denied = kinds.iter().filter(|kind| !kind["error"].is_null()).collect::<Vec<_>>();
        ensure!(denied.len() == 1, "{kinds:?}");
        ensure!(denied[0]["kind"] == "endpointslices.discovery.k8s.io", "{denied:?}");
        ensure!(denied[0]["error"].to_string().contains("give this account"), "{denied:?}");
        ensure!(status["source"]["serving"] == "nothing", "{status}");
        Ok(())
    })
    .await?;
    // The right is given, and nothing has to be started again.
    cluster.apply_all(&[role(&[core, slices, ingresses])]).await?;
    machine.node.serving().await
}
