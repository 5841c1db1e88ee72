use std::sync::Arc;

use crypto::id::MessageId;
use protocol::{Cursor, mailbox::ArchivedPlace};
use relay::port::{Delivered, NewEnvelope, Store};

use crate::{
    archive::archived_key,
    cast::{NOW_MS, Person, deliver, envelope, people},
};

fn messages(sender: Person, numbers: &[u32]) -> Vec<MessageId> {
    numbers.iter().map(|number| envelope(sender, *number, &[]).message).collect()
}

/// The places of a mailbox that hold something; those that do not must hold nothing at all.
async fn held(store: &Arc<dyn Store>, person: Person) -> Vec<u64> {
    let page = store.page(person.account(), Cursor::START, 100, usize::MAX).await.unwrap();
    assert!(page.items.iter().map(|item| item.cursor.0).eq(1..=page.end.0), "places stay");
    let mut held = Vec::new();
    for item in page.items {
        if item.shared.0.is_empty() {
            assert!(item.seal.0.is_empty() && item.archived.is_none(), "{item:?}");
            assert!(item.received_at_ms >= NOW_MS);
        } else {
            held.push(item.cursor.0);
        }
    }
    held
}

async fn erase(store: &Arc<dyn Store>, person: Person, messages: Vec<MessageId>, for_everyone: bool) -> u32 {
    store.erase(person.account(), messages, for_everyone).await.unwrap().messages
}

async fn archive(store: &Arc<dyn Store>, person: Person, cursor: u64, message: MessageId) {
    let place = ArchivedPlace { cursor: Cursor(cursor), message, key: archived_key(1) };
    store.archive(person.account(), vec![place]).await.unwrap();
}

/// With its seal or its archived key; the others keep theirs, whoever sent it.
pub async fn who_erases_a_message_erases_it_in_one_mailbox(store: Arc<dyn Store>) {
    let [alice, bob, carol] = people(&store, 3).await.try_into().unwrap();
    for number in 0..4 {
        deliver(&store, envelope(alice, number, &[alice, bob, carol])).await;
    }
    archive(&store, bob, 2, messages(alice, &[1])[0]).await;
    let before = store.page(alice.account(), Cursor::START, 100, usize::MAX).await.unwrap();
    assert_eq!(erase(&store, bob, messages(alice, &[0, 1, 1]), false).await, 2);
    assert_eq!(held(&store, bob).await, [3, 4]);
    assert_eq!(erase(&store, bob, messages(alice, &[1, 2]), false).await, 1, "one was erased before");
    assert_eq!(held(&store, bob).await, [4]);
    assert_eq!(erase(&store, bob, messages(alice, &[0, 1, 2]), false).await, 0);
    assert_eq!(erase(&store, bob, Vec::new(), false).await, 0);
    assert_eq!(erase(&store, bob, messages(bob, &[0]), false).await, 0, "there is no such message");
    assert_eq!(store.page(alice.account(), Cursor::START, 100, usize::MAX).await.unwrap(), before);
    assert_eq!(held(&store, carol).await, [1, 2, 3, 4]);

    deliver(&store, envelope(alice, 4, &[alice, carol])).await;
    assert_eq!(erase(&store, bob, messages(alice, &[4]), false).await, 0, "another's mailbox");
    assert_eq!(held(&store, carol).await, [1, 2, 3, 4, 5]);
    deliver(&store, envelope(alice, 5, &[alice, bob])).await;
    assert_eq!(held(&store, bob).await, [4, 5], "the mailbox goes on");
}

/// What was erased is never sent again: a message id is taken for ever.
pub async fn what_everyone_has_erased_was_still_sent(store: Arc<dyn Store>) {
    let [alice, bob] = people(&store, 2).await.try_into().unwrap();
    let sent = NewEnvelope { expires_at_ms: Some(NOW_MS + 1), ..envelope(alice, 0, &[alice, bob]) };
    deliver(&store, sent.clone()).await;
    for person in [alice, bob] {
        assert_eq!(erase(&store, person, vec![sent.message], false).await, 1);
    }
    for person in [alice, bob] {
        assert_eq!(held(&store, person).await, [0; 0]);
        assert_eq!(erase(&store, person, vec![sent.message], true).await, 0);
    }
    assert_eq!(store.erase_expired(NOW_MS + 1, 10).await.unwrap(), 0, "nothing is left to erase");
    let again = store.deliver(sent).await.unwrap();
    assert!(matches!(again, Delivered::AlreadySent(before) if before.sender_cursor == Cursor(1)));
    assert_eq!(held(&store, bob).await, [0; 0]);
    let context = store.send_context(messages(alice, &[0])[0], alice.account(), &[alice.account()]).await;
    assert!(context.unwrap().sent.is_some());
}

