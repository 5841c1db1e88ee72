use std::{collections::BTreeSet, sync::Arc};

use crypto::{
    id::{DeviceId, PrekeyId},
    prekey::{PrekeySecret, PrekeySeed, SignedPrekey},
};
use protocol::Cursor;
use relay::port::{
    Claim, Claimed, Delivered, NewEnvelope, NewPrekeys, PublishOutcome, RedeemedKeys, Store,
    StoredPrekeyStatus, UsedPrekey,
};

use crate::{
    cast::{
        NO_PREKEYS, NOW_MS, Person, deliver, device_id, envelope, fifty_at_once, people, publish, sorted,
        token, try_publish,
    },
    resets::{redemption, replaced},
};

/// A signed prekey that may take the place of another.
fn signed_prekey(person: Person, id: u32, sequence: u64) -> SignedPrekey {
    let seed = PrekeySeed::from_bytes(&[id as u8; 32]);
    PrekeySecret::from_seed(PrekeyId(id), sequence, &seed).sign(person.account(), &person.identity())
}

async fn status(store: &Arc<dyn Store>, person: Person, device: u8) -> StoredPrekeyStatus {
    store.prekey_status(person.account(), Some(device_id(device)), Cursor::START, 0).await.unwrap().unwrap()
}

/// Unclaimed ones of a person's pool, and the highest id.
async fn pool(store: &Arc<dyn Store>, person: Person) -> (u32, u32) {
    let status = status(store, person, 1).await;
    (status.one_time_left, status.last_one_time)
}

fn claim_of(by: Person, accounts: &[Person]) -> Claim {
    Claim {
        by: by.account(),
        accounts: accounts.iter().map(|person| person.account()).collect(),
        of_devices: false,
        at_ms: NOW_MS,
        published_after_ms: 0,
        most_unused: u32::MAX,
        by_device: None,
    }
}

/// Claims one of a person's pool, where there must be one.
async fn claim_one(store: &Arc<dyn Store>, by: Person, of: Person, at_ms: u64) -> UsedPrekey {
    let claim = Claim { at_ms, ..claim_of(by, &[of]) };
    let [claimed] = store.claim_prekeys(claim).await.unwrap().try_into().unwrap();
    used(&claimed)
}

fn used(claimed: &Claimed) -> UsedPrekey {
    UsedPrekey { account: claimed.account, device: claimed.device, id: claimed.prekey.id() }
}

/// An envelope that is sealed to prekeys that serve once.
fn envelope_to(sender: Person, number: u32, to: Person, used_prekeys: &[UsedPrekey]) -> NewEnvelope {
    NewEnvelope { used_prekeys: used_prekeys.to_vec(), ..envelope(sender, number, &[sender, to]) }
}

/// What a device is told of them: those of its account, and its own.
pub async fn prekeys_are_counted_where_they_were_published(store: Arc<dyn Store>) {
    let [alice, bob] = people(&store, 2).await.try_into().unwrap();
    let mut expected = StoredPrekeyStatus {
        signed: alice.registration().0.prekey,
        signed_at_ms: NOW_MS,
        one_time_left: 0,
        last_one_time: 0,
        device_left: 0,
        last_device: 0,
        first_unarchived: None,
    };
    assert_eq!(status(&store, alice, 1).await, expected);
    let new = NewPrekeys {
        one_time: alice.one_time_prekeys([2, 3, 7]),
        device: Some((device_id(1), alice.device_prekeys(1, 1..=2))),
        ..NO_PREKEYS
    };
    publish(&store, alice, new).await;
    (expected.one_time_left, expected.last_one_time) = (3, 7);
    (expected.device_left, expected.last_device) = (2, 2);
    assert_eq!(status(&store, alice, 1).await, expected);
    (expected.device_left, expected.last_device) = (0, 0);
    assert_eq!(status(&store, alice, 2).await, expected, "another device");
    assert_eq!(
        store.prekey_status(alice.account(), None, Cursor::START, 0).await.unwrap().unwrap(),
        expected
    );
    assert_eq!(pool(&store, bob).await, (0, 0), "another account");
    assert_eq!(store.prekey_status(Person(9).account(), None, Cursor::START, 0).await.unwrap(), None);
    let checked_before_a_reset = NewPrekeys { one_time: alice.one_time_prekeys([8]), ..NO_PREKEYS };
    let outcome = store.publish_prekeys(alice.account(), checked_before_a_reset).await.unwrap();
    assert_eq!(outcome, PublishOutcome::Conflict, "another identity key stands");
    let nobodys = NewPrekeys { one_time: alice.one_time_prekeys([1]), ..NO_PREKEYS };
    let outcome = try_publish(&store, Person(9), nobodys).await;
    assert_eq!(outcome, PublishOutcome::Conflict, "an account that does not exist publishes nothing");
}

