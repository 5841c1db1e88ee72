//! Devices, prekeys, the archive, and what disappears.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod stage;

use crypto::{
    device_log::{Change, DeviceLog},
    envelope::{Envelope, Expiry},
    id::{EpochId, LogHash, MessageId, PrekeyId},
    prekey::{Prekey, PrekeySecret, PrekeySeed, SignedPrekey},
};
use protocol::{
    Binary, Code, Cursor, Refusal,
    device::{AppendLog, FetchLogs, LogAfter},
    limits::{CLAIM_LIFETIME_MS, MAX_TIMER_S, MIN_TIMER_S, PREKEY_LIFETIME_MS},
    mailbox::{Archive, ArchivedKey, ArchivedPlace, Erase, FetchHistory, FetchPage, Item, Send},
    prekey::{ClaimPrekeys, FetchPrekeyStatus, PublishPrekeys},
    session::ListSessions,
};
use rand_core::UnwrapErr;
use relay::Policy;
use stage::{Device, Member, NOW_MS, Stage, test_policy};

/// Members whose devices are introduced.
async fn members<const N: usize>(stage: &Stage, names: [&str; N]) -> [Member; N] {
    let mut members = Vec::new();
    for name in names {
        let mut member = stage.join(name).await;
        stage.introduce(&mut member).await;
        members.push(member);
    }
    members.try_into().ok().unwrap()
}

fn one_time(member: &Member, id: u32) -> (PrekeySecret, SignedPrekey) {
    let seed = PrekeySeed::generate(&mut UnwrapErr(getrandom::SysRng));
    let secret = PrekeySecret::one_time(PrekeyId(id), 1, &seed);
    let signed = secret.sign(member.person.account, &member.person.identity);
    (secret, signed)
}

fn of_device(member: &Member, id: u32) -> SignedPrekey {
    let device = member.device.as_ref().unwrap();
    let seed = PrekeySeed::generate(&mut UnwrapErr(getrandom::SysRng));
    PrekeySecret::of_device(device.id, PrekeyId(id), 1, &seed)
        .sign_by_device(member.person.account, &device.key)
}

async fn publish(stage: &Stage, member: &Member, request: PublishPrekeys) -> Result<(), Code> {
    stage.relay.publish_prekeys(&member.caller, request).await.map(drop).map_err(|refusal| refusal.code)
}

async fn publish_one_time(stage: &Stage, member: &Member, ids: core::ops::Range<u32>) {
    let one_time = ids.map(|id| one_time(member, id).1).collect();
    publish(stage, member, PublishPrekeys { one_time, ..PublishPrekeys::default() }).await.unwrap();
}

/// The one-time prekey that `by` gets of `of`.
async fn claim(stage: &Stage, by: &Member, of: &Member) -> Option<Prekey> {
    let claim = ClaimPrekeys { accounts: vec![of.person.account], of_devices: false };
    let claimed = stage.relay.claim_prekeys(&by.caller, claim).await.unwrap().prekeys;
    let claimed = claimed.into_iter().next()?;
    Some(claimed.prekey.verify(of.person.account, &of.person.identity.public()).unwrap())
}

async fn claim_of_devices(stage: &Stage, by: &Member, of: &Member) -> Vec<Prekey> {
    let claim = ClaimPrekeys { accounts: vec![of.person.account], of_devices: true };
    let claimed = stage.relay.claim_prekeys(&by.caller, claim).await.unwrap().prekeys;
    let (identity, device) = (of.person.identity.public(), of.device.as_ref().unwrap());
    let verified = claimed.into_iter().map(|claimed| {
        assert_eq!(claimed.device, Some(device.id));
        claimed
            .prekey
            .verify_of_device(of.person.account, &identity, device.id, &device.key.public())
            .unwrap()
    });
    verified.collect()
}

fn archived() -> Option<ArchivedKey> {
    Some(ArchivedKey { epoch: EpochId::from_bytes([7; 16]), sealed: Binary(vec![8; 60]) })
}

async fn send(
    stage: &Stage,
    sender: &Member,
    envelope: &Envelope,
    archived: Option<ArchivedKey>,
) -> Result<protocol::mailbox::Sent, Refusal> {
    let request = Send { envelope: Binary(envelope.to_bytes()), archived };
    stage.relay.send(&sender.caller, request).await
}

