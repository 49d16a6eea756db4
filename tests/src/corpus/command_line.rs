//! The corpus through `zoneway decide`: the decision as the command line gives it.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::{self as corpus, Case, Policy, Topic};
use crate::proxy::Program;

/// What this `zoneway` decides in another way than the corpus says; nothing where all is well.
///
/// # Errors
/// It cannot be started, or does not decide.
pub fn differences(zoneway: &Program, topics: &[Topic]) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    for topic in topics {
        wrong.extend(of_topic(zoneway, topic).with_context(|| format!("in {}", topic.name))?);
    }
    Ok(wrong)
}

/// Answers of `zoneway decide`, one to each request.
fn decide(
    zoneway: &Program,
    topic: &Topic,
    node: &str,
    policy: &Policy,
    requests: &[Value],
) -> Result<Vec<Value>> {
    let folder = tempfile::tempdir()?;
    let mut command = zoneway.command();
    command.arg("decide");
    match &topic.table {
        Some(table) => {
            let file = folder.path().join("table.json");
            std::fs::write(&file, table.to_string())?;
            command.arg("--table").arg(file)
        }
        None => command.args(["--zone", &topic.here.zone]),
    };
    command.args(["--node", node, "--requests", "-"]);
    let options = [("--unknown-host", &policy.unknown_host), ("--no-table", &policy.no_table)];
    for (option, value) in options {
        value.as_ref().map(|value| command.args([option, value]));
    }
    policy.max_hops.map(|hops| command.arg("--max-hops").arg(hops.to_string()));
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let mut input = child.stdin.take().context("decide has no standard input")?;
    let lines: String = requests.iter().map(|request| format!("{request}\n")).collect();
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = child.wait_with_output()?;
    let _ = writer.join();
    let complaint = String::from_utf8_lossy(&output.stderr);
    let text = String::from_utf8(output.stdout)?;
    ensure!(output.status.success(), "{command:?} ended with {}:\n{complaint}{text}", output.status);
    text.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}

fn request_with_seed(case: &Case, seed: u64) -> Value {
    let mut request = case.request.clone();
    request.insert("seed".to_owned(), json!(seed));
    json!(request)
}

fn of_topic(zoneway: &Program, topic: &Topic) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    let mut groups: BTreeMap<(&str, &Policy), Vec<&Case>> = BTreeMap::new();
    for case in &topic.cases {
        groups.entry((case.node(&topic.here), &case.policy)).or_default().push(case);
    }
    for ((node, policy), cases) in groups {
        let (single, shared): (Vec<&Case>, Vec<&Case>) =
            cases.into_iter().partition(|case| case.expect_shares.is_none());
        let requests: Vec<Value> = single.iter().map(|case| json!(case.request)).collect();
        let answers = decide(zoneway, topic, node, policy, &requests)?;
        ensure!(answers.len() == single.len(), "{}: not one answer to each request", topic.name);
        for (case, answer) in single.iter().zip(answers) {
            let expected = json!(case.expect.as_ref().context("a case without shares has `expect`")?);
            if answer != expected {
                wrong.push(format!("{}: {}: expected {expected}, got {answer}", topic.name, case.name));
            }
        }
        for case in shared {
            let bounds = case.expect_shares.as_ref().context("only cases with shares are here")?;
            let requests: Vec<Value> =
                (1..=case.requests.unwrap_or(10_000)).map(|seed| request_with_seed(case, seed)).collect();
            let mut counted: BTreeMap<String, u64> = BTreeMap::new();
            for answer in decide(zoneway, topic, node, policy, &requests)? {
                let first = answer.pointer("/endpoints/0").or(answer.get("action")).and_then(Value::as_str);
                *counted.entry(first.unwrap_or("?").to_owned()).or_default() += 1;
            }
            let shares = corpus::wrong_shares(&counted, bounds, 0.0);
            wrong.extend(shares.into_iter().map(|share| format!("{}: {}: {share}", topic.name, case.name)));
        }
    }
    Ok(wrong)
}
