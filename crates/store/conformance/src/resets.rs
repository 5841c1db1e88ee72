use std::sync::Arc;

use crypto::{
    id::PrekeyId,
    identity::{IdentityKey, IdentitySeed},
    prekey::{PrekeySecret, PrekeySeed},
};
use protocol::{
    Binary, Cursor,
    vault::{NewRow, Row, VaultKind},
};
use relay::port::{PutOutcome, RedeemedKeys, Redemption, Store, StoredSealedVault, VaultRoom};

use crate::{
    cast::{NOW_MS, Person, deliver, envelope, fifty_at_once, people, sorted, token},
    vault::put,
};

pub(crate) fn redemption(person: Person, number: u16, keys: RedeemedKeys) -> Redemption {
    Redemption {
        token: token(number),
        account: person.account(),
        wraps: person.wraps(b'0' + number as u8),
        keys,
        at_ms: NOW_MS + u64::from(number),
    }
}

/// A new identity key: another for each number.
pub(crate) fn replaced_identity(number: u8) -> IdentityKey {
    IdentityKey::from_seed(&IdentitySeed::from_bytes(&[number; 32]))
}

/// New keys: others for each number.
pub(crate) fn replaced(person: Person, number: u8) -> RedeemedKeys {
    let identity = replaced_identity(number);
    let prekey =
        PrekeySecret::from_seed(PrekeyId(1 + u32::from(number)), 1, &PrekeySeed::from_bytes(&[number; 32]));
    RedeemedKeys::Replace {
        wrapped_by_recovery_key: person.recovery_wrap(number),
        identity: identity.public(),
        prekey: prekey.sign(person.account(), &identity),
        vault: vec![
            NewRow {
                kind: VaultKind::PastIdentity,
                key_id: Binary(vec![number; 32]),
                sealed: Binary(vec![number; 50]),
            },
            NewRow {
                kind: VaultKind::Identity,
                key_id: Binary(Vec::new()),
                sealed: Binary(vec![number; 60]),
            },
        ],
    }
}

async fn arm(store: &Arc<dyn Store>, person: Person, number: u16) {
    assert!(store.arm_reset(person.account(), token(number), NOW_MS).await.unwrap());
}

/// Another row beside those of the registration, so that versions and kinds differ.
async fn pin_twice(store: &Arc<dyn Store>, person: Person) {
    for version in 1..=2 {
        let row = Row {
            kind: VaultKind::Pin,
            key_id: Binary(b"bob".to_vec()),
            version,
            sealed: Binary(vec![version as u8; 40]),
        };
        let room = VaultRoom { rows: 100, bytes: 10_000 };
        assert_eq!(put(store, person.account(), row, room).await, PutOutcome::Done);
    }
}

/// What the link in the mail opens: all that a device needs to prove itself.
pub async fn a_reset_finds_what_its_account_has(store: Arc<dyn Store>) {
    let [alice, bob] = people(&store, 2).await.try_into().unwrap();
    assert!(store.find_reset(token(1)).await.unwrap().is_none());
    assert!(!store.arm_reset(Person(9).account(), token(9), NOW_MS).await.unwrap(), "nobody's");
    assert!(store.find_reset(token(9)).await.unwrap().is_none());
    arm(&store, alice, 1).await;
    let (account, _) = alice.registration();
    let found = store.find_reset(token(1)).await.unwrap().unwrap();
    assert_eq!((found.account, &found.username), (account.account, &account.username));
    assert_eq!((found.armed_at_ms, &found.totp, &found.email), (NOW_MS, &None, &account.email));
    assert_eq!(found.wrapped_by_recovery_key, account.wrapped_by_recovery_key);
    assert_eq!((found.identity, &found.prekey), (account.identity, &account.prekey));
    let rows = store.vault_rows(alice.account()).await.unwrap();
    assert_eq!(found.identity_row, rows[0]);
    assert_eq!(found.identity_row.kind, VaultKind::Identity);

    assert!(store.begin_totp(alice.proven(), b"secret".to_vec()).await.unwrap());
    assert_eq!(store.find_reset(token(1)).await.unwrap().unwrap().totp, None, "it is not on yet");
    assert!(store.enable_totp(alice.account(), b"secret".to_vec(), 3, Vec::new(), NOW_MS).await.unwrap());
    let totp = store.find_reset(token(1)).await.unwrap().unwrap().totp.unwrap();
    assert_eq!((totp.sealed_secret.as_slice(), totp.last_step), (b"secret".as_slice(), 3));
    assert!(store.credentials_of(bob.account()).await.unwrap().unwrap().totp.is_none());
}

