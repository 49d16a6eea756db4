//! `zoneway decide`.

use serde_json::{Value, json};

use super::Bench;

fn decide(bench: &Bench, arguments: &[&str]) -> Value {
    let said = bench.run(&[&["decide", "--format", "json"], arguments].concat()).well();
    assert_eq!(said.err, "");
    said.json()
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn one_request_has_one_answer() {
    let bench = Bench::example();
    let at = |node: &str, rest: &[&str]| {
        decide(&bench, &[&["--table", "403.json", "--node", node], rest].concat())
    };
    assert_eq!(
        at("studtop", &["dashboard.403.stuartpb.com", "/"]),
        json!({"action": "local", "reason": "here"})
    );
    assert_eq!(
        at("stuchip", &["dashboard.403.stuartpb.com"]),
        json!({"action": "peer", "reason": "peer", "endpoints": ["192.168.86.23:15443"]})
    );
    assert_eq!(
        at("studtop", &["--source-zone", "exposed", "notes.stuartpb.com", "/admin/x?y"]),
        json!({"action": "refuse", "reason": "not_exposed", "status": 404})
    );
    assert_eq!(
        at("studtop", &["--unknown-host", "pass", "else.stuartpb.com", "/"]),
        json!({"action": "pass", "reason": "unknown_host"})
    );
    assert_eq!(
        at("studtop", &["else.stuartpb.com", "/"]),
        json!({"action": "refuse", "reason": "unknown_host", "status": 404})
    );
    assert_eq!(
        decide(&bench, &["--table", "exposed.json", "--node", "edge", "notes.stuartpb.com", "/"]),
        json!({"action": "zone", "reason": "cross_zone", "zone": "403", "tunnels": ["studtop"]})
    );
}

#[test]
fn a_peers_request_has_a_trail() {
    let bench = Bench::example();
    let peer = |rest: &[&str]| {
        let first =
            ["--table", "403.json", "--node", "stuchip", "--role", "peer", "--source-zone", "exposed"];
        decide(&bench, &[&first[..], rest, &["notes.stuartpb.com", "/"]].concat())
    };
    assert_eq!(peer(&[]), json!({"action": "refuse", "reason": "bad_hop", "status": 400}));
    // From another zone it is balanced over the zone, without a seed by weight.
    assert_eq!(
        peer(&["--trail", "exposed/edge"]),
        json!({"action": "peer", "reason": "peer",
        "endpoints": ["192.168.86.23:15443"]})
    );
    assert_eq!(peer(&["--trail", "exposed/edge,403/studtop"]), json!({"action": "local", "reason": "here"}));
    assert_eq!(
        peer(&["--trail", "exposed/edge,403/stuchip,403/studtop"]),
        json!({"action": "refuse", "reason": "loop", "status": 508})
    );
    assert_eq!(
        peer(&["--trail", "exposed/edge", "--max-hops", "1"]),
        json!({"action": "refuse", "reason": "too_many_hops", "status": 508})
    );
}

#[test]
fn a_zone_alone_has_no_table_yet() {
    let bench = Bench::with(&[]);
    let at = |rest: &[&str]| decide(&bench, &[&["--zone", "403", "--node", "n"], rest].concat());
    assert_eq!(at(&["h", "/"]), json!({"action": "refuse", "reason": "no_table", "status": 503}));
    assert_eq!(at(&["--no-table", "pass", "h", "/"]), json!({"action": "pass", "reason": "no_table"}));
    assert_eq!(
        at(&["--no-table", "pass", "--source-zone", "exposed", "h", "/"]),
        json!({"action": "refuse", "reason": "no_table", "status": 503})
    );
    assert_eq!(at(&["h:x", "/"]), json!({"action": "refuse", "reason": "malformed_host", "status": 400}));
}

#[test]
fn people_get_a_sentence() {
    let bench = Bench::example();
    let said = bench
        .run(&["decide", "--table", "403.json", "--node", "stuchip", "dashboard.403.stuartpb.com"])
        .well();
    assert!(
        said.out.starts_with("peer (peer): ") && said.out.contains("192.168.86.23:15443"),
        "{}",
        said.out
    );
}

#[test]
fn many_requests_have_an_answer_a_line_in_order() {
    let bench = Bench::example();
    let requests = r#"{"host": "dashboard.403.stuartpb.com"}
{"host": "dashboard.403.stuartpb.com", "node": "stuchip", "path": "/x"}
{"host": "notes.stuartpb.com", "source_zone": "exposed", "path": "/admin"}
{"host": "notes.stuartpb.com", "role": "peer", "source_zone": "exposed", "trail": ["exposed/edge"], "seed": 18446744073709551615}
{"host": "notes.stuartpb.com", "role": "peer", "source_zone": "exposed", "trail": "exposed/edge,403/stuchip"}
{"host": "notes.stuartpb.com", "role": "peer", "trail": "exposed/edge"}
{"host": "notes.stuartpb.com", "loops": 8}
{"host": "notes.stuartpb.com", "loops": null, "seed": null, "trail": null, "role": "ingress", "node": "studtop"}
{"host": ""}
{"host": "ü"}"#;
    let said = bench
        .run_with(&["decide", "--table", "403.json", "--node", "studtop", "--requests", "-"], requests)
        .well();
    let answers = lines(&said.out);
    let reasons: Vec<&str> =
        answers.iter().map(|answer| answer["reason"].as_str().expect("a reason")).collect();
    assert_eq!(
        reasons,
        [
            "here",
            "peer",
            "not_exposed",
            "peer",
            "here",
            "not_spoken_for",
            "too_many_hops",
            "here",
            "malformed_host",
            "malformed_host"
        ]
    );
    assert_eq!(answers[1]["endpoints"], json!(["192.168.86.23:15443"]));
    assert!(
        answers[0].get("status").is_none() && answers[0].get("endpoints").is_none(),
        "empty ones are left out"
    );
    assert!(said.out.lines().next().expect("a line").starts_with(r#"{"action":"local","reason":"here""#));
}

#[test]
fn a_bad_line_is_answered_in_its_place_and_the_end_is_1() {
    let bench = Bench::example();
    let requests = "{\"host\": \"notes.stuartpb.com\"}\nnonsense\n{}\n{\"host\": 1}\n{\"host\": \"a\", \"pat\": \"/\"}\n\
                    {\"host\": \"a\", \"role\": \"table\"}\n{\"host\": \"a\", \"seed\": -1}\n{\"host\": \"a\", \"host\": \"b\"}\n\
                    {\"host\": \"a\", \"trail\": [1]}\n\n{\"host\": \"notes.stuartpb.com\"}\n";
    let said = bench
        .run_with(&["decide", "--table", "403.json", "--node", "studtop", "--requests", "-"], requests)
        .code(1);
    let answers = lines(&said.out);
    let bad: Vec<bool> = answers.iter().map(|answer| answer["error"].is_string()).collect();
    assert_eq!(bad, [false, true, true, true, true, true, true, true, true, true, false]);
    assert!(said.err.contains("9 of 11"), "{}", said.err);
}

#[test]
fn a_line_needs_a_node_from_somewhere() {
    let bench = Bench::example();
    let said = bench.run_with(
        &["decide", "--table", "403.json", "--requests", "-"],
        "{\"host\": \"notes.stuartpb.com\", \"node\": \"studtop\"}\n{\"host\": \"notes.stuartpb.com\"}\n",
    );
    let answers = lines(&said.code(1).out);
    assert_eq!(answers[0]["reason"], "here");
    assert!(answers[1]["error"].as_str().expect("an error").contains("node"));
}

#[test]
fn options_are_what_lines_leave_out() {
    let bench = Bench::example();
    let arguments = [
        "decide",
        "--table",
        "403.json",
        "--node",
        "studtop",
        "--source-zone",
        "exposed",
        "--unknown-host",
        "pass",
        "--requests",
        "-",
    ];
    let requests = "{\"host\": \"dashboard.403.stuartpb.com\"}\n{\"host\": \"x\"}\n{\"host\": \"x\", \"source_zone\": \"403\"}\n";
    let answers = lines(&bench.run_with(&arguments, requests).well().out);
    let actions: Vec<&Value> = answers.iter().map(|answer| &answer["action"]).collect();
    assert_eq!(actions, ["refuse", "refuse", "pass"]);
}

#[test]
fn a_seed_shares_requests_by_weight_and_always_alike() {
    let bench = Bench::example();
    let requests: String =
        (0..3000).map(|seed| format!("{{\"host\": \"notes.stuartpb.com\", \"seed\": {seed}}}\n")).collect();
    let arguments = ["decide", "--table", "403.json", "--node", "elsewhere", "--requests", "-"];
    let once = bench.run_with(&arguments, &requests).well().out;
    let first = lines(&once).iter().filter(|answer| answer["endpoints"][0] == "192.168.86.23:15443").count();
    assert!((1850..2150).contains(&first), "two of three go to studtop: {first}");
    assert_eq!(bench.run_with(&arguments, &requests).well().out, once);
}
