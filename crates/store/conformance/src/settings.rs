use std::sync::Arc;

use relay::port::{Store, StoredProfile};

use crate::cast::{NOW_MS, people, sorted, token};

/// What a new account's settings show, and what each change makes of it.
pub async fn a_profile_shows_what_was_set(store: Arc<dyn Store>) {
    let [alice, bob] = people(&store, 2).await.try_into().unwrap();
    let profile = async || store.find_profile(alice.account()).await.unwrap().unwrap();
    let mut expected = StoredProfile {
        username: alice.name().parse().unwrap(),
        created_at_ms: NOW_MS,
        email: Some(alice.email()),
        pending_email: None,
        login_mails: true,
        totp_since_ms: None,
        recovery_codes_left: 0,
        wrapped_by_recovery_key: alice.recovery_wrap(b'w'),
        recovery_key_made_at_ms: NOW_MS,
        sealed_vaults: Vec::new(),
    };
    assert_eq!(profile().await, expected);

    store.set_login_mails(alice.account(), false).await.unwrap();
    expected.login_mails = false;
    assert!(store.wish_email(alice.proven(), Some(bob.email()), NOW_MS).await.unwrap());
    expected.pending_email = Some(bob.email());
    let wrap = alice.recovery_wrap(b'W');
    assert!(store.change_recovery_wrap(alice.proven(), wrap, NOW_MS + 1).await.unwrap());
    expected.wrapped_by_recovery_key = alice.recovery_wrap(b'W');
    expected.recovery_key_made_at_ms = NOW_MS + 1;
    assert_eq!(profile().await, expected);
    assert!(!store.credentials_of(alice.account()).await.unwrap().unwrap().login_mails);

    assert!(store.begin_totp(alice.proven(), b"secret".to_vec()).await.unwrap());
    assert_eq!(profile().await, expected, "what is being set up is not on");
    let codes = (0..10).map(token).collect();
    assert!(store.enable_totp(alice.account(), b"secret".to_vec(), 5, codes, NOW_MS + 2).await.unwrap());
    assert!(store.use_recovery_code(alice.account(), token(3)).await.unwrap());
    expected.totp_since_ms = Some(NOW_MS + 2);
    expected.recovery_codes_left = 9;
    assert_eq!(profile().await, expected);

    store.set_login_mails(alice.account(), true).await.unwrap();
    expected.login_mails = true;
    assert_eq!(profile().await, expected);
    let bobs = store.find_profile(bob.account()).await.unwrap().unwrap();
    assert_eq!((bobs.username.as_str(), bobs.login_mails), (bob.name().as_str(), true));
    assert_eq!((bobs.totp_since_ms, bobs.recovery_codes_left, bobs.pending_email), (None, 0, None));
    assert_eq!(bobs.wrapped_by_recovery_key, bob.recovery_wrap(b'w'));
}

/// The session that changed it goes on, by the new parameters; a reset that was asked for before is void.
pub async fn a_new_password_ends_the_other_sessions_and_the_reset(store: Arc<dyn Store>) {
    let [alice, bob] = people(&store, 2).await.try_into().unwrap();
    let [one, other] = alice.signed_in(&store, [1, 2]).await;
    for (person, number) in [(alice, 1), (bob, 2)] {
        assert!(store.arm_reset(person.account(), token(number), NOW_MS).await.unwrap());
    }
    let wraps = alice.wraps(b'K');
    let ended = store.change_password(alice.proven_in(one), wraps.clone()).await.unwrap().unwrap();
    assert_eq!(sorted(ended), sorted(vec![alice.session(), other]));

    let found = store.credentials_of(alice.account()).await.unwrap().unwrap();
    assert_eq!((found.kdf, found.password_hash), (wraps.kdf, wraps.password_hash));
    assert_eq!(found.sealed_wrap, wraps.sealed_wrap);
    assert_eq!(store.find_session(one).await.unwrap().unwrap().kdf, wraps.kdf);
    for session in [alice.session(), other] {
        assert!(store.find_session(session).await.unwrap().is_none());
    }
    assert!(store.find_reset(token(1)).await.unwrap().is_none());

    assert!(store.find_session(bob.session()).await.unwrap().is_some(), "another account's");
    assert!(store.find_reset(token(2)).await.unwrap().is_some());
    let bobs = store.credentials_of(bob.account()).await.unwrap().unwrap();
    assert_eq!(bobs.password_hash, bob.registration().0.password_hash);
}
