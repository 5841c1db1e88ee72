//! Messages that go: deleted for oneself, taken back from everyone, disappeared by a timer.

use std::sync::Arc;

use client::{Body, DeleteError, MessageState, TimerError};
use crypto::prekey::PrekeyKind;
use futures::executor::block_on;
use protocol::{
    Call,
    id::{ConversationId, MessageId},
    mailbox::{Erase, FetchPage, Page},
};

use crate::{
    attacker::{Loot, kinds, opens_for_any},
    people::Person,
    world::World,
};

const HOUR_MS: u64 = 60 * 60 * 1_000;

/// Alice with two devices, Bob with one, all ready to receive.
struct Scene {
    world: Arc<World>,
    alice: Person,
    tablet: Person,
    bob: Person,
    conversation: ConversationId,
}

fn scene() -> Scene {
    let world = World::new(1);
    let [alice, bob] = Person::couple(&world);
    let tablet = Person::signs_in(&world, "alice", 7);
    for person in [&alice, &bob, &tablet] {
        person.maintains();
    }
    let conversation = alice.opens(&[&bob]);
    Scene { world, alice, tablet, bob, conversation }
}

fn mailbox_of(person: &Person) -> Page {
    block_on(client::Device::call(&*person.device, FetchPage { after: protocol::Cursor::START, limit: 200 }))
        .unwrap()
}

/// Whether the server has anything of what stands at this message's place in this mailbox.
fn server_has(person: &Person, message: MessageId) -> bool {
    mailbox_of(person).items.iter().any(|item| {
        let delivery = crypto::envelope::Delivery::parse(item.shared.as_slice(), item.seal.as_slice());
        delivery.is_ok_and(|delivery| delivery.claimed_header().message == message)
    })
}

#[test]
fn what_i_delete_for_me_is_gone_on_all_my_devices_and_others_keep_it() {
    let Scene { world, alice, tablet, bob, conversation } = scene();
    let message = alice.sends(conversation, "between us");
    alice.sends(conversation, "stays");
    for person in [&alice, &tablet, &bob] {
        person.syncs();
    }
    block_on(alice.account.delete_for_me(&[message])).unwrap();
    assert_eq!(alice.sees(conversation), ["alice: stays"], "at once");
    block_on(alice.account.flush()).unwrap();
    alice.syncs();
    tablet.syncs();
    let fresh = Person::signs_in(&world, "alice", 9);
    for device in [&alice, &tablet, &fresh] {
        device.syncs();
        assert_eq!(device.sees(conversation), ["alice: stays"]);
        assert_eq!(device.account.conversations().len(), 1, "the conversation with oneself is not shown");
        assert!(!device.keeps("between us"));
    }
    bob.syncs();
    assert_eq!(bob.sees(conversation), ["alice: between us", "alice: stays"]);
    assert!(!server_has(&alice, message) && server_has(&bob, message));
    assert!(!opens_for_any(&world, &[Loot::of(&alice)], &alice, message));
    assert!(opens_for_any(&world, &[Loot::of(&bob)], &alice, message));
}

#[test]
fn only_its_author_takes_a_message_back() {
    let Scene { alice, bob, conversation, .. } = scene();
    let message = alice.sends(conversation, "mine");
    bob.syncs();
    assert_eq!(block_on(bob.account.delete_for_everyone(message)), Err(DeleteError::NotYours));
    let unknown = MessageId::from_bytes([9; 16]);
    assert_eq!(block_on(bob.account.delete_for_everyone(unknown)), Err(DeleteError::UnknownMessage));
    // The server does not listen to who did not send it, either.
    let erase = Erase { messages: vec![message], for_everyone: true };
    let erased = block_on(client::Device::call(&*bob.device, erase)).unwrap().erased;
    assert_eq!(erased, 0);
    alice.syncs();
    assert_eq!(alice.sees(conversation), ["alice: mine"]);
}