/// From all mailboxes; what others sent is not touched.
pub async fn only_its_sender_erases_a_message_for_everyone(store: Arc<dyn Store>) {
    let [alice, bob, carol] = people(&store, 3).await.try_into().unwrap();
    for number in 0..3 {
        deliver(&store, envelope(alice, number, &[alice, bob, carol])).await;
        deliver(&store, envelope(bob, number, &[alice, bob, carol])).await;
    }
    archive(&store, carol, 1, messages(alice, &[0])[0]).await;
    assert_eq!(erase(&store, bob, messages(alice, &[0, 1, 2]), true).await, 0);
    for person in [alice, bob, carol] {
        assert_eq!(held(&store, person).await, [1, 2, 3, 4, 5, 6]);
    }
    let mixed = [messages(alice, &[0, 1, 1]), messages(bob, &[0])].concat();
    assert_eq!(erase(&store, alice, mixed, true).await, 2);
    for person in [alice, bob, carol] {
        assert_eq!(held(&store, person).await, [2, 4, 5, 6]);
    }
    // Who has erased it in one's own mailbox already is not told that there was one more.
    assert_eq!(erase(&store, alice, messages(alice, &[2]), false).await, 1);
    assert_eq!(erase(&store, alice, messages(alice, &[2]), true).await, 0);
    assert_eq!(held(&store, carol).await, [2, 4, 6]);
    assert_eq!(erase(&store, carol, messages(alice, &[2]), false).await, 0);
    assert_eq!(erase(&store, Person(9), messages(alice, &[2]), true).await, 0);
}

/// From all mailboxes, whatever stands there; what was to disappear first goes first, and the rest stays.
pub async fn an_envelope_whose_time_is_over_goes_from_all_mailboxes(store: Arc<dyn Store>) {
    let [alice, bob] = people(&store, 2).await.try_into().unwrap();
    for (number, expires_at_ms) in
        [Some(NOW_MS + 30), None, Some(NOW_MS + 10), Some(NOW_MS + 20), Some(NOW_MS + 21)]
            .into_iter()
            .enumerate()
    {
        let sent = envelope(alice, number as u32, &[alice, bob]);
        deliver(&store, NewEnvelope { expires_at_ms, ..sent }).await;
    }
    archive(&store, bob, 3, messages(alice, &[2])[0]).await;
    let expire = async |now_ms: u64, limit: usize| {
        let erased = store.erase_expired(now_ms, limit).await.unwrap();
        let left = held(&store, alice).await;
        assert_eq!(held(&store, bob).await, left);
        (erased, left)
    };
    assert_eq!(expire(NOW_MS + 9, 10).await, (0, vec![1, 2, 3, 4, 5]));
    assert_eq!(expire(NOW_MS + 10, 0).await, (0, vec![1, 2, 3, 4, 5]));
    assert_eq!(expire(NOW_MS + 10, 10).await, (1, vec![1, 2, 4, 5]));
    assert_eq!(expire(NOW_MS + 10, 10).await, (0, vec![1, 2, 4, 5]), "it is done");
    assert_eq!(erase(&store, bob, messages(alice, &[3]), false).await, 1);
    assert_eq!(store.erase_expired(NOW_MS + 25, 1).await.unwrap(), 1, "the one that is over longest");
    assert_eq!(held(&store, alice).await, [1, 2, 5]);
    assert_eq!(expire(NOW_MS + 100, 10).await, (2, vec![2]));
    assert_eq!(expire(u64::MAX, 10).await, (0, vec![2]), "it never disappears");
}

/// Nobody has it any more then: who had the rest of it has erased it before.
pub async fn a_deleted_account_has_no_envelope_that_expires(store: Arc<dyn Store>) {
    let [alice, bob] = people(&store, 2).await.try_into().unwrap();
    for number in 0..2 {
        let sent = envelope(alice, number, &[alice, bob]);
        deliver(&store, NewEnvelope { expires_at_ms: Some(NOW_MS), ..sent }).await;
    }
    assert_eq!(erase(&store, bob, messages(alice, &[0]), false).await, 1);
    assert!(store.delete_account(alice.proven(), NOW_MS).await.unwrap().is_some());
    assert_eq!(held(&store, bob).await, [2]);
    assert_eq!(store.erase_expired(NOW_MS, 10).await.unwrap(), 1);
    assert_eq!(held(&store, bob).await, [0; 0]);
}
