//! `zoneway schema`: the schemas accept what the programs accept, and refuse a typo.

use jsonschema::Validator;
use serde_json::{Value, json};

use super::{Bench, EXAMPLE};

fn schema(of: &str) -> Validator {
    let said = Bench::with(&[]).run(&["schema", of]).well();
    jsonschema::validator_for(&said.json()).expect("it is a JSON Schema")
}

fn example_site() -> Value {
    serde_saphyr::from_str(EXAMPLE).expect("YAML reads into JSON")
}

fn example_table() -> Value {
    serde_json::from_str(include_str!("../../../site/tests/data/example.403.json")).expect("JSON")
}

/// Takes each field of the document in turn, spells it wrong and expects the schema to refuse it.
fn check_typos(schema: &Validator, document: &Value, free: &[&str]) {
    let mut places = Vec::new();
    collect(document, String::new(), &mut places);
    for (object, key) in places {
        if free.iter().any(|map| object.ends_with(map)) {
            continue;
        }
        let mut wrong = document.clone();
        let fields = wrong.pointer_mut(&object).and_then(Value::as_object_mut).expect("an object");
        let value = fields.remove(&key).expect("the field");
        fields.insert(format!("{key}x"), value);
        assert!(!schema.is_valid(&wrong), "{object}/{key}x is let through");
    }
}

fn collect(value: &Value, place: String, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                found.push((place.clone(), key.clone()));
                collect(value, format!("{place}/{}", key.replace('~', "~0").replace('/', "~1")), found);
            }
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(n, item)| collect(item, format!("{place}/{n}"), found));
        }
        _ => {}
    }
}

#[test]
fn the_example_site_is_valid_and_no_typo_in_it_is() {
    let (schema, example) = (schema("site"), example_site());
    if let Err(error) = schema.validate(&example) {
        panic!("{error} at {}", error.instance_path());
    }
    // In these maps the keys are names, which nobody can spell wrong.
    check_typos(&schema, &example, &["/zones", "/services", "/hosts", "/nodes", "/at", "/paths", "/address"]);
}

#[test]
fn the_example_table_is_valid_and_no_typo_in_it_is() {
    let (schema, example) = (schema("table"), example_table());
    if let Err(error) = schema.validate(&example) {
        panic!("{error} at {}", error.instance_path());
    }
    check_typos(&schema, &example, &["/zones", "/nodes"]);
}

#[test]
fn schema_and_program_say_the_same_of_a_site() {
    let schema = schema("site");
    let zones = json!({"a": {"nodes": {"n": "10.0.0.1"}}, "b": {"nodes": {"m": "10.0.0.2"}}});
    let bench = Bench::with(&[]);
    let check = |change: Value, valid: bool| {
        let mut site =
            json!({"version": 1, "settings": {"home": "a"}, "zones": zones, "services": {"s": {}}});
        for (pointer, value) in change.as_object().expect("pointers") {
            let (object, key) = pointer.rsplit_once('/').expect("a pointer");
            let place = site.pointer_mut(object).and_then(Value::as_object_mut).expect("an object");
            place.insert(key.replace("~1", "/"), value.clone());
        }
        assert_eq!(schema.is_valid(&site), valid, "the schema, of {site}");
        bench.write("site.json", &site.to_string());
        assert_eq!(bench.run(&["check", "site.json"]).code == 0, valid, "the program, of {site}");
    };
    check(json!({}), true);
    check(json!({"/version": 2}), false);
    check(json!({"/settings/balance": "client", "/settings/max_hops": 3}), true);
    check(json!({"/settings/balance": {"cookie": "session"}}), true);
    check(json!({"/settings/balance": "never"}), false);
    check(json!({"/settings/policies": {"no_table": "pass"}}), true);
    check(json!({"/settings/policies": {"no_table": "wait"}}), false);
    check(json!({"/settings/peer_authentication": {"none": {"zones": ["a"]}}}), true);
    check(json!({"/settings/peer_authentication": {"ca": "a"}}), false);
    check(
        json!({"/settings/ingress": ["0.0.0.0:80", {"listen": "0.0.0.0:81", "source_networks": ["10.0.0.0/8"]}]}),
        true,
    );
    check(json!({"/settings/ingress": [{"source_zone": "a"}]}), false);
    check(json!({"/zones/a/links": [{"to": "b", "tunnel": true}]}), true);
    check(json!({"/zones/a/links": [{"to": "b", "tunnel": true, "address": {"m": "1.2.3.4"}}]}), false);
    check(json!({"/zones/a/links": [{"to": "b", "cost": 0}]}), false);
    check(json!({"/zones/a/links": [{"cost": 1}]}), false);
    check(json!({"/zones/-": {}}), false);
    check(json!({"/zones/a/nodes/N": "10.0.0.3"}), false);
    check(json!({"/services/s": {"at": {"n": ["127.0.0.1:1", "127.0.0.1:2"]}, "protocol": "h2c"}}), true);
    check(json!({"/services/s": {"at": {"n": {"address": ["127.0.0.1:1"], "weight": 0}}}}), true);
    check(json!({"/services/s": {"at": {"n": {"weight": 0}}}}), false);
    check(json!({"/services/s": {"protocol": "ftp"}}), false);
    check(
        json!({"/hosts": {"h": "s", "*.i": {"service": "s", "prefer": "zone"}, "**.j": {"paths": {"/": "s"}}}}),
        true,
    );
    check(json!({"/hosts": {"h": {"service": "s", "paths": {}}}}), false);
    check(json!({"/hosts": {"H": "s"}}), false);
    check(json!({"/hosts": {"*.*.h": "s"}}), false);
    check(json!({"/hosts": {"h": {"paths": {"/a/": "s"}}}}), false);
    check(json!({"/hosts": {"h": {"expose_to": ["a", "a"]}}}), false);
}

#[test]
fn schema_and_program_say_the_same_of_a_table() {
    let schema = schema("table");
    let bench = Bench::with(&[]);
    let check = |pointer: &str, value: Value| {
        let mut table = example_table();
        *table.pointer_mut(pointer).expect("the pointer names a place") = value;
        let valid = schema.is_valid(&table);
        bench.write("table.json", &table.to_string());
        assert_eq!(bench.run(&["check", "table.json"]).code == 0, valid, "{table}");
        valid
    };
    assert!(check("/hosts", json!([])));
    assert!(check("/zones/403/links/0/cost", json!(1)));
    assert!(!check("/zones/403/links/0/cost", json!(1_000_001)));
    assert!(check("/zones/403/links/0/gateways/0", json!({"node": "edge", "tunnel": true})));
    assert!(!check("/zones/403/links/0/gateways/0", json!({"node": "edge"})));
    assert!(!check(
        "/zones/403/links/0/gateways/0",
        json!({"node": "edge", "tunnel": true, "address": "1.2.3.4:5"})
    ));
    assert!(!check("/zones/403/nodes/studtop/address", json!("studtop:1")));
    assert!(!check("/hosts/0/rules/0/backends/0", json!({"node": "studtop", "zone": "exposed"})));
    assert!(!check("/hosts/0/host", json!("A.b")));
    assert!(!check("/version", json!(2)));
}