/// Who asks twice has two mails: the link in the older one is void.
pub async fn a_newer_token_makes_the_older_one_worthless(store: Arc<dyn Store>) {
    let [alice, bob] = people(&store, 2).await.try_into().unwrap();
    arm(&store, alice, 1).await;
    arm(&store, bob, 2).await;
    assert!(store.arm_reset(alice.account(), token(3), NOW_MS + 5).await.unwrap());
    assert!(store.find_reset(token(1)).await.unwrap().is_none());
    let old = redemption(alice, 1, RedeemedKeys::Keep);
    assert_eq!(store.redeem_reset(old).await.unwrap(), None);
    assert!(store.find_session(alice.session()).await.unwrap().is_some(), "nothing was written");
    assert_eq!(store.find_reset(token(3)).await.unwrap().unwrap().armed_at_ms, NOW_MS + 5);
    assert_eq!(store.find_reset(token(2)).await.unwrap().unwrap().account, bob.account());
    let foreign = Redemption { account: bob.account(), ..redemption(alice, 3, RedeemedKeys::Keep) };
    assert_eq!(store.redeem_reset(foreign).await.unwrap(), None, "a token of one is none of another");
    assert!(store.redeem_reset(redemption(alice, 3, RedeemedKeys::Keep)).await.unwrap().is_some());
}

/// The others are told that the token does not stand, and what they brought is nowhere.
pub async fn of_fifty_who_redeem_one_token_one_does(store: Arc<dyn Store>) {
    let [alice] = people(&store, 1).await.try_into().unwrap();
    arm(&store, alice, 1).await;
    let outcomes = fifty_at_once(|number| {
        let store = Arc::clone(&store);
        let wraps = alice.wraps(100 + number as u8);
        let keys = replaced(alice, 1 + number as u8);
        async move { store.redeem_reset(Redemption { wraps, ..redemption(alice, 1, keys) }).await.unwrap() }
    });
    let outcomes = outcomes.await;
    let won: Vec<u8> = (0..50).filter(|number| outcomes[usize::from(*number)].is_some()).collect();
    let [winner] = won.try_into().expect("exactly one did");
    let found = store.credentials_of(alice.account()).await.unwrap().unwrap();
    assert_eq!(found.password_hash, alice.wraps(100 + winner).password_hash);
    let profile = store.find_profile(alice.account()).await.unwrap().unwrap();
    assert_eq!(profile.wrapped_by_recovery_key, alice.recovery_wrap(1 + winner));
    assert_eq!(profile.sealed_vaults.len(), 1);
    assert_eq!(store.vault_rows(alice.account()).await.unwrap()[0].sealed.0, [1 + winner; 60]);
}

/// The password is new; keys, vault and recovery key are those of before. Every session ends, the token is used up.
pub async fn a_reset_that_keeps_the_keys_changes_the_password_only(store: Arc<dyn Store>) {
    let [alice, bob] = people(&store, 2).await.try_into().unwrap();
    pin_twice(&store, alice).await;
    deliver(&store, envelope(bob, 0, &[alice, bob])).await;
    let [other] = alice.signed_in(&store, [1]).await;
    let (account, _) = alice.registration();
    let rows = store.vault_rows(alice.account()).await.unwrap();
    let before = store.find_profile(alice.account()).await.unwrap().unwrap();
    arm(&store, alice, 1).await;
    let ended = store.redeem_reset(redemption(alice, 1, RedeemedKeys::Keep)).await.unwrap().unwrap();
    assert_eq!(sorted(ended), sorted(vec![alice.session(), other]));
    assert!(store.list_sessions(alice.account()).await.unwrap().is_empty());
    assert!(store.find_session(bob.session()).await.unwrap().is_some(), "another account's");

    let found = store.credentials_of(alice.account()).await.unwrap().unwrap();
    let wraps = alice.wraps(b'1');
    assert_eq!((found.kdf, found.password_hash), (wraps.kdf, wraps.password_hash));
    assert_eq!(found.sealed_wrap, wraps.sealed_wrap);
    assert_eq!(store.vault_rows(alice.account()).await.unwrap(), rows);
    assert_eq!(store.find_profile(alice.account()).await.unwrap().unwrap(), before);
    let [keys] = store.find_keys(&[alice.account()]).await.unwrap().try_into().unwrap();
    assert_eq!((keys.identity, keys.prekey), (account.identity, account.prekey));
    let page = store.page(alice.account(), Cursor::START, 10, usize::MAX).await.unwrap();
    assert_eq!(page.items.len(), 1);
    assert!(store.find_reset(token(1)).await.unwrap().is_none());
    let again = redemption(alice, 1, RedeemedKeys::Keep);
    assert_eq!(store.redeem_reset(again).await.unwrap(), None, "a token is good once");
}