async fn mailbox(stage: &Stage, member: &Member) -> Vec<Item> {
    let all = FetchPage { after: Cursor::START, limit: 100 };
    stage.relay.fetch_page(&member.caller, all).await.unwrap().items
}

#[tokio::test]
async fn a_device_enters_the_log_and_becomes_the_one_of_its_session() {
    let stage = Stage::new();
    let [alice, bob] = members(&stage, ["alice", "bob"]).await;
    let device = alice.device.as_ref().unwrap();
    let sessions = stage.relay.list_sessions(&alice.caller, ListSessions {}).await.unwrap().sessions;
    assert_eq!(sessions[0].device, Some(device.id));
    let asked = LogAfter {
        account: alice.person.account,
        identity: alice.person.identity.public().fingerprint(),
        after: 0,
    };
    let logs = stage.relay.fetch_logs(&bob.caller, FetchLogs { logs: vec![asked] }).await.unwrap().logs;
    assert_eq!(logs[0].len(), 1);
    let after = FetchLogs { logs: vec![LogAfter { after: 1, ..asked }] };
    assert!(stage.relay.fetch_logs(&bob.caller, after).await.unwrap().logs[0].is_empty());
    let many = FetchLogs { logs: vec![asked; 101] };
    assert_eq!(stage.relay.fetch_logs(&bob.caller, many).await.unwrap_err().code, Code::InvalidRequest);
}

#[tokio::test]
async fn entries_that_do_not_go_on_are_refused() {
    let stage = Stage::new();
    let [alice, bob] = members(&stage, ["alice", "bob"]).await;
    let identity = &alice.person.identity;
    let added = || {
        let device = Device::generate();
        Change::Added(device.id, device.key.public())
    };
    let append = async |entry| {
        stage
            .relay
            .append_log(&alice.caller, AppendLog { entry })
            .await
            .map(drop)
            .map_err(|refusal| refusal.code)
    };
    let log = stage.log_of(&alice).await;
    let mut longer = log.clone();
    longer.append(added(), NOW_MS, identity).unwrap();
    let gap = longer.append(added(), NOW_MS, identity).unwrap();
    assert_eq!(append(gap).await, Err(Code::VersionConflict));
    let mut other = DeviceLog::empty(alice.person.account, identity.public());
    other.append(added(), NOW_MS, identity).unwrap();
    let fork = other.append(added(), NOW_MS, identity).unwrap();
    assert_eq!(append(fork).await, Err(Code::VersionConflict));
    let foreign = log.clone().append(added(), NOW_MS, &bob.person.identity).unwrap();
    assert_eq!(append(foreign).await, Err(Code::InvalidKeys));
    let [one, two] = [added(), added()].map(|change| log.clone().append(change, NOW_MS, identity).unwrap());
    assert_eq!(append(one.clone()).await, Ok(()));
    assert_eq!(append(one).await, Ok(()), "the same again");
    assert_eq!(append(two).await, Err(Code::VersionConflict));
}

#[tokio::test]
async fn a_revoked_device_is_out_at_once() {
    let stage = Stage::new();
    let [alice] = members(&stage, ["alice"]).await;
    let (token, caller) = stage.login(&alice.person).await;
    let device = Device::generate();
    let mut log = stage.log_of(&alice).await;
    let change = Change::Added(device.id, device.key.public());
    let entry = log.append(change, NOW_MS, &alice.person.identity).unwrap();
    stage.relay.append_log(&caller, AppendLog { entry }).await.unwrap();
    assert!(stage.is_signed_in(&token).await);
    stage.append(&alice, Change::Revoked(device.id)).await.unwrap();
    assert!(!stage.is_signed_in(&token).await);
    assert!(stage.is_signed_in(&alice.token).await);
}

