use std::{collections::HashMap, sync::Arc};

use crypto::{envelope::SEAL_BYTES, id::EnvelopeHash};
use futures::{FutureExt, future::join_all};
use protocol::{Cursor, limits::MAX_RECIPIENTS};
use relay::port::{Delivered, Store};

use crate::cast::{NOW_MS, Person, deliver, envelope, people, seal_of, shared_of};

const EVERYTHING: usize = usize::MAX;

/// Many senders at once, each to everyone: every mailbox counts 1, 2, 3 …, has every message once, and those of one sender
/// in the order in which that one sent them.
pub async fn a_mailbox_has_no_gap_however_many_write_to_it(store: Arc<dyn Store>) {
    const SENDERS: u16 = 8;
    const MESSAGES: u32 = 20;
    let people = people(&store, SENDERS).await;
    let senders = people.iter().map(|sender| {
        let (store, sender, people) = (Arc::clone(&store), *sender, people.clone());
        tokio::spawn(async move {
            for number in 0..MESSAGES {
                let places = deliver(&store, envelope(sender, number, &people)).await;
                assert_eq!(places.len(), people.len());
            }
        })
    });
    join_all(senders).await.into_iter().for_each(Result::unwrap);

    let total = u64::from(SENDERS) * u64::from(MESSAGES);
    for reader in &people {
        let page = store.page(reader.account(), Cursor::START, u32::MAX, EVERYTHING).await.unwrap();
        assert_eq!(page.end, Cursor(total));
        assert!(page.items.iter().map(|item| item.cursor.0).eq(1..=total));
        let mut next_of: HashMap<&[u8], u32> = HashMap::new();
        for item in &page.items {
            let sender = &item.shared.0[..3];
            let number = next_of.entry(sender).or_default();
            assert_eq!(item.shared.0[8..12], number.to_be_bytes(), "the order of one sender");
            assert_eq!(item.seal.0, seal_of(*reader, *number));
            *number += 1;
        }
        assert_eq!(next_of.len(), usize::from(SENDERS));
    }
}

/// The same answer the second time, and after many other messages.
pub async fn an_envelope_is_stored_once_for_ever(store: Arc<dyn Store>) {
    let [alice, bob] = people(&store, 2).await.try_into().unwrap();
    deliver(&store, envelope(bob, 0, &[alice, bob])).await;
    let first = envelope(alice, 0, &[alice, bob]);
    let places = deliver(&store, first.clone()).await;
    assert_eq!(places, [(alice.account(), Cursor(2)), (bob.account(), Cursor(2))]);

    for number in 1..10 {
        deliver(&store, envelope(bob, number, &[alice, bob])).await;
        let mut later = first.clone();
        later.received_at_ms += 1_000_000;
        let Delivered::AlreadySent(sent) = store.deliver(later).await.unwrap() else {
            panic!("it was sent before");
        };
        assert_eq!((sent.hash, sent.sender), (first.hash, first.sender));
        assert_eq!((sent.sender_cursor, sent.received_at_ms), (Cursor(2), first.received_at_ms));
    }
    let page = store.page(bob.account(), Cursor::START, 100, EVERYTHING).await.unwrap();
    assert_eq!(page.items.iter().filter(|item| item.shared.0 == shared_of(alice, 0)).count(), 1);
    assert_eq!(page.end, Cursor(11));
}

/// A device that is unsure whether its request came through asks again while the first is still on its way.
pub async fn of_many_copies_at_once_one_is_stored(store: Arc<dyn Store>) {
    let [alice, bob] = people(&store, 2).await.try_into().unwrap();
    let tries = (0..30).map(|_| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.deliver(envelope(alice, 0, &[alice, bob])).await.unwrap() })
    });
    let outcomes: Vec<Delivered> = join_all(tries).await.into_iter().map(Result::unwrap).collect();
    let stored = outcomes.iter().filter(|outcome| matches!(outcome, Delivered::Stored(_))).count();
    let again = outcomes
        .iter()
        .filter(|outcome| matches!(outcome, Delivered::AlreadySent(sent) if sent.sender_cursor == Cursor(1)))
        .count();
    assert_eq!((stored, again), (1, 29));
    assert_eq!(store.page(bob.account(), Cursor::START, 10, EVERYTHING).await.unwrap().items.len(), 1);
}

/// The first one stays, and is what the store answers with.
pub async fn another_envelope_under_a_taken_id_changes_nothing(store: Arc<dyn Store>) {
    let [alice, bob, carol] = people(&store, 3).await.try_into().unwrap();
    let first = envelope(alice, 0, &[alice, bob]);
    deliver(&store, first.clone()).await;

    let mut second = envelope(carol, 1, &[bob, carol]);
    second.message = first.message;
    second.hash = EnvelopeHash::from_bytes([9; 32]);
    let Delivered::AlreadySent(sent) = store.deliver(second).await.unwrap() else {
        panic!("the id is taken");
    };
    assert_eq!((sent.hash, sent.sender), (first.hash, alice.account()));
    let page = store.page(bob.account(), Cursor::START, 10, EVERYTHING).await.unwrap();
    assert_eq!((page.items.len(), page.end), (1, Cursor(1)));
    assert_eq!(page.items[0].shared.0, first.shared);
    assert_eq!(store.page(carol.account(), Cursor::START, 10, EVERYTHING).await.unwrap().end, Cursor(0));
}

