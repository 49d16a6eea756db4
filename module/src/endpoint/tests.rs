//! The endpoint against the real thread that compiles. All tests of the process share one table: this is one test.

use serde_json::{Value, json};

use crate::double::{Config, Request};
use crate::plugin::Plugin;

const SETTINGS: &str = r#"{"role": "table", "zone": "403", "node": "studtop", "max_table_bytes": 4096}"#;

fn ask(method: &str, path: &str, body: &str) -> (u16, Value) {
    let plugin = Plugin::new(SETTINGS.as_bytes(), &Config::default()).expect("the settings are well");
    let mut request = Request::of(&[(":method", method), (":path", path), (":authority", "t")]);
    let reply = request.answer(&mut plugin.handler(), body.as_bytes());
    assert_eq!(reply.headers, [("content-type", "application/json".to_owned())]);
    (reply.status, serde_json::from_slice(&reply.body).expect("JSON"))
}

/// Newer than the table of any other test, which some thread may serve meanwhile.
fn table(sequence: u64, view: &str) -> String {
    let revision = json!({"epoch": 1_000, "sequence": sequence});
    json!({"version": 1, "revision": revision, "view": view, "zones": {"403": {}, "b": {}}, "hosts": []})
        .to_string()
}

#[test]
fn a_table_is_judged_served_and_told() {
    assert_eq!(ask("PUT", "/v1/table", &table(1, "403")).0, 200);
    assert_eq!(ask("PUT", "/v1/table", &table(1, "403")).0, 200);
    let (status, answer) = ask("PUT", "/v1/table", &table(1, "b"));
    assert_eq!((status, &answer["errors"][0]["path"]), (422, &json!("view")));
    assert_eq!(ask("PUT", "/v1/table", "{").0, 422);
    assert_eq!(ask("PUT", "/v1/table", "").0, 422);
    assert_eq!(ask("PUT", "/v1/table", &" ".repeat(4097)).0, 413);
    assert_eq!(ask("POST", "/v1/table", "").0, 405);
    assert_eq!(ask("GET", "/", "").0, 404);
    let (_, status) = ask("GET", "/v1/status", "");
    assert_eq!(status["versions"], json!([1]));
    assert_eq!(status["workers"].as_array().map(Vec::len), Some(2), "{status}");
    assert!(status["errors"].is_null(), "{status}");
}

#[test]
fn a_request_that_is_gone_is_not_woken() {
    let plugin = Plugin::new(SETTINGS.as_bytes(), &Config::default()).expect("the settings are well");
    for _ in 0..100 {
        let mut handler = plugin.handler();
        let mut request = Request::of(&[(":method", "GET"), (":path", "/v1/table")]);
        handler.headers(&mut request, true);
        drop(handler);
        let rung = request.times_rung();
        std::thread::yield_now();
        assert_eq!(request.times_rung(), rung, "a bell was rung after its request was gone");
    }
}
