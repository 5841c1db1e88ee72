//! What happens in the middle of something else, in another tab or on another device: each the story in which it once went wrong.

use std::sync::{Arc, atomic::Ordering};

use client::{Account, DeleteError, Device as _, MessageState, sign_in};
use crypto::{id::PrekeyId, prekey::PrekeySecret};
use futures::executor::block_on;
use protocol::{
    Call, Code, Refusal,
    account::CurrentSession,
    device::AppendLog,
    directory::FetchKeys,
    mailbox::Send as SendEnvelope,
    prekey::{FetchPrekeyStatus, PublishPrekeys},
    session::ListSessions,
};
use serde_json::Value;

use crate::{
    attacker::{Loot, caught, device_of, log_of},
    chance::Chance,
    device::TestDevice,
    people::{Person, login},
    set_back_lies::begins_anew,
};

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

/// Runs something once, in the middle of a tab's call to this path: after the relay has answered for the n-th time.
fn meanwhile(tab: &Person, path: &'static str, nth: usize, what: impl FnOnce() + Send + 'static) {
    let mut what = Some(what);
    let mut seen = 0;
    tab.device.set_hostility(move |called: &str, _: &Value, honest: Result<Value, Refusal>| {
        if called == path {
            seen += 1;
            if seen == nth
                && let Some(what) = what.take()
            {
                what();
            }
        }
        honest
    });
}

/// `block_on`, also from within another one: nothing in here ever waits.
pub(crate) fn now<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    for _ in 0..1_000_000 {
        if let std::task::Poll::Ready(done) = future.as_mut().poll(&mut context) {
            return done;
        }
    }
    panic!("it waits for ever");
}

/// A revocation on one device, while the upkeep of another publishes the batch that waited.
#[test]
fn a_batch_that_is_published_while_a_device_is_ended_opens() {
    let (world, alice, bob, conversation) = Person::acquainted_couple();
    let stolen = Person::signs_in(&world, "alice", 8);
    stolen.maintains();
    let phone = Person::signs_in(&world, "alice", 9);
    phone.maintains();
    for number in 0..99 {
        bob.says(conversation, &number.to_string());
    }
    alice.syncs();
    assert_eq!(alice.prekey_status().one_time_left, 0);
    // The phone makes the batch, and its request is late.
    phone.device.refuse_next(PublishPrekeys::PATH, Code::StoreUnavailable);
    assert!(block_on(phone.account.maintain()).is_err());
    // It arrives between what the laptop asks and what it does.
    let phones: Account<TestDevice> = phone.account.clone();
    let bobs = bob.account.clone();
    meanwhile(&alice, FetchPrekeyStatus::PATH, 2, move || {
        now(phones.maintain()).unwrap();
        now(bobs.compose(conversation, "in between")).unwrap();
        now(bobs.flush()).unwrap();
    });
    let session = stolen.account.session().session;
    block_on(alice.account.end_session(session)).unwrap();
    alice.syncs();
    // The phone sleeps, and sees the vault first when it wakes up.
    let phone = phone.opens_a_tab(&world, 91);
    phone.maintains();
    alice.maintains();
    assert_eq!(bob.states(conversation).last(), Some(&MessageState::Sent));
    assert_eq!(alice.sees(conversation).last().unwrap(), "bob: in between");
}

/// A device signs in while the upkeep of another looks at the sessions.
#[test]
fn a_device_that_signs_in_during_an_upkeep_stays() {
    let (world, alice, _bob, conversation) = Person::acquainted_couple();
    alice.maintains();
    let phone = Person::signs_in(&world, "alice", 9);
    phone.syncs();
    let (phones, same) = (phone.account.clone(), alice.account.clone());
    meanwhile(&alice, ListSessions::PATH, 1, move || {
        now(phones.compose(conversation, "from the phone")).unwrap();
        now(phones.flush()).unwrap();
        // The event stream of the page.
        now(same.sync()).unwrap();
    });
    alice.maintains();
    assert_eq!(log_of(&alice).active().count(), 2);
    phone.syncs();
}

