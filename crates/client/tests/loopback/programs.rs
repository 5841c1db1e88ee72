//! What programs do that people do not: reading everything in one order, and sending under names of their own.

use client::{Body, ComposeError, Interruption, MessageState, Selection};
use futures::executor::block_on;
use protocol::{Call, Cursor, id::ConversationId, mailbox::Send};

use crate::{people::Person, world::World};

const ALL: Selection = Selection { conversation: None, mine: true, limit: 100 };

fn texts(messages: Vec<(ConversationId, client::Message)>) -> Vec<String> {
    let text = |message: client::Message| match message.body {
        Body::Text(text) => text,
        other => format!("{other:?}"),
    };
    messages.into_iter().map(|(_, message)| text(message)).collect()
}

#[test]
fn all_conversations_are_read_in_the_one_order_of_the_mailbox() {
    let world = World::new(1);
    let [alice, bob] = Person::couple(&world);
    let carol = Person::signs_up(&world, "carol", 3);
    let [with_bob, with_carol] = [alice.opens(&[&bob]), alice.opens(&[&carol])];
    alice.says(with_bob, "one");
    alice.says(with_carol, "two");
    bob.syncs();
    bob.says(with_bob, "three");
    alice.writes(with_bob, "not yet sent");
    alice.syncs();

    let account = &alice.account;
    assert_eq!(texts(account.messages_after(Cursor::START, ALL)), ["one", "two", "three"]);
    assert_eq!(texts(account.messages_after(Cursor(1), Selection { limit: 1, ..ALL })), ["two"]);
    assert_eq!(texts(account.messages_before(None, ALL)), ["three", "two", "one"]);
    assert_eq!(texts(account.messages_before(Some(Cursor(3)), Selection { limit: 1, ..ALL })), ["two"]);
    assert_eq!(texts(account.messages_before(None, Selection { mine: false, ..ALL })), ["three"]);
    let only = Selection { conversation: Some(with_carol), ..ALL };
    assert_eq!(texts(account.messages_after(Cursor::START, only)), ["two"]);
    assert_eq!(account.mailbox_end(), Cursor(3));
    assert_eq!(account.messages_after(Cursor::START, ALL)[2].1.place, Some(Cursor(3)));
}

#[test]
fn what_is_sent_under_one_name_is_sent_once_from_every_device_and_for_ever() {
    let world = World::new(1);
    let [alice, bob] = Person::couple(&world);
    let conversation = alice.opens(&[&bob]);
    let first = block_on(alice.account.compose_once(conversation, "Pay 5", "order 17")).unwrap();
    block_on(alice.account.flush()).unwrap();
    let again = block_on(alice.account.compose_once(conversation, " Pay 5 ", "order 17")).unwrap();
    assert_eq!(first, again);

    // A device that has not seen it: it reads before it writes.
    let elsewhere = Person::signs_in(&world, "alice", 7);
    let there = elsewhere.opens(&[&bob]);
    let third = block_on(elsewhere.account.compose_once(there, "Pay 5", "order 17")).unwrap();
    block_on(elsewhere.account.flush()).unwrap();
    assert_eq!(elsewhere.device.calls_to(Send::PATH), 0);
    let (_, message) = elsewhere.account.message(third).unwrap();
    assert_eq!((third, message.state), (first, MessageState::Sent));

    assert_eq!(bob.syncs().new, 1);
    assert_eq!(bob.sees(conversation), ["alice: Pay 5"]);
    let other = block_on(elsewhere.account.compose_once(there, "Pay 500", "order 17"));
    assert_eq!(other, Err(ComposeError::NameUsed));
    let bobs = block_on(bob.account.compose_once(conversation, "Pay 5", "order 17")).unwrap();
    assert_ne!(bobs, first, "names are each account's own");
}

#[test]
fn a_name_finds_its_owner_and_nobody_whose_name_only_begins_so() {
    let world = World::new(1);
    let alice = Person::signs_up(&world, "alice", 1);
    Person::signs_up(&world, "bobby", 2);
    let find = |name: &str| block_on(alice.account.find_user(&name.parse().unwrap()));
    assert_eq!(find("bob"), Ok::<_, Interruption>(None));
    assert_eq!(find("bobby").unwrap().unwrap().username.as_str(), "bobby");
}
