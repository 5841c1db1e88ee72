use std::sync::Arc;

use futures::future::join_all;
use protocol::Username;
use relay::port::{Registered, Store};

use crate::cast::{NOW_MS, Person, people};

/// A registration that is refused leaves no account, no keys, no vault, no session.
pub async fn a_registration_is_all_or_nothing(store: Arc<dyn Store>) {
    let alice = Person(1).registered(&store).await;

    let second = Person(2);
    let (mut account, session) = second.registration();
    account.username = alice.name().parse().unwrap();
    assert_eq!(store.register(account, session, None).await.unwrap(), Registered::UsernameTaken);
    assert!(store.find_keys(&[second.account()]).await.unwrap().is_empty());
    assert!(store.vault_rows(second.account()).await.unwrap().is_empty());
    assert!(store.find_session(second.session()).await.unwrap().is_none());

    let (mut account, mut session) = second.registration();
    account.account = alice.account();
    session.account = alice.account();
    let name = account.username.clone();
    assert_eq!(store.register(account, session, None).await.unwrap(), Registered::AccountTaken);
    assert!(store.find_credentials(&name).await.unwrap().is_none());
    assert!(store.find_session(second.session()).await.unwrap().is_none());

    second.registered(&store).await;
}

/// Everything that was given comes back as it was.
pub async fn what_was_registered_reads_back(store: Arc<dyn Store>) {
    let alice = Person(1).registered(&store).await;
    let (account, session) = alice.registration();

    let found = store.find_credentials(&account.username).await.unwrap().unwrap();
    assert_eq!(found.account, account.account);
    assert_eq!(found.kdf, account.kdf);
    assert_eq!(found.password_hash, account.password_hash);
    assert_eq!(found.sealed_wrap, account.sealed_wrap);
    assert_eq!((&found.username, &found.email), (&account.username, &account.email));
    assert_eq!((found.totp, found.login_mails), (None, true));

    let found = store.credentials_of(alice.account()).await.unwrap().unwrap();
    assert_eq!((found.account, &found.username), (account.account, &account.username));
    assert_eq!((found.password_hash, found.sealed_wrap), (account.password_hash, account.sealed_wrap));

    let [bundle] = store.find_keys(&[alice.account()]).await.unwrap().try_into().unwrap();
    assert_eq!(bundle.username, account.username);
    assert_eq!(bundle.identity, account.identity);
    assert_eq!(bundle.prekey, account.prekey);

    let live = store.find_session(alice.session()).await.unwrap().unwrap();
    assert_eq!((live.account, &live.username), (account.account, &account.username));
    assert_eq!((live.created_at_ms, live.last_seen_at_ms), (NOW_MS, NOW_MS));
    assert_eq!(live.unlock_half, session.unlock_half);
    assert_eq!(live.kdf, account.kdf);
    assert_eq!(live.mailbox_end.0, 0);

    let nobody: Username = "nobody-at-all".parse().unwrap();
    assert!(store.find_credentials(&nobody).await.unwrap().is_none());
    assert!(store.credentials_of(Person(9).account()).await.unwrap().is_none());
    assert!(store.find_profile(Person(9).account()).await.unwrap().is_none());
}

/// The name is decided where it is written, not where it was looked up.
pub async fn of_fifty_who_want_one_name_one_gets_it(store: Arc<dyn Store>) {
    let tries = (0..50).map(|number| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            let (mut account, session) = Person(number).registration();
            account.username = "wanted".parse().unwrap();
            store.register(account, session, None).await.unwrap()
        })
    });
    let outcomes: Vec<Registered> = join_all(tries).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Registered::Done).count(), 1);
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Registered::UsernameTaken).count(), 49);

    let winner = store.find_credentials(&"wanted".parse().unwrap()).await.unwrap().unwrap();
    let everyone: Vec<_> = (0..50).map(|number| Person(number).account()).collect();
    let bundles = store.find_keys(&everyone).await.unwrap();
    assert_eq!(bundles.iter().map(|bundle| bundle.account).collect::<Vec<_>>(), [winner.account]);
}

/// By prefix, after a name, at most so many; signs in a prefix are no patterns.
pub async fn users_are_listed_in_the_order_of_their_names(store: Arc<dyn Store>) {
    for (number, name) in ["bob", "al_ice", "alice", "al.ice", "carol", "alicia", "al-ice"].iter().enumerate()
    {
        let (mut account, session) = Person(number as u16).registration();
        account.username = name.parse().unwrap();
        assert_eq!(store.register(account, session, None).await.unwrap(), Registered::Done);
    }
    let list = async |prefix: &str, after: Option<&str>, limit: usize| {
        let after: Option<Username> = after.map(|name| name.parse().unwrap());
        let users = store.list_users(prefix, after.as_ref(), limit).await.unwrap();
        users.iter().map(|user| user.username.to_string()).collect::<Vec<_>>()
    };
    let all = ["al-ice", "al.ice", "al_ice", "alice", "alicia", "bob", "carol"];
    assert_eq!(list("", None, 10).await, all);
    assert_eq!(list("", None, 3).await, all[..3]);
    assert_eq!(list("", Some("alice"), 2).await, all[4..6]);
    assert_eq!(list("ali", None, 10).await, ["alice", "alicia"]);
    assert_eq!(list("ali", Some("alice"), 10).await, ["alicia"]);
    assert_eq!(list("al_", None, 10).await, ["al_ice"]);
    for nobody in ["%", "al%", "_", "al?", "[a]", "'", "ä", "carolx"] {
        assert!(list(nobody, None, 10).await.is_empty(), "{nobody}");
    }
    assert!(list("", Some("carol"), 10).await.is_empty());
    assert!(list("", None, 0).await.is_empty());
}

/// Those who do not exist are left out, and are no error.
pub async fn keys_are_found_for_those_who_exist(store: Arc<dyn Store>) {
    let people = people(&store, 3).await;
    let asked = [Person(9), people[2], people[0]].map(Person::account);
    let mut found: Vec<_> =
        store.find_keys(&asked).await.unwrap().iter().map(|bundle| bundle.account).collect();
    found.sort_unstable();
    assert_eq!(found, [people[0].account(), people[2].account()]);
    assert!(store.find_keys(&[]).await.unwrap().is_empty());
}
