//! A status as a page for people.

use std::fmt::Write as _;

use zoneway_core::table::wire::Revision;

use crate::agent::report::{ClusterStatus, KindStatus, Serving, SidecarStatus};
use crate::agent::table_endpoint::{ReaderStatus, Worker};

/// A table endpoint's.
pub(super) fn reader(url: &str, status: &ReaderStatus) -> String {
    let mut page = format!("{url}\n");
    // Writing to a string cannot fail.
    let _ = match &status.table {
        None => writeln!(page, "  table    none yet: requests are decided as `no_table`"),
        Some(table) => writeln!(
            page,
            "  table    revision {}, {}, accepted {} ago\n  digest   {}",
            table.revision,
            counted(table.hosts, "host"),
            age(table.age_s),
            table.digest,
        ),
    };
    let served = status.table.as_ref().map(|table| table.revision);
    let _ = writeln!(page, "  workers  {}", workers(&status.workers, served));
    let versions = status.versions.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let _ = writeln!(page, "  reads    version {versions} of the table");
    page
}

/// A sidecar's.
pub(super) fn sidecar(url: &str, status: &SidecarStatus) -> String {
    let source = &status.source;
    let serving = match (source.serving, source.age_s) {
        (Serving::Nothing, _) => "nothing serves yet".to_owned(),
        (Serving::File, Some(seconds)) => format!("serves as it stands, read {} ago", age_of(seconds)),
        (Serving::File, None) => "serves as it stands".to_owned(),
        (Serving::LastGood, _) => "is refused as it stands, its last good state serves on".to_owned(),
        (Serving::Kept, _) => {
            "is refused as it stands, what was kept from before this start serves".to_owned()
        }
    };
    let mut page = format!("{url}  sidecar {}\n  source   {}: {serving}\n", status.version, source.file);
    for error in &source.errors {
        let _ = writeln!(page, "           error: {error}");
    }
    for warning in &source.warnings {
        let _ = writeln!(page, "           warning: {warning}");
    }
    if let Some(cluster) = &source.cluster {
        cluster_lines(&mut page, cluster);
    }
    if let Some(first) = status.held.iter().map(|held| held.left_s).min() {
        let hosts = counted(status.held.len() as u64, "host");
        let _ = writeln!(
            page,
            "  held     {hosts} went from the source and stay {} yet, unless confirmed (SIGHUP)",
            age_of(first)
        );
        for held in status.held.iter().take(SHOWN) {
            let _ = writeln!(page, "           {}", held.host);
        }
        if status.held.len() > SHOWN {
            let _ = writeln!(page, "           and {} more", status.held.len() - SHOWN);
        }
    }
    page.push('\n');
    let mut rows = vec![["NODE", "ZONE", "STATE", "REVISION", "HOSTS", "AGE", "WORKERS"].map(str::to_owned)];
    for node in &status.nodes {
        let table = node.table.as_ref();
        let none = || "-".to_owned();
        rows.push([
            node.node.clone(),
            node.zone.clone().unwrap_or_else(none),
            node.state.clone(),
            table.map_or_else(none, |table| table.revision.to_string()),
            table.map_or_else(none, |table| table.hosts.to_string()),
            table.map_or_else(none, |table| age(table.age_s)),
            workers(&node.workers, table.map(|table| table.revision)),
        ]);
    }
    columns(&mut page, &rows);
    for node in status.nodes.iter().filter(|node| node.trouble) {
        let _ = writeln!(page, "\n{} ({}): {}", node.node, node.endpoint, node.message);
    }
    page
}

fn cluster_lines(page: &mut String, cluster: &ClusterStatus) {
    let answers = match (cluster.reachable, &cluster.error) {
        (true, _) => "answers".to_owned(),
        (false, None) => "was not asked yet".to_owned(),
        (false, Some(error)) => format!("does not answer ({error})"),
    };
    let heard =
        cluster.event_age_s.map_or_else(String::new, |age| format!(", last change {} ago", age_of(age)));
    let _ = writeln!(page, "  cluster  {} {answers}{heard}", cluster.server);
    let count =
        |kind: &KindStatus| kind.objects.map_or_else(|| "? ".to_owned(), |objects| format!("{objects} "));
    let short = |kind: &KindStatus| kind.kind.split('.').next().unwrap_or_default().to_owned();
    let kinds: Vec<String> = cluster.kinds.iter().map(|kind| count(kind) + &short(kind)).collect();
    let _ = writeln!(page, "           {}", kinds.join(", "));
    for kind in &cluster.kinds {
        if let Some(error) = &kind.error {
            let _ = writeln!(page, "           error: {}: {error}", kind.kind);
        }
    }
    if !cluster.notes.is_empty() {
        let notes: Vec<String> =
            cluster.notes.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
        let _ = writeln!(
            page,
            "           notes: {} (`kubectl get events`, or `zoneway site`)",
            notes.join(", ")
        );
    }
    if let Some(lease) = &cluster.lease {
        let holder = lease.holder.as_deref().unwrap_or("nobody");
        let error = lease.error.as_ref().map_or_else(String::new, |error| format!(": {error}"));
        let here = if lease.held { " (this sidecar)" } else { "" };
        let _ = writeln!(page, "  lease    {holder}{here}{error}");
    }
}

