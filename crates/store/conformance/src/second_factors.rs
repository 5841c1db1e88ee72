use std::sync::Arc;

use crypto::id::TokenHash;
use relay::port::{Proven, Store, StoredTotp};

use crate::cast::{NOW_MS, Person, fifty_at_once, people, sorted, token};

const SECRET: &[u8] = b"a sealed secret";

fn codes(numbers: core::ops::Range<u16>) -> Vec<TokenHash> {
    numbers.map(token).collect()
}

async fn switched_on(store: &Arc<dyn Store>, person: Person, step: u64) {
    switched_on_by(store, person.proven(), step).await;
}

async fn switched_on_by(store: &Arc<dyn Store>, proven: Proven, step: u64) {
    let account = proven.account;
    assert!(store.begin_totp(proven, SECRET.to_vec()).await.unwrap());
    assert!(store.enable_totp(account, SECRET.to_vec(), step, codes(0..10), NOW_MS).await.unwrap());
}

async fn totp(store: &Arc<dyn Store>, person: Person) -> Option<StoredTotp> {
    store.credentials_of(person.account()).await.unwrap().unwrap().totp
}

/// Who begins twice has two codes on two screens: only the newer one counts, and nothing that was never begun.
pub async fn only_the_secret_that_is_being_set_up_is_switched_on(store: Arc<dyn Store>) {
    let [alice, bob] = people(&store, 2).await.try_into().unwrap();
    let enable = async |secret: &[u8]| {
        store.enable_totp(alice.account(), secret.to_vec(), 7, codes(0..10), NOW_MS).await.unwrap()
    };
    assert_eq!(store.find_pending_totp(alice.account()).await.unwrap(), None);
    assert!(!enable(SECRET).await, "nothing was begun");
    assert!(store.begin_totp(alice.proven(), b"an older one".to_vec()).await.unwrap());
    assert!(store.begin_totp(alice.proven(), SECRET.to_vec()).await.unwrap());
    assert_eq!(store.find_pending_totp(alice.account()).await.unwrap().as_deref(), Some(SECRET));
    assert!(!enable(b"an older one").await);
    assert_eq!(totp(&store, alice).await, None);
    assert!(!store.use_totp_step(alice.account(), 8).await.unwrap(), "it is not on");
    assert!(!store.use_recovery_code(alice.account(), token(0)).await.unwrap());

    assert!(enable(SECRET).await);
    assert_eq!(totp(&store, alice).await, Some(StoredTotp { sealed_secret: SECRET.to_vec(), last_step: 7 }));
    let by_name = store.find_credentials(&alice.name().parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(by_name.totp, totp(&store, alice).await);
    assert_eq!(store.find_pending_totp(alice.account()).await.unwrap(), None);
    assert!(!enable(SECRET).await, "it is on already");
    assert_eq!(totp(&store, bob).await, None, "another account's");
    assert!(!store.begin_totp(Person(9).proven(), SECRET.to_vec()).await.unwrap(), "nobody's");
}

/// Neither its secret nor its step is lost to whoever begins anew.
pub async fn a_second_factor_that_is_on_is_not_set_up_again(store: Arc<dyn Store>) {
    let [alice] = people(&store, 1).await.try_into().unwrap();
    switched_on(&store, alice, 7).await;
    assert!(!store.begin_totp(alice.proven(), b"another".to_vec()).await.unwrap());
    assert_eq!(store.find_pending_totp(alice.account()).await.unwrap(), None);
    assert_eq!(totp(&store, alice).await, Some(StoredTotp { sealed_secret: SECRET.to_vec(), last_step: 7 }));
}

/// A code that was looked over the shoulder is worthless, and so are those before it.
pub async fn a_step_is_used_once_and_never_an_older_one(store: Arc<dyn Store>) {
    let [alice, bob] = people(&store, 2).await.try_into().unwrap();
    for person in [alice, bob] {
        switched_on(&store, person, 100).await;
    }
    assert!(!store.use_totp_step(alice.account(), 100).await.unwrap(), "it switched the factor on");
    let used = fifty_at_once(|_| {
        let store = Arc::clone(&store);
        async move { store.use_totp_step(alice.account(), 105).await.unwrap() }
    });
    assert_eq!(used.await.into_iter().filter(|used| *used).count(), 1);
    for older in [0, 99, 104, 105] {
        assert!(!store.use_totp_step(alice.account(), older).await.unwrap(), "{older}");
    }
    assert_eq!(totp(&store, alice).await.unwrap().last_step, 105);
    assert!(store.use_totp_step(alice.account(), 106).await.unwrap());
    assert!(store.use_totp_step(bob.account(), 101).await.unwrap(), "another account's");
}

/// Each once, whoever hurries; and those of one account are none of another.
pub async fn a_recovery_code_is_used_once(store: Arc<dyn Store>) {
    let [alice, bob] = people(&store, 2).await.try_into().unwrap();
    switched_on(&store, alice, 1).await;
    let used = fifty_at_once(|_| {
        let store = Arc::clone(&store);
        async move { store.use_recovery_code(alice.account(), token(4)).await.unwrap() }
    });
    assert_eq!(used.await.into_iter().filter(|used| *used).count(), 1);
    assert!(!store.use_recovery_code(alice.account(), token(10)).await.unwrap(), "it is none of hers");
    assert!(!store.use_recovery_code(bob.account(), token(5)).await.unwrap());
    let profile = store.find_profile(alice.account()).await.unwrap().unwrap();
    assert_eq!(profile.recovery_codes_left, 9);
    assert!(store.use_recovery_code(alice.account(), token(5)).await.unwrap());
}

/// What was printed before is waste paper.
pub async fn new_recovery_codes_replace_the_old_ones(store: Arc<dyn Store>) {
    let [alice] = people(&store, 1).await.try_into().unwrap();
    assert!(!store.replace_recovery_codes(alice.proven(), codes(0..10)).await.unwrap(), "it is off");
    assert!(store.begin_totp(alice.proven(), SECRET.to_vec()).await.unwrap());
    assert!(!store.replace_recovery_codes(alice.proven(), codes(0..10)).await.unwrap(), "not yet on");
    assert!(!store.use_recovery_code(alice.account(), token(0)).await.unwrap());
    switched_on(&store, alice, 1).await;
    assert!(store.use_recovery_code(alice.account(), token(0)).await.unwrap());
    assert!(store.replace_recovery_codes(alice.proven(), codes(20..28)).await.unwrap());
    let profile = store.find_profile(alice.account()).await.unwrap().unwrap();
    assert_eq!(profile.recovery_codes_left, 8);
    assert!(!store.use_recovery_code(alice.account(), token(1)).await.unwrap());
    assert!(store.use_recovery_code(alice.account(), token(20)).await.unwrap());
}

/// The secret and the codes are gone, and whoever signed in by them elsewhere is out.
pub async fn switching_the_second_factor_off_forgets_it_and_ends_the_others(store: Arc<dyn Store>) {
    let [alice, bob] = people(&store, 2).await.try_into().unwrap();
    let [one, other] = alice.signed_in(&store, [1, 2]).await;
    let proven = alice.proven_in(one);
    let disabled = store.disable_totp(alice.account(), Some(proven.clone())).await.unwrap();
    assert_eq!(disabled, None, "it was off");
    assert!(store.begin_totp(alice.proven(), SECRET.to_vec()).await.unwrap());
    assert_eq!(store.disable_totp(alice.account(), None).await.unwrap(), None, "it was not yet on");
    assert_eq!(store.find_pending_totp(alice.account()).await.unwrap(), None, "and is not being set up");
    assert_eq!(store.list_sessions(alice.account()).await.unwrap().len(), 3);

    for person in [alice, bob] {
        switched_on(&store, person, 1).await;
    }
    let ended = store.disable_totp(alice.account(), Some(proven)).await.unwrap().unwrap();
    assert_eq!(sorted(ended), sorted(vec![alice.session(), other]));
    assert!(store.find_session(one).await.unwrap().is_some());
    assert_eq!(totp(&store, alice).await, None);
    assert!(!store.use_totp_step(alice.account(), 50).await.unwrap());
    assert!(!store.use_recovery_code(alice.account(), token(1)).await.unwrap());
    let profile = store.find_profile(alice.account()).await.unwrap().unwrap();
    assert_eq!((profile.totp_since_ms, profile.recovery_codes_left), (None, 0));

    switched_on_by(&store, alice.proven_in(one), 1).await;
    assert_eq!(store.disable_totp(alice.account(), None).await.unwrap(), Some(vec![one]));
    assert!(totp(&store, bob).await.is_some(), "another account's");
    assert!(store.find_session(bob.session()).await.unwrap().is_some());
    assert!(store.use_recovery_code(bob.account(), token(1)).await.unwrap());
}
