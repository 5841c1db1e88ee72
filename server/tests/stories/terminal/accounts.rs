//! What is at stake: passwords, codes, keys.

use std::time::{SystemTime, UNIX_EPOCH};

use super::{Home, PASSWORD, screen::Screen};
use crate::{authenticator::shown_by, process::Server};

#[test]
fn endings_are_told_apart_by_their_codes() {
    let server = Server::start();
    let home = Home::at(&server).with("alice");
    let ending = |profile: &str, arguments: &[&str]| home.says(profile, arguments).code;
    assert_eq!(ending("alice", &["send", "nobody-here", "--message", "x"]), Some(6));
    assert_eq!(ending("alice", &["send", "?", "--message", "x"]), Some(6));
    assert_eq!(ending("alice", &["inbox", "--limit", "many"]), Some(2));
    assert_eq!(
        ending("alice", &["send", "--message", "x"]),
        Some(2),
        "nobody can be asked for the recipient"
    );
    assert_eq!(ending("bob", &["inbox"]), Some(4));
    assert_eq!(ending("bob", &["logout"]), Some(4));
    std::fs::write(home.path("password"), "wrong 7 times!").unwrap();
    let told = home.says("bob", &["login", "alice"]);
    assert_eq!((told.code, told.err.as_str()), (Some(1), "error: Wrong username or password\n"));
    assert_eq!(ending("alice", &["sessions", "--end", "AAAAAAAAAAAAAAAAAAAAAA"]), Some(6));
    let told = home.says("bob", &["register", "alice"]);
    assert_eq!(told.code, Some(1), "{told:?}");
    std::fs::write(home.path("password"), "short").unwrap();
    let told = home.says("bob", &["register", "bob"]);
    assert_eq!(told.err, "error: Password must be at least 8 characters long\n");

    let down = Home::at_address("http://127.0.0.1:9");
    let told = down.says("alice", &["login", "alice"]);
    assert_eq!(told.code, Some(3), "{told:?}");
    assert!(told.err.starts_with("error: http://127.0.0.1:9 cannot be reached: "), "{told:?}");
    assert_eq!(told.err.lines().count(), 1);
    assert_eq!(Home::at_address("http://chat.example.org").says("alice", &["login", "alice"]).code, Some(2));
}

#[test]
fn a_session_ends_here_by_logging_out_and_elsewhere_by_its_list() {
    let server = Server::start();
    let home = Home::at(&server).with("alice");
    let elsewhere = Home::at(&server);
    assert_eq!(elsewhere.says("alice", &["login", "alice"]).code, Some(0));
    let sessions = home.lines("alice", &["sessions"]);
    assert_eq!(sessions.len(), 2, "registering leaves no session behind: {sessions:?}");
    // Logging in again takes the place of the session that was there.
    assert_eq!(home.says("alice", &["login", "alice"]).code, Some(0));
    assert_eq!(home.lines("alice", &["sessions"]).len(), 2);
    let others = home.lines("alice", &["sessions"]);
    let other = others.iter().find(|one| one["current"] == false).unwrap()["session"].as_str().unwrap();
    let told = home.says("alice", &["sessions", "--end", other]);
    assert_eq!(told.err, "1 session was ended, and its device is revoked.\n", "{told:?}");
    let told = elsewhere.says("alice", &["inbox"]);
    assert_eq!(told.code, Some(4), "{told:?}");
    assert_eq!(home.says("alice", &["whoami"]).code, Some(0));
    assert_eq!(elsewhere.says("alice", &["login", "alice"]).code, Some(0));
    let ended = home.lines("alice", &["sessions", "--end-others"]);
    assert_eq!(ended, [serde_json::json!({"ended": 1, "devices_revoked": 1})]);
    assert_eq!(elsewhere.says("alice", &["inbox"]).code, Some(4));
    assert_eq!(home.says("alice", &["whoami"]).code, Some(0));
}

