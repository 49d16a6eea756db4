//! The site depends on the objects that are there: not on the order in which they came, nor on what was there before.

use std::sync::Arc;

use super::{Index, fill, hosts, household, ingress, objects, services, settings, to};
use crate::sources::cluster::objects::{Kind, Object};

/// A little of everything, with conflicts.
fn pool() -> Vec<Object> {
    let mut manifests = household();
    for (name, annotations, rules) in [
        ("a", to("403, exposed"), "a.example.com / P web\n *.example.com / P web"),
        ("b", String::new(), "a.example.com / P api\n a.example.com /x E api"),
        ("c", to("garage"), "a.example.com /admin I api\n b.example.com / P api"),
        ("d", to("!"), "b.example.com /d P web"),
        (
            "other/e",
            "st8s.stuartpb.com/prefer: zone".to_owned(),
            "c.example.com /.* I web\n c.example.com /y P web",
        ),
        ("other/f", to("exposed"), "c.example.com /z P web"),
    ] {
        manifests += "\n---\n";
        manifests += &ingress(name, &annotations, rules);
    }
    manifests += "
{apiVersion: v1, kind: Namespace, metadata: {name: other, annotations: {st8s.stuartpb.com/expose-to: '403, exposed'}}}
---
{apiVersion: st8s.stuartpb.com/v1alpha1, kind: Zone, metadata: {name: '403'}, spec: {links: [{to: exposed, egress: {matchLabels: {disk: ssd}}}], allow: {namespaces: [default]}}}
---
{apiVersion: v1, kind: Node, metadata: {name: forge, labels: {st8s.stuartpb.com/zone: garage}}, status: {addresses: [{type: InternalIP, address: 10.0.9.1}], conditions: [{type: Ready, status: 'True'}]}}
---
{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, addressType: IPv4, ports: [{port: 8080}], metadata: {name: web-2, namespace: default, labels: {kubernetes.io/service-name: web}}, endpoints: [{addresses: [10.1.0.9]}]}
---
{apiVersion: networking.k8s.io/v1, kind: IngressClass, metadata: {name: contour, annotations: {ingressclass.kubernetes.io/is-default-class: 'true'}}, spec: {controller: x}}
---
{apiVersion: projectcontour.io/v1, kind: HTTPProxy, metadata: {name: p, namespace: default}, spec: {virtualhost: {fqdn: p.example.com}, includes: [{name: q, namespace: other, conditions: [{prefix: /q}]}], routes: [{services: [{name: web, port: 80}]}]}}
---
{apiVersion: projectcontour.io/v1, kind: HTTPProxy, metadata: {name: q, namespace: other}, spec: {routes: [{services: [{name: web, port: 80}]}]}}
---
{apiVersion: projectcontour.io/v1, kind: HTTPProxy, metadata: {name: p2, namespace: other}, spec: {virtualhost: {fqdn: p.example.com}, routes: [{services: [{name: web, port: 80}]}]}}
---
{apiVersion: gateway.networking.k8s.io/v1, kind: GatewayClass, metadata: {name: contour}, spec: {controllerName: projectcontour.io/gateway-controller}}
---
{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {name: gw, namespace: default}, spec: {gatewayClassName: contour, listeners: [{name: http, port: 80, protocol: HTTP, hostname: '*.example.com'}]}}
---
{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {name: r, namespace: default}, spec: {parentRefs: [{name: gw}], rules: [{backendRefs: [{name: web, namespace: other, port: 80}]}]}}
---
{apiVersion: gateway.networking.k8s.io/v1beta1, kind: ReferenceGrant, metadata: {name: g, namespace: other}, spec: {from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: default}], to: [{group: '', kind: Service}]}}
";
    objects(&manifests)
}

/// Numbers that look random and are the same each time (xorshift64*, Vigna 2016).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(number).expect("31 bits") % limit
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for place in (1..items.len()).rev() {
            items.swap(place, self.below(place + 1));
        }
    }
}

fn delete(index: &mut Index, object: &Object) -> bool {
    let metadata = object.metadata();
    index.delete(object.kind(), metadata.namespace.as_deref(), metadata.name.as_deref().expect("a name"))
}

#[test]
fn whatever_came_and_went_the_same_objects_come_to_the_same_site() {
    let pool = pool();
    for seed in 1..=200 {
        let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed));
        let kept: Vec<bool> = pool.iter().map(|_| numbers.below(4) > 0).collect();
        let of = |wanted: bool| {
            pool.iter().zip(&kept).filter(move |(_, kept)| **kept == wanted).map(|(object, _)| object.clone())
        };
        let mut plain = Index::new(settings());
        fill(&mut plain, of(true));
        let expected = plain.site();

        let mut index = Index::new(settings());
        let mut all = pool.clone();
        numbers.shuffle(&mut all);
        for object in all {
            index.apply(object);
            if numbers.below(3) == 0 {
                index.site();
            }
        }
        let mut going: Vec<Object> = of(false).collect();
        numbers.shuffle(&mut going);
        for object in &going {
            assert!(delete(&mut index, object), "{object:?}");
            if numbers.below(3) == 0 {
                index.site();
            }
        }
        assert_eq!(index.site(), expected, "seed {seed}");
    }
}

