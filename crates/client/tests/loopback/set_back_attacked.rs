//! What a security reader of servers that were set back has found, each as the story in which it went wrong.

use std::{cell::Cell, sync::Arc};

use client::{Device as _, KeysAfterReset, MessageState, Reset, SealedVaultOpener, forgot_password};
use crypto::{
    envelope::{Author, Draft, Envelope, Expiry},
    id::{MessageId, PrekeyId},
    identity::IdentityKey,
    prekey::{PrekeyKind, PrekeySecret},
};
use futures::executor::block_on;
use protocol::{
    Call, Cursor,
    directory::FetchKeys,
    id::ConversationId,
    mailbox::{FetchPage, Send},
    prekey::ClaimPrekeys,
};
use relay::mail::Letter;
use serde_json::{Value, json};

use crate::{
    attacker::{Loot, caught, device_of, kinds, log_of},
    chance::Chance,
    device::{Storage, TestDevice},
    people::{PASSWORD, Person},
    world::World,
};

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
const NEW_PASSWORD: &str = "Der neue Wald hat 9 Wege!";

fn acquainted() -> (Arc<World>, Person, Person, ConversationId) {
    let world = World::new(1);
    let [alice, bob] = Person::couple(&world);
    for person in [&alice, &bob] {
        person.maintains();
    }
    let conversation = alice.opens(&[&bob]);
    alice.says(conversation, "one");
    bob.syncs();
    bob.says(conversation, "two");
    alice.syncs();
    bob.syncs();
    (world, alice, bob, conversation)
}

fn item(envelope: &Envelope, to: &Person, at: u64) -> Value {
    json!({
        "cursor": at,
        "received_at_ms": to.device.now_ms(),
        "shared": protocol::Binary(envelope.shared_bytes().to_vec()),
        "seal": protocol::Binary(envelope.seals_of(to.account.me().account)),
    })
}

/// The server says once that its mailbox ends at `common`, and has these from there on.
fn says_it_was_set_back(person: &Person, common: u64, then: Vec<Value>) {
    let told = Cell::new(false);
    person.device.set_hostility(move |path, request, honest| {
        let mut page = honest?;
        if path != FetchPage::PATH {
            return Ok(page);
        }
        let after = request["after"].as_u64().unwrap();
        let items = page["items"].as_array_mut().unwrap();
        items.retain(|item| item["cursor"].as_u64().unwrap() <= common);
        if request["limit"] == 1 {
            return Ok(page);
        }
        if !told.replace(true) {
            page["items"] = json!([]);
            page["end"] = json!(common);
            return Ok(page);
        }
        items.extend(then.iter().filter(|item| item["cursor"].as_u64().unwrap() > after).cloned());
        page["end"] = json!(common + then.len() as u64);
        Ok(page)
    });
}

/// As above, and all that is honest comes again from there on.
fn says_once_that_it_was_set_back(person: &Person, common: u64) {
    let told = Cell::new(false);
    person.device.set_hostility(move |path, request, honest| {
        let mut page = honest?;
        if path == FetchPage::PATH && request["limit"] != 1 && !told.replace(true) {
            page["items"] = json!([]);
            page["end"] = json!(common);
        }
        Ok(page)
    });
}

// 1. Honest: a device came and went since the copy.
#[test]
fn giving_back_a_device_that_came_and_went_ends_nobodys_session() {
    let (world, alice, bob, conversation) = acquainted();
    let backup = world.copy_store();
    let terminal = Person::signs_in(&world, "alice", 7);
    terminal.maintains();
    block_on(terminal.account.log_out()).unwrap();
    alice.maintains();
    alice.says(conversation, "lost on the server");
    alice.syncs();
    bob.syncs();
    world.restore_store(&backup);
    let maintained = block_on(alice.account.maintain());
    assert_eq!(maintained, Ok(()), "she was not signed out");
    alice.syncs();
}

// 2. One lie: what has been read and disappears later is gone.
#[test]
fn a_server_that_says_once_that_it_was_set_back_takes_no_text_away() {
    let (_, alice, bob, conversation) = acquainted();
    alice.sets_timer(conversation, Some(3_600));
    alice.says(conversation, "for an hour");
    bob.syncs();
    assert_eq!(bob.sees(conversation).last().unwrap(), "alice: for an hour");
    says_once_that_it_was_set_back(&bob, 0);
    bob.syncs();
    // Honest from here on.
    bob.maintains();
    bob.syncs();
    assert_eq!(bob.sees(conversation).last().unwrap(), "alice: for an hour");
}

