use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Config, LeaseName, Listen, Source};

const WHOLE: &str = "
version: 1
source: {site: site.yaml}
state: /var/lib/zoneway
envoys:
  - {node: studtop, run_dir: /run/zoneway}
  - {node: stuchip, table: 'https://192.168.86.29:15444', tls: {ca: ca.pem, certificate: c.pem, key: k.pem}}
  - {node: edge, table: 'unix:/e/table.sock', admin: 'http://127.0.0.1:9901', xds: xds}
listen: 127.0.0.1:9911
shrink: {hold: 15m}
dns: {servers: ['192.168.86.1:53']}
";

fn parse(text: &str) -> Result<Config, Vec<String>> {
    Config::parse(text, Path::new("/etc/zoneway"), None)
        .map_err(|faults| faults.iter().map(ToString::to_string).collect())
}

#[track_caller]
fn check(text: &str, faults: &[&str]) {
    let found = parse(text).expect_err("a fault");
    for (found, begin) in found.iter().zip(faults) {
        assert!(found.starts_with(begin), "{found}, expected {begin}");
    }
    assert_eq!(found.len(), faults.len(), "{found:?}");
}

#[test]
fn every_field_is_read_and_paths_are_relative_to_the_file() {
    let config = parse(WHOLE).unwrap();
    assert_eq!(config.source, Source::Site(PathBuf::from("/etc/zoneway/site.yaml")));
    assert_eq!(config.state, Path::new("/var/lib/zoneway"));
    assert_eq!(config.hold, Duration::from_secs(900));
    assert_eq!(config.listen, [Listen::Tcp("127.0.0.1:9911".parse().unwrap())]);
    let [studtop, stuchip, edge] = config.envoys.as_slice() else { panic!("three Envoys") };
    assert_eq!(studtop.table.to_string(), "unix:/run/zoneway/table.sock");
    let files = studtop.files.as_ref().unwrap();
    assert_eq!(files.admin.to_string(), "unix:/run/zoneway/admin.sock");
    assert_eq!(files.folder, Path::new("/run/zoneway/xds"));
    assert_eq!(stuchip.tls.as_ref().unwrap().ca, Path::new("/etc/zoneway/ca.pem"));
    assert_eq!(stuchip.files, None);
    assert_eq!(edge.files.as_ref().unwrap().folder, Path::new("/etc/zoneway/xds"));
}

#[test]
fn certificates_are_brought_for_the_nodes_here_from_one_folder_to_another() {
    let config = parse(&format!("{WHOLE}certificates: {{from: /run/all, to: own}}")).unwrap();
    let mounted = config.certificates.unwrap();
    assert_eq!(
        (mounted.from.as_path(), mounted.to.as_path()),
        (Path::new("/run/all"), Path::new("/etc/zoneway/own"))
    );
    assert_eq!(
        mounted.nodes.iter().map(|node| node.as_str()).collect::<Vec<_>>(),
        ["studtop", "stuchip", "edge"]
    );
    check(
        &format!("{WHOLE}certificates: {{from: own, to: /etc/zoneway/own}}"),
        &["certificates.to: is where"],
    );
}

#[test]
fn what_may_be_left_out_has_its_default() {
    let config =
        parse("{version: 1, source: {table: t.json}, state: s, envoys: [{node: edge, run_dir: r}]}").unwrap();
    assert_eq!(config.source, Source::Table(PathBuf::from("/etc/zoneway/t.json")));
    assert_eq!(config.hold, Duration::from_secs(3600));
    assert_eq!((config.listen.len(), config.dns_servers.len()), (0, 0));
}

#[test]
fn several_places_to_listen_may_be_named() {
    let config = parse(&WHOLE.replace("127.0.0.1:9911", "['[::1]:9911', 'unix:/run/s.sock']")).unwrap();
    assert_eq!(config.listen[1], Listen::Unix(PathBuf::from("/run/s.sock")));
}

#[test]
fn an_unknown_or_repeated_field_is_an_error_at_its_place() {
    check(&WHOLE.replace("run_dir: /run/zoneway", "rundir: /run/zoneway"), &["envoys[0]"]);
    check(&WHOLE.replace("hold:", "held:"), &["shrink"]);
    check(&format!("{WHOLE}version: 1\n"), &[""]);
}

