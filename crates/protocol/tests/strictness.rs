//! Requests are exactly what their types say: no more fields, no fewer, no other types, no U+0000.

mod examples;

use std::fmt::Debug;

use examples::{Visitor, visit_every_call};
use protocol::{Call, Username, account::Register, call::PATHS, mailbox::FetchPage, vault::PutRow};
use serde_json::{Map, Value, json};

/// Fields that may be missing.
const OPTIONAL: &[(&str, &str)] = &[
    ("/fn/account/register", "email"),
    ("/fn/account/register", "invite"),
    ("/fn/session/login", "code"),
    ("/fn/reset/redeem", "code"),
    ("/fn/directory/users", "prefix"),
    ("/fn/directory/users", "after"),
    ("/fn/prekeys/publish", "signed"),
    ("/fn/prekeys/publish", "one_time"),
    ("/fn/prekeys/publish", "device"),
    ("/fn/prekeys/publish", "replace"),
    ("/fn/mailbox/send", "archived"),
    ("/fn/vault/sealed", "auth_key"),
];

#[test]
fn requests_take_nothing_else() {
    struct Strict {
        calls: usize,
        fields: usize,
    }

    impl Visitor for Strict {
        fn visit<C: Call<Answer: Debug> + Debug>(&mut self, request: C, _: C::Answer) {
            let Value::Object(fields) = serde_json::to_value(request).unwrap() else {
                panic!("{} is not an object", C::PATH);
            };
            refused::<C>(&with(&fields, "admin", json!(true)), "an unknown field");
            for name in fields.keys() {
                let mut fewer = fields.clone();
                fewer.remove(name);
                let may_miss = OPTIONAL.contains(&(C::PATH, name.as_str()));
                assert_eq!(read::<C>(&fewer).is_ok(), may_miss, "{} without {name}", C::PATH);
                let yes_or_no = if fields[name].is_boolean() { json!("true") } else { json!(true) };
                for wrong in [yes_or_no, json!(1.5), json!(-1), json!({ "a": 1 }), json!([[]])] {
                    refused::<C>(&with(&fields, name, wrong), name);
                }
                self.fields += 1;
            }
            self.calls += 1;
        }
    }

    let mut strict = Strict { calls: 0, fields: 0 };
    visit_every_call(&mut strict);
    assert_eq!((strict.calls, strict.fields), (PATHS.len() + 1, 73));
}

#[test]
fn the_null_character_is_refused_in_every_text() {
    struct Nul(usize);

    impl Visitor for Nul {
        fn visit<C: Call<Answer: Debug> + Debug>(&mut self, request: C, _: C::Answer) {
            let Value::Object(fields) = serde_json::to_value(request).unwrap() else {
                panic!("{} is not an object", C::PATH);
            };
            for (name, value) in &fields {
                if let Value::String(text) = value {
                    for nul in [format!("{text}\0"), format!("\0{text}")] {
                        refused::<C>(&with(&fields, name, json!(nul)), name);
                    }
                    self.0 += 1;
                }
            }
        }
    }

    let mut nul = Nul(0);
    visit_every_call(&mut nul);
    assert_eq!(nul.0, 42);
}

#[test]
fn numbers_are_whole_and_in_range() {
    let page = |json: &str| serde_json::from_str::<FetchPage>(json);
    assert!(page(r#"{"after":18446744073709551615,"limit":1}"#).is_ok());
    for wrong in [
        r#"{"after":18446744073709551616,"limit":1}"#,
        r#"{"after":1.0,"limit":1}"#,
        r#"{"after":"1","limit":1}"#,
        r#"{"after":1,"limit":4294967296}"#,
        r#"{"after":1,"limit":1,"limit":2}"#,
        r#"{"after":1,"limit":1} x"#,
    ] {
        assert!(page(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn binary_values_have_one_spelling() {
    let put = |key_id: &str| {
        serde_json::from_value::<PutRow>(
            json!({ "row": { "kind": "pin", "key_id": key_id, "version": 1, "sealed": "AA" } }),
        )
    };
    assert!(put("_-8").is_ok());
    for wrong in ["/+8", "_-8=", "_-9", "_-8 ", "_"] {
        assert!(put(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn names_and_kinds_are_read_by_their_own_rules() {
    assert!(serde_json::from_value::<Username>(json!("Alice")).is_ok_and(|name| name.as_str() == "alice"));
    let refused = serde_json::from_value::<Username>(json!("a b")).unwrap_err().to_string();
    assert_eq!(refused, "A username has only the letters a to z, digits, and . _ -");
    let row = json!({ "row": { "kind": "Pin", "key_id": "AA", "version": 1, "sealed": "AA" } });
    assert!(serde_json::from_value::<PutRow>(row).is_err());
}

#[test]
fn a_refused_key_is_named_but_not_repeated() {
    struct Tampered(String);

    impl Visitor for Tampered {
        fn visit<C: Call<Answer: Debug> + Debug>(&mut self, request: C, _: C::Answer) {
            if C::PATH == Register::PATH {
                let Value::Object(fields) = serde_json::to_value(request).unwrap() else { return };
                let short = with(&fields, "auth_key", json!("c2VjcmV0"));
                self.0 = read::<C>(&short).err().unwrap().to_string();
            }
        }
    }

    let mut tampered = Tampered(String::new());
    visit_every_call(&mut tampered);
    assert!(tampered.0.contains("AuthKey has the wrong length"), "{}", tampered.0);
    assert!(!tampered.0.contains("c2VjcmV0"));
}

fn read<C: Call>(fields: &Map<String, Value>) -> serde_json::Result<C> {
    serde_json::from_str(&Value::from(fields.clone()).to_string())
}

fn refused<C: Call>(fields: &Map<String, Value>, what: &str) {
    assert!(read::<C>(fields).is_err(), "{} takes {what} in {fields:?}", C::PATH);
}

fn with(fields: &Map<String, Value>, name: &str, value: Value) -> Map<String, Value> {
    let mut fields = fields.clone();
    fields.insert(name.to_owned(), value);
    fields
}
