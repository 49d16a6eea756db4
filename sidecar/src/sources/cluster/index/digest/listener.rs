//! What matters of a listener of a Gateway: its hosts, whose routes it takes, and for what it would not be opened.
//!
//! It is judged as Contour judges it (`ValidateListeners` and `computeListener` there), and where others are known to do
//! otherwise, as they do.

use super::super::super::objects::{
    AllowedRoutes, FrontendTls, GatewaySpec, Kind, LabelSelector, Listener, ListenerTls,
};
use super::gateway::GROUP;
use super::guard;
use super::path::HostAsk;

/// A listener.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct ListenerDigest {
    pub(in super::super) name: Box<str>,
    pub(in super::super) port: u16,
    pub(in super::super) host: HostAsk,
    pub(in super::super) from: From,
    /// The kinds of routes that it takes, of those that are read.
    pub(in super::super) kinds: Box<[Kind]>,
    /// The namespaces and names of its certificates' Secrets, where all are of other namespaces: one has to be granted.
    pub(in super::super) secrets: Box<[(Box<str>, Box<str>)]>,
    /// What guards all of it.
    pub(in super::super) guard: Option<&'static str>,
    faults: Box<[Fault]>,
}

/// The namespaces whose routes a listener takes.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) enum From {
    Same,
    All,
    Selected(LabelSelector),
    None,
}

/// Why a listener is not opened.
#[derive(Debug, PartialEq, Eq)]
struct Fault {
    why: Box<str>,
    by: By,
}

/// Who does not open it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Everyone,
    /// Contour, and others may.
    Contour,
    /// Contour does.
    Others,
}

impl ListenerDigest {
    /// Those of a Gateway.
    pub(super) fn all(gateway: &GatewaySpec, namespace: &str) -> Box<[Self]> {
        let frontend = gateway.tls.as_ref().and_then(|tls| tls.frontend.as_ref());
        let listeners = gateway.listeners.iter().enumerate();
        listeners
            .map(|(place, listener)| Self::of(listener, &gateway.listeners, place, namespace, frontend))
            .collect()
    }

    fn of(
        listener: &Listener,
        all: &[Listener],
        place: usize,
        namespace: &str,
        frontend: Option<&FrontendTls>,
    ) -> Self {
        let tls = listener.tls.as_ref().filter(|_| listener.protocol == "HTTPS");
        let faults = [
            selector_fault(listener.allowed_routes.as_ref()),
            conflict(listener, all, place),
            tls_fault(listener),
        ];
        Self {
            name: listener.name.as_str().into(),
            port: listener.port,
            host: HostAsk::of(listener.hostname.as_deref(), true),
            from: from(listener.allowed_routes.as_ref()),
            kinds: kinds(listener),
            secrets: tls.map(|tls| secrets(tls, namespace)).unwrap_or_default(),
            guard: tls.and_then(|tls| guard::of_listener(tls, listener.port, frontend)),
            faults: faults.into_iter().flatten().collect(),
        }
    }

    /// Why a controller, which may be Contour, does not open it.
    pub(in super::super) fn fault(&self, contour: bool) -> Option<&str> {
        let not_here = if contour { By::Others } else { By::Contour };
        self.faults.iter().find(|fault| fault.by != not_here).map(|fault| fault.why.as_ref())
    }
}

/// The kinds of routes that a listener takes: those it names, or by its protocol those that come over HTTP.
fn kinds(listener: &Listener) -> Box<[Kind]> {
    let kinds = listener.allowed_routes.as_ref().map(|allowed| allowed.kinds.as_slice()).unwrap_or_default();
    let ours = |group: Option<&str>| group.is_none_or(|group| group == GROUP);
    let is_http = matches!(listener.protocol.as_str(), "HTTP" | "HTTPS");
    let named = |wanted: Kind| {
        kinds.is_empty() || kinds.iter().any(|kind| kind.kind == wanted.name() && ours(kind.group.as_deref()))
    };
    [Kind::HttpRoute, Kind::GrpcRoute].into_iter().filter(|kind| is_http && named(*kind)).collect()
}

fn from(allowed: Option<&AllowedRoutes>) -> From {
    let Some(namespaces) = allowed.and_then(|allowed| allowed.namespaces.as_ref()) else { return From::Same };
    match (namespaces.from.as_deref(), &namespaces.selector) {
        (None | Some("Same"), _) => From::Same,
        (Some("All"), _) => From::All,
        (Some("Selector"), Some(selector)) => From::Selected(selector.clone()),
        _ => From::None,
    }
}