/// An older one never comes back. Who publishes the one that stands is not refused, and it is not younger for that.
pub async fn a_signed_prekey_gives_way_to_a_newer_one_only(store: Arc<dyn Store>) {
    let [alice] = people(&store, 1).await.try_into().unwrap();
    let try_to = async |signed: &SignedPrekey, later: u32| {
        let one_time = alice.one_time_prekeys([later]);
        let at_ms = NOW_MS + u64::from(later);
        let new = NewPrekeys { signed: Some(signed.clone()), one_time, at_ms, ..NO_PREKEYS };
        try_publish(&store, alice, new).await
    };
    let standing = async || {
        let [keys] = store.find_keys(&[alice.account()]).await.unwrap().try_into().unwrap();
        let status = status(&store, alice, 1).await;
        assert_eq!((&keys.prekey, keys.prekey_at_ms), (&status.signed, status.signed_at_ms));
        (keys.prekey, keys.prekey_at_ms)
    };
    let first = alice.registration().0.prekey;
    assert_eq!(standing().await, (first.clone(), NOW_MS));
    let second = signed_prekey(alice, 5, 3);
    assert_eq!(try_to(&second, 1).await, PublishOutcome::Done);
    assert_eq!(standing().await, (second.clone(), NOW_MS + 1));
    assert_eq!(pool(&store, alice).await, (1, 1));
    for older in [first, signed_prekey(alice, 5, 4), signed_prekey(alice, 6, 3), signed_prekey(alice, 4, 9)] {
        assert_eq!(try_to(&older, 2).await, PublishOutcome::Conflict, "{older:?}");
    }
    assert_eq!(pool(&store, alice).await, (1, 1), "nothing was written");
    assert_eq!(try_to(&second, 3).await, PublishOutcome::Done, "the same again");
    assert_eq!(standing().await, (second, NOW_MS + 1));
    assert_eq!(pool(&store, alice).await, (2, 3));
    let message = envelope(alice, 0, &[]).message;
    let context = store.send_context(message, alice.account(), &[alice.account()]).await.unwrap();
    assert_eq!(context.recipients[0].prekey, PrekeyId(5));
}

/// A lost answer costs nothing, also when some were claimed or used meanwhile.
pub async fn prekeys_that_are_published_again_are_left_out(store: Arc<dyn Store>) {
    let [alice, bob] = people(&store, 2).await.try_into().unwrap();
    let publish = async |ids: core::ops::RangeInclusive<u32>| {
        let one_time = alice.one_time_prekeys(ids.clone());
        let device = Some((device_id(1), alice.device_prekeys(1, ids)));
        publish(&store, alice, NewPrekeys { one_time, device, ..NO_PREKEYS }).await;
        let status = status(&store, alice, 1).await;
        assert_eq!((status.last_one_time, status.last_device), (status.last_device, status.last_one_time));
        (status.one_time_left, status.device_left, status.last_device)
    };
    assert_eq!(publish(1..=4).await, (4, 4, 4));
    assert_eq!(publish(1..=4).await, (4, 4, 4));
    let claimed = claim_one(&store, bob, alice, NOW_MS).await;
    assert_eq!(publish(1..=4).await, (3, 4, 4));
    deliver(&store, envelope_to(bob, 0, alice, &[claimed])).await;
    assert_eq!(publish(1..=4).await, (3, 4, 4));
    assert_eq!(publish(3..=6).await, (5, 6, 6), "some of them are new");
    let mut left = Vec::new();
    for _ in 0..5 {
        left.push(claim_one(&store, bob, alice, NOW_MS).await.id.0);
    }
    assert_eq!(left, [2, 3, 4, 5, 6]);
}

