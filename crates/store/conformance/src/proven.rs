use std::sync::Arc;

use crypto::id::SessionId;
use relay::port::{Expiry, Proven, Store};

use crate::{
    cast::{NOTHING_EXPIRED, NOW_MS, Person, fifty_at_once, people, token},
    resets::{redemption, replaced},
};

/// A second factor's secret.
const SECRET: &[u8] = b"a sealed secret";

/// Tries every change that asks for a password: each is refused, and all of the account is as it was.
async fn nothing_is_changed_by(store: &Arc<dyn Store>, stale: &Proven) {
    let Proven { account, .. } = *stale;
    let stale = || stale.clone();
    let all = async || {
        let found = store.credentials_of(account).await.unwrap().unwrap();
        (
            store.find_profile(account).await.unwrap().unwrap(),
            (found.kdf, found.password_hash, found.sealed_wrap, found.totp),
            store.find_pending_totp(account).await.unwrap(),
            store.list_sessions(account).await.unwrap(),
        )
    };
    let before = all().await;
    let thief = Person(66);
    assert_eq!(store.change_password(stale(), thief.wraps(b't')).await.unwrap(), None);
    assert_eq!(all().await, before, "the password");
    assert!(!store.change_recovery_wrap(stale(), thief.recovery_wrap(b't'), NOW_MS + 9).await.unwrap());
    assert_eq!(all().await, before, "the recovery key");
    for email in [Some(thief.email()), None] {
        assert!(!store.wish_email(stale(), email, NOW_MS).await.unwrap());
        assert_eq!(all().await, before, "the address");
    }
    assert!(!store.begin_totp(stale(), b"another secret".to_vec()).await.unwrap());
    assert_eq!(all().await, before, "an authenticator");
    assert!(!store.replace_recovery_codes(stale(), vec![token(66)]).await.unwrap());
    assert!(!store.use_recovery_code(account, token(66)).await.unwrap());
    assert_eq!(all().await, before, "the recovery codes");
    assert_eq!(store.disable_totp(account, Some(stale())).await.unwrap(), None);
    assert_eq!(all().await, before, "the second factor");
    assert_eq!(store.delete_account(stale(), NOW_MS).await.unwrap(), None);
    assert_eq!(all().await, before, "the account");
    assert!(store.find_deleted(&[account]).await.unwrap().is_empty());
}

/// Before an authenticator is set up, while it is, and when it is on: by then this has made all the changes that the other
/// may not.
async fn nothing_is_ever_changed_by(store: &Arc<dyn Store>, stale: &Proven, good: &Proven) {
    nothing_is_changed_by(store, stale).await;
    let wished = Person(77).email();
    assert!(store.wish_email(good.clone(), Some(wished.clone()), NOW_MS).await.unwrap());
    assert!(store.arm_email(good.account, token(7), NOW_MS).await.unwrap().is_some());
    assert!(store.begin_totp(good.clone(), SECRET.to_vec()).await.unwrap());
    nothing_is_changed_by(store, stale).await;
    let codes = (10..20).map(token).collect();
    assert!(store.enable_totp(good.account, SECRET.to_vec(), 1, codes, NOW_MS).await.unwrap());
    nothing_is_changed_by(store, stale).await;
    assert!(store.replace_recovery_codes(good.clone(), vec![token(30)]).await.unwrap());
    assert_eq!(store.confirm_email(token(7), 0).await.unwrap().unwrap().now, wished, "it still stands");
    assert!(store.disable_totp(good.account, Some(good.clone())).await.unwrap().is_some());
    assert!(store.delete_account(good.clone(), NOW_MS).await.unwrap().is_some());
}