fn fault(by: By, why: impl Into<Box<str>>) -> Option<Fault> {
    Some(Fault { why: why.into(), by })
}

fn selector_fault(allowed: Option<&AllowedRoutes>) -> Option<Fault> {
    let namespaces = allowed?.namespaces.as_ref().filter(|one| one.from.as_deref() == Some("Selector"))?;
    match &namespaces.selector {
        None => fault(By::Everyone, "`from: Selector` needs a `selector`: write one, or `from: All`"),
        Some(selector) if selector.is_empty() => fault(
            By::Contour,
            "its `selector` is empty, which Contour refuses: write a label, or `from: All`",
        ),
        Some(selector) if !selector.is_whole() => {
            let why = "an expression of its `selector` has no `values`, or has some that its `operator` has no use for";
            fault(By::Everyone, why)
        }
        Some(_) => None,
    }
}

/// Of two that stand in each other's way, Contour opens the earlier one, and who goes by the API neither.
fn conflict(listener: &Listener, all: &[Listener], place: usize) -> Option<Fault> {
    let (before, after) = (all.iter().take(place), all.iter().skip(place + 1));
    let why = |other: &Listener| {
        let (port, name) = (other.port, &other.name);
        if other.port != listener.port {
            return None;
        }
        if family(&other.protocol) != family(&listener.protocol) {
            return Some(format!(
                "its port {port} is the listener \"{name}\"'s too, of protocol {}: give one of the two another port",
                other.protocol
            ));
        }
        let same = other.hostname.as_deref().unwrap_or("") == listener.hostname.as_deref().unwrap_or("");
        same.then(|| {
            format!("its port {port} and hostname are the listener \"{name}\"'s too: give one of the two another, or take it out")
        })
    };
    // What is sent over UDP is in the way of nothing but Contour's listeners.
    let mut others = before.clone().chain(after).filter(|other| other.protocol != "UDP");
    let mut of_contour = before.clone();
    let found = of_contour.find_map(|other| Some((other.protocol == "UDP", why(other)?)));
    match found {
        Some((false, why)) => fault(By::Everyone, why),
        Some((true, why)) => fault(By::Contour, why),
        None => fault(By::Others, others.find_map(why)?),
    }
}

/// The protocols that can have one port.
fn family(protocol: &str) -> &str {
    match protocol {
        "HTTPS" | "TLS" | "projectcontour.io/https" => "TLS",
        other => other,
    }
}

fn tls_fault(listener: &Listener) -> Option<Fault> {
    if listener.protocol != "HTTPS" {
        return None;
    }
    let certificate = "name its certificate's Secret in `tls.certificateRefs`";
    let Some(tls) = &listener.tls else {
        return fault(By::Everyone, format!("`protocol: HTTPS` needs `tls`: {certificate}"));
    };
    match tls.mode.as_deref() {
        None | Some("Terminate") => {}
        Some(mode) => {
            let why = format!(
                "`tls.mode: {mode}` is not for `protocol: HTTPS`: write `Terminate`, or `protocol: TLS`"
            );
            return fault(By::Everyone, why);
        }
    }
    match tls.certificate_refs.as_slice() {
        // Some take a certificate of their own by an option.
        [] if tls.options.is_empty() => fault(By::Everyone, format!("it has no certificate: {certificate}")),
        [] => fault(By::Contour, format!("it has no certificate: {certificate}")),
        [one] if !is_secret(one.group.as_deref(), one.kind.as_deref()) => {
            fault(By::Contour, "its certificate is no Secret, and Contour takes no other: name a Secret")
        }
        [_] => None,
        _ => fault(By::Contour, "Contour takes one of `tls.certificateRefs`: write one listener for each"),
    }
}

fn is_secret(group: Option<&str>, kind: Option<&str>) -> bool {
    group.is_none_or(str::is_empty) && kind.is_none_or(|kind| kind == "Secret")
}

fn secrets(tls: &ListenerTls, namespace: &str) -> Box<[(Box<str>, Box<str>)]> {
    let elsewhere = tls.certificate_refs.iter().map(|one| {
        let its = one.namespace.as_deref().filter(|its| *its != namespace)?;
        is_secret(one.group.as_deref(), one.kind.as_deref()).then(|| (its.into(), one.name.as_str().into()))
    });
    elsewhere.collect::<Option<_>>().unwrap_or_default()
}