/// All or nothing is taken. What is claimed holds no room.
pub async fn a_full_pool_takes_no_more_prekeys(store: Arc<dyn Store>) {
    let [alice, bob] = people(&store, 2).await.try_into().unwrap();
    let try_to = async |new: NewPrekeys| try_publish(&store, alice, NewPrekeys { room: 3, ..new }).await;
    let one_time = |ids: core::ops::RangeInclusive<u32>| NewPrekeys {
        one_time: alice.one_time_prekeys(ids),
        ..NO_PREKEYS
    };
    assert_eq!(try_to(one_time(1..=4)).await, PublishOutcome::Full);
    assert_eq!(pool(&store, alice).await, (0, 0));
    assert_eq!(try_to(one_time(1..=3)).await, PublishOutcome::Done);
    assert_eq!(try_to(one_time(1..=3)).await, PublishOutcome::Done, "the same again needs no room");
    let whole = NewPrekeys {
        signed: Some(signed_prekey(alice, 2, 2)),
        device: Some((device_id(1), alice.device_prekeys(1, 1..=3))),
        ..one_time(4..=4)
    };
    let before = status(&store, alice, 1).await;
    assert_eq!(try_to(whole.clone()).await, PublishOutcome::Full);
    assert_eq!(status(&store, alice, 1).await, before, "nothing was written");
    claim_one(&store, bob, alice, NOW_MS).await;
    assert_eq!(try_to(whole).await, PublishOutcome::Done);
    let device = Some((device_id(1), alice.device_prekeys(1, 4..=4)));
    assert_eq!(try_to(NewPrekeys { device, ..NO_PREKEYS }).await, PublishOutcome::Full);
    let after = status(&store, alice, 1).await;
    assert_eq!((after.one_time_left, after.last_one_time), (3, 4));
    assert_eq!((after.device_left, after.last_device), (3, 3));
    assert_eq!(after.signed.id(), PrekeyId(2));
}

/// A device that was revoked has their private halves, too. Claimed ones stay: somebody may have written to them. The same
/// request again takes nothing back, and where there is no room, nothing is taken back either.
pub async fn prekeys_that_are_replaced_are_taken_back(store: Arc<dyn Store>) {
    let [alice, bob] = people(&store, 2).await.try_into().unwrap();
    let first = NewPrekeys {
        one_time: alice.one_time_prekeys(1..=5),
        device: Some((device_id(1), alice.device_prekeys(1, 1..=3))),
        ..NO_PREKEYS
    };
    publish(&store, alice, first).await;
    publish(&store, bob, NewPrekeys { one_time: bob.one_time_prekeys(1..=5), ..NO_PREKEYS }).await;
    let claimed = claim_one(&store, bob, alice, NOW_MS).await;
    let replace = |ids: core::ops::RangeInclusive<u32>, room| NewPrekeys {
        one_time: alice.one_time_prekeys(ids),
        replace: true,
        device: Some((device_id(1), alice.device_prekeys(1, 4..=4))),
        room,
        ..NO_PREKEYS
    };
    let outcome = try_publish(&store, alice, replace(6..=9, 3)).await;
    assert_eq!(outcome, PublishOutcome::Full);
    assert_eq!(pool(&store, alice).await, (4, 5), "nothing was written");
    let lowest = claim_one(&store, bob, alice, NOW_MS).await;
    assert_eq!(lowest.id, PrekeyId(2));
    for _ in 0..2 {
        publish(&store, alice, replace(6..=9, 4)).await;
        let status = status(&store, alice, 1).await;
        assert_eq!((status.one_time_left, status.last_one_time), (4, 9));
        assert_eq!((status.device_left, status.last_device), (4, 4), "a device has its own");
    }
    assert_eq!(pool(&store, bob).await, (5, 5), "another account");
    assert_eq!(claim_one(&store, bob, alice, NOW_MS).await.id, PrekeyId(6));
    publish(&store, alice, replace(8..=11, 4)).await;
    assert_eq!(pool(&store, alice).await, (4, 11), "those that stay are counted");
    deliver(&store, envelope_to(bob, 0, alice, &[claimed, lowest])).await;
    publish(&store, alice, NewPrekeys { replace: true, ..NO_PREKEYS }).await;
    assert_eq!(pool(&store, alice).await, (0, 11), "none in their place");
}

