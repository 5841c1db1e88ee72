use std::sync::Arc;

use relay::port::{Invite, InviteUse, NewInvite, Registered, Store};

use crate::cast::{NOW_MS, Person, fifty_at_once, token};

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

async fn invited(store: &Arc<dyn Store>, number: u16, uses: u32) -> u64 {
    let invite =
        NewInvite { token: token(number), uses, created_at_ms: NOW_MS, expires_at_ms: NOW_MS + DAY_MS };
    store.add_invite(invite).await.unwrap()
}

async fn register(store: &Arc<dyn Store>, person: Person, number: u16, at_ms: u64) -> Registered {
    let (account, session) = person.registration();
    let invite = InviteUse { token: token(number), at_ms };
    store.register(account, session, Some(invite)).await.unwrap()
}

/// As many as it says, however many hurry; and the others left nothing.
pub async fn an_invitation_makes_as_many_accounts_as_it_says(store: Arc<dyn Store>) {
    invited(&store, 1, 7).await;
    let outcomes = fifty_at_once(|number| {
        let store = Arc::clone(&store);
        async move { register(&store, Person(number), 1, NOW_MS).await }
    });
    let outcomes = outcomes.await;
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Registered::Done).count(), 7);
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Registered::InviteRefused).count(), 43);
    for (number, outcome) in outcomes.iter().enumerate() {
        let person = Person(number as u16);
        let is_there = *outcome == Registered::Done;
        assert_eq!(store.credentials_of(person.account()).await.unwrap().is_some(), is_there);
        assert_eq!(store.find_session(person.session()).await.unwrap().is_some(), is_there);
        assert_eq!(store.vault_rows(person.account()).await.unwrap().is_empty(), !is_there);
    }
    assert_eq!(store.find_invite(token(1)).await.unwrap().unwrap().uses_left, 0);
}

/// Neither an unknown nor a revoked one makes an account, nor one whose time is over; without one, an account is made.
pub async fn an_invitation_is_refused_when_it_is_over(store: Arc<dyn Store>) {
    let number = invited(&store, 1, 5).await;
    let person = Person(1);
    assert_eq!(register(&store, person, 2, NOW_MS).await, Registered::InviteRefused, "unknown");
    assert_eq!(register(&store, person, 1, NOW_MS + DAY_MS).await, Registered::InviteRefused, "over");
    assert!(store.find_credentials(&person.name().parse().unwrap()).await.unwrap().is_none());
    assert!(store.find_keys(&[person.account()]).await.unwrap().is_empty());
    assert_eq!(store.find_invite(token(1)).await.unwrap().unwrap().uses_left, 5);
    assert_eq!(register(&store, person, 1, NOW_MS + DAY_MS - 1).await, Registered::Done);

    assert!(store.revoke_invite(number).await.unwrap());
    assert!(!store.revoke_invite(number).await.unwrap(), "there is none any more");
    assert_eq!(store.find_invite(token(1)).await.unwrap(), None);
    assert_eq!(register(&store, Person(2), 1, NOW_MS).await, Registered::InviteRefused, "revoked");
    Person(2).registered(&store).await;
}

/// A name that is taken costs nobody an invitation.
pub async fn a_refused_registration_leaves_the_invitation(store: Arc<dyn Store>) {
    let alice = Person(1).registered(&store).await;
    invited(&store, 1, 1).await;
    let (mut account, session) = Person(2).registration();
    account.username = alice.name().parse().unwrap();
    let invite = InviteUse { token: token(1), at_ms: NOW_MS };
    let taken = store.register(account, session, Some(invite)).await.unwrap();
    assert_eq!(taken, Registered::UsernameTaken);
    assert_eq!(store.find_invite(token(1)).await.unwrap().unwrap().uses_left, 1);
    assert_eq!(register(&store, Person(2), 1, NOW_MS).await, Registered::Done);
    assert_eq!(register(&store, Person(3), 1, NOW_MS).await, Registered::InviteRefused);
}

/// In the order of their numbers, which are never given twice.
pub async fn invitations_are_listed_by_their_numbers(store: Arc<dyn Store>) {
    assert!(store.list_invites().await.unwrap().is_empty());
    let [first, second, third] =
        [invited(&store, 3, 1).await, invited(&store, 2, 2).await, invited(&store, 1, 3).await];
    assert!(first < second && second < third);
    let invite = |number, uses_left| Invite {
        number,
        uses_left,
        created_at_ms: NOW_MS,
        expires_at_ms: NOW_MS + DAY_MS,
    };
    assert_eq!(store.list_invites().await.unwrap(), [invite(first, 1), invite(second, 2), invite(third, 3)]);
    assert_eq!(store.find_invite(token(2)).await.unwrap(), Some(invite(second, 2)));
    assert!(store.revoke_invite(third).await.unwrap());
    assert!(invited(&store, 4, 1).await > third);
    assert!(!store.revoke_invite(third).await.unwrap());
    assert_eq!(store.list_invites().await.unwrap().len(), 3);
}