#[test]
fn a_deletion_that_was_interrupted_goes_on_by_itself() {
    let Scene { world, alice, tablet, bob, conversation } = scene();
    let message = alice.sends(conversation, "take it back");
    for person in [&alice, &tablet, &bob] {
        person.syncs();
    }
    // The page dies before anything is sent.
    block_on(alice.account.delete_for_everyone(message)).unwrap();
    let reloaded = alice.opens_a_tab(&world, 8);
    block_on(reloaded.account.load()).unwrap();
    assert_eq!(reloaded.sees(conversation), Vec::<String>::new());
    block_on(reloaded.account.flush()).unwrap();
    // Bob's device hears of it, and cannot reach the server at that moment.
    bob.device.refuse_next(Erase::PATH, protocol::Code::StoreUnavailable);
    assert!(block_on(bob.account.sync()).is_err());
    bob.syncs();
    reloaded.syncs();
    tablet.syncs();
    for person in [&reloaded, &tablet, &bob] {
        assert_eq!(person.sees(conversation), Vec::<String>::new());
        assert!(!person.keeps("take it back"));
        assert!(!server_has(person, message));
    }
    assert!(!opens_for_any(&world, &[Loot::of(&alice), Loot::of(&bob)], &alice, message));
}

#[test]
fn a_disappearing_message_is_gone_everywhere_when_its_time_is_over() {
    let Scene { world, alice, tablet, bob, conversation } = scene();
    alice.sends(conversation, "this stays");
    alice.sets_timer(conversation, Some(3_600));
    bob.syncs();
    assert_eq!(bob.sees(conversation), ["alice: this stays", "alice: timer 3600"], "everyone sees it");
    assert_eq!(bob.account.thread(conversation).unwrap().timer_s, Some(3_600));
    tablet.syncs();
    let message = tablet.sends(conversation, "this does not");
    assert_eq!(
        kinds(&world, message),
        [PrekeyKind::Device, PrekeyKind::Device],
        "Bob's and the other of Alice's"
    );
    for person in [&alice, &tablet, &bob] {
        person.syncs();
        assert_eq!(person.sees(conversation).last().unwrap(), "alice: this does not");
        assert!(person.account.next_disappearance().is_some());
    }
    // Not from the vault, the password or the server; only the devices themselves have it.
    assert!(!opens_for_any(&world, &[Loot::of(&alice), Loot::of(&bob)], &tablet, message));
    let fresh = Person::signs_in(&world, "bob", 9);
    fresh.syncs();
    assert_eq!(fresh.sees(conversation), ["alice: this stays", "alice: timer 3600"]);

    world.pass_time(HOUR_MS - 1_000);
    block_on(bob.account.forget()).unwrap();
    assert_eq!((bob.sees(conversation).len(), world.erase_expired()), (3, 0));
    world.pass_time(2_000);
    assert_eq!(world.erase_expired(), 1);
    for person in [&alice, &tablet, &bob] {
        block_on(person.account.forget()).unwrap();
        assert_eq!(person.sees(conversation), ["alice: this stays", "alice: timer 3600"]);
        assert!(!person.keeps("this does not"));
        assert!(!server_has(person, message));
        person.syncs();
    }
    let reloaded = bob.opens_a_tab(&world, 6);
    block_on(reloaded.account.load()).unwrap();
    assert_eq!(reloaded.sees(conversation), ["alice: this stays", "alice: timer 3600"]);
    assert!(!opens_for_any(&world, &[Loot::of(&alice), Loot::of(&bob)], &tablet, message));
    bob.sets_timer(conversation, None);
    alice.syncs();
    let kept = alice.sends(conversation, "kept again");
    assert_eq!(kinds(&world, kept), [PrekeyKind::OneTime]);
}

#[test]
fn a_device_that_was_away_gets_what_is_left_and_nothing_that_is_over() {
    let Scene { world, alice, bob, conversation, .. } = scene();
    alice.sets_timer(conversation, Some(3_600));
    alice.sends(conversation, "an hour");
    world.pass_time(HOUR_MS / 2);
    alice.sends(conversation, "and a half");
    world.pass_time(HOUR_MS / 2 + 1_000);
    // The server has not looked yet; the device does.
    bob.syncs();
    assert_eq!(bob.sees(conversation), ["alice: timer 3600", "alice: and a half"]);
    assert!(!bob.keeps("an hour"));
}

