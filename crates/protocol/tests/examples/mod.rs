//! One example of every request and of its answer.

use std::fmt::Debug;

use crypto::{
    account_key::WrappedAccountKey,
    device::{DeviceKey, DeviceSeed},
    device_log::{Change, DeviceLog, LogEntry},
    id::{AccountId, DeviceId, EnvelopeHash, EpochId, LogHash, MessageId, PrekeyId, SessionId},
    identity::{IdentityKey, IdentitySeed},
    kdf::{AuthKey, KdfParams},
    one_time::{EmailToken, InviteToken, RecoveryCode, ResetToken},
    prekey::{PrekeySecret, PrekeySeed, SignedPrekey},
    reset_proof::ResetProof,
};
use protocol::{
    Binary, Call, Cursor, EmailAddress, Username,
    account::{CurrentSession, LoggedOut, Login, Logout, Prelogin, PreloginAnswer, Register, SignedIn},
    device::{AppendLog, FetchLogs, LogAfter, LogAppended, Logs},
    directory::{FetchKeys, KeyBundle, Keys, ListUsers, User, Users},
    mailbox::{
        Archive, ArchivedKey, ArchivedPlace, Erase, Erased, FetchHistory, FetchPage, Item, KeysArchived,
        Page, Send, Sent,
    },
    policy::{FetchPolicy, Registration, ServerPolicy},
    prekey::{
        ClaimPrekeys, ClaimedPrekey, ClaimedPrekeys, FetchPrekeyStatus, PrekeyStatus, PrekeysPublished,
        PublishPrekeys,
    },
    profile::{
        ChangeEmail, ChangePassword, ChangeRecoveryKey, Changed, ConfirmEmail, DeleteAccount, EmailConfirmed,
        FetchProfile, FetchRecoveryWrap, Profile, RecoveryWrap, SealedVault, SetLoginMails,
    },
    proof::Proof,
    reset::{
        CheckReset, ForgotPassword, MailRequested, NewKeys, PasswordReset, RedeemReset, ResetChecked,
        ResetKeys,
    },
    second_factor::{
        BeginTotp, DisableTotp, EnableTotp, RecoveryCodes, RenewRecoveryCodes, TotpBegun, TotpDisabled,
    },
    session::{EndOtherSessions, EndSession, ListSessions, SessionInfo, Sessions, SessionsEnded, Unlock},
    vault::{
        DropSealedVault, FetchRows, FetchSealedVault, NewRow, PutRow, Row, RowPut, Rows, SealedVaultDropped,
        SealedVaultRows, VaultKind,
    },
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
            email: Some(address()),
            invite: Some(InviteToken::from_bytes(&[0x1f; 32])),
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
            code: Some("123456".parse().expect("six digits")),
            device_name: "Firefox on Linux".to_owned(),
        },
        opens.clone(),
    );
    visitor.visit(CurrentSession {}, signed_in);
    visitor.visit(Logout {}, LoggedOut {});
    visit_sessions(visitor, SignedIn { token: None, ..opens });
    visit_profile(visitor);
    visit_second_factor(visitor);
    visit_reset(visitor, account);
    visitor.visit(FetchPolicy {}, ServerPolicy { registration: Registration::Invite, mail: true });
    visitor.visit(
        ListUsers { prefix: Some("al".to_owned()), after: Some(name("albert")) },
        Users { users: vec![User { account, username: username.clone() }], more: false },
    );
    visitor.visit(
        FetchKeys { accounts: vec![account, AccountId::from_bytes([0xa2; 16])] },
        Keys {
            bundles: vec![KeyBundle {
                account,
                username,
                identity: identity().public(),
                prekey: prekey(account),
                prekey_at_ms: 1_790_000_000_000,
                log_length: 2,
                log_head: LogHash::from_bytes([0x66; 32]),
            }],
            deleted: vec![AccountId::from_bytes([0xa2; 16])],
        },
    );
    visit_devices(visitor, account);
    visitor.visit(
        Send { envelope: Binary(vec![1; 3000]), archived: Some(archived()) },
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
                archived: None,
            }],
            end: Cursor(8),
            now_ms: 1_790_000_000_456,
        },
    );
    visitor.visit(
        FetchHistory { before: Cursor(8), limit: 200 },
        Page {
            items: vec![Item {
                cursor: Cursor(7),
                received_at_ms: 1_790_000_000_000,
                shared: Binary(vec![1; 660]),
                seal: Binary(Vec::new()),
                archived: Some(archived()),
            }],
            end: Cursor(8),
            now_ms: 1_790_000_000_456,
        },
    );
    let message = MessageId::from_bytes([0x33; 16]);
    visitor.visit(
        Archive { keys: vec![ArchivedPlace { cursor: Cursor(8), message, key: archived() }] },
        KeysArchived {},
    );
    visitor.visit(Erase { messages: vec![message], for_everyone: false }, Erased { erased: 1 });
    visitor.visit(FetchRows {}, Rows { rows: vec![row.clone()] });
    visitor.visit(PutRow { row: row.clone(), after: None }, RowPut {});
    visitor.visit(
        FetchSealedVault { number: 1, auth_key: Some(AuthKey::from_bytes(&[0xab; 32])) },
        SealedVaultRows {
            wrapped_by_recovery_key: wrapped(2),
            wrapped_by_password: Some(wrapped(1)),
            rows: vec![row],
        },
    );
    let proof = ResetProof::parse(&[0x6f; 64]).expect("the length of a proof");
    visitor.visit(DropSealedVault { number: 1, proof }, SealedVaultDropped {});
}

