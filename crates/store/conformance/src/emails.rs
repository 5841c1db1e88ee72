use std::sync::Arc;

use protocol::EmailAddress;
use relay::port::{ArmedEmail, ConfirmedEmail, RedeemedKeys, Registered, Store};

use crate::{
    cast::{NOW_MS, Person, people, token},
    resets::{redemption, replaced},
};

fn address(text: &str) -> EmailAddress {
    text.parse().unwrap()
}

/// An address is the account's when its token comes back, and not before.
pub async fn an_address_changes_when_it_is_confirmed(store: Arc<dyn Store>) {
    let [alice, bob] = people(&store, 2).await.try_into().unwrap();
    let email = async || store.credentials_of(alice.account()).await.unwrap().unwrap().email;
    let new = address("New@Example.org");
    assert_eq!(store.arm_email(alice.account(), token(1), NOW_MS).await.unwrap(), None, "no wish");
    assert_eq!(store.confirm_email(token(1), 0).await.unwrap(), None);

    assert!(store.wish_email(alice.proven(), Some(new.clone()), NOW_MS).await.unwrap());
    assert_eq!(email().await, Some(alice.email()));
    let armed = store.arm_email(alice.account(), token(1), NOW_MS).await.unwrap();
    assert_eq!(armed, Some(ArmedEmail { username: alice.name().parse().unwrap(), email: new.clone() }));
    assert_eq!(store.confirm_email(token(2), 0).await.unwrap(), None, "another token");
    assert_eq!(email().await, Some(alice.email()));

    let confirmed = store.confirm_email(token(1), NOW_MS - 1).await.unwrap().unwrap();
    assert_eq!(
        confirmed,
        ConfirmedEmail {
            account: alice.account(),
            username: alice.name().parse().unwrap(),
            before: Some(alice.email()),
            now: new.clone(),
        }
    );
    assert_eq!(email().await, Some(new));
    let profile = store.find_profile(alice.account()).await.unwrap().unwrap();
    assert_eq!((profile.email, profile.pending_email), (email().await, None));
    assert_eq!(store.confirm_email(token(1), 0).await.unwrap(), None, "a token is good once");
    assert_eq!(store.arm_email(alice.account(), token(3), NOW_MS).await.unwrap(), None, "it is fulfilled");
    let bobs = store.credentials_of(bob.account()).await.unwrap().unwrap();
    assert_eq!(bobs.email, Some(bob.email()), "another account's");
}

/// A newer token makes the older one worthless, and so does a newer wish; a token that is too old stays unused.
pub async fn only_the_newest_token_confirms_and_not_for_long(store: Arc<dyn Store>) {
    let [alice] = people(&store, 1).await.try_into().unwrap();
    let wish = async |text: &str| {
        assert!(store.wish_email(alice.proven(), Some(address(text)), NOW_MS).await.unwrap());
    };
    let arm = async |number: u16| store.arm_email(alice.account(), token(number), NOW_MS).await.unwrap();
    wish("one@example.org").await;
    assert!(arm(1).await.is_some());
    assert!(arm(2).await.is_some());
    assert_eq!(store.confirm_email(token(1), 0).await.unwrap(), None);

    wish("two@example.org").await;
    assert_eq!(store.confirm_email(token(2), 0).await.unwrap(), None, "of an earlier wish");
    assert_eq!(arm(3).await.unwrap().email, address("two@example.org"));
    assert_eq!(store.confirm_email(token(3), NOW_MS).await.unwrap(), None, "too old");
    let profile = store.find_profile(alice.account()).await.unwrap().unwrap();
    assert_eq!(profile.pending_email, Some(address("two@example.org")), "nothing was written");
    assert_eq!(profile.email, Some(alice.email()));
    let confirmed = store.confirm_email(token(3), NOW_MS - 1).await.unwrap().unwrap();
    assert_eq!(confirmed.now, address("two@example.org"));
}

/// It went to the address before, which may not be its owner's any more.
pub async fn a_confirmed_address_makes_a_reset_token_worthless(store: Arc<dyn Store>) {
    let [alice] = people(&store, 1).await.try_into().unwrap();
    assert!(store.arm_reset(alice.account(), token(7), NOW_MS).await.unwrap());
    assert!(store.wish_email(alice.proven(), Some(address("new@example.org")), NOW_MS).await.unwrap());
    store.arm_email(alice.account(), token(1), NOW_MS).await.unwrap();
    assert!(store.find_reset(token(7)).await.unwrap().is_some(), "a wish changes nothing");
    store.confirm_email(token(1), 0).await.unwrap().unwrap();
    assert!(store.find_reset(token(7)).await.unwrap().is_none());
}