/// A tab begins as a new device and is closed before it fetches; another one that is open still thinks that it is the old one.
#[test]
fn a_tab_that_does_not_know_the_new_device_loses_nothing() {
    let (world, alice, bob, conversation) = Person::acquainted_couple();
    for person in [&alice, &bob] {
        person.maintains();
    }
    let tab = bob.opens_a_tab(&world, 70);
    tab.maintains();
    let backup = world.copy_store();
    alice.says(conversation, "takes the next prekey");
    bob.syncs();
    tab.syncs();
    world.restore_machine(&backup);
    bob.maintains();
    bob.maintains();
    alice.sets_timer(conversation, Some(3_600));
    alice.maintains();
    alice.says(conversation, "for an hour");
    assert_eq!(alice.states(conversation).last(), Some(&MessageState::Sent));
    tab.syncs();
    let reloaded = bob.opens_a_tab(&world, 71);
    reloaded.syncs();
    assert_eq!(reloaded.sees(conversation).last().unwrap(), "alice: for an hour");
}

/// The phone's session ended by time, another device tidied up, and its owner signs in in one tab; the other one slept meanwhile,
/// and goes on under the same cookie.
#[test]
fn a_tab_that_slept_over_a_sign_in_loses_nothing() {
    let (world, alice, bob, conversation) = Person::acquainted_couple();
    let phone = Person::signs_in(&world, "bob", 9);
    for person in [&alice, &bob, &phone] {
        person.maintains();
    }
    let sleeps = phone.opens_a_tab(&world, 70);
    sleeps.maintains();
    alice.sets_timer(conversation, Some(30 * 24 * 3_600));
    for person in [&phone, &sleeps] {
        person.syncs();
    }
    for _ in 0..2 {
        world.pass_time(5 * DAY_MS);
        bob.maintains();
        alice.maintains();
    }
    let signed_in = phone.signs_in_again(&world, "bob", 90);
    signed_in.syncs();
    signed_in.maintains();
    alice.says(conversation, "for a month");
    sleeps.syncs();
    let reloaded = signed_in.opens_a_tab(&world, 71);
    reloaded.syncs();
    assert_eq!(reloaded.sees(conversation).last().unwrap(), "alice: for a month");
}

/// A background tab holds what the user's word has opened in another one meanwhile.
#[test]
fn a_slow_tab_does_not_hold_what_another_one_has_opened() {
    let (world, alice, bob, conversation) = Person::acquainted_couple();
    for person in [&alice, &bob] {
        person.maintains();
    }
    bob.sets_timer(conversation, Some(24 * 3_600));
    alice.syncs();
    bob.syncs();
    let tab = bob.opens_a_tab(&world, 70);
    tab.syncs();
    let again = begins_anew(&world, "alice", 40);
    again.maintains();
    again.syncs();
    let with_bob = again.opens(&[&bob]);
    assert_eq!(with_bob, conversation);
    again.sets_timer(conversation, Some(3_600));
    again.says(conversation, "by my new key");
    let bobs = bob.account.clone();
    let alices = again.account.me().account;
    meanwhile(&tab, CurrentSession::PATH, 1, move || {
        now(bobs.sync()).unwrap();
        let number = bobs.safety_number(alices).unwrap();
        now(bobs.accept_key(alices, number)).unwrap();
    });
    tab.syncs();
    assert_eq!(bob.sees(conversation).last().unwrap(), "alice: by my new key");
    let reloaded = bob.opens_a_tab(&world, 71);
    reloaded.syncs();
    assert_eq!(reloaded.sees(conversation).last().unwrap(), "alice: by my new key");
}

