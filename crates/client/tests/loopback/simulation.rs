//! Everything at once: people with several tabs and devices write, send and fetch while requests and answers are lost
//! and repeated, the relay restarts, and tabs die in the middle of what they do. The order of all steps comes from a seed.
//!
//! However it went: every message that was kept is everywhere exactly once, readable, in the order in which its tab wrote it,
//! and in one order on all devices of an account, new ones included. What the server lost when it was set back to a copy is
//! nowhere twice, and hides nothing else. One that was taken back is nowhere, and whoever has
//! all keys of today and has recorded the network does not bring it back. No one-time prekey serves twice.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    future::Future,
    pin::Pin,
    rc::Rc,
    sync::{Arc, atomic::Ordering},
    task::{Context, Poll, Waker},
};

use client::{Account, Body, KeyChange, MessageState, resume};
use crypto::{
    device_log::DeviceLog,
    envelope::{Delivery, Way},
    prekey::PrekeyKind,
};
use futures::executor::block_on;
use protocol::id::{AccountId, ConversationId, MessageId};

use crate::{
    attacker::{Loot, log_of, sender_of},
    chance::Chance,
    device::{Storage, TestDevice},
    people::Person,
    world::World,
};

/// More than any run has needed by far: whoever gets here is stuck.
const MOST_TURNS: usize = 200_000;
/// What fits into the time that a test may take. `SEEDS` in the environment asks for more, `FIRST` to begin with another one, and
/// `SEEDS_SECONDS` to begin none after that time.
const SEEDS: u64 = 100;
const FAULTS_PERCENT: usize = 12;
/// What each tab does, counted from its last birth.
const DEEDS: usize = 12;
const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
/// Which tab is Alice's on her second device.
const ELSEWHERE: usize = 2;

/// One message that somebody wrote.
#[derive(Clone)]
struct Written {
    conversation: ConversationId,
    text: String,
    tab: usize,
    /// Whether `compose` returned: then it must arrive.
    taken: Rc<Cell<bool>>,
    /// Whether it is to be deleted; and whether that was taken, so that it must go.
    deletion: Rc<Cell<Option<bool>>>,
    id: Rc<Cell<Option<MessageId>>>,
    /// Whether the server was set back to a copy that does not have it, or its device was ended before it was sent: then whoever
    /// had seen it has it, and nobody else.
    lost: Rc<Cell<bool>>,
}

impl Written {
    fn is_deleted(&self) -> bool {
        self.deletion.get() == Some(true)
    }

    /// Alice's second device is ended: what it had not sent, of messages and of deletions, nobody gets any more.
    fn ends_with_its_device(&self, sent: &BTreeSet<MessageId>) {
        let was_sent = self.id.get().is_some_and(|id| sent.contains(&id));
        if self.tab == ELSEWHERE && !was_sent {
            self.lost.set(true);
        }
        if self.tab <= ELSEWHERE && was_sent && self.is_deleted() {
            self.deletion.set(Some(false));
        }
    }
}

type Log = Rc<RefCell<Vec<Written>>>;
type Life = Pin<Box<dyn Future<Output = Account<TestDevice>>>>;

/// A tab: it may die, and then the next one takes its records.
struct Tab {
    storage: Storage,
    owner: AccountId,
    session: protocol::account::SignedIn,
    key: crypto::account_key::AccountKey,
}

