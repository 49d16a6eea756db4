//! The chart: what it renders for each set of values, and what it refuses.

use std::process::Command;

use anyhow::Result;
use serde_json::{Value, json};
use zoneway_tests::artefact;
use zoneway_tests::process::output;

use super::helm::{SETS, helm, list, objects, only};

#[test]
fn helm_has_nothing_to_criticise() -> Result<()> {
    for (name, set) in SETS {
        let said = helm(&["lint", "--strict"], set)?;
        assert!(said.contains("1 chart(s) linted, 0 chart(s) failed"), "{name}: {said}");
    }
    Ok(())
}

#[test]
fn values_that_are_not_meant_are_refused_with_their_name() -> Result<()> {
    for (set, complaint) in [
        (&["--set", "sidecar.shrinkhold=1h"][..], "shrinkhold"),
        (&["--set", "sidecar.shrinkHold=soon"], "shrinkHold"),
        (&["--set", "envoy.filter=lua"], "filter"),
        (&["--set", "envoy.tlsSecrets={www,www}"], "tlsSecrets"),
        (&["--set", "envoy.tlsSecrets={/etc/www}"], "tlsSecrets"),
        (&["--set", "settings.ingress={80}"], "ingress"),
        (&["--set", "settings.domain="], "settings.domain is not set"),
        (&["--set", "settings.home="], "settings.home is not set"),
        (&["--set", "peerAuthentication.none={403}"], "peerAuthentication has both"),
        (
            &["--set", "peerAuthentication.crl=true,peerAuthentication.certManager.nodes.a=403"],
            "both crl and",
        ),
        (
            &["--set", "peerAuthentication.secretName=,peerAuthentication.certManager.nodes.a=403"],
            "no secretName",
        ),
        (&["--set", "publicNodes.enabled=true,peerAuthentication.secretName="], "publicNodes.enabled needs"),
        (&["--set", "publicNodes.places.edge=203.0.113.7"], "places"),
        (&["--set", "cluster.settings.home=405"], "cluster"),
        (&["--set", "peerAuthentication.secretName=,settings.ingress=null"], "settings.ingress is empty"),
        (
            &["--set", "peerAuthentication.secretName=", "--set-json", "settings.ingress=[]"],
            "settings.ingress is empty",
        ),
        (
            &["--set", "settings.ingress={0.0.0.0:80,0.0.0.0:15443}"],
            "15443 is both in settings.ingress and envoy.peerPort",
        ),
    ] {
        let refused = helm(&["template", "zoneway"], set);
        let said = refused.err().map(|error| format!("{error:#}")).unwrap_or_default();
        assert!(said.contains(complaint), "{set:?}: {said}");
    }
    Ok(())
}

#[test]
fn containers_may_do_nothing_but_what_they_need() -> Result<()> {
    for (name, set) in SETS {
        let objects = objects(set)?;
        let pod = &only(&objects, "DaemonSet")?["spec"]["template"]["spec"];
        assert_eq!(pod["automountServiceAccountToken"], false, "{name}");
        let of_pod = &pod["securityContext"];
        assert_eq!(of_pod["runAsNonRoot"], true, "{name}");
        assert_eq!(of_pod["seccompProfile"], json!({"type": "RuntimeDefault"}), "{name}");
        for container in list(pod, "/initContainers").chain(list(pod, "/containers")) {
            let may = &container["securityContext"];
            let what = format!("{name}: {} has {may}", container["name"]);
            assert_eq!(may["readOnlyRootFilesystem"], true, "{what}");
            assert_eq!(may["allowPrivilegeEscalation"], false, "{what}");
            assert_eq!(may["capabilities"]["drop"], json!(["ALL"]), "{what}");
            // One container alone is root, and it gives a folder away.
            if container["name"] == "folder" {
                assert_eq!(may["capabilities"]["add"], json!(["CHOWN", "FOWNER"]), "{what}");
            } else {
                assert!(may.get("runAsUser").is_none() && may["capabilities"].get("add").is_none(), "{what}");
            }
            // Envoy asks the API server for nothing, and sees no key but its node's.
            if container["name"] == "envoy" {
                let mounts: Vec<_> = list(container, "/volumeMounts").map(|mount| &mount["name"]).collect();
                assert!(
                    !mounts.iter().any(|mount| **mount == "api" || **mount == "config"),
                    "{name}: {mounts:?}"
                );
                assert!(!mounts.iter().any(|mount| **mount == "peers"), "{name}: the keys of all nodes");
            }
        }
    }
    Ok(())
}

