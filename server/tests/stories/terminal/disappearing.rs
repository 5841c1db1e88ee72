//! Messages are deleted, and disappear; what was mended by itself.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::Home;
use crate::process::Server;

/// So long something that is bound to happen may take, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let since = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(since.elapsed() < PATIENCE, "it did not happen: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_timer_is_shown_set_and_switched_off() {
    let server = Server::start();
    let home = Home::at(&server).with("alice").with("bob").with("carol");
    assert_eq!(home.says("alice", &["timer", "bob"]).out, "What you and bob write stays.\n");
    let told = home.says("alice", &["timer", "bob", "5m"]);
    assert_eq!(told.out, "What you and bob write from here on disappears after 5 minutes.\n", "{told:?}");
    assert_eq!(home.lines("bob", &["timer", "alice"])[0]["timer_s"], 300);
    // Nobody needs to wait until a device has said that it is there: logging in says so.
    let told = home.says("alice", &["send", "bob", "--message", "not for ever"]);
    assert_eq!((told.out.as_str(), told.err.as_str()), ("Message encrypted and sent successfully.\n", ""));
    let told = home.says("bob", &["inbox"]);
    assert!(
        told.out.starts_with("From: alice\nTimer: Messages disappear after 5 minutes from here on\nSent: ")
    );
    assert!(told.out.contains("\nMessage: not for ever ✔ (decrypted)\nSent: "), "{told:?}");
    assert!(told.out.trim_end().ends_with(" min)"), "{told:?}");
    let lines = home.lines("bob", &["inbox"]);
    let kinds: Vec<&Value> = lines.iter().map(|line| &line["kind"]).collect();
    assert_eq!(kinds, ["timer", "text"]);
    assert_eq!(lines[0]["message"], "Messages disappear after 5 minutes from here on");
    assert!(lines[0]["disappears_at_ms"].is_null() && lines[1]["disappears_at_ms"].is_u64(), "{lines:?}");

    let told = home.says("bob", &["timer", "alice", "off"]);
    assert_eq!(told.out, "What you and alice write stays.\n", "{told:?}");
    assert_eq!(home.lines("alice", &["timer", "bob", "off"])[0]["timer_s"], Value::Null);
    assert_eq!(home.lines("alice", &["inbox"]).last().unwrap()["message"], "Messages stay from here on");
    let group = home.lines("alice", &["timer", "carol", "bob", "1w"]);
    assert_eq!((&group[0]["with"], &group[0]["timer_s"]), (&json!(["carol", "bob"]), &json!(604_800)));

    for (words, code) in [
        (&["timer"][..], 2),
        (&["timer", "bob", "300"], 2),
        (&["timer", "bob", "4s"], 2),
        (&["timer", "bob", "1000000w"], 2),
        (&["timer", "bob", "1000y"], 2),
        (&["timer", "bob", "soon"], 6),
        (&["timer", "alice"], 2),
    ] {
        let told = home.says("alice", words);
        assert_eq!(told.code, Some(code), "{words:?}: {told:?}");
    }
    assert_eq!(home.lines("alice", &["timer", "bob"])[0]["timer_s"], Value::Null);
}