#[test]
fn every_message_is_everywhere_exactly_once() {
    let asked = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let first = asked("FIRST").unwrap_or(0);
    let seeds = first..first + asked("SEEDS").unwrap_or(SEEDS);
    let is_over = clock(asked("SEEDS_SECONDS").unwrap_or(u64::MAX));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    // A seed that fails does not end the run: all that fail are told.
    let attempt = |seed| std::panic::catch_unwind(|| simulate(seed)).map_err(|_| seed);
    let lives: Vec<Result<(usize, usize), u64>> = std::thread::scope(|scope| {
        let shares: Vec<_> = (0..threads)
            .map(|thread| {
                let share = seeds.clone().skip(thread).step_by(threads);
                let is_over = &is_over;
                scope.spawn(move || share.take_while(|_| !is_over()).map(attempt).collect::<Vec<_>>())
            })
            .collect();
        shares.into_iter().flat_map(|share| share.join().expect("what panics was caught")).collect()
    });
    println!("{} lives were lived", lives.len());
    let failed: Vec<u64> = lives.iter().filter_map(|life| life.err()).collect();
    assert!(failed.is_empty(), "seeds that failed, each told above: {failed:?}");
    let runs: Vec<(usize, usize)> = lives.into_iter().flatten().collect();
    let died: usize = runs.iter().map(|(died, _)| died).sum();
    let written: usize = runs.iter().map(|(_, written)| written).sum();
    assert!(died > runs.len() / 2, "tabs must die in the middle of something: {died}");
    assert!(written > runs.len() * 10, "people must write: {written}");
}

/// Whether so many seconds are over: it bounds how much is tried, and says nothing about how it went.
#[expect(clippy::disallowed_methods, reason = "nothing in the simulation sees this clock")]
fn clock(seconds: u64) -> impl Fn() -> bool + Sync {
    let begun = std::time::Instant::now();
    move || begun.elapsed().as_secs() >= seconds
}

