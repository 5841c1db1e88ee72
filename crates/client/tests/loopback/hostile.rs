//! What a hostile server may try, and what comes of it: nothing false is shown, nothing is sent to a false key, and
//! what is honest still arrives.

use std::{
    cell::{Cell, RefCell},
    sync::{Arc, Mutex},
};

use client::{
    AcceptKeyError, Interruption, MessageState, OpenConversationError, SignInError, SyncError, VaultRefused,
    sign_in,
};
use crypto::{
    envelope::{Draft, Envelope, Expiry},
    id::{AccountId, ConversationId, LogHash, MessageId, PrekeyId},
    identity::IdentityKey,
    kdf::KdfParams,
    prekey::PrekeySecret,
};
use futures::executor::block_on;
use protocol::{Call, Refusal, account, directory, mailbox, vault};
use serde_json::{Value, json};

use crate::{
    chance::Chance,
    device::{Storage, TestDevice},
    people::{Person, login},
    world::World,
};

type Answer = Result<Value, Refusal>;

/// Alice and Bob who have written to each other, and Carol whom nobody knows.
struct Acquainted {
    world: Arc<World>,
    alice: Person,
    bob: Person,
    conversation: ConversationId,
}

fn acquainted() -> Acquainted {
    let world = World::new(1);
    let alice = Person::signs_up(&world, "alice", 1);
    let bob = Person::signs_up(&world, "bob", 2);
    let conversation = alice.opens(&[&bob]);
    alice.says(conversation, "hello");
    bob.syncs();
    bob.says(conversation, "hi");
    alice.syncs();
    Acquainted { world, alice, bob, conversation }
}

fn id_of(person: &Person) -> AccountId {
    person.account.me().account
}

/// A server that hands out another identity of Bob's, and delivers one message that this identity wrote.
#[derive(Clone)]
struct FalseBob {
    bundle: Value,
    item: Value,
    /// How many deliveries are honest.
    honest: u64,
    /// The envelopes that were sent meanwhile; the honest relay would refuse them.
    sent: Arc<Mutex<Vec<Envelope>>>,
}

impl FalseBob {
    fn of(Acquainted { world, alice, bob, conversation }: &Acquainted) -> Self {
        let mut rng = Chance::new(5);
        let (alice_id, bob_id) = (id_of(alice), id_of(bob));
        let identity = IdentityKey::generate(&mut rng);
        let prekey = PrekeySecret::generate(PrekeyId(1), 1, &mut rng);
        let signed = prekey.sign(bob_id, &identity);
        let keys = directory::FetchKeys { accounts: vec![alice_id] };
        let keys = block_on(client::Device::call(&*alice.device, keys)).unwrap();
        let to_alice = keys.bundles[0].prekey.verify(alice_id, &keys.bundles[0].identity).unwrap();
        let to_bob = signed.verify(bob_id, &identity.public()).unwrap();
        let draft = Draft {
            conversation: *conversation,
            message: MessageId::random(&mut rng),
            parents: &[],
            sent_at_ms: world.now_ms(),
            expiry: Expiry::Never,
            content: br#"{"type":"text","text":"from another key"}"#,
        };
        let envelope = draft.seal(bob_id, &identity, &[to_alice, to_bob], &mut rng).unwrap();
        let place = envelope.claimed_header().place_of(alice_id).unwrap();
        let bundle = directory::KeyBundle {
            account: bob_id,
            username: "bob".parse().unwrap(),
            identity: identity.public(),
            prekey: signed,
            prekey_at_ms: 0,
            log_length: 0,
            log_head: LogHash::from_bytes([0; 32]),
        };
        let honest = 2;
        let item = mailbox::Item {
            cursor: protocol::Cursor(honest + 1),
            received_at_ms: world.now_ms(),
            shared: envelope.shared_bytes().to_vec().into(),
            seal: envelope.seals()[place].to_vec().into(),
            archived: None,
        };
        Self {
            bundle: serde_json::to_value(bundle).unwrap(),
            item: serde_json::to_value(item).unwrap(),
            honest,
            sent: Arc::default(),
        }
    }