#[tokio::test]
async fn only_the_device_of_the_session_signs_and_nobody_without_one_any_more() {
    let stage = Stage::new();
    let [mut alice, bob] = members(&stage, ["alice", "bob"]).await;
    publish_one_time(&stage, &bob, 1..10).await;
    let prekey = claim(&stage, &alice, &bob).await.unwrap();
    let by_identity = alice.person.seal("as before", &[&bob.person]);
    let refusal = stage.send(&alice, &by_identity).await.unwrap_err();
    assert_eq!(refusal.code, Code::InvalidEnvelope);
    assert!(refusal.message.contains("not signed by a device"), "{refusal}");

    let own = alice.device.replace(Device::generate());
    let foreign = stage.seal(&alice, Expiry::Never, std::slice::from_ref(&prekey)).await;
    assert_eq!(send(&stage, &alice, &foreign, archived()).await.unwrap_err().code, Code::InvalidEnvelope);
    alice.device = own.map(|own| Device { id: own.id, key: Device::generate().key });
    let forged = stage.seal(&alice, Expiry::Never, &[prekey]).await;
    assert_eq!(send(&stage, &alice, &forged, archived()).await.unwrap_err().code, Code::InvalidEnvelope);
    assert!(mailbox(&stage, &bob).await.is_empty());
}

/// Whoever reads it could not look up that head, or would take it for one of before the device: it would be lost.
#[tokio::test]
async fn an_envelope_names_a_log_of_its_account_that_has_its_device() {
    let stage = Stage::new();
    let [alice, bob] = members(&stage, ["alice", "bob"]).await;
    publish_one_time(&stage, &bob, 1..10).await;
    let prekey = claim(&stage, &alice, &bob).await.unwrap();
    for head in [LogHash::from_bytes([0; 32]), LogHash::from_bytes([7; 32]), stage.log_of(&bob).await.head()]
    {
        let sealed = stage.seal_naming(&alice, head, Expiry::Never, std::slice::from_ref(&prekey));
        let refusal = send(&stage, &alice, &sealed, archived()).await.unwrap_err();
        assert_eq!(refusal.code, Code::InvalidEnvelope);
        assert!(refusal.message.contains("list of devices"), "{refusal}");
    }
    assert!(mailbox(&stage, &bob).await.is_empty());

    // What was sealed before another device came still counts.
    let before = stage.log_of(&alice).await.head();
    let late = Device::generate();
    let (_, elsewhere) = stage.login(&alice.person).await;
    let change = Change::Added(late.id, late.key.public());
    let entry = stage.log_of(&alice).await.append(change, NOW_MS, &alice.person.identity).unwrap();
    stage.relay.append_log(&elsewhere, AppendLog { entry }).await.unwrap();
    let sealed = stage.seal_naming(&alice, before, Expiry::Never, &[prekey]);
    send(&stage, &alice, &sealed, archived()).await.unwrap();
    assert_eq!(mailbox(&stage, &bob).await.len(), 1);
}

#[tokio::test]
async fn a_one_time_prekey_serves_whoever_claimed_it_once() {
    let stage = Stage::new();
    let [alice, bob, carol] = members(&stage, ["alice", "bob", "carol"]).await;
    publish_one_time(&stage, &bob, 1..3).await;
    let first = claim(&stage, &alice, &bob).await.unwrap();
    let second = claim(&stage, &carol, &bob).await.unwrap();
    assert_ne!(first.id(), second.id());
    assert!(claim(&stage, &alice, &bob).await.is_none(), "none is left");

    let stolen = stage.seal(&carol, Expiry::Never, std::slice::from_ref(&first)).await;
    let refusal = send(&stage, &carol, &stolen, archived()).await.unwrap_err();
    assert_eq!((refusal.code, refusal.accounts), (Code::StaleKeys, vec![bob.person.account]));
    let envelope = stage.seal(&alice, Expiry::Never, std::slice::from_ref(&first)).await;
    let sent = send(&stage, &alice, &envelope, archived()).await.unwrap();
    assert_eq!(send(&stage, &alice, &envelope, archived()).await.unwrap(), sent, "the same again");
    let again = stage.seal(&alice, Expiry::Never, &[first]).await;
    assert_eq!(send(&stage, &alice, &again, archived()).await.unwrap_err().code, Code::StaleKeys);

    // Whoever waits for too long asks again.
    stage.set_clock(NOW_MS + CLAIM_LIFETIME_MS + 1);
    let late = stage.seal(&carol, Expiry::Never, &[second]).await;
    assert_eq!(send(&stage, &carol, &late, archived()).await.unwrap_err().code, Code::StaleKeys);
}

