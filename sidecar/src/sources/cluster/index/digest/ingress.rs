//! What matters of an Ingress and of an IngressClass.

use std::sync::Arc;

use super::super::super::objects::{Ingress, IngressBackend, IngressClass, IngressPath, Kind};
use super::meta::RouteMeta;
use super::path::{Backend, Goes, HostAsk, PathAsk, Port};
use super::{Digester, annotation, class, guard};

/// What matters of an Ingress.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct IngressDigest {
    pub(in super::super) meta: RouteMeta,
    pub(in super::super) class: Option<Arc<str>>,
    /// What guards it at its controller.
    pub(in super::super) guard: Option<Box<str>>,
    pub(in super::super) rules: Box<[RuleDigest]>,
    /// Whether it has a backend for whatever no rule of any Ingress matches.
    pub(in super::super) catches_all: bool,
}

/// A host with its paths.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct RuleDigest {
    pub(in super::super) host: HostAsk,
    pub(in super::super) paths: Box<[PathDigest]>,
}

/// A path, or why it is none, and where it goes.
pub(in super::super) type PathDigest = (Result<PathAsk, Box<str>>, Goes);

impl IngressDigest {
    pub(super) fn of(ingress: &Ingress, by: &mut Digester<'_>) -> Self {
        let metadata = &ingress.metadata;
        let meta = RouteMeta::of(Kind::Ingress, metadata, by);
        let namespace = metadata.namespace.as_deref().unwrap_or_default();
        let spec = ingress.spec.as_ref();
        let class = class(metadata, spec.and_then(|spec| spec.ingress_class_name.as_deref()));
        let default = spec.and_then(|spec| spec.default_backend.as_ref());
        let rules = spec.and_then(|spec| spec.rules.as_deref()).unwrap_or_default().iter().map(|rule| {
            let host = HostAsk::of(rule.host.as_deref(), false);
            let paths: Box<[_]> = match (&rule.http, default) {
                (Some(http), _) => http.paths.iter().map(|path| path_of(path, namespace, by)).collect(),
                // "If a rule has no paths, all traffic is sent to the default backend" (the API's reference).
                (None, Some(default)) => {
                    [(PathAsk::segments("/", by.texts), goes(default, namespace, by))].into()
                }
                (None, None) => [].into(),
            };
            RuleDigest { host, paths }
        });
        let rules = rules.collect();
        Self {
            class: class.map(|class| by.texts.share(class)),
            guard: guard::of_ingress(metadata),
            rules,
            catches_all: default.is_some(),
            meta,
        }
    }
}

fn path_of(path: &IngressPath, namespace: &str, by: &mut Digester<'_>) -> PathDigest {
    let text = path.path.as_deref().filter(|text| !text.is_empty()).unwrap_or("/");
    let ask = match path.path_type.as_str() {
        "Exact" => PathAsk::exact(text, by.texts),
        "Prefix" => PathAsk::segments(text, by.texts),
        // Contour's reading of `ImplementationSpecific`, which others share: a text, or what looks like a pattern.
        _ if text.contains(['^', '+', '*', '[', ']', '%', '(', '|', '$']) => PathAsk::regex(text, by.texts),
        _ => PathAsk::text(text, by.texts),
    };
    (ask, goes(&path.backend, namespace, by))
}

fn goes(backend: &IngressBackend, namespace: &str, by: &mut Digester<'_>) -> Goes {
    let Some(service) = &backend.service else {
        return Goes::Unusable("its backend is no Service, which alone can be followed to nodes".into());
    };
    let port = service.port.as_ref().and_then(|port| match (&port.name, port.number) {
        (Some(name), _) if !name.is_empty() => Some(Port::Name(by.texts.share(name))),
        (_, Some(number)) => u16::try_from(number).ok().filter(|number| *number > 0).map(Port::Number),
        _ => None,
    });
    let why = "has no port: write `port.name`, or as `port.number` one from 1 to 65535";
    Goes::to(
        [port
            .map(|port| Backend::of(namespace, &service.name, port, 1, by))
            .ok_or_else(|| format!("its backend \"{}\" {why}", service.name).into())]
        .into_iter(),
    )
    .shared(by)
}

/// What matters of an IngressClass.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct ClassDigest {
    /// Whether Ingresses without a class are of it.
    pub(in super::super) default: bool,
}

impl ClassDigest {
    pub(super) fn of(class: &IngressClass) -> Self {
        let default = annotation(&class.metadata, "ingressclass.kubernetes.io/is-default-class");
        Self { default: default == Some("true") }
    }
}