    fn answer(&self, path: &str, request: &Value, honest: Answer) -> Answer {
        match path {
            directory::FetchKeys::PATH => {
                let mut keys = honest?;
                for bundle in keys["bundles"].as_array_mut().unwrap() {
                    if bundle["account"] == self.bundle["account"] {
                        *bundle = self.bundle.clone();
                    }
                }
                Ok(keys)
            }
            mailbox::FetchPage::PATH => {
                let mut page = honest?;
                if request["after"].as_u64().unwrap() <= self.honest {
                    page["items"].as_array_mut().unwrap().push(self.item.clone());
                }
                page["end"] = json!(self.honest + 1);
                Ok(page)
            }
            mailbox::Send::PATH => {
                let sent: mailbox::Send = serde_json::from_value(request.clone()).unwrap();
                let envelope = Envelope::parse(sent.envelope.as_slice()).unwrap();
                let answer = mailbox::Sent {
                    message: envelope.claimed_header().message,
                    hash: envelope.hash(),
                    cursor: protocol::Cursor(self.honest + 2),
                    received_at_ms: 1,
                };
                self.sent.lock().unwrap().push(envelope);
                Ok(serde_json::to_value(answer).unwrap())
            }
            _ => honest,
        }
    }
}

#[test]
fn a_changed_key_blocks_sending_and_holds_back_until_it_is_accepted() {
    let story = acquainted();
    let Acquainted { world, alice, bob, conversation } = &story;
    let false_bob = FalseBob::of(&story);
    let hostile = false_bob.clone();
    alice.device.set_hostility(move |path, request, honest| hostile.answer(path, request, honest));
    let old_number = alice.account.safety_number(id_of(bob)).unwrap();

    // The message is kept, and not shown; nothing is sent.
    let synced = alice.syncs();
    assert_eq!((synced.new, synced.held), (0, 1));
    assert_eq!(alice.sees(*conversation), ["alice: hello", "bob: hi"]);
    alice.says(*conversation, "is it you?");
    assert!(false_bob.sent.lock().unwrap().is_empty());
    let [.., MessageState::Failed(why)] = &alice.states(*conversation)[..] else { panic!("it is blocked") };
    assert!(why.contains("the security key of bob has changed"), "{why}");
    let thread = alice.account.thread(*conversation).unwrap();
    assert_eq!(thread.changed_keys, [bob.account.me().clone()]);
    assert_eq!(alice.account.conversations()[0].trouble, [bob.account.me().clone()]);

    // All of that is still so after a reload.
    let reloaded = alice.opens_a_tab(world, 7);
    let hostile = false_bob.clone();
    reloaded.device.set_hostility(move |path, request, honest| hostile.answer(path, request, honest));
    reloaded.syncs();
    assert_eq!(reloaded.account.thread(*conversation).unwrap().changed_keys, [bob.account.me().clone()]);
    let new_number = reloaded.account.safety_number(id_of(bob)).unwrap();
    assert_ne!(new_number, old_number);

    // Only the key whose number was compared is accepted, whatever the relay offers at that moment.
    let accepted = block_on(reloaded.account.accept_key(id_of(bob), old_number));
    assert_eq!(accepted, Err(AcceptKeyError::ChangedAgain));
    assert_eq!(reloaded.account.thread(*conversation).unwrap().changed_keys, [bob.account.me().clone()]);

    // After the user's word both go on by themselves.
    block_on(reloaded.account.accept_key(id_of(bob), new_number)).unwrap();
    let after = ["alice: hello", "bob: hi", "bob: from another key", "alice: is it you?"];
    assert_eq!(reloaded.sees(*conversation), after);
    assert_eq!(reloaded.account.thread(*conversation).unwrap().changed_keys, []);
    block_on(reloaded.account.flush()).unwrap();
    assert_eq!(false_bob.sent.lock().unwrap().len(), 1);
    assert_eq!(reloaded.states(*conversation).last(), Some(&MessageState::Sent));

    // A new device knows both keys from the vault: the history from before and from after opens.
    let fresh = Person::signs_in(world, "alice", 8);
    let hostile = false_bob.clone();
    fresh.device.set_hostility(move |path, request, honest| hostile.answer(path, request, honest));
    assert_eq!(fresh.syncs().new, 3);
    assert_eq!(fresh.sees(*conversation), ["alice: hello", "bob: hi", "bob: from another key"]);

    // And the first tab learns from the vault that the key was accepted elsewhere.
    assert_eq!(alice.syncs().held, 0);
    assert_eq!(alice.account.thread(*conversation).unwrap().changed_keys, []);
}

#[test]
fn a_prekey_that_somebody_else_signed_is_not_sealed_to() {
    let Acquainted { alice, bob, conversation, .. } = acquainted();
    let mut rng = Chance::new(6);
    let foreign = PrekeySecret::generate(PrekeyId(1), 2, &mut rng);
    let foreign = foreign.sign(id_of(&bob), &IdentityKey::generate(&mut rng)).to_string();
    let of_bob = json!(id_of(&bob));
    alice.device.set_hostility(move |path, _, honest| {
        let mut answer = honest?;
        if path == directory::FetchKeys::PATH {
            for bundle in answer["bundles"].as_array_mut().unwrap() {
                if bundle["account"] == of_bob {
                    bundle["prekey"] = json!(foreign);
                }
            }
        }
        Ok(answer)
    });
    alice.says(conversation, "only for Bob");
    let [.., MessageState::Failed(why)] = &alice.states(conversation)[..] else { panic!("it is refused") };
    assert!(why.contains("a key for bob that bob did not sign"), "{why}");
    assert_eq!(alice.device.calls_to(mailbox::Send::PATH), 1, "only the first hello was sent");
}