/// At once, and no token of before brings one back.
pub async fn an_address_is_removed_with_every_wish(store: Arc<dyn Store>) {
    let [alice] = people(&store, 1).await.try_into().unwrap();
    assert!(store.wish_email(alice.proven(), Some(address("one@example.org")), NOW_MS).await.unwrap());
    assert!(store.arm_email(alice.account(), token(1), NOW_MS).await.unwrap().is_some());
    assert!(store.wish_email(alice.proven(), None, NOW_MS).await.unwrap());
    let profile = store.find_profile(alice.account()).await.unwrap().unwrap();
    assert_eq!((profile.email, profile.pending_email), (None, None));
    assert_eq!(store.confirm_email(token(1), 0).await.unwrap(), None);

    assert!(store.wish_email(alice.proven(), Some(address("two@example.org")), NOW_MS).await.unwrap());
    assert!(store.arm_email(alice.account(), token(2), NOW_MS).await.unwrap().is_some());
    let confirmed = store.confirm_email(token(2), 0).await.unwrap().unwrap();
    assert_eq!((confirmed.before, confirmed.now), (None, address("two@example.org")));
}

/// The password is new because somebody else may have known the one before: it may be that one's wish, and the token is
/// in that one's mailbox.
pub async fn a_new_password_makes_a_wish_worthless(store: Arc<dyn Store>) {
    let [alice, bob, carol, dave] = people(&store, 4).await.try_into().unwrap();
    for (person, number) in [(alice, 1), (bob, 2), (carol, 3), (dave, 4)] {
        let new = address("new@example.org");
        assert!(store.wish_email(person.proven(), Some(new), NOW_MS).await.unwrap());
        assert!(store.arm_email(person.account(), token(number), NOW_MS).await.unwrap().is_some());
    }
    assert!(store.change_password(alice.proven(), alice.wraps(b'K')).await.unwrap().is_some());
    for (person, keys) in [(bob, RedeemedKeys::Keep), (carol, replaced(carol, 7))] {
        assert!(store.arm_reset(person.account(), token(9), NOW_MS).await.unwrap());
        assert!(store.redeem_reset(redemption(person, 9, keys)).await.unwrap().is_some());
    }
    for (person, number) in [(alice, 1), (bob, 2), (carol, 3)] {
        assert_eq!(store.confirm_email(token(number), 0).await.unwrap(), None, "{person:?}");
        assert_eq!(store.arm_email(person.account(), token(number), NOW_MS).await.unwrap(), None);
        let profile = store.find_profile(person.account()).await.unwrap().unwrap();
        assert_eq!((profile.email, profile.pending_email), (Some(person.email()), None));
    }
    assert!(store.confirm_email(token(4), 0).await.unwrap().is_some(), "another account's");
}

/// Whatever the case of its letters; one address may be that of several accounts, and wishes do not count.
pub async fn accounts_are_found_by_their_folded_address(store: Arc<dyn Store>) {
    for (number, email) in [
        (2, Some("Family@Example.org")),
        (1, Some("family@example.ORG")),
        (3, Some("JÖRG@example.org")),
        (4, None),
    ] {
        let (mut account, session) = Person(number).registration();
        account.email = email.map(address);
        assert_eq!(store.register(account, session, None).await.unwrap(), Registered::Done);
    }
    let of = async |folded: &str| {
        let users = store.accounts_of_email(folded).await.unwrap();
        users.iter().map(|user| (user.account, user.username.to_string())).collect::<Vec<_>>()
    };
    let both = [Person(1), Person(2)].map(|person| (person.account(), person.name()));
    assert_eq!(of(&address("FAMILY@example.org").folded()).await, both);
    assert_eq!(of(&address("JÖRG@EXAMPLE.org").folded()).await.len(), 1);
    for nobody in ["nobody@example.org", "family@example", "%@example.org", "", "new@example.org"] {
        assert!(of(nobody).await.is_empty(), "{nobody}");
    }

    let new = address("New@example.org");
    assert!(store.wish_email(Person(1).proven(), Some(new.clone()), NOW_MS).await.unwrap());
    assert!(of(&new.folded()).await.is_empty(), "it is not confirmed");
    store.arm_email(Person(1).account(), token(1), NOW_MS).await.unwrap();
    store.confirm_email(token(1), 0).await.unwrap().unwrap();
    assert_eq!(of(&new.folded()).await, both[..1]);
    assert_eq!(of("family@example.org").await, both[1..]);
}

/// Each is a mail to it: the address of somebody else must not become a flood by accounts that were made with it.
pub async fn at_most_fifty_accounts_are_found_by_one_address(store: Arc<dyn Store>) {
    let shared = address("Family@example.org");
    for number in (0..53).rev() {
        let (mut account, session) = Person(number).registration();
        account.email = Some(shared.clone());
        assert_eq!(store.register(account, session, None).await.unwrap(), Registered::Done);
    }
    let users = store.accounts_of_email(&shared.folded()).await.unwrap();
    let first: Vec<_> = (0..50).map(|number| Person(number).account()).collect();
    assert_eq!(users.iter().map(|user| user.account).collect::<Vec<_>>(), first, "by name");
}