/// However many ask at the same time; who comes too late gets none.
pub async fn a_prekey_is_handed_out_once(store: Arc<dyn Store>) {
    let [alice, bob] = people(&store, 2).await.try_into().unwrap();
    let one_time = alice.one_time_prekeys(1..=30);
    publish(&store, alice, NewPrekeys { one_time: one_time.clone(), ..NO_PREKEYS }).await;
    let claimed = fifty_at_once(|number| {
        let store = Arc::clone(&store);
        let by = Person(100 + number);
        async move { store.claim_prekeys(claim_of(by, &[alice, bob])).await.unwrap() }
    });
    let claimed = claimed.await;
    assert!(claimed.iter().all(|claimed| claimed.len() < 2), "bob has none");
    let handed_out: Vec<SignedPrekey> = claimed.into_iter().flatten().map(|claimed| claimed.prekey).collect();
    let ids: BTreeSet<PrekeyId> = handed_out.iter().map(SignedPrekey::id).collect();
    assert_eq!((handed_out.len(), ids.len()), (30, 30));
    assert!(handed_out.iter().all(|prekey| one_time.contains(prekey)), "as they were published");
    assert_eq!(pool(&store, alice).await, (0, 30));
}

/// The lowest of each pool: of accounts, or of each of their devices. Those without any are left out.
pub async fn the_lowest_prekey_of_each_pool_is_handed_out(store: Arc<dyn Store>) {
    let [alice, bob, carol] = people(&store, 3).await.try_into().unwrap();
    for person in [alice, bob] {
        publish(&store, person, NewPrekeys { one_time: person.one_time_prekeys([3, 4, 8]), ..NO_PREKEYS })
            .await;
        for device in [1, 2] {
            let device = Some((device_id(device), person.device_prekeys(device, [5, 6])));
            publish(&store, person, NewPrekeys { device, ..NO_PREKEYS }).await;
        }
    }
    let claim = async |accounts: &[Person], of_devices: bool| {
        let claim = Claim { of_devices, ..claim_of(carol, accounts) };
        let claimed = store.claim_prekeys(claim).await.unwrap();
        for Claimed { account, device, prekey } in &claimed {
            let person = if *account == alice.account() { alice } else { bob };
            let published = match device {
                None => person.one_time_prekeys([prekey.id().0]),
                Some(device) => person.device_prekeys(device.to_bytes()[0], [prekey.id().0]),
            };
            assert_eq!(&published[0], prekey);
        }
        sorted(
            claimed.iter().map(|claimed| (claimed.account, claimed.device, claimed.prekey.id().0)).collect(),
        )
    };
    let [a, b] = [alice.account(), bob.account()];
    assert_eq!(claim(&[alice, bob, carol, Person(9)], false).await, [(a, None, 3), (b, None, 3)]);
    assert_eq!(claim(&[alice], false).await, [(a, None, 4)]);
    assert_eq!(claim(&[alice, alice, bob, alice], false).await, [(a, None, 8), (b, None, 4)]);
    assert_eq!(claim(&[alice], false).await, [], "none is left");
    let [first, second]: [Option<DeviceId>; 2] = [1, 2].map(|device| Some(device_id(device)));
    assert_eq!(claim(&[bob, bob], true).await, [(b, first, 5), (b, second, 5)]);
    assert_eq!(
        claim(&[alice, bob], true).await,
        [(a, first, 5), (a, second, 5), (b, first, 6), (b, second, 6)]
    );
    assert_eq!(claim(&[bob, carol], true).await, []);
    assert_eq!(claim(&[], true).await, []);
}