/// Lets `change` rewrite what is new in a page, once.
fn rewrite_pages(person: &Person, change: impl Fn(&mut Vec<Value>) + Send + 'static) {
    let done = Cell::new(false);
    let known = person.account.mailbox_end().0;
    person.device.set_hostility(move |path, _, honest| {
        let mut answer = honest?;
        if path == mailbox::FetchPage::PATH {
            let items = answer["items"].as_array_mut().unwrap();
            let is_new = |item: &Value| item["cursor"].as_u64().unwrap() > known;
            let first = items.iter().position(is_new).unwrap_or(items.len());
            let mut new = items.split_off(first);
            if !new.is_empty() && !done.replace(true) {
                change(&mut new);
            }
            items.append(&mut new);
            let last = answer["items"].as_array().unwrap().last();
            if let Some(last) = last.map(|item| item["cursor"].clone())
                && last.as_u64() > answer["end"].as_u64()
            {
                answer["end"] = last;
            }
        }
        Ok(answer)
    });
}

#[test]
fn swapped_seals_are_shown_as_unreadable_and_block_nothing() {
    let Acquainted { alice, bob, conversation, .. } = acquainted();
    for text in ["one", "two", "three"] {
        bob.says(conversation, text);
    }
    rewrite_pages(&alice, |items| {
        let (first, second) = (items[0]["seal"].clone(), items[1]["seal"].clone());
        items[0]["seal"] = second;
        items[1]["seal"] = first;
    });
    assert_eq!(alice.syncs().new, 3);
    assert_eq!(alice.sees(conversation), ["alice: hello", "bob: hi", "bob: ?", "bob: ?", "bob: three"]);
}

#[test]
fn malformed_and_changed_deliveries_are_dropped_and_block_nothing() {
    let Acquainted { alice, bob, conversation, .. } = acquainted();
    for text in ["one", "two", "three"] {
        bob.says(conversation, text);
    }
    rewrite_pages(&alice, |items| {
        items[0]["shared"] = json!("AAAA");
        let mut changed = items[1]["shared"].as_str().unwrap().to_owned();
        let last = changed.pop().unwrap();
        changed.push(if last == 'A' { 'Q' } else { 'A' });
        items[1]["shared"] = json!(changed);
    });
    let synced = alice.syncs();
    assert_eq!((synced.new, synced.dropped), (1, 2));
    assert_eq!(alice.sees(conversation), ["alice: hello", "bob: hi", "bob: three"]);
}

#[test]
fn a_delivery_replayed_at_another_place_is_shown_once() {
    let Acquainted { world, alice, bob, conversation } = acquainted();
    bob.says(conversation, "once");
    rewrite_pages(&alice, |items| {
        let mut again = items[0].clone();
        again["cursor"] = json!(again["cursor"].as_u64().unwrap() + 1);
        items.push(again);
    });
    let synced = alice.syncs();
    assert_eq!((synced.new, synced.dropped), (1, 1));
    assert_eq!(alice.sees(conversation), ["alice: hello", "bob: hi", "bob: once"]);
    let reloaded = alice.opens_a_tab(&world, 7);
    block_on(reloaded.account.load()).unwrap();
    assert_eq!(reloaded.sees(conversation), ["alice: hello", "bob: hi", "bob: once"]);
}

#[test]
fn a_page_that_comes_again_changes_nothing() {
    let Acquainted { alice, bob, conversation, .. } = acquainted();
    bob.says(conversation, "once");
    let first: RefCell<Option<Value>> = RefCell::default();
    alice.device.set_hostility(move |path, _, honest| {
        let answer = honest?;
        if path == mailbox::FetchPage::PATH {
            return Ok(first.borrow_mut().get_or_insert(answer).clone());
        }
        Ok(answer)
    });
    assert_eq!(alice.syncs().new, 1);
    assert_eq!(alice.syncs().new, 0);
    assert_eq!(alice.sees(conversation), ["alice: hello", "bob: hi", "bob: once"]);
}