// 2b. The same for what is kept, with worthless archived keys.
#[test]
fn a_server_that_was_set_back_and_has_worthless_keys_takes_no_text_away() {
    let (_, _alice, bob, conversation) = acquainted();
    let told = Cell::new(false);
    bob.device.set_hostility(move |path, request, honest| {
        let mut page = honest?;
        if path == FetchPage::PATH {
            if request["limit"] != 1 && !told.replace(true) {
                page["items"] = json!([]);
                page["end"] = json!(0);
                return Ok(page);
            }
            for item in page["items"].as_array_mut().unwrap() {
                if !item["archived"].is_null() {
                    item["archived"]["sealed"] = json!(protocol::Binary(vec![1; 60]));
                }
            }
        }
        Ok(page)
    });
    bob.syncs();
    assert!(bob.keeps("\"one\""), "the text was read, and is nowhere on the device any more");
    assert_eq!(bob.sees(conversation), ["alice: one", "bob: two"]);
}

// 3. The revoked device and the server: the end was heard of.
#[test]
fn a_server_that_says_that_it_was_set_back_does_not_bring_a_revoked_device_back() {
    let (world, alice, bob, conversation) = acquainted();
    let stolen = Person::signs_in(&world, "alice", 8);
    stolen.syncs();
    let envelope = caught(&stolen, conversation, "from the thief");
    block_on(alice.account.end_session(stolen.account.session().session)).unwrap();
    alice.says(conversation, "it was stolen");
    bob.syncs();
    assert_eq!(bob.sees(conversation).last().unwrap(), "alice: it was stolen");
    says_it_was_set_back(&bob, 2, vec![item(&envelope, &bob, 3)]);
    bob.syncs();
    let seen = bob.sees(conversation);
    assert!(!seen.contains(&"alice: from the thief".to_owned()), "{seen:?}");
}

/// A message that the identity key itself has signed, for the signed prekey of the reader.
fn forged(by: &IdentityKey, from: &Person, to: &Person, text: &str, seed: u64) -> Envelope {
    let mut rng = Chance::new(seed);
    let (from, to_id) = (from.account.me().account, to.account.me().account);
    let keys = block_on(to.device.call(FetchKeys { accounts: vec![to_id] })).unwrap();
    let to_reader = keys.bundles[0].prekey.verify(to_id, &keys.bundles[0].identity).unwrap();
    let own = PrekeySecret::generate(PrekeyId(1), 1, &mut rng).sign(from, by);
    let own = own.verify(from, &by.public()).unwrap();
    let content = json!({"type": "text", "text": text}).to_string();
    let draft = Draft {
        conversation: ConversationId::of_set([from, to_id]),
        message: MessageId::random(&mut rng),
        parents: &[],
        sent_at_ms: to.device.now_ms(),
        expiry: Expiry::Never,
        content: content.as_bytes(),
    };
    draft.seal(from, by, &[to_reader, own], &mut rng).unwrap()
}

/// Resets the password and loses the keys.
fn begins_anew(world: &Arc<World>, name: &str, seed: u64) -> Person {
    world.pass_time(3_600_000);
    let device = |seed| TestDevice::new(world, &Storage::default(), seed);
    let address = format!("{name}@example.org");
    block_on(forgot_password(&*device(seed + 1), address.parse().unwrap())).unwrap();
    let mails = world.post().into_iter().filter(|(to, _)| *to == address);
    let token = mails.into_iter().find_map(|(_, letter)| match letter {
        Letter::ResetPassword { accounts } => Some(accounts[0].1.clone()),
        _ => None,
    });
    let reset = block_on(Reset::check(device(seed + 2), token.unwrap())).unwrap();
    block_on(reset.redeem(NEW_PASSWORD, None, KeysAfterReset::Lose)).unwrap();
    let person = Person::tries_to_sign_in(world, name, NEW_PASSWORD, None, seed + 3).unwrap();
    person.maintains();
    person
}

fn accepts(person: &Person, contact: &Person) {
    let contact = contact.account.me().account;
    let number = person.account.safety_number(contact).unwrap();
    block_on(person.account.accept_key(contact, number)).unwrap();
}