/// How many held hosts a page names.
const SHOWN: usize = 20;

fn columns<const N: usize>(page: &mut String, rows: &[[String; N]]) {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    for row in rows {
        let line: String = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}  ")).collect();
        let _ = writeln!(page, "  {}", line.trim_end());
    }
}

fn workers(workers: &[Worker], served: Option<Revision>) -> String {
    let behind = workers.iter().filter(|worker| worker.revision < served).count();
    match (workers.len(), behind) {
        (0, _) => "none seen".to_owned(),
        (all, 0) if served.is_some() => format!("all {all} at it"),
        (all, 0) => all.to_string(),
        (all, behind) => format!("{behind} of {all} behind"),
    }
}

fn counted(count: u64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

fn age(seconds: f64) -> String {
    std::time::Duration::try_from_secs_f64(seconds)
        .map_or_else(|_| "?".to_owned(), |age| age_of(age.as_secs()))
}

fn age_of(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    fn check_reader(status: serde_json::Value, page: &str) {
        let status = serde_json::from_value(status).unwrap();
        assert_eq!(super::reader("unix:/t", &status), page);
    }

    #[test]
    fn a_reader_with_a_table_says_who_has_it() {
        let revision = json!({"epoch": 7, "sequence": 42});
        let workers =
            json!([{"id": 1, "revision": revision, "seen_ms": 3}, {"id": 2, "revision": null, "seen_ms": 4}]);
        let table = json!({"revision": revision, "digest": "ab", "hosts": 2, "age_s": 12});
        check_reader(
            json!({"versions": [1], "table": table, "workers": workers}),
            "unix:/t\n  table    revision 7.42, 2 hosts, accepted 12 s ago\n  digest   ab\n  workers  1 of 2 behind\n  \
             reads    version 1 of the table\n",
        );
    }

    #[test]
    fn a_reader_without_a_table_says_what_that_means() {
        check_reader(
            json!({"versions": [1], "table": null, "workers": []}),
            "unix:/t\n  table    none yet: requests are decided as `no_table`\n  workers  none seen\n  \
             reads    version 1 of the table\n",
        );
    }

    #[test]
    fn a_sidecar_tells_of_every_node_and_what_is_wrong() {
        let table = json!({"revision": {"epoch": 7, "sequence": 0}, "digest": "ab", "hosts": 2, "age_s": 3});
        let status = json!({
            "version": "0.1.0",
            "source": {"file": "site.yaml", "serving": "last_good", "age_s": 9,
                       "errors": [{"path": "hosts", "message": "no such service"}]},
            "held": [{"host": "a.example", "left_s": 3600}],
            "nodes": [
                {"node": "studtop", "zone": "403", "endpoint": "unix:/a", "state": "in_sync", "message": "well",
                 "trouble": false, "table": table, "workers": [], "pushes": 1, "failures": 0},
                {"node": "edge", "endpoint": "unix:/b", "state": "unreachable", "message": "does not answer",
                 "trouble": true, "pushes": 0, "failures": 0},
            ],
        });
        let page = super::sidecar("unix:/s", &serde_json::from_value(status).unwrap());
        let expected = "\
unix:/s  sidecar 0.1.0
  source   site.yaml: is refused as it stands, its last good state serves on
           error: hosts: no such service
  held     1 host went from the source and stay 60 min yet, unless confirmed (SIGHUP)
           a.example

  NODE     ZONE  STATE        REVISION  HOSTS  AGE  WORKERS
  studtop  403   in_sync      7.0       2      3 s  none seen
  edge     -     unreachable  -         -      -    none seen

edge (unix:/b): does not answer
";
        assert_eq!(page, expected);
    }

    #[test]
    fn a_cluster_tells_what_was_listed_and_who_writes() {
        let kinds = json!([
            {"kind": "ingresses.networking.k8s.io", "objects": 7},
            {"kind": "endpointslices.discovery.k8s.io", "error": "forbidden: give this account `list` and `watch`"},
        ]);
        let cluster = json!({
            "server": "https://10.0.0.1:6443", "reachable": false, "error": "connection refused", "event_age_s": 130,
            "kinds": kinds, "notes": {"NoHost": 2}, "lease": {"held": true, "holder": "studtop_1"},
        });
        let source = json!({"file": "the cluster", "serving": "nothing", "cluster": cluster});
        let status = json!({"version": "0.1.0", "source": source, "held": [], "nodes": []});
        let page = super::sidecar("unix:/s", &serde_json::from_value(status).unwrap());
        let expected = "\
unix:/s  sidecar 0.1.0
  source   the cluster: nothing serves yet
  cluster  https://10.0.0.1:6443 does not answer (connection refused), last change 2 min ago
           7 ingresses, ? endpointslices
           error: endpointslices.discovery.k8s.io: forbidden: give this account `list` and `watch`
           notes: 2 NoHost (`kubectl get events`, or `zoneway site`)
  lease    studtop_1 (this sidecar)

  NODE  ZONE  STATE  REVISION  HOSTS  AGE  WORKERS
";
        assert_eq!(page, expected);
    }
}
