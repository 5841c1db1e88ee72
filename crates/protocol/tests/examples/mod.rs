//! One example of every request and of its answer.

use std::fmt::Debug;

use crypto::{
    account_key::WrappedAccountKey,
    id::{AccountId, EnvelopeHash, MessageId, PrekeyId, SessionId},
    identity::{IdentityKey, IdentitySeed},
    kdf::{AuthKey, KdfParams},
    prekey::{PrekeySecret, PrekeySeed, SignedPrekey},
};
use protocol::{
    Binary, Call, Cursor, Username,
    account::{CurrentSession, LoggedOut, Login, Logout, Prelogin, PreloginAnswer, Register, SignedIn},
    directory::{FetchKeys, KeyBundle, Keys, ListUsers, User, Users},
    mailbox::{FetchPage, Item, Page, Send, Sent},
    vault::{FetchRows, NewRow, PutRow, Row, RowPut, Rows, VaultKind},
};

/// Is shown each call with an example of its request and of its answer.
pub(crate) trait Visitor {
    fn visit<C: Call<Answer: Debug> + Debug>(&mut self, request: C, answer: C::Answer);
}

pub(crate) fn visit_every_call(visitor: &mut impl Visitor) {
    let (account, username) = (AccountId::from_bytes([0xa1; 16]), name("alice"));
    let kdf = KdfParams::with_salt([0x5a; 16]);
    let row = Row {
        kind: VaultKind::Pin,
        key_id: Binary(vec![0xb0; 16]),
        version: 2,
        sealed: Binary(vec![0x5e; 40]),
    };
    let signed_in = SignedIn {
        account,
        username: username.clone(),
        session: SessionId::from_bytes([0x55; 16]),
        token: None,
        unlock_half: Binary(vec![0x11; 32]),
        kdf,
        wrapped_by_password: None,
        mailbox_end: Cursor(7),
    };
    let opens = SignedIn {
        token: Some("header.claims.signature".to_owned()),
        wrapped_by_password: Some(wrapped(1)),
        ..signed_in.clone()
    };

    visitor.visit(Prelogin { username: username.clone() }, PreloginAnswer { kdf });
    visitor.visit(
        Register {
            account,
            username: username.clone(),
            email: Some("alice@example.org".to_owned()),
            kdf,
            auth_key: AuthKey::from_bytes(&[0xaa; 32]),
            wrapped_by_password: wrapped(1),
            wrapped_by_recovery_key: wrapped(2),
            identity: identity().public(),
            prekey: prekey(account),
            vault: vec![NewRow {
                kind: VaultKind::Identity,
                key_id: Binary(Vec::new()),
                sealed: Binary(vec![0x5e; 60]),
            }],
            device_name: "Firefox on Linux".to_owned(),
        },
        SignedIn { mailbox_end: Cursor::START, ..opens.clone() },
    );
    visitor.visit(
        Login {
            username: username.clone(),
            auth_key: AuthKey::from_bytes(&[0xaa; 32]),
            device_name: "Firefox on Linux".to_owned(),
        },
        opens,
    );
    visitor.visit(CurrentSession {}, signed_in);
    visitor.visit(Logout {}, LoggedOut {});
    visitor.visit(
        ListUsers { prefix: Some("al".to_owned()), after: Some(name("albert")) },
        Users { users: vec![User { account, username: username.clone() }], more: false },
    );
    visitor.visit(
        FetchKeys { accounts: vec![account] },
        Keys {
            bundles: vec![KeyBundle {
                account,
                username,
                identity: identity().public(),
                prekey: prekey(account),
            }],
        },
    );
    visitor.visit(
        Send { envelope: Binary(vec![1; 3000]) },
        Sent {
            message: MessageId::from_bytes([0x33; 16]),
            hash: EnvelopeHash::from_bytes([0x44; 32]),
            cursor: Cursor(8),
            received_at_ms: 1_790_000_000_123,
        },
    );
    visitor.visit(
        FetchPage { after: Cursor(7), limit: 200 },
        Page {
            items: vec![Item {
                cursor: Cursor(8),
                received_at_ms: 1_790_000_000_123,
                shared: Binary(vec![1; 660]),
                seal: Binary(vec![2; 1168]),
            }],
            end: Cursor(8),
        },
    );
    visitor.visit(FetchRows {}, Rows { rows: vec![row.clone()] });
    visitor.visit(PutRow { row }, RowPut {});
}

fn name(text: &str) -> Username {
    text.parse().expect("a sound name")
}

fn identity() -> IdentityKey {
    IdentityKey::from_seed(&IdentitySeed::from_bytes(&[1; 32]))
}

fn prekey(account: AccountId) -> SignedPrekey {
    PrekeySecret::from_seed(PrekeyId(1), 1, &PrekeySeed::from_bytes(&[2; 32])).sign(account, &identity())
}

fn wrapped(by: u8) -> WrappedAccountKey {
    let mut bytes = [0x77; 62];
    bytes[..2].copy_from_slice(&[1, by]);
    WrappedAccountKey::parse(&bytes).expect("the form of a wrapped key")
}