#[test]
fn a_message_whose_time_is_over_is_shown_no_more() {
    let server = Server::start();
    let home = Home::at(&server).with("alice").with("bob");
    assert_eq!(home.says("alice", &["timer", "bob", "5s"]).code, Some(0));
    let sent = home.lines("alice", &["send", "bob", "--message", "read this quickly"]);
    assert!(sent[0]["disappears_at_ms"].is_u64() && sent[0]["missed_devices"] == 0, "{sent:?}");
    let texts = |profile: &str| {
        let lines = home.lines(profile, &["inbox", "--sent"]);
        lines.iter().map(|line| line["message"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    for profile in ["alice", "bob"] {
        until("it disappears", || (texts(profile).len() == 1).then_some(()));
    }
    let id = sent[0]["id"].as_str().unwrap();
    assert_eq!(home.says("alice", &["delete", id]).code, Some(6));
}

#[test]
fn who_has_no_device_is_not_written_to_with_a_timer() {
    let server = Server::start();
    let home = Home::at(&server).with("alice").with("bob");
    assert_eq!(home.says("alice", &["timer", "bob", "1h"]).code, Some(0));
    assert_eq!(home.says("bob", &["logout"]).code, Some(0));
    let told = home.says("alice", &["send", "bob", "--message", "anybody there?"]);
    assert_eq!(told.code, Some(1), "{told:?}");
    assert!(told.err.contains("no device of theirs can take a disappearing message"), "{told:?}");
    assert_eq!(home.says("alice", &["timer", "bob", "off"]).code, Some(0));
    assert_eq!(home.says("alice", &["send", "bob", "--message", "for later"]).code, Some(0));
}

#[test]
fn a_message_is_deleted_for_oneself_or_taken_back_from_everyone() {
    let server = Server::start();
    let home = Home::at(&server).with("alice").with("bob");
    let [one, two] = ["one", "two"].map(|text| {
        let sent = home.lines("alice", &["send", "bob", "--message", text]);
        sent[0]["id"].as_str().unwrap().to_owned()
    });
    let told = home.says("bob", &["inbox", "--ids"]);
    assert!(told.out.contains(&format!("\nId: {one}\n")), "{told:?}");
    let told = home.says("bob", &["delete", &one, "--for-everyone"]);
    assert_eq!((told.code, told.out.as_str()), (Some(1), ""), "{told:?}");
    assert_eq!(told.err, "error: Only your own messages can be deleted for everyone\n");
    assert_eq!(home.says("bob", &["delete", &one]).out, "Message deleted on all of your devices.\n");
    let told = home.says("bob", &["delete", &one]);
    assert_eq!(told.code, Some(6), "{told:?}");
    assert_eq!(told.err, "error: This message is not here any more\n");
    assert_eq!(home.lines("alice", &["inbox", "--sent"]).len(), 2, "she keeps hers");

    let deleted = home.lines("alice", &["delete", "--for-everyone", &two]);
    assert_eq!(deleted, [json!({"id": two, "for_everyone": true})]);
    assert_eq!(home.lines("bob", &["inbox"]).len(), 0);
    assert_eq!(home.lines("alice", &["inbox", "--sent"]).len(), 1);
    for nothing in ["x", "-AAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAA"] {
        assert_eq!(home.says("alice", &["delete", nothing]).code, Some(6), "{nothing}");
    }
    assert_eq!(home.says("alice", &["delete"]).code, Some(2));
}

#[test]
fn keys_are_looked_after_once_a_day_and_what_was_mended_can_be_read() {
    let server = Server::start();
    let home = Home::at(&server).with("alice");
    let looked_after = || {
        let session = std::fs::read(home.profile("alice").join("session")).unwrap();
        serde_json::from_slice::<Value>(&session).unwrap()["maintained_at_ms"].as_u64().unwrap()
    };
    let first = looked_after();
    assert_eq!(home.says("alice", &["inbox"]).code, Some(0));
    assert_eq!(looked_after(), first);
    let told = home.says("alice", &["repairs"]);
    assert_eq!((told.code, told.out.as_str()), (Some(0), ""), "{told:?}");
    assert_eq!(told.err, "Nothing had to be mended.\n");

    // The disk was lost, and with it the device: the next one tidies up after it.
    for file in ["records.sqlite", "records.sqlite-wal", "records.sqlite-shm"] {
        let removed = std::fs::remove_file(home.profile("alice").join(file));
        assert!(removed.is_ok() || file != "records.sqlite", "{removed:?}");
    }
    assert_eq!(home.says("alice", &["login", "alice"]).code, Some(0));
    assert!(looked_after() > first);
    let repairs = home.lines("alice", &["repairs"]);
    assert_eq!(repairs.last().unwrap()["what"], "devices_ended", "{repairs:?}");
    assert!(repairs[0]["at_ms"].is_u64() && repairs[0]["says"].is_string(), "{repairs:?}");
    assert!(home.says("alice", &["repairs"]).out.contains("were taken off the device list"));
}