// 4. Whoever has the key of before a reset, and the server.
#[test]
fn a_server_that_says_that_it_was_set_back_does_not_bring_an_old_key_back() {
    let world = World::new(1);
    let [alice, bob] = Person::couple(&world);
    for person in [&alice, &bob] {
        person.maintains();
    }
    let conversation = alice.opens(&[&bob]);
    for text in ["one", "two", "three"] {
        alice.says(conversation, text);
    }
    alice.syncs();
    let old_key = Loot::of(&bob).identity().clone();
    let again = begins_anew(&world, "bob", 40);
    block_on(alice.account.look_at_keys(conversation)).unwrap();
    accepts(&alice, &again);
    alice.says(conversation, "four");
    alice.syncs();
    let envelope = forged(&old_key, &again, &alice, "from the thief", 5);
    // At the end of the mailbox it is dropped.
    let control = alice.opens_a_tab(&world, 70);
    crate::attacker::delivers(&control, 5, &envelope);
    assert_eq!(control.syncs().dropped, 1);
    alice.storage.remove_if(|name| name.ends_with("/delivery/5"));

    says_it_was_set_back(&alice, 2, vec![item(&envelope, &alice, 3)]);
    alice.syncs();
    let seen = alice.sees(conversation);
    assert!(!seen.contains(&"bob: from the thief".to_owned()), "{seen:?}");
}

// 5. The same key, and no lie about places: the reader has had a reset of her own and opened what it put away.
#[test]
fn an_old_key_does_not_count_again_after_what_a_reset_put_away_was_opened() {
    let world = World::new(1);
    let [alice, bob] = Person::couple(&world);
    for person in [&alice, &bob] {
        person.maintains();
    }
    let conversation = alice.opens(&[&bob]);
    alice.says(conversation, "one");
    alice.syncs();
    let old_key = Loot::of(&bob).identity().clone();
    let bob = begins_anew(&world, "bob", 40);
    block_on(alice.account.look_at_keys(conversation)).unwrap();
    accepts(&alice, &bob);
    alice.says(conversation, "two");
    alice.syncs();

    let alice = begins_anew(&world, "alice", 50);
    alice.syncs();
    alice.opens(&[&bob]);
    alice.says(conversation, "three");
    alice.syncs();
    let vault = block_on(alice.account.profile()).unwrap().sealed_vaults.remove(0);
    let opener = SealedVaultOpener::Password(PASSWORD.to_owned().into());
    block_on(alice.account.open_sealed_vault(&vault, &opener)).unwrap();
    let end = alice.account.mailbox_end().0;
    let envelope = forged(&old_key, &bob, &alice, "from the thief", 5);
    crate::attacker::delivers(&alice, end + 1, &envelope);
    alice.syncs();
    let seen = alice.sees(conversation);
    assert!(!seen.contains(&"bob: from the thief".to_owned()), "{seen:?}");
}

// 6. Honest: a new device makes prekeys on the server that was set back; an old one gives its row of the same slot back.
#[test]
fn a_vault_that_is_given_back_takes_no_keys_away_that_were_made_meanwhile() {
    let (world, alice, bob, conversation) = acquainted();
    let carol = Person::signs_up(&world, "carol", 66);
    carol.maintains();
    let gone = Person::signs_in(&world, "bob", 7);
    gone.maintains();
    bob.maintains();
    let backup = world.copy_store();
    // A new batch, and two of it are used.
    block_on(bob.account.end_session(gone.account.session().session)).unwrap();
    for text in ["three", "four"] {
        alice.says(conversation, text);
        bob.syncs();
    }
    world.restore_store(&backup);
    world.pass_time(1_000);
    let laptop = Person::signs_in(&world, "bob", 9);
    laptop.maintains();
    let with_carol = carol.opens(&[&laptop]);
    let message = carol.sends(with_carol, "by a new prekey");
    assert_eq!(kinds(&world, message), [PrekeyKind::OneTime]);
    // Without this line the laptop reads it.
    bob.maintains();
    for _ in 0..2 {
        laptop.maintains();
        bob.maintains();
    }
    for person in [&laptop, &bob] {
        assert_eq!(person.sees(with_carol), ["carol: by a new prekey"]);
    }
}

// 7. Honest: the other one's timer.
#[test]
fn a_timer_that_another_set_stays_on_when_the_server_was_set_back() {
    let (world, alice, bob, conversation) = acquainted();
    let backup = world.copy_store();
    world.pass_time(1_000);
    bob.sets_timer(conversation, Some(60));
    alice.syncs();
    assert_eq!(alice.account.thread(conversation).unwrap().timer_s, Some(60));
    world.restore_store(&backup);
    // Bob is away.
    alice.maintains();
    assert_eq!(alice.sees(conversation).last().unwrap(), "bob: timer 60", "it is there to be seen");
    let message = alice.sends(conversation, "only for a minute");
    assert!(
        world.recorded(message).is_empty(),
        "nobody can take it yet, and it is not sent to be kept for ever"
    );
}

