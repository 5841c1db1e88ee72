//! Deleted and disappearing messages of several tabs and devices: each the story in which it once went wrong.

use std::sync::atomic::Ordering;

use client::{Device as _, MessageState};
use crypto::{
    envelope::{Author, Draft, Expiry},
    id::MessageId,
    prekey::PrekeyKind,
};
use futures::executor::block_on;
use protocol::{mailbox::Send, prekey::ClaimPrekeys};
use serde_json::json;

use crate::{
    attacker::{Loot, device_of, kinds, log_of},
    chance::Chance,
    people::Person,
    world::World,
};

/// What was deleted before it came back through the mailbox stays in the draft's record, with its sealing, for ever.
#[test]
fn a_deleted_message_is_not_kept_as_a_draft() {
    let (world, alice, bob, conversation) = Person::prepared_couple();
    let message = alice.sends(conversation, "regretted");
    // Sent, and not fetched yet: the delete button is there.
    assert_eq!(alice.states(conversation), [MessageState::Sent]);
    block_on(alice.account.delete_for_everyone(message)).unwrap();
    block_on(alice.account.flush()).unwrap();
    alice.syncs();
    bob.syncs();
    let reloaded = alice.opens_a_tab(&world, 8);
    block_on(reloaded.account.load()).unwrap();
    reloaded.syncs();
    block_on(reloaded.account.flush()).unwrap();
    reloaded.syncs();
    assert_eq!(bob.sees(conversation), Vec::<String>::new());
    assert_eq!(alice.sees(conversation), Vec::<String>::new(), "shown in the tab that deleted it");
    assert_eq!(reloaded.sees(conversation), Vec::<String>::new(), "shown after a reload");
    assert!(!alice.keeps("regretted"), "in the records");
}

/// The answer was lost, another device of one's own deletes it.
#[test]
fn a_message_that_another_device_deleted_is_not_kept_as_a_draft() {
    let (world, alice, bob, conversation) = Person::prepared_couple();
    let tablet = Person::signs_in(&world, "alice", 7);
    let message = alice.sends(conversation, "regretted");
    tablet.syncs();
    block_on(tablet.account.delete_for_me(&[message])).unwrap();
    block_on(tablet.account.flush()).unwrap();
    tablet.syncs();
    alice.syncs();
    let _ = bob;
    assert_eq!(alice.sees(conversation), Vec::<String>::new());
    assert!(!alice.keeps("regretted"), "in the records");
}

/// A new browser that has not read the history yet does not know the timer: what should disappear is archived.
#[test]
fn a_new_device_knows_the_timer_before_it_sends() {
    let (world, alice, bob, conversation) = Person::prepared_couple();
    alice.sets_timer(conversation, Some(3_600));
    let fresh = Person::signs_in(&world, "alice", 9);
    fresh.opens(&[&bob]);
    let message = fresh.sends(conversation, "only for an hour");
    let archived = kinds(&world, message).contains(&PrekeyKind::OneTime);
    assert!(!archived, "it was sent as one that stays");
}

/// And after sixty in a row nothing is sent any more, though both are online.
#[test]
fn many_disappearing_messages_in_a_row_are_sent() {
    let (_world, alice, bob, conversation) = Person::prepared_couple();
    alice.sets_timer(conversation, Some(3_600));
    for number in 0..65 {
        alice.writes(conversation, &number.to_string());
    }
    block_on(alice.account.flush()).unwrap();
    bob.syncs();
    let failed =
        alice.states(conversation).iter().filter(|state| matches!(state, MessageState::Failed(_))).count();
    assert_eq!(failed, 0);
}

/// The key of a message whose time is over, and that the server has not swept yet, stays on the device.
#[test]
fn the_device_prekey_of_a_message_that_came_too_late_dies() {
    let (world, alice, bob, conversation) = Person::prepared_couple();
    alice.sets_timer(conversation, Some(60));
    alice.sends(conversation, "a minute");
    world.pass_time(61_000);
    bob.syncs();
    world.erase_expired();
    bob.syncs();
    let names = bob.storage.names();
    let prekeys = names.iter().filter(|name| name.contains("/device-prekey/")).count();
    assert_eq!(prekeys, 99);
}

