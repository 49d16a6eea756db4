//! A large cluster.

use k8s_openapi::api::core::v1::{
    Node, NodeAddress, NodeCondition, NodeStatus, Service, ServicePort, ServiceSpec,
};
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointPort, EndpointSlice};
use k8s_openapi::api::networking::v1::{
    HTTPIngressPath, HTTPIngressRuleValue, Ingress, IngressBackend, IngressRule, IngressServiceBackend,
    IngressSpec, ServiceBackendPort,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use zoneway_site::Site;

use super::{Index, fill, settings};

const NODES: usize = 100;
const SERVICES: usize = 1_000;
const HOSTS: usize = 10_000;

fn metadata(namespace: Option<&str>, name: String, label: (&str, String)) -> ObjectMeta {
    ObjectMeta {
        name: Some(name),
        namespace: namespace.map(str::to_owned),
        labels: Some([(label.0.to_owned(), label.1)].into()),
        ..ObjectMeta::default()
    }
}

fn node(number: usize) -> Node {
    let address = NodeAddress {
        type_: "InternalIP".to_owned(),
        address: format!("10.0.{}.{}", number / 250, number % 250 + 1),
    };
    let ready =
        NodeCondition { type_: "Ready".to_owned(), status: "True".to_owned(), ..NodeCondition::default() };
    let status =
        NodeStatus { addresses: Some(vec![address]), conditions: Some(vec![ready]), ..NodeStatus::default() };
    let zone = format!("zone-{}", number % 4);
    let metadata = metadata(None, format!("node-{number}"), ("st8s.stuartpb.com/zone", zone));
    Node { metadata, status: Some(status), ..Node::default() }
}

fn service(number: usize) -> Service {
    let port = ServicePort { port: 80, ..ServicePort::default() };
    let spec = ServiceSpec { ports: Some(vec![port]), ..ServiceSpec::default() };
    let metadata = metadata(Some("shop"), format!("service-{number}"), ("app", format!("app-{number}")));
    Service { metadata, spec: Some(spec), ..Service::default() }
}

/// Ten endpoints, one of them not the same in another round.
fn slice(number: usize, round: usize) -> EndpointSlice {
    let endpoint = |place: usize| Endpoint {
        addresses: vec![format!("10.{}.{}.{}", 100 + place, number / 250, number % 250 + 1)],
        node_name: Some(format!("node-{}", (number + place + if place == 0 { round } else { 0 }) % NODES)),
        ..Endpoint::default()
    };
    let port = EndpointPort { port: Some(8080), ..EndpointPort::default() };
    let name = format!("service-{number}");
    EndpointSlice {
        address_type: "IPv4".to_owned(),
        endpoints: (0..10).map(endpoint).collect(),
        metadata: metadata(Some("shop"), format!("{name}-x"), ("kubernetes.io/service-name", name)),
        ports: Some(vec![port]),
    }
}

fn ingress(number: usize) -> Ingress {
    let port = ServiceBackendPort { number: Some(80), ..ServiceBackendPort::default() };
    let service = IngressServiceBackend { name: format!("service-{}", number % SERVICES), port: Some(port) };
    let path = HTTPIngressPath {
        backend: IngressBackend { service: Some(service), ..IngressBackend::default() },
        path: Some("/".to_owned()),
        path_type: "Prefix".to_owned(),
    };
    let rule = IngressRule {
        host: Some(format!("host-{number}.shop.example.com")),
        http: Some(HTTPIngressRuleValue { paths: vec![path] }),
    };
    let spec = IngressSpec { rules: Some(vec![rule]), ..IngressSpec::default() };
    let metadata = metadata(Some("shop"), format!("ingress-{number}"), ("app", "shop".to_owned()));
    Ingress { metadata, spec: Some(spec), ..Ingress::default() }
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