/// Their owner forgets them, so they go; and hold no room any more.
pub async fn an_old_prekey_is_not_handed_out(store: Arc<dyn Store>) {
    let [alice, bob] = people(&store, 2).await.try_into().unwrap();
    for (ids, at_ms) in [(1..=3, NOW_MS), (4..=5, NOW_MS + 10)] {
        let device = Some((device_id(1), alice.device_prekeys(1, ids.clone())));
        let one_time = alice.one_time_prekeys(ids);
        publish(&store, alice, NewPrekeys { one_time, device, at_ms, room: 5, ..NO_PREKEYS }).await;
    }
    let claim = |of_devices, published_after_ms| {
        let claim = Claim { of_devices, published_after_ms, at_ms: NOW_MS + 5, ..claim_of(bob, &[alice]) };
        async { store.claim_prekeys(claim).await.unwrap().iter().map(used).collect::<Vec<_>>() }
    };
    let [young] = claim(false, NOW_MS).await.try_into().unwrap();
    let [youngest] = claim(false, NOW_MS + 1).await.try_into().unwrap();
    let [of_device] = claim(true, NOW_MS + 1).await.try_into().unwrap();
    assert_eq!([young.id, youngest.id, of_device.id], [1, 4, 4].map(PrekeyId));
    let device = Some((device_id(1), alice.device_prekeys(1, 6..=9)));
    let one_time = alice.one_time_prekeys(6..=9);
    publish(&store, alice, NewPrekeys { one_time, device, at_ms: NOW_MS + 10, room: 5, ..NO_PREKEYS }).await;
    let status = status(&store, alice, 1).await;
    assert_eq!((status.one_time_left, status.device_left), (5, 5));
    deliver(&store, envelope_to(bob, 0, alice, &[young])).await;
    // A claim that is older than any prekey that is handed out is void as well.
    assert_eq!(claim(false, NOW_MS + 6).await[0].id, PrekeyId(5));
    let outcome = store.deliver(envelope_to(bob, 1, alice, &[youngest])).await.unwrap();
    assert_eq!(outcome, Delivered::StalePrekeys(vec![alice.account()]));
    assert_eq!(claim(false, NOW_MS + 11).await, []);
}

/// Though nobody has claimed anything meanwhile: their owner is told to publish new ones, and finds room for them.
pub async fn a_prekey_that_nobody_gets_any_more_is_not_left(store: Arc<dyn Store>) {
    let [alice] = people(&store, 1).await.try_into().unwrap();
    let new = |ids: core::ops::RangeInclusive<u32>, at_ms| NewPrekeys {
        one_time: alice.one_time_prekeys(ids.clone()),
        device: Some((device_id(1), alice.device_prekeys(1, ids))),
        at_ms,
        published_after_ms: at_ms - 5,
        room: 5,
        ..NO_PREKEYS
    };
    publish(&store, alice, new(1..=5, NOW_MS)).await;
    assert_eq!(try_publish(&store, alice, new(6..=10, NOW_MS + 5)).await, PublishOutcome::Full);
    let left = async |published_after_ms| {
        let device = Some(device_id(1));
        let status = store.prekey_status(alice.account(), device, Cursor::START, published_after_ms);
        let status = status.await.unwrap().unwrap();
        (status.one_time_left, status.device_left)
    };
    assert_eq!([left(NOW_MS).await, left(NOW_MS + 1).await], [(5, 5), (0, 0)]);
    publish(&store, alice, new(6..=10, NOW_MS + 6)).await;
    assert_eq!(left(NOW_MS + 1).await, (5, 5));
}

/// It was claimed for it, by its sender, and not too long ago; for a second one it is gone.
pub async fn an_envelope_uses_its_prekeys_up(store: Arc<dyn Store>) {
    let [alice, bob, carol] = people(&store, 3).await.try_into().unwrap();
    for person in [alice, carol] {
        let new = NewPrekeys {
            one_time: person.one_time_prekeys(1..=9),
            device: Some((device_id(1), person.device_prekeys(1, 1..=9))),
            ..NO_PREKEYS
        };
        publish(&store, person, new).await;
    }
    let mut claimed = store.claim_prekeys(claim_of(bob, &[alice, carol])).await.unwrap();
    let of_devices = Claim { of_devices: true, ..claim_of(bob, &[alice, carol]) };
    claimed.extend(store.claim_prekeys(of_devices).await.unwrap());
    let all: Vec<UsedPrekey> = sorted(claimed.iter().map(used).collect());
    assert_eq!(all.len(), 4);
    let first = NewEnvelope { used_prekeys: all.clone(), ..envelope(bob, 0, &[alice, bob, carol]) };
    deliver(&store, first.clone()).await;
    let again = store.deliver(first).await.unwrap();
    assert!(matches!(again, Delivered::AlreadySent(_)), "the same envelope again needs none");

    for gone in all {
        let fresh = claim_one(&store, bob, alice, NOW_MS).await;
        let second = envelope_to(bob, 1, alice, &[fresh, gone]);
        let outcome = store.deliver(second).await.unwrap();
        assert_eq!(outcome, Delivered::StalePrekeys(vec![gone.account]));
    }
    let page = store.page(bob.account(), Cursor::START, 10, usize::MAX).await.unwrap();
    assert_eq!((page.items.len(), page.end), (1, Cursor(1)), "nothing was written");
    let unused = UsedPrekey { account: alice.account(), device: None, id: PrekeyId(2) };
    deliver(&store, envelope_to(bob, 1, alice, &[unused])).await;
    assert_eq!(pool(&store, alice).await, (4, 9));
}