fn visit_sessions(visitor: &mut impl Visitor, opens: SignedIn) {
    let session = SessionId::from_bytes([0x55; 16]);
    let listed = SessionInfo {
        session,
        device_name: "Firefox on Linux".to_owned(),
        created_at_ms: 1_790_000_000_000,
        last_seen_at_ms: 1_790_000_060_000,
        device: Some(device()),
        current: true,
    };
    visitor.visit(ListSessions {}, Sessions { sessions: vec![listed] });
    visitor.visit(EndSession { session }, SessionsEnded { ended: 1 });
    visitor.visit(EndOtherSessions {}, SessionsEnded { ended: 3 });
    visitor.visit(Unlock { proof: Proof { auth_key: AuthKey::from_bytes(&[0xaa; 32]), code: None } }, opens);
}

fn visit_profile(visitor: &mut impl Visitor) {
    let kdf = KdfParams::with_salt([0x5b; 16]);
    visitor.visit(
        FetchProfile {},
        Profile {
            username: name("alice"),
            created_at_ms: 1_790_000_000_000,
            email: Some(address()),
            pending_email: Some("alice@example.net".parse().expect("an address")),
            login_mails: true,
            second_factor_since_ms: Some(1_790_000_000_000),
            recovery_codes_left: 10,
            recovery_key_made_at_ms: 1_790_000_000_000,
            sealed_vaults: vec![SealedVault { number: 1, sealed_at_ms: 1_790_000_000_000, kdf }],
        },
    );
    visitor.visit(
        ChangePassword {
            proof: proof(),
            kdf,
            auth_key: AuthKey::from_bytes(&[0xab; 32]),
            wrapped_by_password: wrapped(1),
        },
        Changed {},
    );
    visitor.visit(ChangeEmail { proof: proof(), email: Some(address()) }, Changed {});
    visitor.visit(
        ConfirmEmail { token: EmailToken::from_bytes(&[0x2f; 32]) },
        EmailConfirmed { username: name("alice"), email: address() },
    );
    visitor.visit(SetLoginMails { login_mails: false }, Changed {});
    visitor.visit(FetchRecoveryWrap {}, RecoveryWrap { wrapped_by_recovery_key: wrapped(2) });
    visitor.visit(ChangeRecoveryKey { proof: proof(), wrapped_by_recovery_key: wrapped(2) }, Changed {});
    visitor.visit(DeleteAccount { proof: proof() }, Changed {});
}

fn visit_second_factor(visitor: &mut impl Visitor) {
    let codes = RecoveryCodes { codes: vec![RecoveryCode::from_bytes(&[0x4f; 15])] };
    visitor.visit(
        BeginTotp { proof: Proof { code: None, ..proof() } },
        TotpBegun {
            secret: "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ".to_owned(),
            uri: "otpauth://totp/Secure%20Messaging:alice?secret=…".to_owned(),
        },
    );
    visitor.visit(EnableTotp { code: "123456".parse().expect("six digits") }, codes.clone());
    visitor.visit(DisableTotp { proof: proof() }, TotpDisabled {});
    visitor.visit(RenewRecoveryCodes { proof: proof() }, codes);
}