// 8. Honest: what waits for the user's word.
/// A changed client sends a text under an id of its choice.
fn sends_as(world: &World, from: &Person, to: &[&Person], message: MessageId, text: &str) {
    let rng = &mut Chance::new(9);
    let readers: Vec<_> = to.iter().map(|person| person.account.me().account).collect();
    let claim = ClaimPrekeys { accounts: readers.clone(), of_devices: false };
    let claimed = block_on(from.device.call(claim)).unwrap().prekeys;
    let keys = block_on(from.device.call(FetchKeys { accounts: readers.clone() })).unwrap();
    let prekeys: Vec<_> = keys
        .bundles
        .iter()
        .map(|bundle| {
            let one_time = claimed.iter().find(|claimed| claimed.account == bundle.account);
            let prekey = one_time.map_or(&bundle.prekey, |claimed| &claimed.prekey);
            prekey.verify(bundle.account, &bundle.identity).unwrap()
        })
        .collect();
    let me = from.account.me().account;
    let (device, key) = device_of(from);
    let identity = Loot::of(from).identity().public();
    let content = json!({"type": "text", "text": text}).to_string();
    let draft = Draft {
        conversation: ConversationId::of_set(readers.into_iter().chain([me])),
        message,
        parents: &[],
        sent_at_ms: world.now_ms(),
        expiry: Expiry::Never,
        content: content.as_bytes(),
    };
    let author =
        Author { account: me, identity: &identity, device, key: &key, log_head: log_of(from).head() };
    let sealed = draft.seal_by_device(author, &prekeys, &[], rng).unwrap();
    let archived = json!({"epoch": protocol::Binary(vec![1; 16]), "sealed": protocol::Binary(vec![1; 60])});
    let archived = Some(serde_json::from_value(archived).unwrap());
    block_on(from.device.call(Send { envelope: sealed.envelope.to_bytes().into(), archived })).unwrap();
}

// 9. A contact takes the id of somebody else's message that the server has lost.
#[test]
fn a_contact_does_not_take_the_place_of_what_somebody_else_wrote() {
    let world = World::new(1);
    let [alice, bob] = Person::couple(&world);
    let mallory = Person::signs_up(&world, "mallory", 66);
    let group = alice.opens(&[&bob, &mallory]);
    for person in [&alice, &bob, &mallory] {
        person.maintains();
    }
    alice.says(group, "one");
    for person in [&alice, &bob, &mallory] {
        person.syncs();
    }
    let backup = world.copy_store();
    world.pass_time(1_000);
    let message = bob.sends(group, "I promise");
    for person in [&alice, &bob, &mallory] {
        person.syncs();
    }
    world.restore_store(&backup);
    for person in [&alice, &bob, &mallory] {
        person.maintains();
    }
    assert_eq!(alice.sees(group), ["alice: one", "bob: I promise"]);
    sends_as(&world, &mallory, &[&alice, &bob], message, "nothing");
    for person in [&alice, &bob] {
        person.syncs();
        let reloaded = person.opens_a_tab(&world, 91);
        reloaded.syncs();
        let seen = reloaded.sees(group);
        assert!(seen.contains(&"bob: I promise".to_owned()), "{seen:?}");
    }
}

// 9b. The same for what its author has sent and not fetched yet.
#[test]
fn a_contact_does_not_take_the_place_of_what_waits_in_the_outbox() {
    let world = World::new(1);
    let [alice, bob] = Person::couple(&world);
    let mallory = Person::signs_up(&world, "mallory", 66);
    let group = alice.opens(&[&bob, &mallory]);
    for person in [&alice, &bob, &mallory] {
        person.maintains();
    }
    alice.says(group, "one");
    for person in [&alice, &bob, &mallory] {
        person.syncs();
    }
    let backup = world.copy_store();
    world.pass_time(1_000);
    let message = alice.sends(group, "I was here");
    mallory.syncs();
    world.restore_store(&backup);
    mallory.maintains();
    sends_as(&world, &mallory, &[&alice, &bob], message, "nothing");
    for _ in 0..2 {
        alice.maintains();
        let _ = block_on(alice.account.flush());
    }
    assert!(alice.keeps("I was here"), "{:?}", alice.sees(group));
}

