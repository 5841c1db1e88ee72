//! What is left on the machine, and what is said about it.

use std::{fs, os::unix::fs::PermissionsExt};

use super::{Home, PASSWORD, all_bytes, holds};
use crate::process::{Server, Told};

#[test]
fn nothing_of_a_profile_is_readable_and_logging_out_leaves_nothing() {
    let server = Server::start();
    let home = Home::at(&server).with("bob").with("alice");
    let canary = "the canary sings at seven";
    assert_eq!(home.says("alice", &["send", "bob", "--message", canary]).code, Some(0));
    assert_eq!(home.says("bob", &["send", "alice", "--message", canary]).code, Some(0));
    assert!(home.says("alice", &["inbox", "--sent"]).out.contains(canary));

    let profile = home.profile("alice");
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&profile), 0o700);
    for entry in fs::read_dir(&profile).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    let session: serde_json::Value =
        serde_json::from_slice(&fs::read(profile.join("session")).unwrap()).unwrap();
    let account = session["account"].as_str().unwrap();
    let bytes = all_bytes(&profile);
    for secret in [canary, PASSWORD, "eyJ"] {
        assert!(!holds(&bytes, secret), "{secret} is readable");
    }
    assert!(holds(&bytes, account));

    assert_eq!(home.says("alice", &["logout"]).out, "Logged out.\n");
    assert!(!profile.join("session").exists());
    let records = fs::read(profile.join("records.sqlite")).unwrap();
    assert!(!holds(&records, account), "records of the account are left");
    assert_eq!(home.says("alice", &["inbox"]).code, Some(4));
}

#[test]
fn without_a_keyring_each_command_asks_for_the_password() {
    let server = Server::start();
    let home = Home::at(&server).with("bob");
    let off = |arguments: &[&str], password: &str| {
        let mut command = home.command("bob", arguments);
        command.env("SECURE_MESSAGING_KEYRING", "off").args(["--no-input", "--password-file"]);
        fs::write(home.path("other"), password).unwrap();
        Told::of(command.arg(home.path("other")).output().unwrap())
    };
    assert_eq!(off(&["logout"], PASSWORD).code, Some(0));
    let told = off(&["login", "bob"], PASSWORD);
    assert!(told.err.contains("No keyring"), "{told:?}");
    assert_eq!(off(&["whoami"], PASSWORD).code, Some(0));
    let told = off(&["whoami"], "wrong 7 times!");
    assert_eq!(told.code, Some(1), "{told:?}");
    let told = Told::of(
        home.command("bob", &["whoami", "--no-input"])
            .env("SECURE_MESSAGING_KEYRING", "off")
            .output()
            .unwrap(),
    );
    assert_eq!(told.code, Some(2), "{told:?}");
}

#[test]
fn the_doctor_looks_at_everything() {
    let server = Server::start();
    let home = Home::at(&server).with("alice");
    let findings = home.lines("alice", &["doctor"]);
    let looked_at: Vec<&str> = findings.iter().map(|finding| finding["what"].as_str().unwrap()).collect();
    let all = ["version", "server", "clock", "profile", "keyring", "session", "upkeep"];
    // Where there is no keyring the account is not opened, and says nothing about its keys.
    assert!(looked_at == all || looked_at == all[..6], "{looked_at:?}");
    assert!(findings.iter().all(|finding| finding["ok"] == true), "{findings:?}");
    fs::set_permissions(home.profile("alice"), fs::Permissions::from_mode(0o755)).unwrap();
    let told = home.says("alice", &["doctor"]);
    assert!(told.out.contains("✘ profile"), "{told:?}");
    let down = Home::at_address("http://127.0.0.1:9").says("alice", &["doctor"]);
    assert_eq!(down.code, Some(3), "{down:?}");
}

#[test]
fn a_damaged_profile_and_an_unwritable_folder_are_one_sentence() {
    let server = Server::start();
    let home = Home::at(&server).with("alice");
    fs::write(home.profile("alice").join("session"), "{").unwrap();
    let told = home.says("alice", &["inbox"]);
    assert_eq!((told.code, told.err.lines().count()), (Some(1), 1), "{told:?}");
    fs::create_dir_all(home.profile("carol").parent().unwrap()).unwrap();
    fs::write(home.profile("carol"), "a file where a folder should be").unwrap();
    let told = home.says("carol", &["login", "alice"]);
    assert_eq!((told.code, told.err.lines().count()), (Some(1), 1), "{told:?}");
}

#[test]
fn an_export_is_for_its_owner_alone_and_replaces_nothing() {
    let server = Server::start();
    let home = Home::at(&server).with("alice").with("bob");
    assert_eq!(home.says("alice", &["send", "bob", "--message", "to be kept"]).code, Some(0));
    let file = home.path("export.json");
    let path = file.to_str().unwrap();
    assert_eq!(home.says("alice", &["export", path]).code, Some(0));
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(fs::read_to_string(&file).unwrap().contains("to be kept"));
    assert_eq!(home.says("alice", &["export", path]).code, Some(1));
    assert_eq!(home.says("alice", &["export", path, "--force", "--format", "html"]).code, Some(0));
    assert!(fs::read_to_string(&file).unwrap().contains("<html"));
}

#[test]
fn completions_and_the_manual_come_from_the_binary() {
    let home = Home::at_address("http://127.0.0.1:9");
    let man = home.says("alice", &["man"]).out;
    for command in ["VERIFY", "DELETE", "TIMER", "REPAIRS"] {
        assert!(man.contains(&format!(".SH {command}")), "{command}");
    }
    let mut command = home.command("alice", &["completions", "bash"]);
    assert!(Told::of(command.output().unwrap()).out.contains("secure-messaging"));
    let told = home.says("alice", &["--help"]);
    assert!(told.out.trim_start().starts_with("Examples:"), "{told:?}");
}