#[test]
fn a_list_takes_the_place_of_what_was_there() {
    let pool = pool();
    for kind in Kind::ALL {
        let of_kind =
            |wanted: bool| pool.iter().filter(move |object| (object.kind() == *kind) == wanted).cloned();
        let mut whole = Index::new(settings());
        fill(&mut whole, pool.iter().cloned());
        let with = whole.site();
        let mut without = Index::new(settings());
        fill(&mut without, of_kind(false));
        let there = of_kind(true).count() > 0;
        assert_eq!(whole.retain(*kind, |_, _| false), there && *kind != Kind::Pod, "{kind:?}");
        assert_eq!(whole.site(), without.site(), "{kind:?}");
        fill(&mut whole, of_kind(true));
        assert_eq!(whole.site(), with, "{kind:?}");
        assert!(!whole.retain(*kind, |_, _| true), "{kind:?}");
    }
}

#[test]
fn what_does_not_matter_changes_nothing() {
    let mut index = Index::new(settings());
    for mut object in pool() {
        assert!(index.apply(object.clone()), "{object:?}");
        let metadata = object.metadata_mut();
        metadata.resource_version = Some("7".to_owned());
        metadata
            .annotations
            .get_or_insert_default()
            .insert("example.com/heartbeat".to_owned(), "now".to_owned());
        assert!(!index.apply(object.clone()), "{object:?}");
        assert!(delete(&mut index, &object));
        assert!(!delete(&mut index, &object));
    }
    let empty = Index::new(settings()).site();
    assert_eq!(index.site(), empty);
}

#[test]
fn a_slice_may_change_its_service() {
    let slice = |service: &str| {
        objects(&format!(
            "{{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, addressType: IPv4, ports: [{{port: 8080}}], metadata: {{name: x, namespace: default, labels: {{kubernetes.io/service-name: '{service}'}}}}, endpoints: [{{addresses: [10.1.0.77], nodeName: studtop}}]}}"
        ))
        .remove(0)
    };
    let mut index = Index::new(settings());
    let manifests =
        household() + "\n---\n" + &ingress("i", "", "a.example.com / P web\n a.example.com /api P api");
    fill(&mut index, objects(&manifests));
    let before = index.site();
    index.apply(slice("web"));
    assert!(services(&index.site()).contains("default/web:80 studtop=10.1.0.1:8080,10.1.0.77:8080*2"));
    index.apply(slice("api"));
    assert!(services(&index.site()).contains("default/api:80 stuchip=10.1.0.2:8080 studtop=10.1.0.77:8080"));
    assert!(!services(&index.site()).contains("10.1.0.1:8080,"));
    index.apply(slice(""));
    assert_eq!(index.site(), before);
}

#[test]
fn a_change_of_endpoints_leaves_the_hosts_as_they_are() {
    let mut index = Index::new(settings());
    fill(&mut index, pool());
    let before = index.site();
    assert!(index.delete(Kind::EndpointSlice, Some("default"), "web-1"));
    let after = index.site();
    assert_eq!(hosts(&after), hosts(&before));
    assert_ne!(services(&after), services(&before));
    assert!(Arc::ptr_eq(&before.origins, &after.origins));
}

#[test]
fn whatever_happens_the_next_picture_is_what_it_would_be_from_scratch() {
    let pool = pool();
    for seed in 1..=100 {
        let mut numbers = Numbers(0x2545_f491_4f6c_dd1d_u64.wrapping_mul(seed));
        let mut there: Vec<Object> = Vec::new();
        let mut index = Index::new(settings());
        for _ in 0..30 {
            match numbers.below(4) {
                0 if !there.is_empty() => {
                    let gone = there.swap_remove(numbers.below(there.len()));
                    delete(&mut index, &gone);
                }
                _ => {
                    let next = pool[numbers.below(pool.len())].clone();
                    let name = |object: &Object| {
                        (object.kind(), object.metadata().namespace.clone(), object.metadata().name.clone())
                    };
                    there.retain(|other| name(other) != name(&next));
                    index.apply(next.clone());
                    there.push(next);
                }
            }
            if numbers.below(3) == 0 {
                let mut scratch = Index::new(settings());
                fill(&mut scratch, there.iter().cloned());
                assert_eq!(index.site(), scratch.site(), "seed {seed}");
            }
        }
    }
}

#[test]
fn what_did_not_change_is_the_same_piece_of_memory() {
    let mut index = Index::new(settings());
    fill(&mut index, pool());
    let before = index.site().site.hosts.clone().expect("hosts");
    index.apply(objects(&ingress("new", "", "new.example.com / P web")).remove(0));
    let after = index.site().site.hosts.clone().expect("hosts");
    assert_eq!(after.len(), before.len() + 1);
    assert!(before.iter().all(|(name, host)| Arc::ptr_eq(host, &after[name])));
    // A namespace that says what it said before changes nothing at all.
    index.apply(objects("{apiVersion: v1, kind: Namespace, metadata: {name: unheard-of}}").remove(0));
    assert!(index.site().site.hosts.as_ref().expect("hosts").is(&after));
}