// 10. Honest: written between the restoration and the next upkeep, and another device signs in.
#[test]
fn what_is_written_under_a_lost_head_arrives_all_the_same() {
    let (world, alice, bob, conversation) = acquainted();
    let backup = world.copy_store();
    let tablet = Person::signs_in(&world, "alice", 7);
    tablet.maintains();
    alice.maintains();
    world.restore_store(&backup);
    alice.says(conversation, "nobody has noticed yet");
    assert_eq!(alice.states(conversation).last(), Some(&MessageState::Sent));
    let laptop = Person::signs_in(&world, "alice", 9);
    laptop.maintains();
    alice.maintains();
    block_on(alice.account.flush()).unwrap();
    for _ in 0..4 {
        bob.maintains();
        alice.maintains();
        world.pass_time(3 * DAY_MS);
    }
    bob.syncs();
    alice.syncs();
    assert_eq!(alice.sees(conversation).last().unwrap(), "alice: nobody has noticed yet");
    assert_eq!(bob.sees(conversation).last().unwrap(), "alice: nobody has noticed yet");
}

// 11. Honest: what only devices have is taken back.
#[test]
fn what_the_server_has_lost_can_be_taken_back() {
    let (world, alice, bob, conversation) = acquainted();
    let backup = world.copy_store();
    world.pass_time(1_000);
    let message = alice.sends(conversation, "regretted");
    for person in [&alice, &bob] {
        person.syncs();
    }
    world.restore_store(&backup);
    for person in [&alice, &bob] {
        person.maintains();
    }
    assert_eq!(alice.sees(conversation).last().unwrap(), "alice: regretted");
    assert_eq!(block_on(alice.account.delete_for_everyone(message)), Ok(()));
    block_on(alice.account.flush()).unwrap();
    for person in [&alice, &bob] {
        person.syncs();
        assert!(!person.keeps("regretted"));
    }
}

// 11b. A page that waits for the end of a timer.
#[test]
fn what_the_server_has_lost_disappears_in_time() {
    let (world, alice, bob, conversation) = acquainted();
    alice.sets_timer(conversation, Some(60));
    bob.syncs();
    alice.syncs();
    let backup = world.copy_store();
    world.pass_time(1_000);
    alice.says(conversation, "for a minute");
    bob.syncs();
    world.restore_store(&backup);
    bob.maintains();
    assert_eq!(bob.sees(conversation).last().unwrap(), "alice: for a minute");
    assert!(bob.account.next_disappearance().is_some(), "the page is told when to forget it");
}

// 12. Honest: two tabs, a server that was set back, and a disappearing message.
#[test]
fn a_second_tab_that_notices_later_takes_nothing_away() {
    let (world, alice, bob, conversation) = acquainted();
    alice.sets_timer(conversation, Some(3_600));
    bob.syncs();
    alice.syncs();
    let backup = world.copy_store();
    world.pass_time(1_000);
    alice.says(conversation, "lost");
    bob.syncs();
    let tab = bob.opens_a_tab(&world, 61);
    tab.syncs();
    world.restore_store(&backup);
    world.pass_time(1_000);
    // One tab notices; the other one is asleep.
    for person in [&tab, &alice] {
        person.maintains();
    }
    alice.says(conversation, "new");
    tab.syncs();
    let seen = tab.sees(conversation);
    assert!(seen.contains(&"alice: new".to_owned()), "{seen:?}");
    bob.syncs();
    let reloaded = bob.opens_a_tab(&world, 62);
    reloaded.syncs();
    let seen = reloaded.sees(conversation);
    assert!(seen.contains(&"alice: new".to_owned()), "{seen:?}");
}

// 13. Honest: added and ended since the copy, with a session that the copy knows; another device signs in first.
#[test]
fn a_device_whose_whole_life_was_lost_does_not_come_back() {
    let (world, alice, _bob, _conversation) = acquainted();
    let stolen = Person::signs_in(&world, "alice", 6);
    let backup = world.copy_store();
    stolen.maintains();
    let (id, _) = device_of(&stolen);
    block_on(alice.account.end_session(stolen.account.session().session)).unwrap();
    world.restore_store(&backup);
    let laptop = Person::signs_in(&world, "alice", 9);
    laptop.maintains();
    alice.maintains();
    alice.maintains();
    let _ = block_on(stolen.account.maintain());
    assert!(log_of(&laptop).active().all(|(device, _)| device != id), "the ended device is active again");
}

// 14. A timer that was sent and not fetched yet is deleted: others never hear of it.
#[test]
fn a_timer_is_not_deleted_while_it_is_on_its_way() {
    let (_, alice, bob, conversation) = acquainted();
    alice.sets_timer(conversation, Some(60));
    let timer = alice.account.thread(conversation).unwrap().messages.last().unwrap().id;
    let _ = block_on(alice.account.delete_for_everyone(timer));
    block_on(alice.account.flush()).unwrap();
    alice.syncs();
    bob.syncs();
    let timers = [&alice, &bob].map(|person| person.account.thread(conversation).unwrap().timer_s);
    assert_eq!(timers[0], timers[1], "they go by different timers");
}