#[test]
fn the_second_factor_is_set_up_in_a_terminal_and_asked_for_at_the_next_login() {
    let server = Server::start();
    let home = Home::at(&server).with("alice");
    let mut screen = Screen::of(home.command("alice", &["totp", "setup"]));
    screen.shows("Password: ").typed(PASSWORD);
    // Where there is no keyring the password is asked for twice.
    screen.shows("Secret: ").shows("\n");
    let secret = screen.text().lines().last().unwrap().trim_start_matches("Secret: ").trim().to_owned();
    let now_s = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    screen.shows("Code that it shows: ").typed(&shown_by(&secret, now_s() - 30));
    screen.shows("Two-factor authentication is on.");
    let (seen, code) = screen.ends();
    assert_eq!(code, 0);
    let codes: Vec<&str> = seen.lines().filter(|line| line.starts_with("  ") && line.contains('-')).collect();
    assert_eq!(codes.len(), 10, "{seen}");

    assert_eq!(home.says("alice", &["logout"]).code, Some(0));
    let mut screen = Screen::of(home.command("alice", &["login"]));
    screen.shows("Username: ").typed("alice").shows("Password: ").typed(PASSWORD);
    screen.shows("TOTP (if enabled): ").typed(&shown_by(&secret, now_s()));
    screen.shows("Login successful. Session started.");
    assert_eq!(screen.ends().1, 0);

    // A program gives a recovery code behind the password.
    let given = format!("{PASSWORD}\n{}\n", codes[0].trim());
    assert_eq!(home.says("alice", &["logout"]).code, Some(0));
    let told = home.says_to("alice", &["login", "alice", "--password-stdin", "--no-input"], &given);
    assert_eq!(told.code, Some(0), "{told:?}");
    let given = format!("{PASSWORD}\n{}\n", codes[1].trim());
    let told = home.says_to("alice", &["totp", "disable", "--password-stdin", "--no-input"], &given);
    assert_eq!(told.out, "Two-factor authentication is off.\n", "{told:?}");
}

#[test]
fn a_changed_key_stops_sending_until_its_number_was_compared() {
    let server = Server::start();
    let home = Home::at(&server).with("alice").with("bob");
    assert_eq!(home.says("alice", &["send", "bob", "--message", "before"]).code, Some(0));
    let link = server.admin(&["reset-link", "bob"]);
    let link = link.out.trim();
    let mut screen = Screen::of(home.command("elsewhere", &["reset"]));
    screen.shows("not shown): ").typed(link).shows("A new password for bob.");
    screen.shows("Recovery key").shows("): ").typed("").shows("[y/N] ").typed("y");
    screen.shows("New password: ").typed("geh im Moor 8 Mal!").shows("again: ").typed("geh im Moor 8 Mal!");
    screen.shows("Password reset successfully.");
    assert_eq!(screen.ends().1, 0);

    let told = home.says("alice", &["send", "bob", "--message", "after"]);
    assert_eq!(told.code, Some(5), "{told:?}");
    assert!(told.err.contains("has changed") && told.err.contains("verify bob --accept"), "{told:?}");
    let verified = home.says("alice", &["verify", "bob"]);
    assert_eq!(verified.code, Some(5), "{verified:?}");
    let wrong = home.says("alice", &["verify", "bob", "--accept", "--number", "12345"]);
    assert_eq!(wrong.code, Some(5), "{wrong:?}");
    let mut command = home.command("alice", &["verify", "bob", "--accept", "--password-file"]);
    command.arg(home.path("password"));
    let mut screen = Screen::of(command);
    screen.shows("has changed").shows("[y/N] ").typed("y").shows("is accepted");
    assert_eq!(screen.ends().1, 0);
    assert_eq!(home.says("alice", &["verify", "bob"]).code, Some(0));
    assert_eq!(home.says("alice", &["send", "bob", "--message", "again"]).code, Some(0));
}

#[test]
fn a_changed_password_opens_the_profile_and_the_account() {
    let server = Server::start();
    let home = Home::at(&server).with("alice");
    let mut command = home.command("alice", &["password", "--password-file"]);
    command.arg(home.path("password"));
    let mut screen = Screen::of(command);
    let new = "geh im Moor 8 Mal!";
    screen.shows("New password: ").typed(new).shows("New password again: ").typed(new);
    screen.shows("Password changed.");
    assert_eq!(screen.ends().1, 0);
    std::fs::write(home.path("password"), new).unwrap();
    let mut command = home.command("alice", &["whoami", "--password-file"]);
    command.arg(home.path("password")).env("SECURE_MESSAGING_KEYRING", "off");
    assert!(command.status().unwrap().success());
    assert_eq!(home.says("alice", &["login", "alice"]).code, Some(0));
}