/// How many tabs died, and how many messages were written.
fn simulate(seed: u64) -> (usize, usize) {
    let world = World::new(seed);
    let mut chance = Chance::new(seed ^ 0x5eed);
    let people: Vec<Person> = ["alice", "bob", "carol"]
        .iter()
        .zip(1..)
        .map(|(name, number)| Person::signs_up(&world, name, seed * 1000 + number))
        .collect();
    // Alice has two tabs and a second device, Bob two tabs, Carol one.
    let elsewhere = Person::signs_in(&world, "alice", seed * 1000 + 9);
    let owners = [&people[0], &people[0], &elsewhere, &people[1], &people[1], &people[2]];
    let mut tabs: Vec<Tab> = owners.map(Tab::of).into();
    let mut stolen = elsewhere.account.session().session;
    let all = ConversationId::of_set(people.iter().map(|person| person.account.me().account));
    let pair = ConversationId::of_set(people[..2].iter().map(|person| person.account.me().account));
    people[0].opens(&[&people[1], &people[2]]);
    people[0].opens(&[&people[1]]);

    let log = Log::default();
    let mut died = 0;
    let mut running: Vec<Option<Life>> = Vec::new();
    let mut lived = Vec::new();
    for (number, tab) in tabs.iter().enumerate() {
        running.push(Some(Box::pin(live(
            number,
            tab.open(&world, chance.next()),
            chance.next(),
            log.clone(),
        ))));
    }
    let mut context = Context::from_waker(Waker::noop());
    // In every third life a copy of the server is put back.
    let mut copy = None;
    let mut may_be_restored = seed.is_multiple_of(3);
    // In every fourth life Alice's second device is stolen and ended, and she signs in on another one.
    let mut may_be_stolen = seed % 4 == 1;
    for turn in 0.. {
        assert!(turn < MOST_TURNS, "seed {seed}: somebody waits for ever");
        let alive: Vec<usize> = (0..running.len()).filter(|number| running[*number].is_some()).collect();
        if alive.is_empty() {
            break;
        }
        match chance.below(1500) {
            0 => world.restart_relay(),
            // Long enough for prekeys to be replaced sometimes, too short for sessions to end.
            3 => world.pass_time(DAY_MS),
            4..8 if may_be_restored => match copy.take() {
                None => copy = Some((world.copy_store(), world.messages_of(&people))),
                Some((store, messages)) => {
                    world.restore_store(&store);
                    for one in log.borrow().iter() {
                        one.lost.set(one.id.get().is_none_or(|id| !messages.contains(&id)));
                    }
                    may_be_restored = false;
                }
            },
            8..12 if may_be_stolen => {
                may_be_stolen = false;
                // A copy of before does not know the session of the new device: its owner would sign in again.
                copy = None;
                block_on(people[0].account.end_session(stolen)).unwrap();
                let sent = world.messages_of(&people);
                for one in log.borrow().iter() {
                    one.ends_with_its_device(&sent);
                }
                let again = Person::signs_in(&world, "alice", chance.next());
                stolen = again.account.session().session;
                tabs[ELSEWHERE] = Tab::of(&again);
                lived.retain(|(number, _)| *number != ELSEWHERE);
                let life =
                    live(ELSEWHERE, tabs[ELSEWHERE].open(&world, chance.next()), chance.next(), log.clone());
                running[ELSEWHERE] = Some(Box::pin(life));
            }
            1 | 2 => {
                // A tab dies wherever it is, and is opened again over the same records.
                let number = alive[chance.below(alive.len())];
                let again =
                    live(number, tabs[number].open(&world, chance.next()), chance.next(), log.clone());
                running[number] = Some(Box::pin(again));
                died += 1;
            }
            _ => {
                let number = alive[chance.below(alive.len())];
                let tab = running[number].as_mut().expect("it is among those that live");
                if let Poll::Ready(account) = tab.as_mut().poll(&mut context) {
                    running[number] = None;
                    lived.push((number, account));
                }
                world.pass_time(chance.next() % 3);
            }
        }
    }

    // When the network is well again, what waits is sent; every tab looks both with the memory that it has, and after a
    // reload.
    let written = log.borrow().clone();
    for (number, tab) in tabs.iter().enumerate() {
        lived.push((number, tab.open(&world, chance.next()).1));
    }
    for round in 0..3 {
        for (_, account) in &lived {
            settle(seed, account);
        }
        for (_, account) in lived.iter().filter(|_| round < 2) {
            accept_lists(seed, account);
        }
    }
    for (_, account) in &lived {
        block_on(account.flush()).unwrap();
        block_on(account.sync()).unwrap();
    }
    for (number, account) in &lived {
        block_on(account.sync()).unwrap();
        let left = tabs[*number].storage.names();
        let left = left
            .iter()
            .find(|name| ["/draft/", "/sealed/", "/failed/"].iter().any(|kind| name.contains(kind)));
        assert_eq!(left, None, "seed {seed}: the outbox is empty");
        assert_eq!(account.me().account, tabs[*number].owner);
        check(seed, account, &written, &[pair, all]);
    }
    for (person, name) in people.iter().zip(["alice", "bob", "carol"]) {
        let fresh = Person::signs_in(&world, name, chance.next());
        fresh.syncs();
        accept_lists(seed, &fresh.account);
        check(seed, &fresh.account, &written, &[pair, all]);
        for (_, account) in &lived {
            if account.me() == person.account.me() {
                for id in [pair, all] {
                    let standing = |account| {
                        let lost =
                            |text: &String| written.iter().any(|one| one.lost.get() && one.text == *text);
                        let mut shown = shown(account, id);
                        shown.retain(|(.., body)| !matches!(body, Body::Text(text) if lost(text)));
                        shown
                    };
                    assert_eq!(standing(account), standing(&fresh.account), "seed {seed}: {name}");
                }
            }
        }
    }
    check_keys(seed, &world, &people, &written);
    // The thief's device goes; nothing of what was written goes with it.
    block_on(people[0].account.end_session(stolen)).unwrap();
    people[0].says(all, "it was stolen");
    for (name, number) in [("alice", 1), ("bob", 2)] {
        let fresh = Person::signs_in(&world, name, seed * 1000 + 500 + number);
        fresh.syncs();
        accept_lists(seed, &fresh.account);
        check(seed, &fresh.account, &written, &[pair, all]);
    }
    (died, written.len())
}

fn settle(seed: u64, account: &Account<TestDevice>) {
    let told = |error: &dyn std::fmt::Debug| panic!("seed {seed}: {error:?}");
    block_on(account.flush()).unwrap_or_else(|error| told(&error));
    block_on(account.sync()).map(drop).unwrap_or_else(|error| told(&error));
    block_on(account.maintain()).unwrap_or_else(|error| told(&error));
}

