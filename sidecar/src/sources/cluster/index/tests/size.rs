//! A large cluster.

use serde_json::{Value, json};
use zoneway_site::Site;

use super::{Index, fill, settings};
use crate::sources::cluster::objects::{Kind, Object};

const NODES: usize = 100;
const SERVICES: usize = 1_000;
const HOSTS: usize = 10_000;

fn object(kind: Kind, value: &Value) -> Object {
    kind.read(value).expect("an object")
}

fn node(number: usize) -> Object {
    let address =
        json!({"type": "InternalIP", "address": format!("10.0.{}.{}", number / 250, number % 250 + 1)});
    let labels = json!({"st8s.stuartpb.com/zone": format!("zone-{}", number % 4)});
    object(
        Kind::Node,
        &json!({
            "metadata": {"name": format!("node-{number}"), "labels": labels},
            "status": {"addresses": [address], "conditions": [{"type": "Ready", "status": "True"}]},
        }),
    )
}

fn service(number: usize) -> Object {
    let metadata = json!({"namespace": "shop", "name": format!("service-{number}")});
    object(Kind::Service, &json!({"metadata": metadata, "spec": {"ports": [{"port": 80}]}}))
}

/// Ten endpoints, one of them not the same in another round.
fn slice(number: usize, round: usize) -> Object {
    let endpoint = |place: usize| {
        let node = (number + place + if place == 0 { round } else { 0 }) % NODES;
        let address = format!("10.{}.{}.{}", 100 + place, number / 250, number % 250 + 1);
        json!({"addresses": [address], "nodeName": format!("node-{node}")})
    };
    let name = format!("service-{number}");
    let labels = json!({"kubernetes.io/service-name": name});
    object(
        Kind::EndpointSlice,
        &json!({
            "metadata": {"namespace": "shop", "name": format!("{name}-x"), "labels": labels},
            "addressType": "IPv4", "ports": [{"port": 8080}], "endpoints": (0..10).map(endpoint).collect::<Vec<_>>(),
        }),
    )
}

fn ingress(number: usize) -> Object {
    let service = json!({"name": format!("service-{}", number % SERVICES), "port": {"number": 80}});
    let path = json!({"path": "/", "pathType": "Prefix", "backend": {"service": service}});
    let rule = json!({"host": format!("host-{number}.shop.example.com"), "http": {"paths": [path]}});
    let metadata = json!({"namespace": "shop", "name": format!("ingress-{number}")});
    object(Kind::Ingress, &json!({"metadata": metadata, "spec": {"rules": [rule]}}))
}

#[test]
fn ten_thousand_hosts_on_a_thousand_services_over_a_hundred_nodes_are_one_site() {
    let mut index = Index::new(settings());
    fill(&mut index, (0..NODES).map(node));
    fill(&mut index, (0..SERVICES).map(service));
    fill(&mut index, (0..SERVICES).map(|number| slice(number, 0)));
    fill(&mut index, (0..HOSTS).map(ingress));
    let before = index.site();
    assert_eq!(before.notes, []);
    let site = Site::try_from(before.site.as_ref()).expect("a site");
    assert_eq!((site.hosts().len(), site.services().len(), site.zones().len()), (HOSTS, SERVICES, 5));

    assert!(index.apply(slice(7, 1)));
    let after = index.site();
    let (old, new) =
        (before.site.services.as_ref().expect("some"), after.site.services.as_ref().expect("some"));
    let changed: Vec<&str> =
        new.keys().filter(|name| old.get(*name) != new.get(*name)).map(AsRef::as_ref).collect();
    assert_eq!(changed, ["shop/service-7:80"]);
    assert_eq!(after.site.hosts, before.site.hosts);
}