#[tokio::test]
async fn old_one_time_prekeys_are_not_handed_out() {
    let stage = Stage::new();
    let [alice, bob] = members(&stage, ["alice", "bob"]).await;
    publish_one_time(&stage, &bob, 1..3).await;
    stage.set_clock(NOW_MS + PREKEY_LIFETIME_MS + 1);
    let alice = {
        let (token, caller) = stage.login(&alice.person).await;
        Member { token, caller, ..alice }
    };
    assert!(claim(&stage, &alice, &bob).await.is_none());
}

#[tokio::test]
async fn nobody_uses_up_everybodys_prekeys() {
    let few = relay::policy::Rate { burst: 3, per_hour: 3 };
    let stage = Stage::with_policy(Policy { claims_per_account: few, ..test_policy() });
    let [alice, bob, carol] = members(&stage, ["alice", "bob", "carol"]).await;
    publish_one_time(&stage, &bob, 1..50).await;
    for _ in 0..3 {
        assert!(claim(&stage, &alice, &bob).await.is_some());
    }
    assert!(claim(&stage, &alice, &bob).await.is_none(), "writing goes on, to the signed prekey");
    assert!(claim(&stage, &carol, &bob).await.is_some());
    let status = stage.relay.prekey_status(&bob.caller, FetchPrekeyStatus::default()).await.unwrap();
    assert_eq!((status.one_time_left, status.last_one_time), (45, 49));
}

#[tokio::test]
async fn what_is_published_is_signed_as_it_must_be() {
    let stage = Stage::new();
    let [alice, bob] = members(&stage, ["alice", "bob"]).await;
    let default = PublishPrekeys::default;
    let (_, own) = one_time(&alice, 1);
    let (_, foreign) = one_time(&bob, 1);
    let signed = |sequence, id| {
        let prekey = PrekeySecret::generate(PrekeyId(id), sequence, &mut UnwrapErr(getrandom::SysRng));
        prekey.sign(alice.person.account, &alice.person.identity)
    };
    let device = of_device(&alice, 1);
    for (request, code) in [
        (PublishPrekeys { one_time: vec![foreign], ..default() }, Code::InvalidKeys),
        (PublishPrekeys { one_time: vec![signed(2, 2)], ..default() }, Code::InvalidKeys),
        (PublishPrekeys { signed: Some(own.clone()), ..default() }, Code::InvalidKeys),
        (PublishPrekeys { device: vec![own.clone()], ..default() }, Code::InvalidKeys),
        (PublishPrekeys { device: vec![of_device(&bob, 1)], ..default() }, Code::InvalidKeys),
        (PublishPrekeys { one_time: vec![own.clone(), own.clone()], ..default() }, Code::InvalidRequest),
        (PublishPrekeys { one_time: vec![one_time(&alice, 0).1], ..default() }, Code::InvalidRequest),
        (
            PublishPrekeys { one_time: (1..=101).map(|id| one_time(&alice, id).1).collect(), ..default() },
            Code::InvalidRequest,
        ),
        (PublishPrekeys { signed: Some(signed(1, 2)), ..default() }, Code::VersionConflict),
        (PublishPrekeys { signed: Some(signed(2, 1)), ..default() }, Code::VersionConflict),
    ] {
        assert_eq!(publish(&stage, &alice, request).await, Err(code));
    }
    let new = signed(2, 2);
    let all = PublishPrekeys {
        signed: Some(new.clone()),
        one_time: vec![own],
        device: vec![device],
        replace: false,
    };
    for _ in 0..2 {
        assert_eq!(publish(&stage, &alice, all.clone()).await, Ok(()), "the same again is the same");
    }
    let status = stage.relay.prekey_status(&alice.caller, FetchPrekeyStatus::default()).await.unwrap();
    assert_eq!(status.signed, new);
    assert_eq!((status.one_time_left, status.device_left), (1, 1));
    for (ids, expected) in [(2..102, Ok(())), (102..202, Ok(())), (202..302, Err(Code::QuotaExceeded))] {
        let one_time = ids.map(|id| one_time(&alice, id).1).collect();
        assert_eq!(publish(&stage, &alice, PublishPrekeys { one_time, ..default() }).await, expected);
    }
}

