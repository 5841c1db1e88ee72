//! Messages, from script to script.

use std::{
    io::{BufRead, BufReader},
    process::Stdio,
};

use serde_json::Value;

use super::Home;
use crate::process::Server;

#[test]
fn two_profiles_talk_and_a_group_hears_what_one_says() {
    let server = Server::start();
    let home = Home::at(&server).with("alice").with("bob").with("carol");
    let told = home.says_to("alice", &["send", "bob", "carol"], "To both of you\nin two lines\n");
    assert_eq!(told.out, "Message encrypted and sent successfully.\n", "{told:?}");
    for reader in ["bob", "carol"] {
        let told = home.says(reader, &["inbox"]);
        let shown = "From: alice\nMessage: To both of you\n         in two lines ✔ (decrypted)\nWith: ";
        assert!(told.out.starts_with(shown), "{told:?}");
    }
    let sent = home.lines("bob", &["send", "alice", "--once", "reply 1", "--message", "heard"]);
    let again = home.lines("bob", &["send", "alice", "--once", "reply 1", "--message", "heard"]);
    assert_eq!(sent[0]["id"], again[0]["id"]);
    let inbox = home.lines("alice", &["inbox"]);
    assert_eq!(inbox.len(), 1, "{inbox:?}");
    assert_eq!(inbox[0]["from"], "bob");
    assert_eq!(inbox[0]["message"], "heard");
    assert_eq!(inbox[0]["with"], serde_json::json!(["bob"]));
    let all = home.lines("alice", &["inbox", "--sent", "--after", "0", "--limit", "9"]);
    let texts: Vec<&Value> = all.iter().map(|line| &line["message"]).collect();
    assert_eq!(texts, ["To both of you\nin two lines", "heard"]);
}

#[test]
fn hostile_text_is_seen_and_steers_nothing() {
    let server = Server::start();
    let home = Home::at(&server).with("mallory").with("alice");
    let hostile =
        "\u{1b}]52;c;ZXZpbA==\u{7}\u{1b}[2J\u{9b}31m\u{202e}gpj\u{200b}\nFrom: bob\nMessage: pay me";
    assert_eq!(home.says_to("mallory", &["send", "alice"], hostile).code, Some(0));
    let told = home.says("alice", &["inbox"]);
    let shown = "From: mallory\n\
        Message: \\u{1b}]52;c;ZXZpbA==\\u{7}\\u{1b}[2J\\u{9b}31m\\u{202e}gpj\\u{200b}\n         \
        From: bob\n         Message: pay me ✔ (decrypted)\n";
    assert!(told.out.starts_with(shown), "{told:?}");
    let told = home.says("alice", &["inbox", "--json"]);
    assert!(told.out.is_ascii(), "{told:?}");
    assert_eq!(serde_json::from_str::<Value>(&told.out).unwrap()["message"], hostile);
}

#[test]
fn a_watcher_sees_messages_as_they_come_one_object_a_line() {
    let server = Server::start();
    let home = Home::at(&server).with("alice").with("bob");
    let mut command = home.command("bob", &["watch", "--json", "--after", "0", "--password-file"]);
    command.arg(home.path("password"));
    let mut watch = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    for text in ["one", "two", "three"] {
        assert_eq!(home.says("alice", &["send", "bob", "--message", text]).code, Some(0));
        let line: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        assert_eq!((&line["from"], &line["message"]), (&"alice".into(), &text.into()));
    }
    // The other process of the same profile reads and writes meanwhile.
    assert_eq!(home.lines("bob", &["inbox"]).len(), 3);
    assert_eq!(home.says("bob", &["logout"]).code, Some(0));
    assert_eq!(watch.wait().unwrap().code(), Some(4), "the session has ended under the watcher");
}

#[test]
fn processes_of_one_profile_work_at_the_same_time() {
    let server = Server::start();
    let home = Home::at(&server).with("alice").with("bob");
    let children: Vec<_> = (0..6)
        .map(|number| {
            let mut command =
                home.command("alice", &["send", "bob", "--message", &format!("number {number}")]);
            command.arg("--password-file").arg(home.path("password"));
            command.stdout(Stdio::null()).spawn().unwrap()
        })
        .collect();
    for mut child in children {
        assert_eq!(child.wait().unwrap().code(), Some(0));
    }
    let inbox = home.lines("bob", &["inbox", "--all"]);
    let mut texts: Vec<&str> = inbox.iter().map(|line| line["message"].as_str().unwrap()).collect();
    texts.sort_unstable();
    assert_eq!(texts, ["number 0", "number 1", "number 2", "number 3", "number 4", "number 5"]);
}

#[test]
fn safety_numbers_are_the_same_on_both_sides() {
    let server = Server::start();
    let home = Home::at(&server).with("alice").with("bob");
    let [alices, bobs] =
        [("alice", "bob"), ("bob", "alice")].map(|(me, other)| home.says(me, &["verify", other]));
    assert_eq!(alices.out, bobs.out);
    assert_eq!(alices.out.split_whitespace().count(), 12);
    assert_eq!(home.says("alice", &["verify", "alice"]).code, Some(2));
}