fn visit_reset(visitor: &mut impl Visitor, account: AccountId) {
    let token = ResetToken::from_bytes(&[0x3f; 32]);
    visitor.visit(ForgotPassword { email: address() }, MailRequested {});
    visitor.visit(
        CheckReset { token: token.clone() },
        ResetChecked {
            account,
            username: name("alice"),
            second_factor: true,
            wrapped_by_recovery_key: wrapped(2),
            identity_row: Row {
                kind: VaultKind::Identity,
                key_id: Binary(Vec::new()),
                version: 1,
                sealed: Binary(vec![0x5e; 60]),
            },
            prekey: prekey(account),
        },
    );
    let redeem = |code, keys| RedeemReset {
        token: token.clone(),
        code,
        kdf: KdfParams::with_salt([0x5b; 16]),
        auth_key: AuthKey::from_bytes(&[0xab; 32]),
        wrapped_by_password: wrapped(1),
        keys,
    };
    let proof = ResetProof::parse(&[0x6f; 64]).expect("the length of a proof");
    let code = "123456".parse().expect("six digits");
    visitor.visit(redeem(Some(code), ResetKeys::Keep { proof }), PasswordReset { username: name("alice") });
    visitor.visit(
        redeem(
            None,
            ResetKeys::Replace(Box::new(NewKeys {
                wrapped_by_recovery_key: wrapped(2),
                identity: identity().public(),
                prekey: prekey(account),
                vault: vec![NewRow {
                    kind: VaultKind::Identity,
                    key_id: Binary(Vec::new()),
                    sealed: Binary(vec![0x5e; 60]),
                }],
            })),
        ),
        PasswordReset { username: name("alice") },
    );
}

fn visit_devices(visitor: &mut impl Visitor, account: AccountId) {
    visitor.visit(AppendLog { entry: entry(account) }, LogAppended {});
    let log = LogAfter { account, identity: identity().public().fingerprint(), after: 0 };
    visitor.visit(FetchLogs { logs: vec![log] }, Logs { logs: vec![vec![entry(account)]] });
    let seed = PrekeySeed::from_bytes(&[3; 32]);
    let one_time = PrekeySecret::one_time(PrekeyId(1), 1, &seed).sign(account, &identity());
    let of_device =
        PrekeySecret::of_device(device(), PrekeyId(1), 1, &seed).sign_by_device(account, &device_key());
    visitor.visit(
        PublishPrekeys {
            signed: Some(prekey(account)),
            one_time: vec![one_time.clone()],
            device: vec![of_device],
            replace: true,
        },
        PrekeysPublished {},
    );
    visitor.visit(
        FetchPrekeyStatus { archived_to: Cursor(4) },
        PrekeyStatus {
            signed: prekey(account),
            signed_at_ms: 1_790_000_000_000,
            one_time_left: 93,
            last_one_time: 100,
            device: Some(device()),
            device_left: 100,
            last_device: 100,
            one_time_outstanding: vec![PrekeyId(99), PrekeyId(100)],
            device_outstanding: vec![PrekeyId(100)],
            first_unarchived: Some(Cursor(5)),
            now_ms: 1_790_000_000_456,
        },
    );
    visitor.visit(
        ClaimPrekeys { accounts: vec![account], of_devices: false },
        ClaimedPrekeys { prekeys: vec![ClaimedPrekey { account, device: None, prekey: one_time }] },
    );
}

fn archived() -> ArchivedKey {
    ArchivedKey { epoch: EpochId::from_bytes([0x77; 16]), sealed: Binary(vec![0x78; 60]) }
}

fn device() -> DeviceId {
    DeviceId::from_bytes([0xd1; 16])
}

fn device_key() -> DeviceKey {
    DeviceKey::from_seed(&DeviceSeed::from_bytes(&[4; 32]))
}

fn entry(account: AccountId) -> LogEntry {
    let mut log = DeviceLog::empty(account, identity().public());
    let added = Change::Added(device(), device_key().public());
    log.append(added, 1_790_000_000_000, &identity()).expect("the first device")
}

fn proof() -> Proof {
    Proof {
        auth_key: AuthKey::from_bytes(&[0xaa; 32]),
        code: Some("K7QD-2M9X-K7QD-2M9X-K7QD-2M9X".parse().expect("a recovery code")),
    }
}

fn address() -> EmailAddress {
    "alice@example.org".parse().expect("an address")
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