/// Stale keys first, and then another tab has become a new device.
#[test]
fn a_tab_whose_device_changes_while_it_seals_anew_does_not_give_up() {
    let (world, alice, bob, conversation) = Person::acquainted_couple();
    for person in [&alice, &bob] {
        person.maintains();
    }
    let tab = bob.opens_a_tab(&world, 70);
    tab.maintains();
    drop(caught(&tab, conversation, "waits"));
    for _ in 0..2 {
        world.pass_time(4 * DAY_MS);
        for person in [&alice, &bob] {
            person.syncs();
        }
    }
    let backup = world.copy_store();
    alice.says(conversation, "takes the next prekey");
    bob.syncs();
    tab.syncs();
    let (bobs, there) = (bob.account.clone(), Arc::clone(&world));
    meanwhile(&tab, SendEnvelope::PATH, 1, move || {
        there.restore_machine(&backup);
        now(bobs.maintain()).unwrap();
        now(bobs.maintain()).unwrap();
    });
    let _ = block_on(tab.account.flush());
    let _ = block_on(tab.account.flush());
    let failed = tab.states(conversation).iter().any(|state| matches!(state, MessageState::Failed(_)));
    assert!(!failed);
}

/// A contact replaces their signed prekey all the time.
#[test]
fn a_contact_who_replaces_keys_all_the_time_does_not_stop_what_goes_to_others() {
    let (world, alice, bob, conversation) = Person::acquainted_couple();
    let mallory = Person::signs_up(&world, "mallory", 103);
    let with_mallory = mallory.opens(&[&alice]);
    mallory.says(with_mallory, "answer me");
    alice.syncs();
    let loot = Loot::of(&mallory);
    let (identity, account) = (loot.identity().clone(), mallory.account.me().account);
    let mut number = 2;
    let mut chance = Chance::new(77);
    alice.device.set_hostility(move |path: &str, _: &Value, honest: Result<Value, Refusal>| {
        // Mallory does this all the time; here, after each answer about keys, so that it need not be lucky.
        if path == FetchKeys::PATH {
            let id = PrekeyId(number);
            let prekey = PrekeySecret::generate(id, u64::from(number), &mut chance);
            number += 1;
            let signed = Some(prekey.sign(account, &identity));
            let publish = PublishPrekeys { signed, ..PublishPrekeys::default() };
            now(mallory.device.call(publish)).unwrap();
        }
        honest
    });
    alice.writes(with_mallory, "hello Mallory");
    world.pass_time(1_000);
    alice.writes(conversation, "hello Bob");
    for _ in 0..5 {
        println!("{:?}", block_on(alice.account.flush()));
    }
    bob.syncs();
    assert_eq!(bob.sees(conversation).last().unwrap(), "alice: hello Bob");
}

/// A message comes while a device begins anew, after it has read what its prekeys open.
#[test]
fn what_comes_while_a_device_begins_anew_is_read() {
    let (world, alice, bob, conversation) = Person::acquainted_couple();
    for person in [&alice, &bob] {
        person.maintains();
    }
    alice.sets_timer(conversation, Some(3_600));
    bob.syncs();
    let backup = world.copy_store();
    alice.says(conversation, "takes the next prekey");
    bob.syncs();
    world.restore_machine(&backup);
    alice.maintains();
    let alices = alice.account.clone();
    meanwhile(&bob, AppendLog::PATH, 1, move || {
        // The first goes to the prekey that is dead.
        for text in ["to nobody", "in between"] {
            now(alices.compose(conversation, text)).unwrap();
            now(alices.flush()).unwrap();
        }
    });
    let before = device_of(&bob).0;
    bob.maintains();
    assert_ne!(device_of(&bob).0, before);
    bob.syncs();
    let seen = bob.sees(conversation);
    assert!(seen.contains(&"alice: in between".to_owned()), "{seen:?}");
}

