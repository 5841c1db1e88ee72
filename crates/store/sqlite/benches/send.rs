//! Accepted durable messages a second through `Relay::send`, with real envelopes to two mailboxes (to a prekey that serves
//! once, and with the sender's archived key), at 1, 8 and 32 clients at once; beside them, in the same run on the same disk with the same settings, SQLite doing the least that keeps the
//! same bytes: one row a transaction, and one row each in transactions shared by all that wait.
//!
//! `cargo bench -p store-sqlite` prints the table; a folder as the last argument says where the files are made.

#![expect(clippy::unwrap_used, reason = "what fails here fails the benchmark")]

mod raw;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use crypto::{
    archive::ARCHIVED_BYTES,
    device::{DeviceKey, DeviceSeed},
    device_log::{Change, DeviceLog, LogEntry},
    envelope::{Author, Draft, Expiry},
    id::{ConversationId, DeviceId, EpochId, MessageId},
    kdf::AuthKey,
    prekey::Prekey,
};
use futures::future::join_all;
use protocol::{
    Binary,
    account::Register,
    device::AppendLog,
    mailbox::{ArchivedKey, Send},
};
use rand_core::UnwrapErr;
use raw::{Alone, Grouped};
use relay::{
    Caller, Network, Policy, Relay, RelayParts, ServerSecret,
    port::{Bcrypt, BcryptCost, Claim, Entropy, LocalEvents, NewPrekeys, NoMailer, Prekeys, PublishOutcome},
};
use store_conformance::Person;
use store_sqlite::{Settings, SqliteStore};

const CLIENTS: [usize; 3] = [1, 8, 32];
/// Messages in all, by number of clients: each measurement takes about as long.
const MESSAGES: [usize; 3] = [1_600, 4_800, 9_600];
const NOW_MS: u64 = 1_790_000_000_000;
const DEVICE: DeviceId = DeviceId::from_bytes([1; 16]);

fn main() {
    let place = std::env::args().skip(1).rfind(|argument| !argument.starts_with("--"));
    let place = place.map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = tempfile::tempdir_in(place).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    println!("fdatasync of 4 KiB appended: {:>7.0} a second", raw::fdatasync_rate(folder.path()));
    println!();
    println!(
        "durable messages a second    relay   raw, alone   raw, grouped   relay / alone   relay / grouped"
    );
    for (clients, messages) in CLIENTS.into_iter().zip(MESSAGES) {
        let (relay, alone, grouped) = runtime.block_on(measure(folder.path(), clients, messages));
        println!(
            "{clients:>3} clients            {relay:>13.0} {alone:>12.0} {grouped:>14.0} {:>15.2} {:>17.2}",
            relay / alone,
            relay / grouped,
        );
    }
}

async fn measure(folder: &Path, clients: usize, messages: usize) -> (f64, f64, f64) {
    let people: Vec<Person> = (0..clients.max(2) as u16).map(Person).collect();
    let outboxes = sealed(&people, clients, messages / clients);
    let relay = through_relay(&folder.join(format!("relay-{clients}.db")), &people, &outboxes).await;
    let alone = raw_alone(&folder.join(format!("alone-{clients}.db")), &outboxes).await;
    let grouped = raw_grouped(&folder.join(format!("grouped-{clients}.db")), &outboxes).await;
    (relay, alone, grouped)
}

fn next(people: &[Person], client: usize) -> Person {
    people[(client + 1) % people.len()]
}

fn device_key() -> DeviceKey {
    DeviceKey::from_seed(&DeviceSeed::from_bytes(&[1; 32]))
}

/// That everyone has the one device.
fn first_entry(person: Person) -> LogEntry {
    let mut log = DeviceLog::empty(person.account(), person.identity().public());
    log.append(Change::Added(DEVICE, device_key().public()), NOW_MS, &person.identity()).unwrap()
}

/// For each client, envelopes to the next person, each to another of that one's prekeys.
fn sealed(people: &[Person], clients: usize, each: usize) -> Vec<Vec<Vec<u8>>> {
    let rng = &mut UnwrapErr(getrandom::SysRng);
    let (key, mut outboxes) = (device_key(), Vec::new());
    for client in 0..clients {
        let (sender, reader) = (people[client], next(people, client));
        let (account, identity) = (sender.account(), sender.identity().public());
        let author = Author {
            account,
            identity: &identity,
            device: DEVICE,
            key: &key,
            log_head: first_entry(sender).hash(account),
        };
        let of_reader = reader.identity().public();
        let mut outbox = Vec::new();
        for prekey in reader.one_time_prekeys(1..=each as u32) {
            let prekey: Prekey = prekey.verify(reader.account(), &of_reader).unwrap();
            let draft = Draft {
                conversation: ConversationId::of_set([account, reader.account()]),
                message: MessageId::random(rng),
                parents: &[],
                sent_at_ms: 1,
                expiry: Expiry::Never,
                content: &[b'x'; 200],
            };
            outbox.push(draft.seal_by_device(author, &[prekey], &[], rng).unwrap().envelope.to_bytes());
        }
        outboxes.push(outbox);
    }
    outboxes
}