#[test]
fn every_error_is_told_at_once() {
    check(
        "
version: 2
source: {site: a, table: b}
state: s
envoys:
  - {node: Studtop, run_dir: r}
  - {node: edge}
  - {node: edge, table: 'ftp://x'}
  - {node: a, run_dir: r, xds: y}
  - {node: b, table: 'unix:/t', xds: y}
  - {node: c, table: 'https://x', tls: {ca: a, key: k}}
  - {node: d, table: 'unix:/t', tls: {ca: a}}
listen: somewhere
shrink: {hold: an hour}
dns: {servers: [8.8.8.8]}
",
        &[
            "version: is 2",
            "source: name one: ",
            "envoys[0].node: \"Studtop\" is no node id",
            "envoys[1]: say where",
            "envoys[2].node: node \"edge\" stands twice",
            "envoys[2].table: \"ftp://x\"",
            "envoys[3]: with `run_dir`",
            "envoys[4]: `xds` and `admin` go together",
            "envoys[5].tls: `certificate` and `key` go together",
            "envoys[5].tls: https needs",
            "envoys[6].tls: is for https alone",
            "listen[0]: \"somewhere\"",
            "shrink.hold: \"an hour\"",
            "dns.servers[0]: \"8.8.8.8\"",
        ],
    );
}

const CLUSTER: &str = "
version: 1
source: {cluster: {settings: {home: 403}}, kubeconfig: k.conf, context: home}
state: s
envoys: [{node: '{node}', run_dir: r}]
lease: {namespace: zoneway}
";

#[test]
fn a_cluster_is_a_source_and_this_machine_a_node() {
    let config = Config::parse(CLUSTER, Path::new("/etc/zoneway"), Some("studtop")).unwrap();
    let Source::Cluster(settings, access) = config.source else { panic!("a cluster") };
    assert_eq!(settings.settings.home, Some("403".into()));
    assert_eq!(access.kubeconfig.as_deref(), Some(Path::new("/etc/zoneway/k.conf")));
    assert_eq!(access.context.as_deref(), Some("home"));
    assert_eq!(config.envoys[0].node.as_str(), "studtop");
    let lease = LeaseName { namespace: "zoneway".to_owned(), name: "zoneway".to_owned() };
    assert_eq!(config.lease, Some(lease));
}

#[test]
fn what_is_a_cluster_s_goes_with_a_cluster() {
    check(CLUSTER, &["envoys[0].node: is this machine's"]);
    let file = CLUSTER.replace("{cluster: {settings: {home: 403}}", "{site: s.yaml").replace("'{node}'", "a");
    check(&file, &["source.kubeconfig: goes with", "source.context: goes with", "lease: is of a cluster"]);
}

const RECEIVE: &str = "
version: 1
source:
  receive: {listen: 0.0.0.0:15444, domain: lab.test, zone: exposed, gateways: {403: [studtop, stuchip]}, certificates: c}
state: s
envoys: [{node: edge, run_dir: r}]
";

#[test]
fn a_public_node_receives_from_gateways_alone() {
    let Source::Receive(receive) = parse(RECEIVE).unwrap().source else { panic!("it receives") };
    assert_eq!(receive.certificates, Path::new("/etc/zoneway/c"));
    let gateway = |node| format!("spiffe://lab.test/zone/403/node/{node}");
    assert_eq!(receive.gateways, [gateway("studtop"), gateway("stuchip")]);
    check(&RECEIVE.replace("403: [studtop, stuchip]", ""), &["source.receive.gateways: is empty"]);
    check(&RECEIVE.replace("0.0.0.0:15444", "15444"), &["source.receive.listen: \"15444\" is no address"]);
    check(&RECEIVE.replace("run_dir: r", "table: 'unix:/t'"), &["envoys: a public node that receives"]);
    check(&format!("{RECEIVE}outside: {{ca: a, certificate: b, key: c}}\n"), &["outside: is for a node"]);
}

#[test]
fn what_is_outside_is_delivered_to_with_this_nodes_own_certificate() {
    let outside =
        "outside: {ca: ca.pem, certificate: '{node}.pem', key: '{node}.key', places: {edge: '192.0.2.1:5'}}";
    let outside = parse(&format!("{WHOLE}{outside}\n")).unwrap().outside.unwrap();
    assert_eq!(outside.identity.certificate, Path::new("/etc/zoneway/studtop.pem"));
    assert_eq!((outside.port, outside.authority), (15_444, None));
    assert_eq!(outside.places.values().collect::<Vec<_>>(), ["192.0.2.1:5"]);
    let both = "outside: {ca: a, certificate: b, key: c, authority: d, signed: e}";
    check(&format!("{WHOLE}{both}\n"), &["outside.signed: what the authority elsewhere"]);
}
