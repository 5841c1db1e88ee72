//! Commands of the operator that do not come to anything.

use crate::process::{Server, Told, binary};

fn admin(arguments: &[&str]) -> Told {
    Told::of(binary().arg("admin").args(arguments).output().unwrap())
}

#[test]
fn a_folder_in_which_nobody_has_served_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    for command in [
        &["reset-link", "alice"][..],
        &["remove-2fa", "alice"],
        &["invite", "create"],
        &["invite", "list"],
        &["invite", "revoke", "1"],
    ] {
        let told = admin(&[command, &["--data-dir", missing.to_str().unwrap()]].concat());
        assert_eq!((told.code, told.out.as_str()), (Some(1), ""), "{told:?}");
        assert!(told.err.contains("no server has served from the data folder"), "{told:?}");
    }
    assert!(!missing.exists());
}

#[test]
fn what_is_not_understood_ends_with_two() {
    for command in [
        &["reset-link"][..],
        &["reset-link", "a b"],
        &["invite", "create", "--uses", "0"],
        &["invite", "revoke", "one"],
        &["mail-test", "nobody"],
        &["mail-test", "a@b\r\nBcc: c@d"],
        &["mail-test", "a@example.org", "--smtp-password", "secret"],
        &["lsit"],
    ] {
        let told = admin(command);
        assert_eq!((told.code, told.out.as_str()), (Some(2), ""), "{told:?}");
    }
}

#[test]
fn a_secret_that_is_gone_is_not_drawn_anew() {
    let server = Server::start();
    let secret = server.data().join("server-secret");
    std::fs::remove_file(&secret).unwrap();
    let told = server.admin(&["reset-link", "alice"]);
    assert_eq!(told.code, Some(1));
    assert!(told.err.contains("server-secret is missing"), "{told:?}");
    assert!(!secret.exists());
}

#[test]
fn help_shows_what_matters() {
    let told = admin(&["invite", "create", "--help"]);
    for shown in ["--uses", "--days", "--data-dir", "--base-url", "--config"] {
        assert!(told.out.contains(shown), "{shown}: {}", told.out);
    }
    for hidden in ["--max-connections", "--bcrypt-cost", "--smtp-password "] {
        assert!(!told.out.contains(hidden), "{hidden}: {}", told.out);
    }
}
