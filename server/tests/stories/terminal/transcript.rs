//! The commands as they are told of in words.

use super::{Home, PASSWORD, screen::Screen};
use crate::process::Server;

/// Register, log in, send, read: word for word what a person sees who types what stands in the document.
#[test]
fn the_documents_transcript_is_what_a_terminal_shows() {
    let server = Server::start();
    let home = Home::at(&server).with("bob");

    let mut screen = Screen::of(home.command("alice", &["register"]));
    screen.shows("Username: ").typed("alice").shows("Password: ").typed("StrongPass123!");
    let (seen, code) = screen.ends();
    let (told, recovery_key) = seen.split_once("User registered successfully.\n").unwrap();
    assert_eq!(told, "Username: alice\nPassword: \nPassword meets complexity requirements ✔\n");
    assert!(recovery_key.contains("recovery key, which is shown only now"), "{seen}");
    assert_eq!(code, 0);

    let mut screen = Screen::of(home.command("alice", &["login"]));
    screen.shows("Username: ").typed("alice").shows("Password: ").typed("StrongPass123!");
    let (seen, code) = screen.ends();
    let seen = seen.lines().filter(|line| !line.starts_with("No keyring")).collect::<Vec<_>>().join("\n");
    assert_eq!(seen, "Username: alice\nPassword: \nLogin successful. Session started.");
    assert_eq!(code, 0);

    let mut command = home.command("alice", &["send", "--password-file"]);
    std::fs::write(home.path("alice"), "StrongPass123!\n").unwrap();
    command.arg(home.path("alice"));
    let mut screen = Screen::of(command);
    screen.shows("Recipient: ").typed("bob");
    screen.shows("Message: ").typed("Hello Bob! This is a secret message.");
    let transcript = "Recipient: bob\n\
                      Message: Hello Bob! This is a secret message.\n\
                      Message encrypted and sent successfully.\n";
    assert_eq!(screen.ends(), (transcript.to_owned(), 0));

    assert_eq!(home.says("bob", &["send", "alice", "--message", "Hi Alice!"]).code, Some(0));
    let mut command = home.command("alice", &["inbox", "--no-input", "--password-file"]);
    command.arg(home.path("alice"));
    let (seen, code) = Screen::of(command).ends();
    assert!(seen.starts_with("From: bob\nMessage: Hi Alice! ✔ (decrypted)\nSent: 20"), "{seen}");
    assert_eq!(code, 0);
}

#[test]
fn the_shell_knows_the_same_words_and_completes_them() {
    let server = Server::start();
    let home = Home::at(&server).with("bob").with("alice");
    let mut command = home.command("alice", &["--password-file"]);
    command.arg(home.path("password"));
    let mut screen = Screen::of(command);
    let prompt = "secure-messaging> ";
    screen.shows("alice at http").shows(prompt);
    // Tab completes the command and the name.
    screen.keys("sen\t").shows("send ").keys("bo\t").shows("bob ").typed("--message 'from the shell'");
    screen.shows("Message encrypted and sent successfully.").shows(prompt);
    // The server has closed the connection meanwhile: a person does not notice.
    std::thread::sleep(std::time::Duration::from_secs(12));
    screen.typed("users").shows("bob").shows(prompt).typed("inbx").shows("inbox").shows(prompt);
    screen.typed("send nobody-here --message x").shows("Recipient not found").shows(prompt);
    // What was written is not in the history.
    screen.keys("\u{1b}[A\u{1b}[A\u{1b}[A").keys("\u{15}").typed("logout").shows("Logged out.").shows(prompt);
    screen.typed("inbox").shows("Nobody is signed in").shows(prompt).typed("login alice");
    screen.shows("Login successful.").shows(prompt).typed("quit");
    let (_, code) = screen.ends();
    assert_eq!(code, 0);
    let told = home.says("bob", &["inbox"]);
    assert!(told.out.starts_with("From: alice\nMessage: from the shell ✔ (decrypted)\n"), "{told:?}");
}

#[test]
fn without_a_terminal_the_shell_says_what_else_there_is() {
    let home = Home::at_address("http://127.0.0.1:9");
    let told = home.says_to("alice", &[], "register\n");
    assert_eq!(told.code, Some(2), "{told:?}");
    assert!(told.err.contains("--help"), "{told:?}");
    assert_eq!(home.says("alice", &["quit"]).code, Some(0));
}

#[test]
fn a_password_is_not_shown_and_can_be_given_up() {
    let home = Home::at_address("http://127.0.0.1:9");
    let mut screen = Screen::of(home.command("alice", &["register", "alice"]));
    screen.shows("Password: ").keys(&PASSWORD[..5]).keys("\u{3}");
    let (seen, code) = screen.ends();
    assert_eq!((seen.as_str(), code), ("Password: \nerror: Cancelled: nothing was done\n", 1));
}