/// A timer is taken back while it is on its way.
#[test]
fn a_timer_that_is_on_its_way_is_not_taken_back() {
    let (world, alice, bob, conversation) = Person::acquainted_couple();
    block_on(alice.account.set_timer(conversation, Some(3_600))).unwrap();
    let timer = alice.account.thread(conversation).unwrap().messages.last().unwrap().id;
    alice.device.unsteady.store(true, Ordering::Relaxed);
    let (_, deleted) =
        block_on(async { futures::join!(alice.account.flush(), alice.account.delete_for_everyone(timer)) });
    alice.device.unsteady.store(false, Ordering::Relaxed);
    assert_eq!(deleted, Err(DeleteError::Timer));
    block_on(alice.account.flush()).unwrap();
    alice.syncs();
    bob.syncs();
    alice.syncs();
    let fresh = Person::signs_in(&world, "bob", 99);
    fresh.syncs();
    assert_eq!(fresh.sees(conversation), bob.sees(conversation));
    assert_eq!(alice.sees(conversation), bob.sees(conversation));
}

/// A slow tab holds the first message of a conversation that another one has opened.
#[test]
fn a_slow_tab_does_not_empty_a_conversation() {
    let (world, alice, bob, conversation) = Person::acquainted_couple();
    let carol = Person::signs_up(&world, "carol", 103);
    for person in [&alice, &bob, &carol] {
        person.maintains();
    }
    let tab = bob.opens_a_tab(&world, 70);
    tab.syncs();
    let again = begins_anew(&world, "alice", 40);
    again.maintains();
    let group = again.opens(&[&bob, &carol]);
    again.says(group, "by my new key");
    let _ = conversation;
    let bobs = bob.account.clone();
    let alices = again.account.me().account;
    meanwhile(&tab, CurrentSession::PATH, 1, move || {
        now(bobs.sync()).unwrap();
        let number = bobs.safety_number(alices).unwrap();
        now(bobs.accept_key(alices, number)).unwrap();
    });
    tab.syncs();
    assert_eq!(bob.sees(group), ["alice: by my new key"]);
    let reloaded = bob.opens_a_tab(&world, 71);
    reloaded.syncs();
    assert_eq!(reloaded.sees(group), ["alice: by my new key"]);
    reloaded.says(group, "my answer");
    carol.syncs();
    again.syncs();
    assert_eq!(again.sees(group).last().unwrap(), "bob: my answer");
    assert_eq!(carol.sees(group).last().unwrap(), "bob: my answer");
}

/// In the middle of a tab's upkeep its device is ended, and another tab signs in.
#[test]
fn an_upkeep_in_another_tab_does_not_forget_the_new_device() {
    let (world, alice, bob, conversation) = Person::acquainted_couple();
    let phone = Person::signs_in(&world, "bob", 9);
    for person in [&alice, &bob, &phone] {
        person.maintains();
    }
    alice.sets_timer(conversation, Some(30 * 24 * 3_600));
    let tab = phone.opens_a_tab(&world, 70);
    tab.maintains();
    for person in [&bob, &phone, &tab] {
        person.syncs();
    }
    let (ended, bobs) = (phone.account.session().session, bob.account.clone());
    let (there, storage) = (Arc::clone(&world), phone.storage.clone());
    let slot = Arc::new(std::sync::Mutex::new(None));
    let into = Arc::clone(&slot);
    meanwhile(&tab, FetchPrekeyStatus::PATH, 1, move || {
        now(bobs.end_session(ended)).unwrap();
        // The owner of the phone signs in again, in its other tab.
        let device = TestDevice::new(&there, &storage, 90);
        let account = now(sign_in(Arc::clone(&device), login("bob"))).unwrap();
        now(account.maintain()).unwrap();
        *into.lock().unwrap() = Some((account, device));
    });
    let _ = block_on(tab.account.maintain());
    let (account, device) = slot.lock().unwrap().take().unwrap();
    let signed_in = Person { account, device, storage: phone.storage.clone(), recovery_key: String::new() };
    for _ in 0..3 {
        signed_in.maintains();
    }
    alice.says(conversation, "for a month");
    assert_eq!(alice.states(conversation).last(), Some(&MessageState::Sent));
    signed_in.syncs();
    assert_eq!(signed_in.sees(conversation).last().unwrap(), "alice: for a month");
}