/// After a copy was put back, devices may have gone on without what was lost: their contacts are asked.
fn accept_lists(seed: u64, account: &Account<TestDevice>) {
    for contact in account.in_question() {
        assert_eq!(account.key_change(contact.account), Some(KeyChange::Devices), "seed {seed}");
        let number = account.safety_number(contact.account).unwrap();
        block_on(account.accept_key(contact.account, number)).unwrap();
    }
}

/// Nothing that was taken back is brought back, and no one-time prekey has served twice.
fn check_keys(seed: u64, world: &World, people: &[Person], written: &[Written]) {
    let loot: Vec<Loot> = people.iter().map(Loot::of).collect();
    let mut served = BTreeMap::new();
    for item in loot.iter().flat_map(Loot::mailbox) {
        let Ok(delivery) = Delivery::parse(item.shared.as_slice(), item.seal.as_slice()) else { continue };
        let header = delivery.claimed_header();
        for recipient in &header.recipients {
            if let Way::Sealed(PrekeyKind::OneTime, id) = recipient.way {
                let before = served.insert((recipient.account, id), header.message);
                assert!(
                    before.is_none_or(|before| before == header.message),
                    "seed {seed}: {id:?} served twice"
                );
            }
        }
    }
    let logs: BTreeMap<AccountId, DeviceLog> =
        people.iter().map(|person| (person.account.me().account, log_of(person))).collect();
    for envelope in world.all_recorded() {
        let sender = sender_of(&logs[&envelope.claimed_header().sender], &envelope);
        let Some(opened) = loot.iter().find_map(|loot| loot.opens(&envelope, sender)) else { continue };
        let opened = String::from_utf8(opened).unwrap();
        let by_signed = envelope
            .claimed_header()
            .recipients
            .iter()
            .any(|recipient| matches!(recipient.way, Way::Sealed(PrekeyKind::Signed, _)));
        for one in written.iter().filter(|one| one.is_deleted()) {
            // Only the week of a signed prekey stands between a recorded message and whoever has today's keys.
            let is_it = opened.contains(&format!("\"{}\"", one.text));
            assert!(!is_it || by_signed, "seed {seed}: {} is brought back", one.text);
        }
    }
}

impl Tab {
    fn of(person: &Person) -> Self {
        Self {
            storage: person.storage.clone(),
            owner: person.account.me().account,
            session: person.account.session().clone(),
            key: person.account.account_key().clone(),
        }
    }

    fn open(&self, world: &Arc<World>, seed: u64) -> (Arc<TestDevice>, Account<TestDevice>) {
        let device = TestDevice::new(world, &self.storage, seed);
        let account = block_on(resume(Arc::clone(&device), self.session.clone(), self.key.clone())).unwrap();
        (device, account)
    }
}

/// One tab's life: a few random deeds, with the network as it is.
async fn live(
    number: usize,
    tab: (Arc<TestDevice>, Account<TestDevice>),
    seed: u64,
    log: Log,
) -> Account<TestDevice> {
    let (device, account) = tab;
    let mut chance = Chance::new(seed);
    device.set_faults(FAULTS_PERCENT);
    device.unsteady.store(true, Ordering::Relaxed);
    _ = account.load().await;
    for _ in 0..DEEDS {
        // What fails here is tried again by later deeds, or when all has settled.
        match chance.below(10) {
            8 => _ = account.maintain().await,
            9 => delete_something(&account, &mut chance, &log).await,
            0 => _ = account.load().await,
            1 => _ = account.sync().await,
            2 => _ = account.flush().await,
            3 => _ = futures::join!(account.flush(), account.sync(), account.sync()),
            _ => {
                let conversations = account.conversations();
                if conversations.is_empty() {
                    _ = account.sync().await;
                    continue;
                }
                let conversation = conversations[chance.below(conversations.len())].id;
                let taken = Rc::new(Cell::new(false));
                let text = format!("{number}/{}", log.borrow().len());
                let written = Written {
                    conversation,
                    text: text.clone(),
                    tab: number,
                    taken: taken.clone(),
                    deletion: Rc::default(),
                    id: Rc::default(),
                    lost: Rc::default(),
                };
                let id = Rc::clone(&written.id);
                log.borrow_mut().push(written);
                let composed = async {
                    let composed = account.compose(conversation, &text).await;
                    id.set(Some(composed.expect("the device's store is well")));
                    taken.set(true);
                };
                // Fetching and sending go on while somebody writes.
                match chance.below(3) {
                    0 => composed.await,
                    1 => _ = futures::join!(composed, account.sync()),
                    _ => _ = futures::join!(account.flush(), composed, account.sync()),
                }
                _ = account.mark_read(conversation).await;
            }
        }
    }
    device.set_faults(0);
    device.unsteady.store(false, Ordering::Relaxed);
    account
}

