//! What an object asks for: a host, a path of it, and where requests for it go.

use std::fmt;
use std::sync::Arc;

use zoneway_core::name::{HostPattern, RulePath};
use zoneway_site::Protocol;

use super::super::Texts;
use super::Digester;

/// A host, as an object has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum HostAsk {
    /// Every host, or none in particular.
    Any,
    /// A name or a wildcard.
    Pattern(Arc<str>),
    /// No host at all, and why.
    Bad(Box<str>),
}

impl HostAsk {
    /// `*.` stands for one label, or with `deep` for one or more.
    pub(super) fn of(text: Option<&str>, deep: bool) -> Self {
        let text = text.unwrap_or_default().trim();
        let text = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        if text.is_empty() || text == "*" {
            return Self::Any;
        }
        let pattern = match text.strip_prefix("*.") {
            Some(suffix) if deep => format!("**.{suffix}"),
            _ => text,
        };
        match HostPattern::parse(&pattern) {
            Ok(pattern) => Self::Pattern(pattern.as_str().into()),
            Err(error) => Self::Bad(error.to_string().into()),
        }
    }
}

/// A path, as an object has it, and what it matches at the controller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct PathAsk {
    /// The rule's path: it matches whatever the controller's does, and perhaps more or less.
    pub(in super::super) path: Arc<str>,
    pub(in super::super) matching: Matching,
    /// Whether it matches only requests of which more holds: headers, parameters, a method.
    pub(in super::super) conditional: bool,
}

/// What a path matches at the controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in super::super) enum Matching {
    /// What a rule's path matches: prefixes at segment borders.
    Segments,
    /// The same, written with a slash at its end and longer by it: of two, Contour takes the longer one of an HTTPRoute first.
    Slashed,
    /// What begins with the text: `/foo` matches `/foobar` too.
    Text,
    /// What a rule's path matches, but for itself: `/foo/` as a text.
    Below,
    /// Itself alone.
    Exact,
    /// Itself alone, with a slash at its end, which the rule's path has not: `/foo/`.
    ExactSlash,
    /// Itself alone, as a regular expression without anything special in it: what is `Exact` comes first.
    Literal,
    /// Something below the path.
    Regex,
}

impl PathAsk {
    const fn new(path: Arc<str>, matching: Matching) -> Self {
        Self { path, matching, conditional: false }
    }

    /// The same, where more has to hold of a request.
    pub(in super::super) fn where_more_holds(self, more: bool) -> Self {
        Self { conditional: self.conditional || more, ..self }
    }

    pub(in super::super) fn segments(text: &str, texts: &mut Texts) -> Result<Self, Box<str>> {
        Ok(Self::new(normal(text, texts)?, Matching::Segments))
    }

    /// As [`PathAsk::segments`], of what tells `/foo/` from `/foo`.
    pub(in super::super) fn segments_as_written(text: &str, texts: &mut Texts) -> Result<Self, Box<str>> {
        let path = to_the_letter(text, texts)?;
        let slashed = path.len() < text.len();
        Ok(Self::new(path, if slashed { Matching::Slashed } else { Matching::Segments }))
    }

    pub(in super::super) fn exact(text: &str, texts: &mut Texts) -> Result<Self, Box<str>> {
        let path = to_the_letter(text, texts)?;
        let slashed = path.len() < text.len();
        Ok(Self::new(path, if slashed { Matching::ExactSlash } else { Matching::Exact }))
    }

    pub(in super::super) fn text(text: &str, texts: &mut Texts) -> Result<Self, Box<str>> {
        let path = to_the_letter(text, texts)?;
        let matching = match (path.as_ref(), text.ends_with('/')) {
            ("/", _) => Matching::Segments,
            // Behind a slash a segment begins, so the text matches at a border.
            (_, true) => Matching::Below,
            (_, false) => Matching::Text,
        };
        Ok(Self::new(path, matching))
    }

    pub(in super::super) fn regex(text: &str, texts: &mut Texts) -> Result<Self, Box<str>> {
        let text = text.strip_prefix('^').unwrap_or(text);
        let Some(meta) = text.find(|c: char| r"\.^$*+?()[]{}|%".contains(c)) else {
            let path = to_the_letter(text, texts)?;
            let slashed = path.len() < text.len();
            return Ok(Self::new(path, if slashed { Matching::Regex } else { Matching::Literal }));
        };
        let (literal, rest) = text.split_at(meta);
        // What a quantifier stands behind may be absent, and an alternative need not have the text in front of it.
        let literal = match rest.chars().next() {
            Some('*' | '+' | '?' | '{') => literal.get(..literal.len().saturating_sub(1)).unwrap_or_default(),
            _ => literal,
        };
        let border = literal.rfind('/').filter(|_| !rest.contains('|')).unwrap_or(0);
        let path =
            normal(literal.get(..border.max(1)).filter(|path| !path.is_empty()).unwrap_or("/"), texts)?;
        Ok(Self::new(path, Matching::Regex))
    }
}