#[test]
fn what_was_delivered_to_somebody_else_is_dropped() {
    let Acquainted { world, alice, bob, conversation } = acquainted();
    let carol = Person::signs_up(&world, "carol", 3);
    let others = bob.opens(&[&carol]);
    bob.says(others, "for Carol only");
    let page = mailbox::FetchPage { after: protocol::Cursor::START, limit: 1 };
    let page = block_on(client::Device::call(&*carol.device, page)).unwrap();
    let foreign = serde_json::to_value(&page.items[0]).unwrap();
    bob.says(conversation, "for Alice");
    rewrite_pages(&alice, move |items| {
        for part in ["shared", "seal"] {
            items[0][part] = foreign[part].clone();
        }
    });
    let synced = alice.syncs();
    assert_eq!((synced.new, synced.dropped), (0, 1));
    assert_eq!(alice.account.conversations().len(), 1);
}

#[test]
fn a_gap_in_the_mailbox_is_noticed() {
    let Acquainted { alice, bob, conversation, .. } = acquainted();
    for text in ["one", "two"] {
        bob.says(conversation, text);
    }
    rewrite_pages(&alice, |items| drop(items.remove(0)));
    assert_eq!(block_on(alice.account.sync()), Err(SyncError::Gap));
    // An honest page later, all is there.
    assert_eq!(alice.syncs().new, 2);
    assert_eq!(alice.sees(conversation), ["alice: hello", "bob: hi", "bob: one", "bob: two"]);
}

#[test]
fn a_password_is_not_stretched_less_than_is_safe_or_than_before() {
    let Acquainted { world, .. } = acquainted();
    let storage = Storage::default();
    let device = TestDevice::new(&world, &storage, 5);
    device.set_hostility(|path, _, honest| {
        let mut answer = honest?;
        if path == account::Prelogin::PATH {
            let kdf: KdfParams = answer["kdf"].as_str().unwrap().parse().unwrap();
            let mut weak = kdf.to_bytes();
            weak[1..5].copy_from_slice(&1000u32.to_be_bytes());
            answer["kdf"] = json!(protocol::Binary(weak.to_vec()));
        }
        Ok(answer)
    });
    let refused = block_on(sign_in(Arc::clone(&device), login("alice"))).err().unwrap();
    assert!(
        matches!(&refused, SignInError::Interrupted(Interruption::BadAnswer(why)) if why.contains("fewer iterations")),
        "{refused:?}"
    );
    assert_eq!(device.calls_to(account::Login::PATH), 0, "the server learnt nothing about the password");

    storage.put("kdf/alice", &700_000u32.to_be_bytes());
    let device = TestDevice::new(&world, &storage, 6);
    let refused = block_on(sign_in(Arc::clone(&device), login("alice"))).err();
    assert_eq!(refused, Some(SignInError::WeakerProtection));
    assert_eq!(device.calls_to(account::Login::PATH), 0);
}

/// Bob's name would lead to somebody else, whose key nobody could know to be false.
#[test]
fn the_name_of_a_contact_does_not_come_to_stand_for_another_account() {
    let Acquainted { world, alice, bob, conversation } = acquainted();
    let mallory = Person::signs_up(&world, "mallory", 3);
    let to_alice = mallory.opens(&[&alice]);
    mallory.says(to_alice, "it is me, Bob");
    let renamed = |name: &'static str| {
        let of_mallory = json!(id_of(&mallory));
        move |path: &str, _: &Value, honest: Answer| {
            let mut answer = honest?;
            if path == directory::FetchKeys::PATH {
                for bundle in answer["bundles"].as_array_mut().unwrap() {
                    if bundle["account"] == of_mallory {
                        bundle["username"] = json!(name);
                    }
                }
            }
            Ok(answer)
        }
    };

    // On the device that knows Bob, on one that knows him from the vault only, and under one's own name.
    let fresh = Person::signs_in(&world, "alice", 8);
    for (person, name) in [(&alice, "bob"), (&fresh, "bob"), (&alice, "alice")] {
        person.device.set_hostility(renamed(name));
        let refused = block_on(person.account.open_conversation(&[id_of(&mallory)]));
        assert_eq!(refused, Err(OpenConversationError::Interrupted(Interruption::NameOfAnother)));
        let told = Interruption::NameOfAnother.to_string();
        assert!(told.contains("a name that belongs to another account"), "{told}");
    }

    // What that account wrote is held back, and what is honest arrives all the same.
    bob.says(conversation, "still here");
    let synced = alice.syncs();
    assert_eq!((synced.new, synced.held), (1, 1));
    assert_eq!(alice.sees(conversation), ["alice: hello", "bob: hi", "bob: still here"]);
    assert_eq!(alice.account.conversations().len(), 1);
    assert_eq!(alice.account.safety_number(id_of(&mallory)), None, "no key was pinned");
}

