//! Whoever may ask here may ask at the controller: at random, against a small model of the order in which Contour puts a host's
//! routes.
//!
//! The model (Contour 1.33): each processor adds its routes to the host, and one with the conditions of another takes its
//! place (`internal/dag/dag.go`, `AddRoute`): those of Ingresses first, then HTTPProxies', includes before a proxy's own, then
//! HTTPRoutes' (`cmd/contour/serve.go`). What comes of it is sorted (`internal/sorter/sorter.go`, `routeSorter`): exact paths,
//! patterns, prefixes; of each the longer first, and of those that are the same the one with more conditions. Of two
//! HTTPRoutes the older keeps its route. So it is here with two Ingresses, of which Contour takes any.

use std::cmp::Reverse;

use proptest::prelude::*;
use proptest::sample::{Index as Pick, select, subsequence};
use proptest::test_runner::RngSeed;
use serde_json::{Value, json};
use zoneway_site::Site;

use super::{Index, fill, gateways, objects, settings};
use crate::sources::cluster::objects::{Kind, Object};

const HOST: &str = "a.example.com";
const PATHS: [&str; 11] =
    ["/", "/a", "/a/", "/ab", "/ab/", "/abc", "/a/b", "/a/b/", "/a/bc", "/ab/c", "/a/b/c"];
/// What an object says, and to whom it is open by that; `None`: it says nothing.
const WORDS: [(Option<&str>, &[&str]); 6] = [
    (None, &["403"]),
    (Some("403"), &["403"]),
    (Some("exposed"), &["exposed"]),
    (Some("403, exposed"), &["403", "exposed"]),
    (Some(""), &[]),
    (Some("403; exposed"), &[]),
];

/// An object, as it is drawn.
#[derive(Debug, Clone)]
struct Drawn {
    form: Form,
    /// Of namespace `other`.
    other: bool,
    age: Pick,
    word: usize,
    /// Where the root includes it, if it is an HTTPProxy that is included.
    below: &'static str,
    paths: Vec<(Way, &'static str, bool)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Form {
    Ingress,
    Proxy,
    Route,
}

/// How a text is matched; an object that has no such way takes its next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Segments,
    Text,
    Exact,
    /// A regular expression: the text, and this behind it.
    Pattern(&'static str),
}

/// Objects, with few paths among them, so that they meet.
fn drawn() -> impl Strategy<Value = Vec<Drawn>> {
    let pool = subsequence(&PATHS[..], 2..6);
    pool.prop_flat_map(|pool| proptest::collection::vec(object(pool), 2..6))
}

fn object(pool: Vec<&'static str>) -> impl Strategy<Value = Drawn> {
    let form = prop_oneof![2 => Just(Form::Ingress), 2 => Just(Form::Proxy), 1 => Just(Form::Route)];
    let way = prop_oneof![
        6 => Just(Way::Segments),
        6 => Just(Way::Text),
        6 => Just(Way::Exact),
        1 => select(&["", ".*", "[^/]*", "[bc]+"][..]).prop_map(Way::Pattern),
    ];
    let path = (way, select(pool.clone()), proptest::bool::weighted(0.2));
    let paths = proptest::collection::vec(path, 1..4);
    (form, proptest::bool::weighted(0.3), any::<Pick>(), 0..WORDS.len(), select(pool), paths)
        .prop_map(|(form, other, age, word, below, paths)| Drawn { form, other, age, word, below, paths })
}

/// A route of Contour's.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Route {
    condition: Condition,
    /// The header that a request has to have, if any.
    header: Option<Header>,
    priority: usize,
    form: Form,
    open_to: Vec<&'static str>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Condition {
    Exact(String),
    /// The text in front, and the special part behind it.
    Pattern(String, &'static str),
    Prefix {
        text: String,
        segments: bool,
    },
}

/// What is asked of the header `x`. What is exact sorts first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Header {
    IsY,
    IsPresent,
}