async fn through_relay(path: &Path, people: &[Person], outboxes: &[Vec<Vec<u8>>]) -> f64 {
    let store = SqliteStore::open(path, Settings::default()).await.unwrap();
    let relay = Relay::new(RelayParts {
        store: Arc::new(store.clone()),
        passwords: Arc::new(Bcrypt(BcryptCost::UNSAFE_FOR_TESTS)),
        events: Arc::new(LocalEvents::new()),
        mailer: Arc::new(NoMailer),
        clock: Arc::new(|| NOW_MS),
        entropy: Arc::new(SystemEntropy),
        secrets: ServerSecret::from_bytes(&[7; 32]),
        policy: Policy { bcrypt_cost: BcryptCost::UNSAFE_FOR_TESTS, ..Policy::default() },
    });
    let mut callers: Vec<Caller> = Vec::new();
    for person in people {
        let (_, token) = relay.register(registration(*person), Network::Local).await.unwrap();
        let caller = relay.authenticate(token.expose(), Network::Local).await.unwrap();
        relay.append_log(&caller, AppendLog { entry: first_entry(*person) }).await.unwrap();
        callers.push(relay.authenticate(token.expose(), Network::Local).await.unwrap());
    }
    join_all((0..outboxes.len()).map(|client| claim_all(&store, people, client, outboxes[client].len())))
        .await;
    let clients = outboxes.iter().cloned().zip(callers).map(|(outbox, caller)| {
        let relay = relay.clone();
        async move {
            for envelope in outbox {
                let sealed = Binary(vec![1; ARCHIVED_BYTES]);
                let archived = Some(ArchivedKey { epoch: EpochId::from_bytes([1; 16]), sealed });
                relay.send(&caller, Send { envelope: Binary(envelope), archived }).await.unwrap();
            }
        }
    });
    let rate = rate_of(outboxes, clients.collect()).await;
    store.close().await;
    rate
}

/// Past the relay, which hands out so many in a day only.
async fn claim_all(store: &SqliteStore, people: &[Person], client: usize, count: usize) {
    let reader = next(people, client);
    let new = NewPrekeys {
        identity: reader.identity().public().fingerprint(),
        signed: None,
        one_time: reader.one_time_prekeys(1..=count as u32),
        replace: false,
        device: None,
        at_ms: NOW_MS,
        published_after_ms: 0,
        room: count as u32,
    };
    assert_eq!(store.publish_prekeys(reader.account(), new).await.unwrap(), PublishOutcome::Done);
    let claim = Claim {
        by: people[client].account(),
        accounts: vec![reader.account()],
        of_devices: false,
        at_ms: NOW_MS,
        published_after_ms: 0,
        most_unused: u32::MAX,
        by_device: None,
    };
    for _ in 0..count {
        assert_eq!(store.claim_prekeys(claim.clone()).await.unwrap().len(), 1);
    }
}

fn registration(person: Person) -> Register {
    let (account, session) = person.registration();
    Register {
        account: account.account,
        username: account.username,
        email: None,
        invite: None,
        kdf: account.kdf,
        auth_key: AuthKey::from_bytes(&[1; 32]),
        wrapped_by_password: account.wrapped_by_recovery_key.clone(),
        wrapped_by_recovery_key: account.wrapped_by_recovery_key,
        identity: account.identity,
        prekey: account.prekey,
        vault: account.vault,
        device_name: session.device_name,
    }
}

struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[expect(clippy::disallowed_methods, reason = "a benchmark is the rim: here the randomness comes in")]
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).unwrap();
    }
}

/// One transaction a message.
async fn raw_alone(path: &Path, outboxes: &[Vec<Vec<u8>>]) -> f64 {
    let alone = Alone::open(path).await;
    let clients = outboxes.iter().cloned().map(|outbox| {
        let alone = alone.clone();
        async move {
            for bytes in outbox {
                alone.insert(bytes).await;
            }
        }
    });
    rate_of(outboxes, clients.collect()).await
}

/// One transaction for all that wait.
async fn raw_grouped(path: &Path, outboxes: &[Vec<Vec<u8>>]) -> f64 {
    let grouped = Grouped::open(path).await;
    let clients = outboxes.iter().cloned().map(|outbox| {
        let grouped = grouped.clone();
        async move {
            for bytes in outbox {
                grouped.insert(bytes).await;
            }
        }
    });
    rate_of(outboxes, clients.collect()).await
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures the time")]
async fn rate_of<F>(outboxes: &[Vec<Vec<u8>>], clients: Vec<F>) -> f64
where
    F: Future<Output = ()> + core::marker::Send + 'static,
{
    let begun = Instant::now();
    let clients = clients.into_iter().map(tokio::spawn);
    join_all(clients).await.into_iter().for_each(Result::unwrap);
    outboxes.iter().map(Vec::len).sum::<usize>() as f64 / begun.elapsed().as_secs_f64()
}