/// The old vault is put away whole, with what opens it and the identity key that it is of; the new one is the account's,
/// and others reach it by its keys.
pub async fn a_reset_that_replaces_the_keys_puts_the_vault_away(store: Arc<dyn Store>) {
    let [alice, bob] = people(&store, 2).await.try_into().unwrap();
    pin_twice(&store, alice).await;
    let (account, _) = alice.registration();
    let rows = store.vault_rows(alice.account()).await.unwrap();
    let bobs = store.vault_rows(bob.account()).await.unwrap();
    arm(&store, alice, 1).await;
    let RedeemedKeys::Replace { identity, prekey, .. } = replaced(alice, 7) else { unreachable!() };
    let ended = store.redeem_reset(redemption(alice, 1, replaced(alice, 7))).await.unwrap();
    assert_eq!(ended, Some(vec![alice.session()]));

    let put_away = store.find_sealed_vault(alice.account(), 1).await.unwrap().unwrap();
    let expected = StoredSealedVault {
        identity: account.identity,
        kdf: account.kdf,
        sealed_wrap: account.sealed_wrap,
        wrapped_by_recovery_key: account.wrapped_by_recovery_key,
        rows,
    };
    assert_eq!(put_away, expected);

    let new = store.vault_rows(alice.account()).await.unwrap();
    let places: Vec<_> = new.iter().map(|row| (row.kind, row.version, row.sealed.0.len())).collect();
    assert_eq!(places, [(VaultKind::Identity, 1, 60), (VaultKind::PastIdentity, 1, 50)]);
    let [keys] = store.find_keys(&[alice.account()]).await.unwrap().try_into().unwrap();
    assert_eq!((keys.identity, &keys.prekey), (identity, &prekey));
    let message = envelope(bob, 0, &[]).message;
    let context = store.send_context(message, bob.account(), &[alice.account()]).await.unwrap();
    let [current] = context.recipients.try_into().unwrap();
    assert_eq!((current.identity, current.prekey), (identity.fingerprint(), prekey.id()));
    let profile = store.find_profile(alice.account()).await.unwrap().unwrap();
    assert_eq!(profile.wrapped_by_recovery_key, alice.recovery_wrap(7));
    assert_eq!(profile.recovery_key_made_at_ms, NOW_MS + 1);
    let [sealed] = profile.sealed_vaults.try_into().unwrap();
    assert_eq!((sealed.number, sealed.sealed_at_ms, sealed.kdf), (1, NOW_MS + 1, account.kdf));

    assert!(store.find_sealed_vault(bob.account(), 1).await.unwrap().is_none(), "it is hers alone");
    assert!(!store.drop_sealed_vault(bob.account(), 1).await.unwrap());
    assert_eq!(store.vault_rows(bob.account()).await.unwrap(), bobs);
}

/// They count up from 1; what was removed stays removed, and its number is not given to another.
pub async fn vaults_that_were_put_away_are_numbered(store: Arc<dyn Store>) {
    let [alice] = people(&store, 1).await.try_into().unwrap();
    let numbers = async || {
        let profile = store.find_profile(alice.account()).await.unwrap().unwrap();
        profile.sealed_vaults.iter().map(|vault| vault.number).collect::<Vec<_>>()
    };
    let replace = async |number: u8| {
        arm(&store, alice, number.into()).await;
        let redeemed = redemption(alice, number.into(), replaced(alice, number));
        assert!(store.redeem_reset(redeemed).await.unwrap().is_some());
    };
    replace(1).await;
    replace(2).await;
    assert_eq!(numbers().await, [1, 2]);
    let [first, second] = [1, 2].map(|number| store.find_sealed_vault(alice.account(), number));
    let (first, second) = (first.await.unwrap().unwrap(), second.await.unwrap().unwrap());
    assert_eq!(first.identity, alice.identity().public());
    let RedeemedKeys::Replace { identity, .. } = replaced(alice, 1) else { unreachable!() };
    assert_eq!(second.identity, identity, "the one that it replaced");
    assert_eq!(second.kdf, alice.wraps(b'1').kdf);
    assert_eq!(second.wrapped_by_recovery_key, alice.recovery_wrap(1));
    assert_eq!(second.rows[0].sealed.0, [1; 60]);

    assert!(store.drop_sealed_vault(alice.account(), 2).await.unwrap());
    assert!(!store.drop_sealed_vault(alice.account(), 2).await.unwrap());
    assert!(store.find_sealed_vault(alice.account(), 2).await.unwrap().is_none());
    assert_eq!(numbers().await, [1]);
    replace(3).await;
    assert_eq!(numbers().await, [1, 3]);
    assert!(store.find_sealed_vault(alice.account(), 2).await.unwrap().is_none());
}