/// Not those of nobody, of another, or of too long ago; and not one whose number was never published.
pub async fn who_has_not_claimed_a_prekey_cannot_use_it(store: Arc<dyn Store>) {
    let [alice, bob, carol] = people(&store, 3).await.try_into().unwrap();
    publish(&store, alice, NewPrekeys { one_time: alice.one_time_prekeys(1..=5), ..NO_PREKEYS }).await;
    let carols = claim_one(&store, carol, alice, NOW_MS).await;
    let bobs = claim_one(&store, bob, alice, NOW_MS).await;
    let [unclaimed, unknown] = [5, 6].map(|id| UsedPrekey { id: PrekeyId(id), ..bobs });
    let of_device = UsedPrekey { device: Some(device_id(1)), ..bobs };
    let of_another = UsedPrekey { account: carol.account(), ..bobs };
    for refused in [carols, unclaimed, unknown, of_device, of_another] {
        let outcome = store.deliver(envelope_to(bob, 0, alice, &[bobs, refused])).await.unwrap();
        assert_eq!(outcome, Delivered::StalePrekeys(vec![refused.account]), "{refused:?}");
    }
    let late = NewEnvelope { claimed_after_ms: NOW_MS + 1, ..envelope_to(bob, 0, alice, &[bobs]) };
    assert_eq!(store.deliver(late).await.unwrap(), Delivered::StalePrekeys(vec![alice.account()]));
    let in_time = NewEnvelope { claimed_after_ms: NOW_MS, ..envelope_to(bob, 0, alice, &[bobs]) };
    deliver(&store, in_time).await;
    deliver(&store, envelope_to(carol, 0, alice, &[carols])).await;
}

/// Unclaimed, or claimed not too long ago and not used: the private halves of all others are forgotten.
pub async fn a_prekey_is_outstanding_until_nobody_can_write_to_it(store: Arc<dyn Store>) {
    let [alice, bob] = people(&store, 2).await.try_into().unwrap();
    let outstanding = async |device: Option<u8>, claimed_after_ms: u64| {
        let device = device.map(device_id);
        let ids = store.outstanding_prekeys(alice.account(), device, 0, claimed_after_ms).await.unwrap();
        ids.into_iter().map(|id| id.0).collect::<Vec<_>>()
    };
    assert_eq!(outstanding(None, 0).await, [0; 0]);
    let new = NewPrekeys {
        one_time: alice.one_time_prekeys([2, 4, 6, 8]),
        device: Some((device_id(1), alice.device_prekeys(1, 1..=2))),
        ..NO_PREKEYS
    };
    publish(&store, alice, new).await;
    publish(&store, bob, NewPrekeys { one_time: bob.one_time_prekeys(1..=9), ..NO_PREKEYS }).await;
    let used = claim_one(&store, bob, alice, NOW_MS).await;
    claim_one(&store, bob, alice, NOW_MS + 5).await;
    assert_eq!(outstanding(None, NOW_MS).await, [2, 4, 6, 8], "they may be on their way");
    deliver(&store, envelope_to(bob, 0, alice, &[used])).await;
    assert_eq!(outstanding(None, NOW_MS).await, [4, 6, 8]);
    assert_eq!(outstanding(None, NOW_MS + 5).await, [4, 6, 8]);
    assert_eq!(outstanding(None, NOW_MS + 6).await, [6, 8]);
    assert_eq!(outstanding(Some(1), NOW_MS + 6).await, [1, 2]);
    assert_eq!(outstanding(Some(2), 0).await, [0; 0]);
    assert!(store.outstanding_prekeys(Person(9).account(), None, 0, 0).await.unwrap().is_empty());
    let of_today = store.outstanding_prekeys(alice.account(), None, NOW_MS + 1, NOW_MS).await.unwrap();
    assert_eq!(of_today, [PrekeyId(4)], "what is too old to be handed out is not");
    publish(&store, alice, NewPrekeys { replace: true, ..NO_PREKEYS }).await;
    assert_eq!(outstanding(None, NOW_MS).await, [4], "what was taken back is not");
}