/// Checking a password waits behind others that are checked: meanwhile its owner may have noticed that it is known, and
/// have set another. The session that changed it goes on, and yet has to prove the new one.
pub async fn nothing_is_changed_by_a_password_that_was_changed_meanwhile(store: Arc<dyn Store>) {
    let [alice] = people(&store, 1).await.try_into().unwrap();
    let stale = alice.proven();
    assert!(store.change_password(alice.proven(), alice.wraps(b'K')).await.unwrap().is_some());
    let good = Proven { password_hash: alice.wraps(b'K').password_hash, ..stale.clone() };
    nothing_is_ever_changed_by(&store, &stale, &good).await;
}

/// Whoever was signed out does nothing any more, also by the right password; and a session proves nothing for an account
/// that is not its own.
pub async fn nothing_is_changed_by_a_session_that_was_ended_meanwhile(store: Arc<dyn Store>) {
    let [alice, bob, carol] = people(&store, 3).await.try_into().unwrap();
    let [ended] = alice.signed_in(&store, [1]).await;
    assert!(store.end_session(alice.account(), ended).await.unwrap());
    nothing_is_changed_by(&store, &alice.proven_in(bob.session())).await;
    nothing_is_changed_by(&store, &Proven { account: bob.account(), ..alice.proven() }).await;
    assert_eq!(store.disable_totp(bob.account(), Some(alice.proven())).await.unwrap(), None);
    nothing_is_ever_changed_by(&store, &alice.proven_in(ended), &alice.proven()).await;

    let stale = carol.proven();
    assert!(store.arm_reset(carol.account(), token(1), NOW_MS).await.unwrap());
    assert!(store.redeem_reset(redemption(carol, 1, replaced(carol, 1))).await.unwrap().is_some());
    nothing_is_changed_by(&store, &stale).await;
}

/// A login by the old password does not come in after all sessions were ended because of it; it does not even forget those
/// that are over.
pub async fn a_session_begins_by_the_password_that_stands(store: Arc<dyn Store>) {
    let [alice, bob] = people(&store, 2).await.try_into().unwrap();
    let session = SessionId::from_bytes([1; 16]);
    let begin = async |expired: Expiry, proven| {
        store.begin_session(alice.begun_session(session, NOW_MS), expired, proven).await.unwrap()
    };
    let all = Expiry { created_before_ms: u64::MAX, seen_before_ms: u64::MAX };
    assert!(store.change_password(alice.proven(), alice.wraps(b'K')).await.unwrap().is_some());
    for stale in [alice.password_hash(), bob.password_hash()] {
        assert_eq!(begin(all, stale).await, None);
        assert!(store.find_session(session).await.unwrap().is_none());
        assert!(store.find_session(alice.session()).await.unwrap().is_some(), "nothing was written");
    }
    let nobody = Person(9);
    let begun = nobody.begun_session(nobody.session(), NOW_MS);
    assert_eq!(store.begin_session(begun, all, nobody.password_hash()).await.unwrap(), None);
    assert!(store.find_session(nobody.session()).await.unwrap().is_none());
    assert!(begin(NOTHING_EXPIRED, alice.wraps(b'K').password_hash).await.is_some());
    assert_eq!(store.find_session(session).await.unwrap().unwrap().account, alice.account());
}

/// All have proven the same one: the first change makes the others' proof worthless.
pub async fn of_fifty_who_change_one_password_one_does(store: Arc<dyn Store>) {
    let [alice] = people(&store, 1).await.try_into().unwrap();
    let outcomes = fifty_at_once(|number| {
        let store = Arc::clone(&store);
        async move { store.change_password(alice.proven(), alice.wraps(100 + number as u8)).await.unwrap() }
    });
    let outcomes = outcomes.await;
    let won: Vec<u8> = (0..50).filter(|number| outcomes[usize::from(*number)].is_some()).collect();
    let [winner] = won.try_into().expect("exactly one did");
    let found = store.credentials_of(alice.account()).await.unwrap().unwrap();
    let wraps = alice.wraps(100 + winner);
    assert_eq!((found.kdf, found.password_hash), (wraps.kdf, wraps.password_hash));
    assert_eq!(found.sealed_wrap, wraps.sealed_wrap);
}
