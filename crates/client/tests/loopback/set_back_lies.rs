//! Servers that say that they were set back, or hand out what only a copy has: each the story in which it once went wrong.

use std::{cell::Cell, sync::Arc};

use client::{Device as _, KeysAfterReset, Reset, SealedVaultOpener, forgot_password};
use crypto::{
    envelope::{Draft, Envelope, Expiry},
    id::{MessageId, PrekeyId},
    identity::IdentityKey,
    prekey::{PrekeyKind, PrekeySecret},
};
use futures::executor::block_on;
use protocol::{Call, Cursor, directory::FetchKeys, id::ConversationId, mailbox::FetchPage};
use relay::mail::Letter;
use serde_json::{Value, json};

use crate::{
    attacker::{Loot, caught, kinds},
    chance::Chance,
    device::{Storage, TestDevice},
    people::{PASSWORD, Person},
    world::World,
};

const NEW_PASSWORD: &str = "Der neue Wald hat 9 Wege!";

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
pub(crate) fn begins_anew(world: &Arc<World>, name: &str, seed: u64) -> Person {
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

/// One lie: what has been read and disappears later is gone.
#[test]
fn a_server_that_says_once_that_it_was_set_back_takes_no_text_away() {
    let (_, alice, bob, conversation) = Person::acquainted_couple();
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

/// The same for what is kept, with worthless archived keys.
#[test]
fn a_server_that_was_set_back_and_has_worthless_keys_takes_no_text_away() {
    let (_, _alice, bob, conversation) = Person::acquainted_couple();
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

/// The revoked device and the server: the end was heard of.
#[test]
fn a_server_that_says_that_it_was_set_back_does_not_bring_a_revoked_device_back() {
    let (world, alice, bob, conversation) = Person::acquainted_couple();
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

/// Whoever has the key of before a reset, and the server.
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
    alice.accepts(&again);
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

/// The same key, and no lie about places: the reader has had a reset of her own and opened what it put away.
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
    alice.accepts(&bob);
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

/// After a reload, what lost messages have used up is forgotten.
#[test]
fn a_key_that_a_lost_message_has_used_is_refused_after_a_reload() {
    let (world, alice, bob, conversation) = Person::acquainted_couple();
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

/// A lie, a reload, and what was deleted for everyone is back.
#[test]
fn what_another_has_deleted_does_not_come_back_by_a_lie() {
    let (world, alice, bob, conversation) = Person::acquainted_couple();
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

/// What oneself has written comes back with a worthless key, and its draft goes.
#[test]
fn what_one_has_written_is_not_lost_when_it_comes_back_unreadable() {
    let (_, alice, _, conversation) = Person::acquainted_couple();
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
