use std::sync::Arc;

use protocol::{
    Binary, Cursor,
    vault::{NewRow, VaultKind},
};
use relay::port::{Claim, Delivered, NewPrekeys, Proven, RedeemedKeys, Redemption, Registered, Store};

use crate::cast::{
    NO_PREKEYS, NOW_MS, Person, deliver, device_id, envelope, people, publish, shared_of, sorted, token,
};

/// Of everything that an account can have, nothing is found any more.
pub async fn a_deleted_account_leaves_nothing(store: Arc<dyn Store>) {
    let [alice, bob] = people(&store, 2).await.try_into().unwrap();
    let proven = furnish(&store, alice).await;
    let [other] = alice.signed_in(&store, [2]).await;
    let sessions = [proven.session, other];
    deliver(&store, envelope(alice, 0, &[alice, bob])).await;

    let ended = store.delete_account(proven.clone(), NOW_MS).await.unwrap().unwrap();
    assert_eq!(sorted(ended), sessions);
    for session in sessions {
        assert!(store.find_session(session).await.unwrap().is_none());
    }
    let account = alice.account();
    assert!(store.find_credentials(&alice.name().parse().unwrap()).await.unwrap().is_none());
    assert!(store.credentials_of(account).await.unwrap().is_none());
    assert!(store.find_profile(account).await.unwrap().is_none());
    assert!(store.find_keys(&[account]).await.unwrap().is_empty());
    assert!(store.list_sessions(account).await.unwrap().is_empty());
    assert!(store.vault_rows(account).await.unwrap().is_empty());
    assert!(store.find_sealed_vault(account, 1).await.unwrap().is_none());
    assert!(store.accounts_of_email(&alice.email().folded()).await.unwrap().is_empty());
    assert!(store.find_reset(token(2)).await.unwrap().is_none());
    assert!(store.confirm_email(token(3), 0).await.unwrap().is_none());
    assert!(!store.use_totp_step(account, 1_000).await.unwrap());
    assert!(!store.use_recovery_code(account, token(10)).await.unwrap());
    assert!(store.prekey_status(account, None, Cursor::START, 0).await.unwrap().is_none());
    let claim = Claim {
        by: bob.account(),
        accounts: vec![account],
        of_devices: false,
        at_ms: NOW_MS,
        published_after_ms: 0,
        most_unused: u32::MAX,
        by_device: None,
    };
    for of_devices in [false, true] {
        let claim = Claim { of_devices, ..claim.clone() };
        assert!(store.claim_prekeys(claim).await.unwrap().is_empty());
    }
    for page in [
        store.page(account, Cursor::START, 10, usize::MAX).await.unwrap(),
        store.history(account, Cursor(u64::MAX), 10, usize::MAX).await.unwrap(),
    ] {
        assert_eq!((page.items.len(), page.end), (0, Cursor::START));
    }
    let users = store.list_users("", None, 10).await.unwrap();
    assert_eq!(users.iter().map(|user| user.account).collect::<Vec<_>>(), [bob.account()]);
    assert!(store.delete_account(proven, NOW_MS + 1).await.unwrap().is_none(), "once more");
}

/// A second factor, codes, a reset, a wish, a vault that was put away, prekeys, and one session: what it has proven.
async fn furnish(store: &Arc<dyn Store>, person: Person) -> Proven {
    let account = person.account();
    assert!(store.arm_reset(account, token(1), NOW_MS).await.unwrap());
    let (registered, _) = person.registration();
    let redemption = Redemption {
        token: token(1),
        account,
        wraps: person.wraps(b'1'),
        keys: RedeemedKeys::Replace {
            wrapped_by_recovery_key: person.recovery_wrap(1),
            identity: registered.identity,
            prekey: registered.prekey,
            vault: vec![NewRow {
                kind: VaultKind::Identity,
                key_id: Binary(Vec::new()),
                sealed: Binary(vec![1; 60]),
            }],
        },
        at_ms: NOW_MS,
    };
    assert!(store.redeem_reset(redemption).await.unwrap().is_some());
    let [session] = person.signed_in(store, [1]).await;
    let password_hash = person.wraps(b'1').password_hash;
    let proven = Proven { account, session, password_hash };
    let device = Some((device_id(1), person.device_prekeys(1, 1..=2)));
    publish(store, person, NewPrekeys { one_time: person.one_time_prekeys(1..=2), device, ..NO_PREKEYS })
        .await;
    assert!(store.begin_totp(proven.clone(), b"secret".to_vec()).await.unwrap());
    assert!(store.enable_totp(account, b"secret".to_vec(), 1, vec![token(10)], NOW_MS).await.unwrap());
    assert!(store.arm_reset(account, token(2), NOW_MS).await.unwrap());
    assert!(store.wish_email(proven.clone(), Some(Person(77).email()), NOW_MS).await.unwrap());
    assert!(store.arm_email(account, token(3), NOW_MS).await.unwrap().is_some());
    proven
}