// 15. After a reload, what lost messages have used up is forgotten.
#[test]
fn a_key_that_a_lost_message_has_used_is_refused_after_a_reload() {
    let (world, alice, bob, conversation) = acquainted();
    let backup = world.copy_store();
    world.pass_time(1_000);
    let message = alice.sends(conversation, "uses a key");
    assert_eq!(kinds(&world, message), [PrekeyKind::OneTime]);
    alice.syncs();
    bob.syncs();
    // The whole machine was set back: the key is handed out once more, and Bob has not noticed yet.
    world.restore_machine(&backup);
    alice.syncs();
    // Without this reload it claims once more, and Bob reads it.
    let again = alice.opens_a_tab(&world, 10);
    again.syncs();
    let message = again.sends(conversation, "by which key?");
    bob.maintains();
    bob.syncs();
    let seen = bob.sees(conversation);
    assert_eq!(seen.last().unwrap(), "alice: by which key?", "{:?}", kinds(&world, message));
}

// 16. Honest: places of which this device knows no name (what had disappeared before it came) are counted anew.
// 17. A lie, a reload, and what was deleted for everyone is back.
#[test]
fn what_another_has_deleted_does_not_come_back_by_a_lie() {
    let (world, alice, bob, conversation) = acquainted();
    let message = alice.sends(conversation, "regretted");
    bob.syncs();
    // The server keeps what it will be told to erase.
    let kept = block_on(bob.device.call(FetchPage { after: Cursor(2), limit: 1 })).unwrap().items.remove(0);
    let kept = serde_json::to_value(kept).unwrap();
    assert!(!kept["archived"].is_null());
    alice.syncs();
    block_on(alice.account.delete_for_everyone(message)).unwrap();
    block_on(alice.account.flush()).unwrap();
    bob.syncs();
    assert_eq!(bob.sees(conversation), ["alice: one", "bob: two"]);
    assert!(!bob.keeps("regretted"));
    says_it_was_set_back(&bob, 2, vec![]);
    bob.syncs();
    let reloaded = bob.opens_a_tab(&world, 9);
    says_it_was_set_back(&reloaded, 2, vec![kept]);
    reloaded.syncs();
    reloaded.syncs();
    let seen = reloaded.sees(conversation);
    assert_eq!(seen, ["alice: one", "bob: two"]);
}

// 18. The page dies between two writes of the joining.
// 19. An empty place "may have held" anything: what was counted anew around it is not fetched.
#[test]
fn an_empty_place_is_no_witness_that_nothing_was_lost() {
    let (world, alice, bob, conversation) = acquainted();
    let carol = Person::signs_up(&world, "carol", 66);
    carol.maintains();
    let with_carol = carol.opens(&[&bob]);
    carol.says(with_carol, "hi");
    for person in [&bob, &carol] {
        person.syncs();
    }
    let backup = world.copy_store();
    for text in ["lost one", "lost two"] {
        alice.says(conversation, text);
    }
    for person in [&alice, &bob] {
        person.syncs();
    }
    world.restore_store(&backup);
    alice.maintains();
    alice.says(conversation, "after");
    let oops = carol.sends(with_carol, "oops");
    block_on(carol.account.delete_for_everyone(oops)).unwrap();
    block_on(carol.account.flush()).unwrap();
    carol.syncs();
    for _ in 0..2 {
        bob.syncs();
        bob.maintains();
    }
    let seen = bob.sees(conversation);
    assert!(seen.contains(&"alice: after".to_owned()), "{seen:?}");
}

// 20. Honest: the copy is from before a contact's reset.
#[test]
fn what_is_written_under_the_key_of_a_copy_waits_for_a_word() {
    let (world, alice, bob, conversation) = acquainted();
    let backup = world.copy_store();
    let again = begins_anew(&world, "bob", 40);
    block_on(alice.account.look_at_keys(conversation)).unwrap();
    accepts(&alice, &again);
    world.restore_store(&backup);
    alice.maintains();
    bob.says(conversation, "it is me again, with the key of before");
    let synced = alice.syncs();
    block_on(alice.account.look_at_keys(conversation)).unwrap();
    accepts(&alice, &bob);
    alice.syncs();
    let seen = alice.sees(conversation);
    assert_eq!(seen.last().unwrap(), "bob: it is me again, with the key of before", "{synced:?}");
}

