//! What is sealed under keys of the account opens in its own place only, unchanged.

mod seeded;

use crypto::{
    CannotOpen,
    account_key::{AccountKey, WrappedAccountKey},
    id::{AccountId, PrekeyId},
    identity::{IdentityKey, IdentityPublic},
    kdf::{KdfParams, StretchedPassword, WrapKey},
    prekey::{PrekeySecret, SignedPrekey},
    recovery::RecoveryKey,
    vault::{VaultKind, VaultPlace},
};
use seeded::Seeded;

#[test]
fn a_vault_row_opens_in_its_place_only() {
    let mut rng = Seeded::new("vault");
    let (key, other_key) = (AccountKey::generate(&mut rng), AccountKey::generate(&mut rng));
    let [account, other_account] = [(); 2].map(|()| AccountId::random(&mut rng));
    let place = VaultPlace { account, kind: VaultKind::Prekey, key_id: &[0, 0, 0, 7], version: 2 };
    let sealed = key.vault_key().seal(place, b"a seed", &mut rng);
    assert_eq!(key.vault_key().open(place, &sealed).unwrap().as_slice(), b"a seed");

    let elsewhere = [
        VaultPlace { account: other_account, ..place },
        VaultPlace { kind: VaultKind::Identity, ..place },
        VaultPlace { kind: VaultKind::Pin, ..place },
        VaultPlace { key_id: &[0, 0, 0, 8], ..place },
        VaultPlace { key_id: &[0, 0, 0], ..place },
        VaultPlace { key_id: &[], ..place },
        VaultPlace { version: 1, ..place },
        VaultPlace { version: 3, ..place },
    ];
    for place in elsewhere {
        assert_eq!(key.vault_key().open(place, &sealed), Err(CannotOpen), "{place:?}");
    }
    assert_eq!(other_key.vault_key().open(place, &sealed), Err(CannotOpen));
    for changed in changes_of(&sealed) {
        assert_eq!(key.vault_key().open(place, &changed), Err(CannotOpen));
    }
}

#[test]
fn a_cache_record_opens_under_its_name_only() {
    let mut rng = Seeded::new("cache");
    let key = AccountKey::generate(&mut rng);
    let sealed = key.cache_key().seal(b"message/1", b"a text", &mut rng);
    assert_eq!(key.cache_key().open(b"message/1", &sealed).unwrap().as_slice(), b"a text");
    assert_eq!(key.cache_key().open(b"message/2", &sealed), Err(CannotOpen));
    assert_eq!(AccountKey::generate(&mut rng).cache_key().open(b"message/1", &sealed), Err(CannotOpen));
    for changed in changes_of(&sealed) {
        assert_eq!(key.cache_key().open(b"message/1", &changed), Err(CannotOpen));
    }
}

#[test]
fn the_vault_and_the_cache_have_keys_of_their_own() {
    let mut rng = Seeded::new("keys");
    let key = AccountKey::generate(&mut rng);
    assert_ne!(key.vault_key().expose_bytes(), key.cache_key().expose_bytes());
    assert_ne!(key.vault_key().expose_bytes(), key.expose_bytes());
}

#[test]
fn a_password_wrap_is_bound_to_account_and_parameters() {
    let mut rng = Seeded::new("password wrap");
    let (account, kdf) = (AccountId::random(&mut rng), KdfParams::generate(&mut rng));
    let key = AccountKey::generate(&mut rng);
    let wrap_key = StretchedPassword::from_bytes(&[5; 32]).wrap_key();
    let wrapped = key.wrap_with_password(account, &wrap_key, &kdf, &mut rng);
    let unwrap = AccountKey::unwrap_with_password;
    assert!(unwrap(account, &wrap_key, &kdf, &wrapped).unwrap() == key);

    let other_wrap_key = StretchedPassword::from_bytes(&[6; 32]).wrap_key();
    assert_eq!(unwrap(account, &other_wrap_key, &kdf, &wrapped), Err(CannotOpen));
    assert_eq!(unwrap(AccountId::random(&mut rng), &wrap_key, &kdf, &wrapped), Err(CannotOpen));
    assert_eq!(unwrap(account, &wrap_key, &KdfParams::generate(&mut rng), &wrapped), Err(CannotOpen));
    assert!(!any_opens(&wrapped, |changed| unwrap(account, &wrap_key, &kdf, changed)));
}

