//! `docs/protocol.md` agrees with the code, in everything that a test can compare.

use std::{collections::BTreeSet, fs, path::Path};

use crypto::{
    archive, device_log, envelope, kdf,
    prekey::{self, PrekeyKind},
    recovery,
};
use protocol::{
    Code,
    call::{EVENTS_PATH, PATHS},
    limits,
    mailbox::MAILBOX_EVENT,
    password,
    session::SESSIONS_EVENT,
    username,
    vault::VaultKind,
};
use serde_json::json;

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
const DOCUMENT: &str = include_str!("../../../docs/protocol.md");

#[test]
fn every_call_stands_in_the_document() {
    for path in PATHS {
        assert!(DOCUMENT.contains(&format!("\n| `{path}` |")), "{path} is not in the table");
        assert!(DOCUMENT.contains(&format!("\nPOST {path}\n{{")), "{path} has no example");
    }
    let documented = DOCUMENT.lines().filter(|line| line.starts_with("| `/")).count();
    assert_eq!(documented, PATHS.len(), "the document has a call that is not there");
    assert!(DOCUMENT.contains(&format!("`GET {EVENTS_PATH}`")));
    for event in [MAILBOX_EVENT, SESSIONS_EVENT] {
        assert!(DOCUMENT.contains(&format!("event: {event}\n")), "{event}");
    }
}

#[test]
fn every_code_stands_in_the_document_with_its_status() {
    for code in Code::ALL {
        let row = format!("\n| `{}` | {} |", json!(code).as_str().unwrap(), code.status());
        assert!(DOCUMENT.contains(&row), "{row}");
    }
    let is_row = |line: &&str| line.starts_with("| `") && !line.starts_with("| `/") && !line.contains("\\0");
    let documented = DOCUMENT.lines().filter(is_row).count();
    assert_eq!(documented, Code::ALL.len(), "the document has a code that is not there");
}

/// Labels keep the uses of keys and hashes apart: each is there once, and the document has all of them.
#[test]
fn every_label_stands_in_the_document() {
    let mut labels = BTreeSet::new();
    for source in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../crypto/src")) {
        let text = fs::read_to_string(&source).unwrap();
        for rest in text.split("b\"secure-messaging/").skip(1) {
            let label = format!("secure-messaging/{}", rest.split('"').next().unwrap());
            assert!(DOCUMENT.contains(&label), "{label} of {} is not in the document", source.display());
            assert!(labels.insert(label.clone()), "{label} is used twice");
        }
    }
    assert_eq!(labels.len(), 37, "{labels:#?}");
    for text in DOCUMENT.split("\"secure-messaging/").skip(1) {
        let label = format!("secure-messaging/{}", text.split('"').next().unwrap());
        assert!(labels.contains(&label), "{label} is only in the document");
    }
}