/// Their copies, their places, and that an envelope was sent.
pub async fn what_others_hold_of_a_deleted_account_stays_theirs(store: Arc<dyn Store>) {
    let [alice, bob, carol] = people(&store, 3).await.try_into().unwrap();
    deliver(&store, envelope(alice, 0, &[alice, bob])).await;
    deliver(&store, envelope(alice, 1, &[alice, carol])).await;
    deliver(&store, envelope(bob, 0, &[alice, bob])).await;
    let before = store.page(bob.account(), Cursor::START, 10, usize::MAX).await.unwrap();
    assert!(store.delete_account(alice.proven(), NOW_MS).await.unwrap().is_some());
    let after = store.page(bob.account(), Cursor::START, 10, usize::MAX).await.unwrap();
    assert_eq!(after, before);
    assert_eq!(after.items[0].shared.0, shared_of(alice, 0));

    let again = store.deliver(envelope(bob, 0, &[alice, bob])).await.unwrap();
    assert!(matches!(again, Delivered::AlreadySent(sent) if sent.sender_cursor == Cursor(2)));
    let new = store.deliver(envelope(bob, 1, &[alice, bob])).await.unwrap();
    assert_eq!(new, Delivered::UnknownRecipients(vec![alice.account()]));
    let context = store
        .send_context(envelope(bob, 1, &[]).message, bob.account(), &[alice.account(), bob.account()])
        .await
        .unwrap();
    assert_eq!(context.recipients.iter().map(|keys| keys.account).collect::<Vec<_>>(), [bob.account()]);
    let places = deliver(&store, envelope(bob, 2, &[bob, carol])).await;
    assert_eq!(places, [(bob.account(), Cursor(3)), (carol.account(), Cursor(2))], "no gap");
    assert!(store.delete_account(carol.proven(), NOW_MS).await.unwrap().is_some());
    let page = store.page(bob.account(), Cursor::START, 10, usize::MAX).await.unwrap();
    assert_eq!(page.items.len(), 3);
    assert!(page.items.iter().all(|item| !item.shared.0.is_empty()));
    assert!(store.find_session(bob.session()).await.unwrap().is_some());
}

/// Whoever wrote to the account under its name shall not reach a stranger under it.
pub async fn the_name_of_a_deleted_account_is_never_given_again(store: Arc<dyn Store>) {
    let [alice, bob] = people(&store, 2).await.try_into().unwrap();
    let all = [alice, bob, Person(9)].map(Person::account);
    assert!(store.find_deleted(&all).await.unwrap().is_empty());
    assert!(store.delete_account(Person(9).proven(), NOW_MS).await.unwrap().is_none(), "nobody");
    assert!(store.find_deleted(&all).await.unwrap().is_empty(), "and no note of nobody");
    assert!(store.delete_account(alice.proven(), NOW_MS).await.unwrap().is_some());
    assert_eq!(store.find_deleted(&all).await.unwrap(), [alice.account()]);
    assert!(store.find_deleted(&[]).await.unwrap().is_empty());

    let (mut account, session) = Person(3).registration();
    account.username = alice.name().parse().unwrap();
    assert_eq!(store.register(account, session, None).await.unwrap(), Registered::UsernameTaken);
    let (mut account, mut session) = Person(3).registration();
    account.account = alice.account();
    session.account = alice.account();
    assert_eq!(store.register(account, session, None).await.unwrap(), Registered::AccountTaken);
    let (account, session) = alice.registration();
    assert_ne!(store.register(account, session, None).await.unwrap(), Registered::Done);
    assert!(store.find_keys(&[alice.account(), Person(3).account()]).await.unwrap().is_empty());

    Person(3).registered(&store).await;
    Person(9).registered(&store).await;
    assert!(store.delete_account(bob.proven(), NOW_MS).await.unwrap().is_some());
    let deleted = store.find_deleted(&all).await.unwrap();
    assert_eq!(sorted(deleted), sorted(vec![alice.account(), bob.account()]));
}
