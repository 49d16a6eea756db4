//! An outline is what the table is, and is there for no table that is refused.

use proptest::prelude::*;

use super::Outline;
use crate::layout::{Layout, tests::table};
use crate::table::{Limits, Table};

/// Reads the bytes both ways.
fn check(json: &[u8]) -> Result<bool, TestCaseError> {
    let Some(outline) = Outline::parse(json, &Limits::default()) else { return Ok(false) };
    let table = Table::parse(json);
    prop_assert!(table.is_ok(), "{}: {:?}", String::from_utf8_lossy(json), table);
    let table = table.unwrap();
    prop_assert_eq!(outline.digest(), table.digest());
    prop_assert!(Layout::compile_outline(&outline).bytes() == Layout::compile(&table).bytes());
    Ok(true)
}

proptest! {
    #[test]
    fn an_outline_is_what_the_table_is(table in table()) {
        prop_assert!(check(&serde_json::to_vec(table.wire()).unwrap())?);
    }

    #[test]
    fn canonical_json_has_an_outline_too(table in table()) {
        // Without serde_json's `preserve_order` an object's members are sorted.
        let value = serde_json::to_value(table.wire()).unwrap();
        prop_assert!(check(value.to_string().as_bytes())?);
    }

    #[test]
    fn what_is_written_in_another_way_is_left_to_the_table(table in table()) {
        let json = serde_json::to_vec_pretty(table.wire()).unwrap();
        prop_assert!(!check(&json)?);
    }

    #[test]
    fn no_faulty_table_has_an_outline(table in table(), change in any::<(prop::sample::Index, u8, u8)>()) {
        let mut json = serde_json::to_vec(table.wire()).unwrap();
        let (at, kind, byte) = (change.0.index(json.len()), change.1 % 3, change.2);
        match kind {
            0 => json[at] = byte,
            1 => { json.remove(at); }
            _ => json.insert(at, b"\"\\{}[],:01a"[usize::from(byte) % 11]),
        }
        check(&json)?;
    }
}

#[test]
fn rules_that_only_whole_tables_break_are_kept() {
    #[track_caller]
    fn refused(hosts: &str) {
        let json = format!(
            r#"{{"version":1,"revision":{{"epoch":1,"sequence":1}},"view":"a","zones":{{"a":{{}}}},"hosts":[{hosts}]}}"#
        );
        assert!(Outline::parse(json.as_bytes(), &Limits::default()).is_none(), "{json}");
        assert!(Table::parse(json.as_bytes()).is_err(), "{json}");
    }
    let host = r#"{"host":"x.example","exposed_to":["a"]}"#;
    refused(&format!("{host},{host}"));
    refused(&format!("{host}{}", host.replace("x.", "y.")));
    refused(&format!("{host},"));
    refused(&format!("{host}]"));
    refused(&host.replace("x.", "X."));
    refused(&host.replace("\"a\"", "\"b\""));
    refused(&host.replace(']', "],\"host\":\"y.example\""));
    refused(&host.replace(']', "],\"prefer\":null"));
    refused(&host.replace(']', "],\"other\":1"));
    let json = format!(r#"[1,{{"epoch":1,"sequence":1}},"a",{{"a":{{}}}},[{host}]]"#);
    assert!(Outline::parse(json.as_bytes(), &Limits::default()).is_none());
}