#[test]
fn a_sender_is_told_when_a_device_cannot_take_it() {
    let Scene { world, alice, bob, conversation, .. } = scene();
    let phone = Person::signs_in(&world, "bob", 8);
    phone.says(phone.opens(&[&alice]), "the phone has published no prekeys yet");
    alice.syncs();
    alice.sets_timer(conversation, Some(300));
    alice.sends(conversation, "who gets it?");
    let thread = alice.account.thread(conversation).unwrap();
    assert_eq!(thread.messages.last().unwrap().missed_devices, 1);
    bob.syncs();
    phone.syncs();
    assert_eq!(bob.sees(conversation).last().unwrap(), "alice: who gets it?");
    assert_eq!(
        phone.sees(conversation).last().unwrap(),
        "alice: timer 300",
        "nothing that cannot be read is shown"
    );

    // Where no device can, it is not sent.
    let carol = Person::signs_up(&world, "carol", 5);
    let to_carol = alice.opens(&[&carol]);
    alice.sets_timer(to_carol, Some(300));
    alice.sends(to_carol, "anybody?");
    let states = alice.states(to_carol);
    let Some(MessageState::Failed(why)) = states.last() else { panic!("nobody can") };
    assert!(why.contains("no device of theirs can take"), "{why}");
}

#[test]
fn timers_are_within_their_limits() {
    let Scene { alice, conversation, .. } = scene();
    for seconds in [0, 1, 4, 365 * 24 * 60 * 60 + 1, u32::MAX] {
        assert_eq!(
            block_on(alice.account.set_timer(conversation, Some(seconds))),
            Err(TimerError::OutOfRange)
        );
    }
    for seconds in [5, 300, 365 * 24 * 60 * 60] {
        alice.sets_timer(conversation, Some(seconds));
        assert_eq!(alice.account.thread(conversation).unwrap().timer_s, Some(seconds));
    }
    let nowhere = ConversationId::from_bytes([9; 32]);
    assert_eq!(block_on(alice.account.set_timer(nowhere, Some(300))), Err(TimerError::UnknownConversation));
}

/// The relay's clock decides, and the device's differs by a week.
#[test]
fn a_clock_that_is_wrong_by_a_week_neither_loses_nor_keeps() {
    const WEEK_MS: i64 = 7 * 24 * 60 * 60 * 1_000;
    for off in [-WEEK_MS, WEEK_MS] {
        let Scene { world, alice, bob, conversation, .. } = scene();
        bob.device.set_clock_off(off);
        alice.sets_timer(conversation, Some(3_600));
        alice.sends(conversation, "by the server's clock");
        bob.syncs();
        assert_eq!(bob.sees(conversation).last().unwrap(), "alice: by the server's clock", "{off}");
        bob.sends(conversation, "by my own");
        alice.syncs();
        assert_eq!(alice.sees(conversation).last().unwrap(), "bob: by my own", "{off}");
        world.pass_time(HOUR_MS + 1_000);
        for person in [&alice, &bob] {
            block_on(person.account.forget()).unwrap();
            assert_eq!(person.sees(conversation), ["alice: timer 3600"], "{off}");
        }
    }
}

#[test]
fn the_timer_is_on_as_soon_as_it_is_set_and_texts_keep_the_one_they_were_written_under() {
    let Scene { alice, bob, conversation, .. } = scene();
    alice.writes(conversation, "before");
    block_on(alice.account.set_timer(conversation, Some(60))).unwrap();
    alice.writes(conversation, "after");
    block_on(alice.account.flush()).unwrap();
    bob.syncs();
    let messages = bob.account.thread(conversation).unwrap().messages;
    let told: Vec<(Body, bool)> =
        messages.into_iter().map(|message| (message.body, message.disappears_at_ms.is_some())).collect();
    let text = |text: &str| Body::Text(text.to_owned());
    assert_eq!(told, [(text("before"), false), (Body::Timer(Some(60)), false), (text("after"), true)]);
}

#[test]
fn erasing_a_message_leaves_its_place() {
    let Scene { alice, bob, conversation, .. } = scene();
    let message = alice.sends(conversation, "gone");
    alice.sends(conversation, "stays");
    let erase = Erase { messages: vec![message], for_everyone: true };
    assert_eq!(Erase::PATH, "/fn/mailbox/erase");
    assert_eq!(block_on(client::Device::call(&*alice.device, erase)).unwrap().erased, 1);
    bob.syncs();
    assert_eq!(bob.sees(conversation), ["alice: stays"]);
    assert_eq!(bob.account.mailbox_end(), protocol::Cursor(2));
}