impl Condition {
    fn matches(&self, path: &str) -> bool {
        match self {
            Self::Exact(text) => path == text,
            Self::Prefix { text, segments: false } => path.starts_with(text.as_str()),
            Self::Prefix { text, segments: true } => {
                let text = text.trim_end_matches('/');
                path.strip_prefix(text).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            }
            Self::Pattern(text, behind) => {
                path.strip_prefix(text.as_str()).is_some_and(|rest| match *behind {
                    ".*" => true,
                    "[^/]*" => !rest.contains('/'),
                    "[bc]+" => !rest.is_empty() && rest.chars().all(|c| matches!(c, 'b' | 'c')),
                    _ => rest.is_empty(),
                })
            }
        }
    }

    /// The order of conditions: the first is looked at first.
    fn order(&self) -> (u8, Reverse<usize>, Reverse<String>, bool) {
        let (kind, text, segments) = match self {
            Self::Exact(text) => (0, text.clone(), false),
            Self::Pattern(text, behind) => (1, format!("{text}{behind}"), false),
            Self::Prefix { text, segments } => (2, text.clone(), *segments),
        };
        // Of exact paths the length does not matter: no two match one request.
        (kind, Reverse(text.len()), Reverse(text), !segments)
    }
}

/// Adds a route, as a processor does.
fn add(routes: &mut Vec<Route>, route: Route) {
    let same = |other: &&mut Route| (&other.condition, other.header) == (&route.condition, route.header);
    match routes.iter_mut().find(same) {
        // The older one of HTTPRoutes, and of Ingresses, was there first.
        Some(other) if other.form == route.form && route.form != Form::Proxy => {}
        Some(other) => *other = route,
        None => routes.push(route),
    }
}

/// Two texts one behind the other, with one slash where there were several.
fn joined(prefix: &str, text: &str) -> String {
    format!("{prefix}{text}").replace("//", "/")
}

/// What is in the cluster, and what Contour makes of it.
#[derive(Default)]
struct Case {
    objects: Vec<Object>,
    routes: Vec<Route>,
}

impl Case {
    /// `strict`: the Zone allows namespace `default` alone.
    fn of(mut all: Vec<Drawn>, strict: bool) -> Self {
        let mut case = Self::default();
        let count = all.len();
        // No two of one age, and the older first.
        all.sort_by_key(|drawn| drawn.age.index(1 << 20));
        let proxies: Vec<usize> = (0..count).filter(|place| all[*place].form == Form::Proxy).collect();
        let root = proxies.first().copied();
        // Of two includes with the same conditions Contour takes the first; those at the root are no repetition.
        let mut includes: Vec<usize> = Vec::new();
        for place in proxies.into_iter().skip(1) {
            if includes.iter().all(|other| all[*other].below != all[place].below) {
                includes.push(place);
            } else {
                all[place].form = Form::Ingress;
            }
        }
        for form in [Form::Ingress, Form::Route] {
            for (age, drawn) in all.iter().enumerate().filter(|(_, drawn)| drawn.form == form) {
                let value = if form == Form::Ingress { drawn.ingress() } else { drawn.route() };
                case.object(drawn, age, value);
            }
        }
        for (age, drawn) in all.iter().enumerate().filter(|(_, drawn)| drawn.form == Form::Proxy) {
            let mut spec = json!({"routes": drawn.proxy()});
            if Some(age) == root {
                let include = |place: &usize| json!({"name": format!("o{place}"), "namespace": all[*place].namespace(), "conditions": [{"prefix": all[*place].below}]});
                spec["virtualhost"] = json!({"fqdn": HOST});
                spec["includes"] = includes.iter().map(include).collect();
            }
            case.object(drawn, age, spec);
        }
        let of_form = |form: Form| all.iter().filter(move |drawn| drawn.form == form);
        of_form(Form::Ingress).for_each(|drawn| case.add_all(drawn, "", strict));
        includes.iter().for_each(|place| case.add_all(&all[*place], all[*place].below, strict));
        root.iter().for_each(|place| case.add_all(&all[*place], "", strict));
        of_form(Form::Route).for_each(|drawn| case.add_all(drawn, "", strict));
        case.routes.sort_by_key(|route| {
            (route.condition.order(), route.header.is_none(), route.priority, route.header)
        });
        case
    }

