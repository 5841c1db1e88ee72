//! Debug of every public type near a secret: names and public facts only. A new field shows up here before it shows up
//! in a log.

mod people;
mod seeded;

use crypto::{
    account_key::AccountKey,
    archive::ArchiveKey,
    device::{DeviceKey, DeviceSeed},
    device_log::{Change, DeviceLog, LOG_ENTRY_BYTES, LogEntry, LogRefused},
    envelope::{Author, ContentKey, Draft, Expiry, Sender},
    id::{ConversationId, DeviceId, MessageId, PrekeyId},
    identity::IdentitySeed,
    kdf::{KdfParams, SALT_BYTES, StretchedPassword},
    local_key::LocalKey,
    message_key::{AesKey, HmacKey, generate_user_secrets},
    one_time::{EmailToken, InviteToken, RecoveryCode, ResetToken},
    prekey::{PrekeySecret, PrekeySeed},
    recovery::{RecoveryKey, RecoveryKeyHint, RecoveryKeyTypo},
    vault::{CacheKey, VaultKey},
};
use insta::assert_snapshot;
use people::{Person, seal};
use seeded::Seeded;

#[test]
fn keys_print_their_name() {
    let stretched = StretchedPassword::from_bytes(&[7; 32]);
    let secrets = [
        format!("{:?}", stretched),
        format!("{:?}", stretched.auth_key()),
        format!("{:?}", stretched.wrap_key()),
        format!("{:?}", AccountKey::from_bytes(&[7; 32])),
        format!("{:?}", VaultKey::from_bytes(&[7; 32])),
        format!("{:?}", CacheKey::from_bytes(&[7; 32])),
        format!("{:?}", LocalKey::from_bytes(&[7; 32])),
        format!("{:?}", RecoveryKey::from_bytes(&[7; 25])),
        format!("{:?}", ResetToken::from_bytes(&[7; 32])),
        format!("{:?}", EmailToken::from_bytes(&[7; 32])),
        format!("{:?}", InviteToken::from_bytes(&[7; 32])),
        format!("{:?}", RecoveryCode::from_bytes(&[7; 15])),
        format!("{:?}", IdentitySeed::from_bytes(&[7; 32])),
        format!("{:?}", PrekeySeed::from_bytes(&[7; 32])),
        format!("{:?}", DeviceSeed::from_bytes(&[7; 32])),
        format!("{:?}", ArchiveKey::from_bytes(&[7; 32])),
        format!("{:?}", ContentKey::from_bytes(&[7; 32])),
        format!("{:?}", AesKey::from_bytes(&[7; 32])),
        format!("{:?}", HmacKey::from_bytes(&[7; 32])),
        format!("{:?}", generate_user_secrets(&mut Seeded::new("user")).0),
    ];
    assert_snapshot!(secrets.join("\n"), @r"
    StretchedPassword(..)
    AuthKey(..)
    WrapKey(..)
    AccountKey(..)
    VaultKey(..)
    CacheKey(..)
    LocalKey(..)
    RecoveryKey(..)
    ResetToken(..)
    EmailToken(..)
    InviteToken(..)
    RecoveryCode(..)
    IdentitySeed(..)
    PrekeySeed(..)
    DeviceSeed(..)
    ArchiveKey(..)
    ContentKey(..)
    AesKey(..)
    HmacKey(..)
    UserSecrets(..)
    ");
}

#[test]
fn what_holds_a_key_prints_public_facts() {
    let mut rng = Seeded::new("debug");
    let [alice, bob] = [(); 2].map(|()| Person::generate(&mut rng));
    let envelope = seal(&alice, &[&alice, &bob], b"Hello Bob!", &mut rng);
    let verified = envelope.delivery_to(bob.account).unwrap().verify(&alice.identity.public()).unwrap();
    let opened = verified.open(bob.account, &bob.identity.public(), &bob.prekey).unwrap();
    let key = AccountKey::from_bytes(&[7; 32]);
    let kdf = KdfParams::with_salt([1; SALT_BYTES]);
    let wrap_key = StretchedPassword::from_bytes(&[7; 32]).wrap_key();
    let printed = [
        format!("{:?}", alice.identity),
        format!("{:?}", alice.identity.public()),
        format!("{:?}", alice.prekey),
        format!("{:?}", alice.prekey.sign(alice.account, &alice.identity)),
        format!("{:?}", alice.published()),
        format!("{:?}", kdf),
        format!("{:?}", key.wrap_with_password(alice.account, &wrap_key, &kdf, &mut rng)),
        format!("{:?}", envelope),
        format!("{:?}", envelope.delivery_to(bob.account).unwrap()),
        format!("{:?}", envelope.delivery_to(bob.account).unwrap().verify(&alice.identity.public()).unwrap()),
        format!("{:?}", opened),
    ];
    assert_snapshot!(printed.join("\n"), @r"
    IdentityKey { public: pfGLAY0krzD_aVYbQbYv-59jq0JF437zPmVLLMWjdHw, .. }
    IdentityPublic(pfGLAY0krzD_aVYbQbYv-59jq0JF437zPmVLLMWjdHw)
    PrekeySecret { kind: Signed, id: 1, sequence: 1, .. }
    SignedPrekey { kind: Signed, id: 1, sequence: 1, .. }
    Prekey { kind: Signed, account: 4FWZaJbtnjPIHtjLzzqxEQ, id: 1, sequence: 1, .. }
    KdfParams { iterations: 600000, salt: AQEBAQEBAQEBAQEBAQEBAQ }
    WrappedAccountKey(..)
    Envelope { message: eZz19pTpERC4cwfYeuCKhw, .. }
    Delivery { message: eZz19pTpERC4cwfYeuCKhw, .. }
    VerifiedDelivery { delivery: Delivery { message: eZz19pTpERC4cwfYeuCKhw, .. }, sender: IdentityPublic(pfGLAY0krzD_aVYbQbYv-59jq0JF437zPmVLLMWjdHw) }
    Opened { message: eZz19pTpERC4cwfYeuCKhw, .. }
    ");
}

/// `Sealed` has the sender's own copy of the content key beside the envelope: it has no Debug at all.
#[test]
fn what_a_device_holds_prints_public_facts() {
    let mut rng = Seeded::new("debug of devices");
    let [alice, bob] = [(); 2].map(|()| Person::generate(&mut rng));
    let (device, key) =
        (DeviceId::from_bytes([5; 16]), DeviceKey::from_seed(&DeviceSeed::from_bytes(&[7; 32])));
    let mut log = DeviceLog::empty(alice.account, alice.identity.public());
    let entry = log.append(Change::Added(device, key.public()), 7, &alice.identity).unwrap();
    let one_time = PrekeySecret::one_time(PrekeyId(3), 2, &PrekeySeed::from_bytes(&[7; 32]));
    let to_bob =
        one_time.sign(bob.account, &bob.identity).verify(bob.account, &bob.identity.public()).unwrap();
    let of_device = PrekeySecret::of_device(device, PrekeyId(4), 1, &PrekeySeed::from_bytes(&[7; 32]));
    let author = Author {
        account: alice.account,
        identity: &alice.identity.public(),
        device,
        key: &key,
        log_head: log.head(),
    };
    let draft = Draft {
        conversation: ConversationId::of_set([alice.account, bob.account]),
        message: MessageId::from_bytes([6; 16]),
        parents: &[],
        sent_at_ms: 7,
        expiry: Expiry::Never,
        content: b"Hello Bob!",
    };
    let sealed = draft.seal_by_device(author, std::slice::from_ref(&to_bob), &[], &mut rng).unwrap();
    let sender = Sender { identity: alice.identity.public(), device: Some((device, key.public())) };
    let verified = sealed.envelope.delivery_to(bob.account).unwrap().verify(sender).unwrap();
    let opened = verified.open(bob.account, &bob.identity.public(), &one_time).unwrap();
    let printed = [
        format!("{key:?}"),
        format!("{:?}", key.public()),
        format!("{entry:?}"),
        format!("{:?}", log.device(device)),
        format!("{one_time:?}"),
        format!("{to_bob:?}"),
        format!("{of_device:?}"),
        format!("{:?}", of_device.sign_by_device(alice.account, &key)),
        format!("{:?}", sealed.envelope),
        format!("{sender:?}"),
        format!("{opened:?}"),
    ];
    assert_snapshot!(printed.join("\n"), @r"
    DeviceKey { public: 6kpsY-KcUgq-9VB7Ey7F-ZVHdq6-vnuSQh7qaRRG0iw, .. }
    DevicePublic(6kpsY-KcUgq-9VB7Ey7F-ZVHdq6-vnuSQh7qaRRG0iw)
    LogEntry { position: 1, change: Added(DeviceId(BQUFBQUFBQUFBQUFBQUFBQ), DevicePublic(6kpsY-KcUgq-9VB7Ey7F-ZVHdq6-vnuSQh7qaRRG0iw)), .. }
    Some(LoggedDevice { key: DevicePublic(6kpsY-KcUgq-9VB7Ey7F-ZVHdq6-vnuSQh7qaRRG0iw), added_at: 1, revoked_at: None })
    PrekeySecret { kind: OneTime, id: 3, sequence: 2, .. }
    Prekey { kind: OneTime, account: uNHN90U9H3t3UnZmdnqorw, id: 3, sequence: 2, .. }
    PrekeySecret { kind: Device, id: 4, sequence: 1, .. }
    SignedPrekey { kind: Device, id: 4, sequence: 1, .. }
    Envelope { message: BgYGBgYGBgYGBgYGBgYGBg, .. }
    Sender { identity: IdentityPublic(9YXE-KsHC5cOqMwYsiK2h5LtW0JU-5xwe6amGlAigYY), device: Some((DeviceId(BQUFBQUFBQUFBQUFBQUFBQ), DevicePublic(6kpsY-KcUgq-9VB7Ey7F-ZVHdq6-vnuSQh7qaRRG0iw))) }
    Opened { message: BgYGBgYGBgYGBgYGBgYGBg, .. }
    ");
}

#[test]
fn errors_hold_nothing_of_what_they_refuse() {
    let typed = "K7QD-2M9X";
    let errors = [
        crypto::CannotOpen.to_string(),
        RecoveryKey::parse(typed).unwrap_err().to_string(),
        RecoveryKeyTypo::Character(2).to_string(),
        RecoveryKeyTypo::Checksum.to_string(),
        KdfParams::parse(&[9; 21]).unwrap_err().to_string(),
        format!("{:?}", RecoveryKeyHint { group: 3 }),
        LogEntry::parse(&[9; LOG_ENTRY_BYTES]).unwrap_err().to_string(),
        LogRefused::Fork.to_string(),
    ];
    assert_snapshot!(errors.join("\n"), @r"
    This cannot be opened: it was changed, or it is not for this key
    A recovery key has 11 groups of 4 characters: this one has 8 characters instead of 44
    A recovery key has only letters and digits, without U: look at group 2
    There is a typing error somewhere in this recovery key: compare it group by group
    names a key derivation that this version does not know
    RecoveryKeyHint { group: 3 }
    has a version that is not known
    the device log was forked
    ");
}