#[tokio::test]
async fn unclaimed_prekeys_are_taken_back_when_a_device_was_revoked() {
    let stage = Stage::new();
    let [alice, bob] = members(&stage, ["alice", "bob"]).await;
    publish_one_time(&stage, &bob, 1..11).await;
    let claimed = claim(&stage, &alice, &bob).await.unwrap();
    let one_time = (11..13).map(|id| one_time(&bob, id).1).collect();
    publish(&stage, &bob, PublishPrekeys { one_time, replace: true, ..PublishPrekeys::default() })
        .await
        .unwrap();
    assert_eq!(claim(&stage, &alice, &bob).await.unwrap().id(), PrekeyId(11));
    let envelope = stage.seal(&alice, Expiry::Never, &[claimed]).await;
    send(&stage, &alice, &envelope, archived()).await.expect("what was claimed before still serves");
}

#[tokio::test]
async fn the_senders_own_copy_is_archived_and_a_disappearing_one_never() {
    let stage = Stage::new();
    let [alice, bob] = members(&stage, ["alice", "bob"]).await;
    publish_one_time(&stage, &bob, 1..10).await;
    let device = (1..3).map(|id| of_device(&bob, id)).collect();
    publish(&stage, &bob, PublishPrekeys { device, ..PublishPrekeys::default() }).await.unwrap();

    let kept = [claim(&stage, &alice, &bob).await.unwrap()];
    let kept = stage.seal(&alice, Expiry::Never, &kept).await;
    assert_eq!(send(&stage, &alice, &kept, None).await.unwrap_err().code, Code::InvalidRequest);
    let short = archived().map(|key| ArchivedKey { sealed: Binary(vec![8; 59]), ..key });
    assert_eq!(send(&stage, &alice, &kept, short).await.unwrap_err().code, Code::InvalidRequest);
    send(&stage, &alice, &kept, archived()).await.unwrap();
    let own = &mailbox(&stage, &alice).await[0];
    assert_eq!((&own.archived, own.seal.0.len()), (&archived(), 0));
    let bobs = &mailbox(&stage, &bob).await[0];
    assert_eq!((&bobs.archived, bobs.seal.0.len()), (&None, 1168));

    let gone = claim_of_devices(&stage, &alice, &bob).await;
    let gone = stage.seal(&alice, Expiry::AfterSeconds(60), &gone).await;
    assert_eq!(send(&stage, &alice, &gone, archived()).await.unwrap_err().code, Code::InvalidRequest);
    send(&stage, &alice, &gone, None).await.unwrap();
    assert_eq!(
        stage.relay.prekey_status(&bob.caller, FetchPrekeyStatus::default()).await.unwrap().first_unarchived,
        Some(Cursor(1))
    );
    archive(&stage, &bob, &kept, 1).await.unwrap();
    archive(&stage, &bob, &gone, 2).await.unwrap();
    let items = mailbox(&stage, &bob).await;
    assert_eq!((&items[0].archived, items[0].seal.0.len()), (&archived(), 0));
    assert_eq!((&items[1].archived, items[1].seal.0.len()), (&None, 1168), "it is never archived");
}

async fn archive(stage: &Stage, member: &Member, envelope: &Envelope, cursor: u64) -> Result<(), Code> {
    let message = envelope.claimed_header().message;
    let keys = vec![ArchivedPlace { cursor: Cursor(cursor), message, key: archived().unwrap() }];
    stage.relay.archive(&member.caller, Archive { keys }).await.map(drop).map_err(|refusal| refusal.code)
}