// 21. Honest: the thief's session began before the copy, its device was added and ended after it.
#[test]
fn giving_back_an_end_does_not_end_the_wrong_session() {
    let (world, alice, _, _) = acquainted();
    let stolen = Person::signs_in(&world, "alice", 6);
    let backup = world.copy_store();
    stolen.maintains();
    block_on(alice.account.end_session(stolen.account.session().session)).unwrap();
    assert!(block_on(stolen.account.sync()).is_err());
    world.restore_store(&backup);
    let alices = block_on(alice.account.maintain());
    let thiefs = block_on(stolen.account.sync());
    assert_eq!((alices.is_ok(), thiefs.is_ok()), (true, false), "{alices:?} {thiefs:?}");
}

// 22. Honest: two devices give back what they have at the same moment; one of them calls the server a liar.
#[test]
fn two_devices_that_give_back_at_once_blame_nobody() {
    use core::{
        future::Future as _,
        sync::atomic::Ordering,
        task::{Context, Waker},
    };
    let mut blamed = 0;
    for seed in 1..=12 {
        let (world, alice, bob, conversation) = acquainted();
        let backup = world.copy_store();
        alice.says(conversation, "three");
        bob.syncs();
        let desk = Person::signs_in(&world, "bob", 5);
        alice.says(conversation, "four");
        bob.syncs();
        world.restore_store(&backup);
        let page = bob.opens_a_tab(&world, seed);
        page.device.unsteady.store(true, Ordering::Relaxed);
        let mut upkeep = Box::pin(page.account.maintain());
        let mut context = Context::from_waker(Waker::noop());
        let mut outcome = None;
        while page.device.calls_to(protocol::vault::FetchRows::PATH) == 0 {
            if let core::task::Poll::Ready(done) = upkeep.as_mut().poll(&mut context) {
                outcome = Some(done);
                break;
            }
        }
        // The desk knows an older state of the vault; it signs in anew and gives that back.
        let device = TestDevice::new(&world, &desk.storage, seed + 50);
        let form = crate::people::login("bob");
        let desk = block_on(client::sign_in(device, form)).unwrap();
        let _ = block_on(desk.maintain());
        let outcome = outcome.unwrap_or_else(|| block_on(upkeep));
        blamed += usize::from(outcome.is_err());
        if let Err(error) = outcome {
            println!("seed {seed}: {error}");
        }
    }
    assert_eq!(blamed, 0);
}

/// A message for the signed prekey of the reader that does not open.
fn sends_what_does_not_open(world: &World, from: &Person, to: &Person, seed: u64) {
    let rng = &mut Chance::new(seed);
    let people = [from, to].map(|person| person.account.me().account);
    let keys = block_on(from.device.call(FetchKeys { accounts: vec![people[1]] })).unwrap();
    let bundle = &keys.bundles[0];
    // A changed client writes any bytes as the seal; here, those of another key under the same number.
    let theirs = Loot::of(to).identity().clone();
    let other = PrekeySecret::generate(bundle.prekey.id(), 1, rng).sign(people[1], &theirs);
    let other = other.verify(people[1], &bundle.identity).unwrap();
    let (device, key) = device_of(from);
    let identity = Loot::of(from).identity().public();
    let draft = Draft {
        conversation: ConversationId::of_set(people),
        message: MessageId::random(rng),
        parents: &[],
        sent_at_ms: world.now_ms(),
        expiry: Expiry::Never,
        content: b"{}",
    };
    let log_head = log_of(from).head();
    let author = Author { account: people[0], identity: &identity, device, key: &key, log_head };
    let sealed = draft.seal_by_device(author, &[other], &[], rng).unwrap();
    let archived = json!({"epoch": protocol::Binary(vec![1; 16]), "sealed": protocol::Binary(vec![1; 60])});
    let archived = Some(serde_json::from_value(archived).unwrap());
    block_on(from.device.call(Send { envelope: sealed.envelope.to_bytes().into(), archived })).unwrap();
}