/// The rule's path of a text whose slashes count: of several at its end, which no request has, none is left out.
fn to_the_letter(text: &str, texts: &mut Texts) -> Result<Arc<str>, Box<str>> {
    if text.ends_with("//") {
        return RulePath::parse(text)
            .map(|path| texts.share(path.as_str()))
            .map_err(|error| error.to_string().into());
    }
    normal(text, texts)
}

/// The rule's path of a text.
fn normal(text: &str, texts: &mut Texts) -> Result<Arc<str>, Box<str>> {
    let trimmed = text.trim_end_matches('/');
    let path = if trimmed.is_empty() && text.starts_with('/') { "/" } else { trimmed };
    match RulePath::parse(path) {
        Ok(path) => Ok(texts.share(path.as_str())),
        Err(error) => Err(error.to_string().into()),
    }
}

/// Where requests go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum Goes {
    /// To one of these.
    To(Arc<[Backend]>),
    /// Envoy answers by itself, as with a redirect.
    Answered,
    /// Somewhere that cannot be followed, and why not.
    Unusable(Box<str>),
    /// Of several backends one cannot be followed, and why not.
    PartlyUnusable(Box<str>),
}

/// A port of a Service.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) struct Backend {
    /// The key of the Service.
    pub(in super::super) service: Arc<str>,
    pub(in super::super) port: Port,
    /// Its share of the rule.
    pub(in super::super) weight: u64,
    /// What is spoken to it.
    pub(in super::super) spoken: Spoken,
    /// Whether it has to show a certificate that can be believed.
    pub(in super::super) checked: bool,
}

/// What is spoken to a backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) enum Spoken {
    /// What its port says.
    AsPort,
    /// gRPC, which is HTTP/2 whatever the port says.
    Grpc,
    /// This, whatever the port says.
    By(Protocol),
}

impl Spoken {
    /// What is spoken to a port that says this.
    pub(in super::super) const fn of(self, port: Protocol) -> Protocol {
        match (self, port) {
            (Self::Grpc, Protocol::Http) => Protocol::H2c,
            (Self::Grpc, Protocol::Https) => Protocol::H2,
            (Self::By(protocol), _) => protocol,
            (Self::AsPort | Self::Grpc, port) => port,
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spoken = match self.spoken {
            Spoken::AsPort => "",
            Spoken::Grpc => ":grpc",
            Spoken::By(Protocol::Http) => ":http",
            Spoken::By(Protocol::Https) => ":https",
            Spoken::By(Protocol::H2c) => ":h2c",
            Spoken::By(Protocol::H2) => ":h2",
        };
        let checked = if self.checked { ":checked" } else { "" };
        write!(f, "{}:{}{spoken}{checked}", self.service, self.port)
    }
}

/// A port, as a reference names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) enum Port {
    Number(u16),
    Name(Arc<str>),
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

impl Backend {
    pub(super) fn of(namespace: &str, name: &str, port: Port, weight: u64, by: &mut Digester<'_>) -> Self {
        let service = by.texts.share(&format!("{namespace}/{name}"));
        Self { service, port, weight, spoken: Spoken::AsPort, checked: false }
    }
}

impl Goes {
    /// To these, or to the one thing that is wrong with one of them. What has no share gets nothing.
    pub(super) fn to(backends: impl Iterator<Item = Result<Backend, Box<str>>>) -> Self {
        let mut usable = Vec::new();
        let mut fault = None;
        for backend in backends {
            match backend {
                Ok(backend) => usable.push(backend),
                Err(why) => fault = fault.or(Some(why)),
            }
        }
        usable.retain(|backend| backend.weight > 0);
        match fault {
            None => Self::To(usable.into()),
            Some(why) if usable.is_empty() => Self::Unusable(why),
            Some(why) => Self::PartlyUnusable(why),
        }
    }

    /// The same, sharing its backends with all that go to the same.
    pub(super) fn shared(self, by: &mut Digester<'_>) -> Self {
        match self {
            Self::To(backends) => Self::To(by.backends.share(&backends)),
            other => other,
        }
    }
}