#[tokio::test]
async fn timers_are_within_their_limits_and_end_by_the_relays_clock() {
    let stage = Stage::new();
    let [alice, bob] = members(&stage, ["alice", "bob"]).await;
    let device = (1..20).map(|id| of_device(&bob, id)).collect();
    publish(&stage, &bob, PublishPrekeys { device, ..PublishPrekeys::default() }).await.unwrap();
    for seconds in [1, MIN_TIMER_S - 1, MAX_TIMER_S + 1, u32::MAX] {
        let prekeys = claim_of_devices(&stage, &alice, &bob).await;
        let envelope = stage.seal(&alice, Expiry::AfterSeconds(seconds), &prekeys).await;
        let refusal = send(&stage, &alice, &envelope, None).await.unwrap_err();
        assert_eq!(refusal.code, Code::InvalidEnvelope, "{seconds}: {refusal}");
    }
    for seconds in [MIN_TIMER_S, 60] {
        let prekeys = claim_of_devices(&stage, &alice, &bob).await;
        let envelope = stage.seal(&alice, Expiry::AfterSeconds(seconds), &prekeys).await;
        send(&stage, &alice, &envelope, None).await.unwrap();
    }
    stage.set_clock(NOW_MS + u64::from(MIN_TIMER_S) * 1_000);
    assert_eq!(stage.relay.erase_expired().await.unwrap(), 1);
    for member in [&alice, &bob] {
        let items = mailbox(&stage, member).await;
        assert_eq!(items.iter().map(|item| item.shared.0.is_empty()).collect::<Vec<_>>(), [true, false]);
        assert!(items[0].seal.0.is_empty());
    }
    stage.set_clock(NOW_MS + 60_000);
    assert_eq!(
        (stage.relay.erase_expired().await.unwrap(), stage.relay.erase_expired().await.unwrap()),
        (1, 0)
    );
}

#[tokio::test]
async fn a_message_is_erased_for_oneself_or_by_its_sender_for_everyone() {
    let stage = Stage::new();
    let [alice, bob] = members(&stage, ["alice", "bob"]).await;
    publish_one_time(&stage, &bob, 1..10).await;
    let mut messages: Vec<MessageId> = Vec::new();
    for _ in 0..2 {
        let prekey = claim(&stage, &alice, &bob).await.unwrap();
        let envelope = stage.seal(&alice, Expiry::Never, &[prekey]).await;
        send(&stage, &alice, &envelope, archived()).await.unwrap();
        messages.push(envelope.claimed_header().message);
    }
    let erase = async |member: &Member, message: MessageId, for_everyone| {
        let request = Erase { messages: vec![message], for_everyone };
        stage.relay.erase(&member.caller, request).await.unwrap().erased
    };
    let stands = async |member: &Member| {
        let items = mailbox(&stage, member).await;
        items.iter().map(|item| !item.shared.0.is_empty()).collect::<Vec<_>>()
    };
    assert_eq!(erase(&bob, messages[0], true).await, 0, "he has not sent it");
    assert_eq!(erase(&bob, messages[0], false).await, 1);
    assert_eq!(erase(&bob, messages[0], false).await, 0, "once");
    assert_eq!((stands(&alice).await, stands(&bob).await), (vec![true, true], vec![false, true]));
    assert_eq!(erase(&alice, messages[1], true).await, 1);
    assert_eq!((stands(&alice).await, stands(&bob).await), (vec![true, false], vec![false, false]));
    let many = Erase { messages: vec![messages[0]; 201], for_everyone: false };
    assert_eq!(stage.relay.erase(&bob.caller, many).await.unwrap_err().code, Code::InvalidRequest);
}

#[tokio::test]
async fn history_comes_backwards() {
    let stage = Stage::new();
    let [alice, bob] = members(&stage, ["alice", "bob"]).await;
    publish_one_time(&stage, &bob, 1..10).await;
    for _ in 0..5 {
        let prekey = claim(&stage, &alice, &bob).await.unwrap();
        let envelope = stage.seal(&alice, Expiry::Never, &[prekey]).await;
        send(&stage, &alice, &envelope, archived()).await.unwrap();
    }
    let history = async |before, limit| {
        let page =
            stage.relay.fetch_history(&bob.caller, FetchHistory { before: Cursor(before), limit }).await;
        page.map(|page| page.items.iter().map(|item| item.cursor.0).collect::<Vec<_>>())
    };
    assert_eq!(history(6, 2).await.unwrap(), [5, 4]);
    assert_eq!(history(4, 100).await.unwrap(), [3, 2, 1]);
    assert!(history(1, 100).await.unwrap().is_empty());
    assert_eq!(history(6, 0).await.unwrap_err().code, Code::InvalidRequest);
}