/// Two tabs each of two people, everything at once, in a disappearing conversation.
#[test]
fn disappearing_messages_of_tabs_that_race() {
    use std::{
        cell::RefCell,
        future::Future,
        pin::Pin,
        rc::Rc,
        task::{Context, Poll, Waker},
    };
    let mut bad = Vec::new();
    for seed in 1..=6 {
        let world = World::new(seed);
        let [alice, bob] = Person::couple(&world);
        alice.maintains();
        bob.maintains();
        let conversation = alice.opens(&[&bob]);
        alice.sets_timer(conversation, Some(30 * 24 * 3_600));
        for person in [&alice, &bob] {
            person.syncs();
        }
        let owners = [&alice, &alice, &bob, &bob];
        let taken: Rc<RefCell<Vec<String>>> = Rc::default();
        let mut chance = Chance::new(seed ^ 0x77);
        let live = |number: usize, person: Person, seed: u64| {
            let taken = Rc::clone(&taken);
            async move {
                let mut chance = Chance::new(seed);
                person.device.set_faults(8);
                person.device.unsteady.store(true, Ordering::Relaxed);
                _ = person.account.load().await;
                for _ in 0..10 {
                    match chance.below(8) {
                        0 => _ = person.account.load().await,
                        1 => _ = person.account.sync().await,
                        2 => _ = person.account.flush().await,
                        3 => {
                            _ = futures::join!(
                                person.account.flush(),
                                person.account.sync(),
                                person.account.maintain()
                            )
                        }
                        4 => _ = person.account.maintain().await,
                        _ => {
                            let text = format!("{number}/{}", chance.next());
                            if person.account.compose(conversation, &text).await.is_ok() {
                                taken.borrow_mut().push(text);
                            }
                            _ = futures::join!(person.account.flush(), person.account.sync());
                        }
                    }
                }
            }
        };
        let mut running: Vec<Option<Pin<Box<dyn Future<Output = ()>>>>> = Vec::new();
        for (number, owner) in owners.iter().enumerate() {
            running.push(Some(Box::pin(live(
                number,
                owner.opens_a_tab(&world, chance.next()),
                chance.next(),
            ))));
        }
        let mut context = Context::from_waker(Waker::noop());
        loop {
            let alive: Vec<usize> = (0..running.len()).filter(|n| running[*n].is_some()).collect();
            if alive.is_empty() {
                break;
            }
            let number = alive[chance.below(alive.len())];
            if chance.below(1_000) == 0 {
                running[number] = Some(Box::pin(live(
                    number,
                    owners[number].opens_a_tab(&world, chance.next()),
                    chance.next(),
                )));
                continue;
            }
            if let Poll::Ready(()) = running[number].as_mut().unwrap().as_mut().poll(&mut context) {
                running[number] = None;
            }
            world.pass_time(chance.next() % 3);
        }
        world.pass_time(3_600_000);
        let last: Vec<Person> = [&alice, &bob].map(|person| person.opens_a_tab(&world, chance.next())).into();
        for _ in 0..2 {
            for person in &last {
                _ = block_on(person.account.load());
                _ = block_on(person.account.flush());
                _ = block_on(person.account.sync());
            }
        }
        for person in &last {
            let seen = person.sees(conversation);
            let states = person.states(conversation);
            for text in taken.borrow().iter() {
                let count = seen.iter().filter(|line| line.ends_with(&format!(": {text}"))).count();
                if count != 1 {
                    let mended = last.iter().map(Person::repairs).collect::<Vec<_>>();
                    let told = format!("{text} {mended:?}");
                    bad.push((seed, person.account.me().username.to_string(), told, count));
                }
            }
            if seen.iter().any(|line| line.ends_with(": ?"))
                || states.iter().any(|s| matches!(s, MessageState::Failed(_)))
            {
                bad.push((
                    seed,
                    person.account.me().username.to_string(),
                    format!("{:?}", states.iter().find(|s| matches!(s, MessageState::Failed(_)))),
                    0,
                ));
            }
        }
    }
    assert!(bad.is_empty(), "{} {:#?}", bad.len(), &bad[..bad.len().min(12)]);
}

/// A contact's timer that disappears itself: the conversation's timer goes back without a trace.
#[test]
fn a_timer_is_not_set_by_what_disappears() {
    let (world, alice, bob, conversation) = Person::prepared_couple();
    alice.sets_timer(conversation, Some(3_600));
    bob.syncs();
    let rng = &mut Chance::new(6);
    let accounts = [&alice, &bob].map(|person| person.account.me().account);
    let (device, key) = device_of(&bob);
    let claim = ClaimPrekeys { accounts: vec![accounts[0]], of_devices: true };
    let claimed = block_on(bob.device.call(claim)).unwrap().prekeys.remove(0);
    let log = log_of(&alice);
    let theirs = log.device(claimed.device.unwrap()).unwrap().key;
    let prekey = claimed
        .prekey
        .verify_of_device(
            accounts[0],
            &Loot::of(&alice).identity().public(),
            claimed.device.unwrap(),
            &theirs,
        )
        .unwrap();
    let content = json!({"type": "timer", "seconds": 0}).to_string();
    let draft = Draft {
        conversation,
        message: MessageId::random(rng),
        parents: &[],
        sent_at_ms: world.now_ms(),
        expiry: Expiry::AfterSeconds(5),
        content: content.as_bytes(),
    };
    let identity = Loot::of(&bob).identity().public();
    let author = Author {
        account: accounts[1],
        identity: &identity,
        device,
        key: &key,
        log_head: log_of(&bob).head(),
    };
    let sealed = draft.seal_by_device(author, &[prekey], &[], rng).unwrap();
    block_on(bob.device.call(Send { envelope: sealed.envelope.to_bytes().into(), archived: None })).unwrap();
    alice.syncs();
    let message = alice.sends(conversation, "only for an hour");
    world.pass_time(6_000);
    block_on(alice.account.forget()).unwrap();
    alice.syncs();
    let shown = alice.sees(conversation);
    assert_eq!(kinds(&world, message), [PrekeyKind::Device], "it stays, and all that is seen is {shown:?}");
}