/// Who claims and writes nothing gets no more; others do.
pub async fn nobody_holds_more_prekeys_than_they_may(store: Arc<dyn Store>) {
    let [alice, bob, carol] = people(&store, 3).await.try_into().unwrap();
    publish(&store, alice, NewPrekeys { one_time: alice.one_time_prekeys(1..=9), ..NO_PREKEYS }).await;
    let claim = async |by: Person| {
        let claim = Claim { most_unused: 2, ..claim_of(by, &[alice]) };
        store.claim_prekeys(claim).await.unwrap().pop().map(|claimed| used(&claimed))
    };
    let first = claim(bob).await.unwrap();
    assert!(claim(bob).await.is_some());
    assert!(claim(bob).await.is_none());
    assert!(claim(carol).await.is_some());
    deliver(&store, envelope_to(bob, 0, alice, &[first])).await;
    assert!(claim(bob).await.is_some(), "one was used");
    assert!(claim(bob).await.is_none());
}

/// A device writes to the others of its account, and not to itself.
pub async fn a_device_claims_none_of_its_own(store: Arc<dyn Store>) {
    let [alice] = people(&store, 1).await.try_into().unwrap();
    for device in [1, 2] {
        let prekeys = Some((device_id(device), alice.device_prekeys(device, 1..=3)));
        publish(&store, alice, NewPrekeys { device: prekeys, ..NO_PREKEYS }).await;
    }
    let claim = Claim { of_devices: true, by_device: Some(device_id(1)), ..claim_of(alice, &[alice]) };
    let claimed = store.claim_prekeys(claim).await.unwrap();
    let devices: Vec<_> = claimed.iter().map(|claimed| claimed.device).collect();
    assert_eq!(devices, [Some(device_id(2))]);
}

/// Also when all come in one moment, with others that use none or one of their own.
pub async fn of_fifty_envelopes_to_one_prekey_one_is_stored(store: Arc<dyn Store>) {
    let [alice, bob] = people(&store, 2).await.try_into().unwrap();
    publish(&store, alice, NewPrekeys { one_time: alice.one_time_prekeys(1..=60), ..NO_PREKEYS }).await;
    let shared = claim_one(&store, bob, alice, NOW_MS).await;
    let outcomes = fifty_at_once(|number| {
        let store = Arc::clone(&store);
        async move {
            let number = u32::from(number) * 3;
            let own = claim_one(&store, bob, alice, NOW_MS).await;
            let with_own = store.deliver(envelope_to(bob, number, alice, &[own]));
            let with_none = store.deliver(envelope_to(bob, number + 1, alice, &[]));
            let with_shared = store.deliver(envelope_to(bob, number + 2, alice, &[shared]));
            let outcomes = futures::join!(with_own, with_none, with_shared);
            assert!(matches!(outcomes.0.unwrap(), Delivered::Stored(_)));
            assert!(matches!(outcomes.1.unwrap(), Delivered::Stored(_)));
            outcomes.2.unwrap()
        }
    });
    let outcomes = outcomes.await;
    let stored = outcomes.iter().filter(|outcome| matches!(outcome, Delivered::Stored(_))).count();
    let stale = Delivered::StalePrekeys(vec![alice.account()]);
    let refused = outcomes.iter().filter(|outcome| **outcome == stale).count();
    assert_eq!((stored, refused), (1, 49));
    let page = store.page(alice.account(), Cursor::START, 200, usize::MAX).await.unwrap();
    assert!(page.items.iter().map(|item| item.cursor.0).eq(1..=101), "no gap");
}