#[test]
fn a_folder_of_the_node_is_used_where_an_envoy_of_the_node_is_served_and_no_other() -> Result<()> {
    for (name, set) in SETS {
        let objects = objects(set)?;
        let pod = &only(&objects, "DaemonSet")?["spec"]["template"]["spec"];
        let folders: Vec<&Value> =
            list(pod, "/volumes").filter_map(|volume| volume.pointer("/hostPath/path")).collect();
        let expected = match *name {
            "the sidecar alone" | "public nodes, and the sidecar alone" => vec!["/run/zoneway"],
            "the sidecar alone, in a folder that is there" => vec!["/run/edge"],
            _ => vec![],
        };
        assert_eq!(folders, expected, "{name}");
    }
    Ok(())
}

#[test]
fn cert_manager_is_asked_for_each_nodes_identity_and_a_pod_has_no_key_of_the_authority() -> Result<()> {
    let (_, set) =
        SETS.iter().find(|(name, _)| *name == "certificates of cert-manager").copied().unwrap_or_default();
    let objects = objects(set)?;
    let certificates = objects.iter().filter(|object| object["kind"] == "Certificate");
    let asked: Vec<_> = certificates.map(|certificate| &certificate["spec"]["uris"]).collect();
    let of = |node: &str| json!([format!("spiffe://stuartpb.com/zone/403/node/{node}")]);
    assert_eq!(asked, [&of("stu.chip"), &of("studtop")]);
    let pod = &only(&objects, "DaemonSet")?["spec"]["template"]["spec"];
    let volume = list(pod, "/volumes").find(|volume| volume["name"] == "peers").cloned().unwrap_or_default();
    let authority = json!({"name": "zoneway-ca", "items": [{"key": "tls.crt", "path": "ca.pem"}]});
    assert_eq!(volume.pointer("/projected/sources/0/secret"), Some(&authority));
    Ok(())
}

/// What listeners name is where Envoy has it, and nobody else does.
#[test]
fn certificates_for_clients_are_secrets_that_envoy_alone_has() -> Result<()> {
    let (_, set) =
        SETS.iter().find(|(name, _)| *name == "certificates for clients").copied().unwrap_or_default();
    let objects = objects(set)?;
    let run = only(&objects, "ConfigMap")?["data"]["run.yaml"].as_str().unwrap_or_default();
    let run: Value = serde_saphyr::from_str(run)?;
    let shown: Vec<_> = list(&run, "/source/cluster/settings/ingress/1/tls").collect();
    assert_eq!(shown.len(), 2, "{run}");
    let pod = &only(&objects, "DaemonSet")?["spec"]["template"]["spec"];
    let secret = |mount: &Value| {
        let volume = list(pod, "/volumes").find(|volume| volume["name"] == mount["name"]);
        volume.and_then(|volume| volume.pointer("/secret/secretName")).cloned().unwrap_or_default()
    };
    for container in list(pod, "/initContainers").chain(list(pod, "/containers")) {
        for (tls, name) in shown.iter().zip(["www", "wiki.tls"]) {
            let folder = format!("/etc/zoneway-tls/{name}");
            let mount = list(container, "/volumeMounts").find(|mount| mount["mountPath"] == *folder);
            let expected = (container["name"] == "envoy").then(|| json!(name));
            assert_eq!(mount.map(secret), expected, "{} in {}", folder, container["name"]);
            let files = [&tls["certificate"], &tls["key"]];
            assert_eq!(files, [&json!(format!("{folder}/tls.crt")), &json!(format!("{folder}/tls.key"))]);
        }
    }
    Ok(())
}

