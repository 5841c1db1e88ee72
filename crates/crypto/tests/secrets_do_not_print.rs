//! Debug of every public type near a secret: names and public facts only. A new field shows up here before it shows up
//! in a log.

mod people;
mod seeded;

use crypto::{
    account_key::AccountKey,
    identity::IdentitySeed,
    kdf::{KdfParams, SALT_BYTES, StretchedPassword},
    local_key::LocalKey,
    message_key::{AesKey, HmacKey, generate_user_secrets},
    one_time::{EmailToken, InviteToken, RecoveryCode, ResetToken},
    prekey::PrekeySeed,
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
    PrekeySecret { id: 1, sequence: 1, .. }
    SignedPrekey { id: 1, sequence: 1, .. }
    Prekey { account: 4FWZaJbtnjPIHtjLzzqxEQ, id: 1, sequence: 1, .. }
    KdfParams { iterations: 600000, salt: AQEBAQEBAQEBAQEBAQEBAQ }
    WrappedAccountKey(..)
    Envelope { message: eZz19pTpERC4cwfYeuCKhw, .. }
    Delivery { message: eZz19pTpERC4cwfYeuCKhw, .. }
    VerifiedDelivery { delivery: Delivery { message: eZz19pTpERC4cwfYeuCKhw, .. }, sender: IdentityPublic(pfGLAY0krzD_aVYbQbYv-59jq0JF437zPmVLLMWjdHw) }
    Opened { message: eZz19pTpERC4cwfYeuCKhw, .. }
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
    ];
    assert_snapshot!(errors.join("\n"), @r"
    This cannot be opened: it was changed, or it is not for this key
    A recovery key has 11 groups of 4 characters: this one has 8 characters instead of 44
    A recovery key has only letters and digits, without U: look at group 2
    There is a typing error somewhere in this recovery key: compare it group by group
    names a key derivation that this version does not know
    RecoveryKeyHint { group: 3 }
    ");
}