#[test]
fn a_recovery_wrap_is_bound_to_the_account() {
    let mut rng = Seeded::new("recovery wrap");
    let (account, recovery) = (AccountId::random(&mut rng), RecoveryKey::generate(&mut rng));
    let key = AccountKey::generate(&mut rng);
    let wrapped = key.wrap_with_recovery_key(account, &recovery, &mut rng);
    let unwrap = AccountKey::unwrap_with_recovery_key;
    assert!(unwrap(account, &recovery, &wrapped).unwrap() == key);

    assert_eq!(unwrap(AccountId::random(&mut rng), &recovery, &wrapped), Err(CannotOpen));
    assert_eq!(unwrap(account, &RecoveryKey::generate(&mut rng), &wrapped), Err(CannotOpen));
    assert!(!any_opens(&wrapped, |changed| unwrap(account, &recovery, changed)));
}

#[test]
fn one_wrap_never_passes_for_the_other() {
    let mut rng = Seeded::new("both wraps");
    let (account, kdf) = (AccountId::random(&mut rng), KdfParams::generate(&mut rng));
    let (key, recovery) = (AccountKey::generate(&mut rng), RecoveryKey::generate(&mut rng));
    let wrap_key = WrapKey::from_bytes(&[1; 32]);
    let by_password = key.wrap_with_password(account, &wrap_key, &kdf, &mut rng);
    let by_recovery_key = key.wrap_with_recovery_key(account, &recovery, &mut rng);
    assert!(AccountKey::unwrap_with_recovery_key(account, &recovery, &by_password).is_err());
    assert!(AccountKey::unwrap_with_password(account, &wrap_key, &kdf, &by_recovery_key).is_err());
}

#[test]
fn every_changed_bit_of_a_prekey_is_noticed() {
    let mut rng = Seeded::new("prekey");
    let (account, owner) = (AccountId::random(&mut rng), IdentityKey::generate(&mut rng));
    let signed = PrekeySecret::generate(PrekeyId(3), 4, &mut rng).sign(account, &owner);
    let verifies = |bytes: &[u8], account: AccountId, owner: &IdentityPublic| {
        SignedPrekey::parse(bytes).is_ok_and(|prekey| prekey.verify(account, owner).is_ok())
    };
    assert!(verifies(signed.to_bytes(), account, &owner.public()));
    assert!(!verifies(signed.to_bytes(), AccountId::random(&mut rng), &owner.public()));
    assert!(!verifies(signed.to_bytes(), account, &IdentityKey::generate(&mut rng).public()));
    for changed in changes_of(signed.to_bytes()) {
        assert!(!verifies(&changed, account, &owner.public()));
    }
}

/// Every version of `bytes` with one bit changed, with the last byte gone, with one byte more, and nothing at all.
fn changes_of(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let bits = (0..bytes.len()).flat_map(|index| (0..8).map(move |bit| (index, bit)));
    let flipped = bits.map(|(index, bit)| {
        let mut changed = bytes.to_vec();
        changed[index] ^= 1 << bit;
        changed
    });
    flipped.chain([bytes[..bytes.len() - 1].to_vec(), [bytes, &[0]].concat(), Vec::new()])
}

fn any_opens(
    wrapped: &WrappedAccountKey,
    unwrap: impl Fn(&WrappedAccountKey) -> Result<AccountKey, CannotOpen>,
) -> bool {
    changes_of(&wrapped.to_bytes())
        .filter_map(|changed| WrappedAccountKey::parse(&changed).ok())
        .any(|changed| unwrap(&changed).is_ok())
}