/// Whoever delivers has a certificate of its own node and those that are public nodes', and the key of no authority.
#[test]
fn public_nodes_are_delivered_to_without_the_key_of_an_authority() -> Result<()> {
    for name in ["public nodes", "public nodes, and the sidecar alone"] {
        let (_, set) = SETS.iter().find(|(set, _)| *set == name).copied().unwrap_or_default();
        let objects = objects(set)?;
        let run = only(&objects, "ConfigMap")?["data"]["run.yaml"].as_str().unwrap_or_default();
        let run: Value = serde_saphyr::from_str(run)?;
        let outside = run["outside"].as_object().cloned().unwrap_or_default();
        assert!(!outside.contains_key("authority"), "{name}: {outside:?}");
        let pod = &only(&objects, "DaemonSet")?["spec"]["template"]["spec"];
        let sidecar = list(pod, "/containers").find(|container| container["name"] == "zoneway").cloned();
        let mounts: Vec<_> = sidecar.iter().flat_map(|sidecar| list(sidecar, "/volumeMounts")).collect();
        for (what, path) in outside.iter().filter_map(|(what, path)| Some((what, path.as_str()?))) {
            let is_there = |mount: &&&Value| {
                let folder = mount["mountPath"].as_str().unwrap_or_default();
                path == folder || path.rsplit_once('/').is_some_and(|(of, _)| of == folder)
            };
            let mount = mounts.iter().find(is_there);
            assert!(mount.is_some_and(|mount| mount["readOnly"] == true), "{name}: {what} {path}");
        }
    }
    Ok(())
}

/// Of both, what a scrape was like is a series of its own: they differ in a label.
#[test]
fn prometheus_is_told_of_the_sidecars_figures_and_of_envoys() -> Result<()> {
    let objects = objects(&["--set", "serviceMonitor.enabled=true"])?;
    let monitor = &only(&objects, "ServiceMonitor")?["spec"];
    let paths: Vec<_> = list(monitor, "/endpoints").map(|endpoint| &endpoint["path"]).collect();
    assert_eq!(paths, ["/metrics", "/envoy-metrics"]);
    for endpoint in list(monitor, "/endpoints") {
        let labels: Vec<_> = list(endpoint, "/relabelings").map(|relabel| &relabel["targetLabel"]).collect();
        assert_eq!(labels, ["node", "metrics_path"], "{endpoint}");
    }
    Ok(())
}

#[test]
fn every_port_of_envoy_is_a_port_of_the_node() -> Result<()> {
    let (name, set) = SETS.last().copied().unwrap_or_default();
    let objects = objects(set)?;
    let pod = &only(&objects, "DaemonSet")?["spec"]["template"]["spec"];
    let envoy = list(pod, "/containers").find(|container| container["name"] == "envoy").cloned();
    let ports: Vec<_> =
        envoy.iter().flat_map(|envoy| list(envoy, "/ports")).map(|p| &p["hostPort"]).collect();
    assert_eq!(ports, [80, 443, 15443], "{name}");
    Ok(())
}

#[test]
fn the_crd_is_the_one_that_the_program_prints_and_outlives_a_release() -> Result<()> {
    let printed = output(Command::new(artefact::zoneway()?).args(["schema", "crd"]))?;
    let kept = std::fs::read_to_string(artefact::repository().join("deploy/chart/files/zone.yaml"))?;
    assert_eq!(kept, printed, "run: zoneway schema crd > deploy/chart/files/zone.yaml");
    let objects = objects(&[])?;
    let annotations = &only(&objects, "CustomResourceDefinition")?["metadata"]["annotations"];
    assert_eq!(annotations["helm.sh/resource-policy"], "keep");
    Ok(())
}