    fn object(&mut self, drawn: &Drawn, age: usize, spec: Value) {
        let kind = match drawn.form {
            Form::Ingress => Kind::Ingress,
            Form::Proxy => Kind::HttpProxy,
            Form::Route => Kind::HttpRoute,
        };
        let mut annotations = json!({});
        if let (Some(word), _) = WORDS[drawn.word] {
            annotations["st8s.stuartpb.com/expose-to"] = word.into();
        }
        let metadata = json!({
            "name": format!("o{age}"), "namespace": drawn.namespace(), "annotations": annotations,
            "creationTimestamp": format!("2026-01-01T00:00:{age:02}Z"),
        });
        self.objects.push(kind.read(&json!({"metadata": metadata, "spec": spec})).expect("an object"));
    }

    /// The routes that Contour adds for an object.
    fn add_all(&mut self, drawn: &Drawn, below: &str, strict: bool) {
        let mut open_to = WORDS[drawn.word].1.to_vec();
        open_to.retain(|zone| !(strict && drawn.other && *zone == "exposed"));
        for (place, (way, text, conditional)) in drawn.paths.iter().enumerate() {
            let text = joined(below, text);
            let prefix = |text: &str, segments| Condition::Prefix { text: text.to_owned(), segments };
            let condition = match (drawn.form, *way) {
                (_, Way::Exact) => Condition::Exact(text),
                // An Ingress's text is a pattern where it looks like one.
                (Form::Ingress, Way::Pattern("")) => prefix(&text, false),
                (_, Way::Pattern(behind)) => Condition::Pattern(text, behind),
                (Form::Ingress | Form::Route, Way::Segments) if text == "/" => prefix("/", false),
                (Form::Ingress, Way::Segments) => prefix(text.trim_end_matches('/'), true),
                (Form::Route, Way::Segments | Way::Text) => prefix(&text, text != "/"),
                (Form::Ingress, Way::Text) | (Form::Proxy, Way::Segments | Way::Text) => prefix(&text, false),
            };
            let (header, priority) = match drawn.form {
                Form::Ingress => (None, 0),
                Form::Proxy => (Some(Header::IsPresent), 0),
                Form::Route => (Some(Header::IsY), place),
            };
            let header = header.filter(|_| *conditional);
            let (form, open_to) = (drawn.form, open_to.clone());
            add(&mut self.routes, Route { condition, header, priority, form, open_to });
        }
    }

    /// Paths that somebody may ask for, about all that is written.
    fn requests(&self) -> Vec<String> {
        let mut paths = vec!["/".to_owned(), "/z".to_owned()];
        for route in &self.routes {
            let (Condition::Exact(text) | Condition::Pattern(text, _) | Condition::Prefix { text, .. }) =
                &route.condition;
            let normal = text.trim_end_matches('/');
            let more = ["", "/", "/x", "/bd/e", "x", "b", "bc", "/b", "x/y"];
            paths.extend(more.iter().map(|more| format!("{normal}{more}")).filter(|path| !path.is_empty()));
        }
        paths.sort_unstable();
        paths.dedup();
        paths
    }
}

impl Drawn {
    fn namespace(&self) -> &'static str {
        if self.other { "other" } else { "default" }
    }

    fn ingress(&self) -> Value {
        let path = |(way, text, _): &(Way, &str, bool)| {
            let (kind, text) = match way {
                Way::Segments => ("Prefix", (*text).to_owned()),
                Way::Exact => ("Exact", (*text).to_owned()),
                Way::Text => ("ImplementationSpecific", (*text).to_owned()),
                Way::Pattern(behind) => ("ImplementationSpecific", format!("{text}{behind}")),
            };
            json!({"path": text, "pathType": kind, "backend": {"service": {"name": "web", "port": {"number": 80}}}})
        };
        let paths: Vec<Value> = self.paths.iter().map(path).collect();
        json!({"rules": [{"host": HOST, "http": {"paths": paths}}]})
    }

    fn proxy(&self) -> Vec<Value> {
        let route = |(way, text, conditional): &(Way, &str, bool)| {
            let mut conditions = vec![match way {
                Way::Segments | Way::Text => json!({"prefix": text}),
                Way::Exact => json!({"exact": text}),
                Way::Pattern(behind) => json!({"regex": format!("{text}{behind}")}),
            }];
            conditions.extend(conditional.then(|| json!({"header": {"name": "x", "present": true}})));
            json!({"conditions": conditions, "services": [{"name": "web", "port": 80}]})
        };
        self.paths.iter().map(route).collect()
    }

    fn route(&self) -> Value {
        let rule = |(way, text, conditional): &(Way, &str, bool)| {
            let mut one = match way {
                Way::Segments | Way::Text => json!({"path": {"type": "PathPrefix", "value": text}}),
                Way::Exact => json!({"path": {"type": "Exact", "value": text}}),
                Way::Pattern(behind) => {
                    json!({"path": {"type": "RegularExpression", "value": format!("{text}{behind}")}})
                }
            };
            if *conditional {
                one["headers"] = json!([{"name": "x", "value": "y"}]);
            }
            json!({"matches": [one], "backendRefs": [{"name": "web", "port": 80}]})
        };
        let rules: Vec<Value> = self.paths.iter().map(rule).collect();
        json!({"parentRefs": [{"name": "gw", "namespace": "default"}], "hostnames": [HOST], "rules": rules})
    }
}