/// Not even for those who exist; and the message id stays free.
pub async fn an_unknown_recipient_leaves_nothing_behind(store: Arc<dyn Store>) {
    let [alice, bob] = people(&store, 2).await.try_into().unwrap();
    let strangers = [Person(70), Person(71)];
    let outcome = store.deliver(envelope(alice, 0, &[alice, bob, strangers[0], strangers[1]])).await.unwrap();
    let Delivered::UnknownRecipients(unknown) = outcome else { panic!("{outcome:?}") };
    assert_eq!(unknown, strangers.map(Person::account));
    for person in [alice, bob] {
        let page = store.page(person.account(), Cursor::START, 10, EVERYTHING).await.unwrap();
        assert_eq!((page.items.len(), page.end), (0, Cursor(0)));
    }
    let places = deliver(&store, envelope(alice, 0, &[alice, bob])).await;
    assert_eq!(places, [(alice.account(), Cursor(1)), (bob.account(), Cursor(1))]);
}

/// A request that is dropped at any moment has happened as a whole, or not at all; those beside it are not touched.
pub async fn a_sender_who_goes_away_leaves_all_or_nothing(store: Arc<dyn Store>) {
    let [alice, bob] = people(&store, 2).await.try_into().unwrap();
    let mut staying = Vec::new();
    for number in 0..40 {
        // Polled once: it is on its way, and then nobody waits for it any more.
        let _gone = store.deliver(envelope(alice, number, &[alice, bob])).now_or_never();
        let store = Arc::clone(&store);
        staying
            .push(tokio::spawn(async move { deliver(&store, envelope(bob, number, &[alice, bob])).await }));
    }
    join_all(staying).await.into_iter().for_each(|places| assert_eq!(places.unwrap().len(), 2));
    // What was queued before this one is done when this one is.
    deliver(&store, envelope(bob, 1_000, &[alice, bob])).await;

    let mut mailboxes = Vec::new();
    for person in [alice, bob] {
        let page = store.page(person.account(), Cursor::START, 1_000, EVERYTHING).await.unwrap();
        assert!(page.items.iter().map(|item| item.cursor.0).eq(1..=page.end.0));
        mailboxes.push(page.items.into_iter().map(|item| item.shared.0).collect::<Vec<_>>());
    }
    assert_eq!(mailboxes[0], mailboxes[1], "both have the same messages in the same order");
    let from_bob = mailboxes[0].iter().filter(|shared| shared[..3] == shared_of(bob, 0)[..3]).count();
    assert_eq!(from_bob, 41);
}

/// A hundred recipients, and a body of a quarter of a megabyte.
pub async fn the_largest_envelope_reaches_everyone(store: Arc<dyn Store>) {
    let people = people(&store, MAX_RECIPIENTS as u16).await;
    let mut large = envelope(people[0], 0, &people);
    large.shared = (0..200_000u32).map(|index| index as u8).collect();
    let places = deliver(&store, large.clone()).await;
    assert!(places.iter().all(|(_, cursor)| *cursor == Cursor(1)));
    for person in [people[0], people[57], people[99]] {
        let page = store.page(person.account(), Cursor::START, 10, EVERYTHING).await.unwrap();
        assert_eq!(page.items.len(), 1);
        assert_eq!(page.items[0].shared.0, large.shared);
        assert_eq!(page.items[0].seal.0.len(), SEAL_BYTES);
        assert_eq!(page.items[0].seal.0, seal_of(person, 0));
    }
}

/// What stands under the message id, who the sender is, which recipients exist by which keys.
pub async fn the_context_of_sending_is_of_one_moment(store: Arc<dyn Store>) {
    let [alice, bob] = people(&store, 2).await.try_into().unwrap();
    let new = envelope(alice, 0, &[alice, bob]);
    let asked = [alice, bob, Person(50)].map(Person::account);
    let context = store.send_context(new.message, alice.account(), &asked).await.unwrap();
    assert_eq!(context.sent, None);
    assert_eq!(context.sender, Some(alice.registration().0.identity));
    let mut keys = context.recipients;
    keys.sort_unstable_by_key(|keys| keys.account);
    assert_eq!(keys.len(), 2);
    for (keys, person) in keys.iter().zip([alice, bob]) {
        let (account, _) = person.registration();
        assert_eq!(keys.account, account.account);
        assert_eq!(keys.identity, account.identity.fingerprint());
        assert_eq!(keys.prekey, account.prekey.id());
    }

    deliver(&store, new.clone()).await;
    let context = store.send_context(new.message, alice.account(), &asked).await.unwrap();
    let sent = context.sent.unwrap();
    assert_eq!((sent.hash, sent.sender), (new.hash, alice.account()));
    assert_eq!((sent.sender_cursor, sent.received_at_ms), (Cursor(1), NOW_MS));
}