/// Strangers who write to somebody can fill the vault with their pins.
#[test]
fn a_vault_that_takes_no_more_pins_holds_up_only_what_needs_one() {
    let Acquainted { world, alice, bob, conversation } = acquainted();
    let carol = Person::signs_up(&world, "carol", 3);
    let to_carol = alice.opens(&[&carol]);
    alice.writes(to_carol, "we have not met");
    alice.writes(conversation, "we have");
    alice.device.refuse_next(vault::PutRow::PATH, protocol::Code::QuotaExceeded);
    block_on(alice.account.flush()).unwrap();
    let [MessageState::Failed(why)] = &alice.states(to_carol)[..] else { panic!("no pin, no message") };
    assert!(why.starts_with("Not sent: "), "{why}");
    bob.syncs();
    assert_eq!(bob.sees(conversation), ["alice: hello", "bob: hi", "alice: we have"]);
}

/// Lets `change` rewrite the vault's rows whenever they are fetched.
fn rewrite_rows(device: &TestDevice, change: impl Fn(&mut Vec<Value>) + Send + 'static) {
    device.set_hostility(move |path, _, honest| {
        let mut answer = honest?;
        if path == vault::FetchRows::PATH {
            change(answer["rows"].as_array_mut().unwrap());
        }
        Ok(answer)
    });
}

#[test]
fn an_old_row_under_a_new_version_is_refused() {
    let Acquainted { world, .. } = acquainted();
    let device = TestDevice::new(&world, &Storage::default(), 5);
    rewrite_rows(&device, |rows| {
        let pin = rows.iter_mut().find(|row| row["kind"] == "pin").unwrap();
        pin["version"] = json!(2);
    });
    let refused = block_on(sign_in(device, login("alice"))).err();
    assert_eq!(refused, Some(SignInError::Interrupted(VaultRefused::DoesNotOpen.into())));
}

#[test]
fn withheld_rows_are_noticed_by_a_device_that_has_seen_them() {
    let story = acquainted();
    let Acquainted { world, alice, .. } = &story;
    // The false key makes Alice's device look into the vault for an acceptance from elsewhere.
    let false_bob = FalseBob::of(&story);
    alice.device.set_hostility(move |path, request, honest| {
        let mut answer = false_bob.answer(path, request, honest)?;
        if path == vault::FetchRows::PATH {
            answer["rows"].as_array_mut().unwrap().retain(|row| row["kind"] != "pin");
        }
        Ok(answer)
    });
    let refused = SyncError::Interrupted(VaultRefused::OlderCopy.into());
    assert_eq!(block_on(alice.account.sync()), Err(refused));

    let device = TestDevice::new(world, &Storage::default(), 5);
    rewrite_rows(&device, |rows| rows.retain(|row| row["kind"] != "identity"));
    let refused = block_on(sign_in(device, login("alice"))).err();
    assert_eq!(refused, Some(SignInError::Interrupted(VaultRefused::NoKeys.into())));
}

#[test]
fn a_server_that_gives_a_name_to_somebody_else_is_not_believed_by_who_chooses_by_name() {
    let world = World::new(1);
    let [alice, bob] = Person::couple(&world);
    let mallory = Person::signs_up(&world, "mallory", 9);
    let conversation = alice.opens(&[&bob]);
    alice.says(conversation, "Hello Bob");
    // Mallory, whom nobody asked for, is met by what she writes.
    let to_alice = mallory.opens(&[&alice]);
    mallory.says(to_alice, "Hello");
    alice.syncs();
    let everybody_is_mallory = {
        let of_mallory = json!(id_of(&mallory));
        move |path: &str, request: &Value, honest: Answer| match path {
            directory::ListUsers::PATH => {
                Ok(json!({"users": [{"account": of_mallory, "username": request["prefix"]}], "more": false}))
            }
            _ => honest,
        }
    };
    let find = |person: &Person, name: &str| block_on(person.account.find_user(&name.parse().unwrap()));
    // Also on a device that knows only what the vault knows.
    let elsewhere = Person::signs_in(&world, "alice", 7);
    for device in [&alice, &elsewhere] {
        device.device.set_hostility(everybody_is_mallory.clone());
        let found = find(device, "bob").unwrap().unwrap();
        assert_eq!(found.account, id_of(&bob), "he was met: nobody is asked");
        assert_eq!(find(device, "carol"), Err(Interruption::NameOfAnother), "she is mallory, who was met");
        assert_eq!(find(device, "alice").unwrap().unwrap().account, id_of(&alice));
    }
}