/// The household, with a Gateway that takes every namespace's routes.
fn household(strict: bool) -> Vec<Object> {
    let listener = "{name: http, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}";
    let mut household = super::household();
    if strict {
        household = household.replace("{public: true,", "{public: true, allow: {namespaces: [default]},");
    }
    objects(&format!("{household}\n---\n{}", gateways::gateway(listener)))
}

/// To whom a request is open here, if anything serves it.
fn open_here(site: &Site, path: &str) -> Vec<String> {
    let mut hosts = site.hosts().iter().filter(|(host, _)| host.as_str() == HOST);
    let Some((_, host)) = hosts.next() else { return Vec::new() };
    let answers = |rule: &str| {
        path == rule || rule == "/" || path.strip_prefix(rule).is_some_and(|rest| rest.starts_with('/'))
    };
    let rules = host.rules.iter().filter(|(rule, _)| answers(rule.as_str()));
    let rule = rules.max_by_key(|(rule, _)| rule.as_str().len()).map(|(_, rule)| rule);
    let rule = rule.filter(|rule| rule.service.is_some());
    rule.iter().flat_map(|rule| rule.exposed_to.iter()).map(ToString::to_string).collect()
}

/// The same cases each time; others and more by `PROPTEST_RNG_SEED` and `PROPTEST_CASES`.
fn config() -> ProptestConfig {
    let given = ProptestConfig::default();
    let rng_seed = match given.rng_seed {
        RngSeed::Random => RngSeed::Fixed(8),
        fixed => fixed,
    };
    ProptestConfig { cases: given.cases.max(1536), rng_seed, failure_persistence: None, ..given }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn whoever_may_ask_here_may_ask_where_contour_would_route_it(
        all in drawn(),
        strict in any::<bool>(),
    ) {
        thread_local! {
            static AROUND: [Vec<Object>; 2] = [household(false), household(true)];
        }
        let case = Case::of(all, strict);
        let mut index = Index::new(settings());
        fill(&mut index, AROUND.with(|around| around[usize::from(strict)].clone()));
        fill(&mut index, case.objects.iter().cloned());
        let picture = index.site();
        let site = Site::try_from(picture.site.as_ref()).expect("a site");
        for path in case.requests() {
            let here = open_here(&site, &path);
            for header in [None, Some("y"), Some("z")] {
                let meets = |route: &&Route| match route.header {
                    None => true,
                    Some(Header::IsPresent) => header.is_some(),
                    Some(Header::IsY) => header == Some("y"),
                };
                // What nobody has there, a prefix of here may have.
                let mut there = case.routes.iter().filter(meets).filter(|route| route.condition.matches(&path));
                let Some(there) = there.next() else { continue };
                let leak = here.iter().find(|zone| !there.open_to.contains(&zone.as_str()));
                prop_assert_eq!(
                    leak, None,
                    "{} with x: {:?} is {:?}'s at Contour; here:\n{}\nnotes:\n{:#?}",
                    path, header, there, super::hosts(&picture),
                    picture.notes.iter().map(ToString::to_string).collect::<Vec<_>>()
                );
            }
        }
    }
}