/// The signed prekeys must stand in the moment of storing. Everybody with a prekey that does not serve is named once, in
/// order; and before that, whether it was sent already, and whether all recipients exist.
pub async fn an_envelope_to_a_prekey_that_was_replaced_is_refused(store: Arc<dyn Store>) {
    let people: [Person; 4] = people(&store, 4).await.try_into().unwrap();
    let [alice, bob, carol, dave] = people;
    let mut sent = envelope(alice, 0, &[alice, dave, carol, bob]);
    sent.signed_prekeys = [dave, carol, bob].map(|person| (person.account(), PrekeyId(1))).to_vec();
    publish(&store, carol, NewPrekeys { one_time: carol.one_time_prekeys([1]), ..NO_PREKEYS }).await;
    for person in [dave, carol] {
        publish(&store, person, NewPrekeys { signed: Some(signed_prekey(person, 2, 2)), ..NO_PREKEYS }).await;
    }
    let unclaimed =
        [carol, bob].map(|person| UsedPrekey { account: person.account(), device: None, id: PrekeyId(1) });
    sent.used_prekeys = unclaimed.to_vec();
    let outcome = store.deliver(sent.clone()).await.unwrap();
    let stale = [bob, carol, dave].map(Person::account).to_vec();
    assert_eq!(outcome, Delivered::StalePrekeys(stale));
    let mut to_nobody = sent.clone();
    to_nobody.deliveries.push(envelope(alice, 0, &[Person(9)]).deliveries.remove(0));
    let outcome = store.deliver(to_nobody).await.unwrap();
    assert_eq!(outcome, Delivered::UnknownRecipients(vec![Person(9).account()]));
    for person in people {
        let page = store.page(person.account(), Cursor::START, 10, usize::MAX).await.unwrap();
        assert_eq!((page.items.len(), page.end), (0, Cursor(0)));
    }

    sent.used_prekeys.clear();
    sent.signed_prekeys =
        [(bob, 1), (carol, 2), (dave, 2)].map(|(of, id)| (of.account(), PrekeyId(id))).to_vec();
    deliver(&store, sent.clone()).await;
    sent.signed_prekeys[0].1 = PrekeyId(7);
    assert!(matches!(store.deliver(sent).await.unwrap(), Delivered::AlreadySent(_)));
}

/// What the old identity key vouched for is worth nothing, claimed or not; numbers begin anew. Kept keys keep all.
pub async fn replaced_keys_empty_the_pools(store: Arc<dyn Store>) {
    let [alice, bob, carol] = people(&store, 3).await.try_into().unwrap();
    for person in [alice, bob] {
        let new = NewPrekeys {
            one_time: person.one_time_prekeys(1..=3),
            device: Some((device_id(1), person.device_prekeys(1, 1..=3))),
            at_ms: NOW_MS,
            ..NO_PREKEYS
        };
        publish(&store, person, new).await;
        assert!(store.arm_reset(person.account(), token(person.0), NOW_MS).await.unwrap());
    }
    let claimed = [alice, bob].map(|person| claim_one(&store, carol, person, NOW_MS));
    let [alices, bobs] = claimed;
    let (alices, bobs) = (alices.await, bobs.await);
    for (person, keys) in [(alice, replaced(alice, 7)), (bob, RedeemedKeys::Keep)] {
        assert!(store.redeem_reset(redemption(person, person.0, keys)).await.unwrap().is_some());
    }
    let new = status(&store, alice, 1).await;
    assert_eq!((new.one_time_left, new.last_one_time, new.device_left, new.last_device), (0, 0, 0, 0));
    assert_eq!((new.signed.id(), new.signed_at_ms), (PrekeyId(8), NOW_MS + u64::from(alice.0)));
    let kept = status(&store, bob, 1).await;
    assert_eq!((kept.one_time_left, kept.last_one_time, kept.device_left, kept.last_device), (2, 3, 3, 3));
    assert_eq!((kept.signed, kept.signed_at_ms), (bob.registration().0.prekey, NOW_MS));

    let outcome = store.deliver(envelope_to(carol, 0, alice, &[alices])).await.unwrap();
    assert_eq!(outcome, Delivered::StalePrekeys(vec![alice.account()]));
    deliver(&store, envelope_to(carol, 1, bob, &[bobs])).await;
    publish(&store, alice, NewPrekeys { one_time: alice.one_time_prekeys(1..=2), ..NO_PREKEYS }).await;
    assert_eq!(pool(&store, alice).await, (2, 2));
}