#[test]
fn the_figures_of_the_document_are_the_codes() {
    for (figure, sentence) in [
        (kdf::MIN_ITERATIONS as usize, "refuses fewer than # and more than"),
        (kdf::MAX_ITERATIONS as usize, "more than # iterations"),
        (recovery::RECOVERY_KEY_BYTES, "\n# random bytes, shown to their owner once"),
        (prekey::PREKEY_PUBLIC_BYTES, "X-Wing public key [#]"),
        (envelope::MAX_ENVELOPE_BYTES, "at most # bytes\n"),
        (envelope::MAX_CONTENT_BYTES, "At most # bytes of content"),
        (envelope::SEAL_BYTES - 48, "encapsulated key [#] || ciphertext and tag [48]"),
        (envelope::MAX_SEALS, "At most # seals."),
        (envelope::MAX_RECIPIENTS, "| 2 to #, the sender included"),
        (
            envelope::MAX_SEALS + envelope::MAX_RECIPIENTS,
            "| 1 to #, of 1 to 100 accounts, the sender included",
        ),
        (envelope::MAX_PARENTS, "| 0 to #"),
        (device_log::LOG_ENTRY_BYTES, "in a chain of entries, # bytes each"),
        (archive::ARCHIVED_BYTES, "archived = sealed(archive key, aad, CK), # bytes"),
        (limits::MIN_TIMER_S as usize, "for what is written from then on: # to"),
        (limits::MAX_TIMER_S as usize, "to # seconds (a year)"),
        ((limits::PREKEY_LIFETIME_MS / DAY_MS) as usize, "for # days after it was\n  published"),
        ((limits::CLAIM_LIFETIME_MS / DAY_MS) as usize, "can send one envelope to it, within # days"),
        ((limits::CLAIM_LIFETIME_MS / DAY_MS) as usize, "has claimed within # days and not used"),
        (limits::MAX_PREKEYS_AT_ONCE, "a batch of # when fewer than"),
        (limits::MAX_TEXT_BYTES, "at most # bytes of UTF-8"),
        (limits::MAX_SMALL_BODY_BYTES, "Bodies are at most # bytes"),
        (limits::MAX_SEND_BODY_BYTES, "`/fn/mailbox/send` # ("),
        (limits::MAX_PUBLISH_BODY_BYTES, "`/fn/prekeys/publish` # ("),
        (limits::MAX_USERS_PER_PAGE, "in the order of their names, at most # at once"),
        (limits::MAX_RECIPIENTS, "keys of at most # accounts"),
        (limits::MAX_RECIPIENTS, "hands out a prekey of each of at most # accounts"),
        (limits::MAX_LOGS, "what at most # device logs hold"),
        (limits::MAX_LOG_ENTRIES, "at most # entries at once"),
        (limits::MAX_LOG_LENGTH as usize, "the # entries of its device log"),
        (limits::MAX_PREKEYS_AT_ONCE, "takes prekeys, at most # of each kind"),
        (limits::MAX_UNCLAIMED_PREKEYS as usize, "# of an account or a device wait at most"),
        (limits::MAX_PAGE_ITEMS as usize, "deliveries after a cursor, at most # and 4 MiB at once"),
        (limits::MAX_ARCHIVED_AT_ONCE, "in the place of seals, at most # at once"),
        (limits::MAX_PAGE_ITEMS as usize, "erases at most # messages"),
        (limits::MAX_VAULT_KEY_ID_BYTES, "a key id (at most # bytes)"),
        (limits::MAX_VAULT_ROW_BYTES, "at most\n#, are `sealed"),
        (username::MAX_USERNAME_CHARS, "Usernames have 3 to #"),
        (password::MIN_PASSWORD_CHARS, "(at least # characters"),
    ] {
        let found = [figure.to_string(), grouped(figure)]
            .iter()
            .any(|figure| DOCUMENT.contains(&sentence.replace('#', figure)));
        assert!(found, "{figure}: {sentence}");
    }
    assert_eq!(limits::MAX_PAGE_BYTES, 4 * 1024 * 1024);
    for (number, kind) in [
        (1, VaultKind::Identity),
        (2, VaultKind::Prekey),
        (3, VaultKind::Pin),
        (4, VaultKind::PastIdentity),
        (5, VaultKind::OneTimePrekeys),
        (6, VaultKind::ArchiveKey),
    ] {
        assert_eq!(kind as u8, number);
        let row = format!("\n| {number} | `{}` |", json!(kind).as_str().unwrap());
        assert!(DOCUMENT.contains(&row), "{row}");
    }
    for (kind, name) in [
        (PrekeyKind::Signed, "signed"),
        (PrekeyKind::OneTime, "one-time"),
        (PrekeyKind::Device, "of a device"),
    ] {
        let row = format!("\n| {} {name} |", kind as u8);
        assert!(DOCUMENT.contains(&row), "{row}");
    }
}

/// 327680 as `327 680`.
fn grouped(figure: usize) -> String {
    let digits = figure.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    grouped
}

fn sources(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder).expect("the folder of the sources is there");
    let paths = entries.map(|entry| entry.expect("a readable entry").path());
    paths
        .flat_map(|path| match path.is_dir() {
            true => sources(&path),
            false => vec![path],
        })
        .collect()
}