// 23. Fifty that do not open, by one contact: what would open is not looked at again, and each upkeep costs fifty calls.
#[test]
fn a_contact_does_not_keep_others_from_being_read_again() {
    let (world, alice, bob, conversation) = acquainted();
    let mallory = Person::signs_up(&world, "mallory", 66);
    mallory.maintains();
    let to_bob = mallory.opens(&[&bob]);
    mallory.says(to_bob, "hi");
    alice.says(conversation, "opens later");
    // Its key is not there yet.
    let spoilt = Cell::new(false);
    bob.device.set_hostility(move |path, _, honest| {
        let mut page = honest?;
        if path == FetchPage::PATH
            && !spoilt.get()
            && let Some(last) = page["items"].as_array_mut().unwrap().last_mut()
        {
            spoilt.set(true);
            last["seal"] = json!(protocol::Binary(vec![3; 1168]));
        }
        Ok(page)
    });
    bob.syncs();
    let before = bob.sees(conversation);
    // With 49 of them it is read.
    for seed in 0..50 {
        sends_what_does_not_open(&world, &mallory, &bob, 300 + seed);
    }
    bob.device.set_hostility(|_, _, honest| honest);
    bob.syncs();
    let calls = bob.device.calls_to(FetchPage::PATH);
    for _ in 0..3 {
        bob.maintains();
    }
    let calls = bob.device.calls_to(FetchPage::PATH) - calls;
    let seen = bob.sees(conversation);
    assert_eq!(seen.last().unwrap(), "alice: opens later", "{before:?}, {calls} calls");
}

// 24. The owner is asked about herself.
#[test]
fn nobody_is_asked_about_their_own_devices() {
    let (world, alice, _, conversation) = acquainted();
    let backup = world.copy_store();
    let tablet = Person::signs_in(&world, "alice", 7);
    tablet.maintains();
    alice.maintains();
    world.restore_store(&backup);
    let laptop = Person::signs_in(&world, "alice", 9);
    laptop.maintains();
    alice.says(conversation, "nobody has noticed yet");
    alice.syncs();
    assert_eq!(alice.account.thread(conversation).unwrap().changed_keys, []);
}

// 25. Honest, the whole machine was set back: a prekey was claimed before the copy and has served after it.
// 3b. The server is honest and was set back; the thief is quicker than the owner. Bob had heard of the end.
#[test]
fn who_has_heard_of_an_end_does_not_believe_the_thief_after_the_server_was_set_back() {
    let (world, alice, bob, conversation) = acquainted();
    let stolen = Person::signs_in(&world, "alice", 8);
    stolen.maintains();
    let backup = world.copy_store();
    block_on(alice.account.end_session(stolen.account.session().session)).unwrap();
    alice.says(conversation, "it was stolen");
    bob.syncs();
    assert_eq!(bob.sees(conversation).last().unwrap(), "alice: it was stolen");
    world.restore_store(&backup);
    world.pass_time(1_000);
    stolen.opens(&[&bob]);
    stolen.says(conversation, "from the thief");
    bob.syncs();
    alice.maintains();
    bob.maintains();
    let seen = bob.sees(conversation);
    assert!(!seen.contains(&"alice: from the thief".to_owned()), "{seen:?}");
}

// 2c. What oneself has written comes back with a worthless key, and its draft goes.
#[test]
fn what_one_has_written_is_not_lost_when_it_comes_back_unreadable() {
    let (_, alice, _, conversation) = acquainted();
    alice.says(conversation, "written here");
    alice.device.set_hostility(|path, _, honest| {
        let mut page = honest?;
        if path == FetchPage::PATH {
            for item in page["items"].as_array_mut().unwrap() {
                if !item["archived"].is_null() {
                    item["archived"]["sealed"] = json!(protocol::Binary(vec![1; 60]));
                }
            }
        }
        Ok(page)
    });
    alice.syncs();
    assert!(alice.keeps("written here"), "{:?}", alice.sees(conversation));
}

// 26. A vault that another device has filled meanwhile: nothing is read and nothing is done any more.
#[test]
fn a_vault_that_takes_a_lost_row_no_more_stops_nobody() {
    let (world, alice, bob, conversation) = acquainted();
    let carol = Person::signs_up(&world, "carol", 66);
    let backup = world.copy_store();
    let with_carol = carol.opens(&[&bob]);
    carol.says(with_carol, "hi");
    bob.syncs();
    world.restore_store(&backup);
    let carols = json!(protocol::Binary(carol.account.me().account.to_bytes().to_vec()));
    bob.device.set_hostility(move |path, request, honest| {
        // Strangers' pins have filled it.
        if path == protocol::vault::PutRow::PATH && request["row"]["key_id"] == carols {
            return Err(protocol::Code::QuotaExceeded.into());
        }
        let mut answer = honest?;
        if path == protocol::vault::FetchRows::PATH {
            answer["rows"].as_array_mut().unwrap().retain(|row| row["key_id"] != carols);
        }
        Ok(answer)
    });
    alice.maintains();
    alice.says(conversation, "still here");
    let _ = block_on(bob.account.maintain());
    assert_eq!(block_on(bob.account.maintain()), Ok(()));
}