/// Takes back one of one's own messages.
async fn delete_something(account: &Account<TestDevice>, chance: &mut Chance, log: &Log) {
    let conversations = account.conversations();
    let mine =
        conversations.iter().filter_map(|one| account.thread(one.id)).flat_map(|thread| thread.messages);
    let mine: Vec<_> = mine.filter(|message| message.mine && message.place.is_some()).collect();
    if mine.is_empty() {
        return;
    }
    let message = &mine[chance.below(mine.len())];
    let Body::Text(text) = &message.body else { return };
    let deletion = log.borrow().iter().find(|one| one.text == *text).map(|one| one.deletion.clone());
    let Some(deletion) = deletion else { return };
    deletion.set(deletion.get().or(Some(false)));
    if account.delete_for_everyone(message.id).await.is_ok() {
        deletion.set(Some(true));
    }
}

fn shown(account: &Account<TestDevice>, id: ConversationId) -> Vec<(MessageId, AccountId, Body)> {
    let messages = account.thread(id).map(|thread| thread.messages).unwrap_or_default();
    messages.into_iter().map(|message| (message.id, message.author.account, message.body)).collect()
}

fn check(seed: u64, account: &Account<TestDevice>, written: &[Written], conversations: &[ConversationId]) {
    let me = &account.me().username;
    for id in conversations {
        let Some(thread) = account.thread(*id) else {
            let stays = |one: &&Written| one.taken.get() && one.deletion.get().is_none() && !one.lost.get();
            let for_me = written.iter().filter(stays).any(|one| one.conversation == *id);
            let member = account.conversations().iter().any(|known| known.id == *id);
            assert!(!for_me || !member, "seed {seed}: {me} misses a conversation");
            continue;
        };
        let texts: Vec<String> = thread
            .messages
            .iter()
            .map(|message| match &message.body {
                Body::Text(text) => text.clone(),
                other => panic!("seed {seed}: {me} cannot read {:?}: {other:?}", message.id),
            })
            .collect();
        for message in &thread.messages {
            let arrived = matches!(message.state, MessageState::Sent | MessageState::Received);
            assert!(arrived, "seed {seed}: {me} has {:?}", message.state);
        }
        for one in written.iter().filter(|one| one.conversation == *id) {
            let times = texts.iter().filter(|text| **text == one.text).count();
            let right = match one.deletion.get() {
                Some(true) => times == 0,
                // The tab died while it was deleting: it is there, or not.
                Some(false) => times <= 1,
                None if one.taken.get() && !one.lost.get() => times == 1,
                None => times <= 1,
            };
            assert!(right, "seed {seed}: {me} has {} {times} times", one.text);
        }
        for tab in 0..6 {
            let mine =
                written.iter().filter(|one| one.tab == tab && one.conversation == *id && !one.lost.get());
            let places: Vec<usize> =
                mine.filter_map(|one| texts.iter().position(|text| *text == one.text)).collect();
            assert!(places.is_sorted(), "seed {seed}: {me} has the messages of tab {tab} out of order");
        }
    }
}