#[test]
fn a_disappearing_message_waits_for_a_page_that_was_closed() {
    let Scene { world, alice, bob, conversation, .. } = scene();
    alice.sets_timer(conversation, Some(3_600));
    alice.sends(conversation, "while you were away");
    let reloaded = bob.opens_a_tab(&world, 66);
    block_on(reloaded.account.load()).unwrap();
    reloaded.syncs();
    assert_eq!(reloaded.sees(conversation), ["alice: timer 3600", "alice: while you were away"]);
    // The tab that comes second finds the key gone, and what the first has kept.
    bob.syncs();
    let later = bob.opens_a_tab(&world, 67);
    block_on(later.account.load()).unwrap();
    for tab in [&bob, &later] {
        assert_eq!(tab.sees(conversation), ["alice: timer 3600", "alice: while you were away"]);
    }
}

#[test]
fn the_senders_own_copy_disappears_though_the_page_was_closed_right_after() {
    let Scene { world, alice, conversation, .. } = scene();
    alice.sets_timer(conversation, Some(3_600));
    alice.syncs();
    alice.sends(conversation, "and close the page");
    world.pass_time(HOUR_MS + 1_000);
    world.erase_expired();
    let reloaded = alice.opens_a_tab(&world, 66);
    block_on(reloaded.account.load()).unwrap();
    reloaded.syncs();
    block_on(reloaded.account.flush()).unwrap();
    block_on(reloaded.account.forget()).unwrap();
    assert_eq!(reloaded.sees(conversation), ["alice: timer 3600"]);
    assert!(!reloaded.keeps("and close the page"));
}

/// Whoever is in the conversation can say anything; a client that goes by it could send nothing any more.
#[test]
fn nobody_goes_by_a_timer_that_no_client_would_set() {
    for seconds in [1, 4, 4_000_000_000] {
        let checked = protocol::content::Content::Timer { seconds }.checked();
        assert_eq!(checked, protocol::content::Content::Unknown);
    }
    for seconds in [0, 5, 3_600] {
        let timer = protocol::content::Content::Timer { seconds };
        assert_eq!(timer.clone().checked(), timer);
    }
}

/// Without it, the conversation's devices would go by different timers.
#[test]
fn what_a_timer_was_set_to_is_not_deleted() {
    let Scene { alice, bob, conversation, .. } = scene();
    alice.sets_timer(conversation, Some(3_600));
    for person in [&alice, &bob] {
        person.syncs();
    }
    let line = bob.account.thread(conversation).unwrap().messages.pop().unwrap().id;
    assert_eq!(block_on(alice.account.delete_for_everyone(line)), Err(DeleteError::Timer));
    assert_eq!(block_on(bob.account.delete_for_me(&[line])), Err(DeleteError::Timer));
    for person in [&alice, &bob] {
        assert_eq!(person.account.thread(conversation).unwrap().timer_s, Some(3_600));
    }
}

/// One member has deleted her account: nothing goes to that conversation any more.
#[test]
fn a_deletion_reaches_the_members_that_are_left() {
    let world = World::new(1);
    let [alice, bob] = Person::couple(&world);
    let carol = Person::signs_up(&world, "carol", 103);
    let tablet = Person::signs_in(&world, "alice", 9);
    for person in [&alice, &bob, &carol] {
        person.maintains();
    }
    let all = alice.opens(&[&bob, &carol]);
    let message = alice.sends(all, "regretted");
    for person in [&alice, &bob, &carol, &tablet] {
        person.syncs();
    }
    let confirmed = client::Confirmation { password: crate::people::PASSWORD.to_owned().into(), code: None };
    block_on(carol.account.delete_account(&confirmed)).unwrap();
    block_on(alice.account.delete_for_everyone(message)).unwrap();
    for _ in 0..3 {
        block_on(alice.account.flush()).unwrap();
        for person in [&alice, &bob, &tablet] {
            person.maintains();
        }
    }
    let fresh = Person::signs_in(&world, "alice", 10);
    fresh.syncs();
    let seen = [&alice, &tablet, &fresh, &bob].map(|person| person.sees(all));
    let told = alice.states(all);
    assert!(seen.iter().all(Vec::is_empty), "{seen:?}, and she is told {told:?}");
}
