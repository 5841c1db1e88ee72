//! Accepted durable messages a second through `Relay::send`, with real envelopes to two mailboxes, at 1, 8 and 32 clients
//! at once; beside them, in the same run on the same disk with the same settings, SQLite doing the least that keeps the
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
    envelope::Draft,
    id::{ConversationId, MessageId},
    kdf::AuthKey,
    prekey::Prekey,
};
use futures::future::join_all;
use protocol::{Binary, account::Register, mailbox::Send};
use rand_core::UnwrapErr;
use raw::{Alone, Grouped};
use relay::{
    Caller, Network, Policy, Relay, RelayParts, ServerSecret,
    port::{Bcrypt, BcryptCost, Entropy, LocalEvents, NoMailer},
};
use store_conformance::Person;
use store_sqlite::{Settings, SqliteStore};

const CLIENTS: [usize; 3] = [1, 8, 32];
/// Messages in all, by number of clients: each measurement takes about as long.
const MESSAGES: [usize; 3] = [1_600, 4_800, 9_600];

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

/// For each client, envelopes to the next person and to oneself.
fn sealed(people: &[Person], clients: usize, each: usize) -> Vec<Vec<Vec<u8>>> {
    let rng = &mut UnwrapErr(getrandom::SysRng);
    let keys: Vec<Prekey> = people
        .iter()
        .map(|person| {
            let identity = person.identity();
            let signed = person.prekey().sign(person.account(), &identity);
            signed.verify(person.account(), &identity.public()).unwrap()
        })
        .collect();
    (0..clients)
        .map(|client| {
            let sender = people[client];
            let to = [keys[client].clone(), keys[(client + 1) % people.len()].clone()];
            let mut seal = || {
                let draft = Draft {
                    conversation: ConversationId::of_set(to.iter().map(Prekey::account)),
                    message: MessageId::random(rng),
                    parents: &[],
                    sent_at_ms: 1,
                    expires_at_ms: None,
                    content: &[b'x'; 200],
                };
                draft.seal(sender.account(), &sender.identity(), &to, rng).unwrap().to_bytes()
            };
            (0..each).map(|_| seal()).collect()
        })
        .collect()
}

async fn through_relay(path: &Path, people: &[Person], outboxes: &[Vec<Vec<u8>>]) -> f64 {
    let store = SqliteStore::open(path, Settings::default()).await.unwrap();
    let relay = Relay::new(RelayParts {
        store: Arc::new(store.clone()),
        passwords: Arc::new(Bcrypt(BcryptCost::UNSAFE_FOR_TESTS)),
        events: Arc::new(LocalEvents::new()),
        mailer: Arc::new(NoMailer),
        clock: Arc::new(|| 1_790_000_000_000),
        entropy: Arc::new(SystemEntropy),
        secrets: ServerSecret::from_bytes(&[7; 32]),
        policy: Policy { bcrypt_cost: BcryptCost::UNSAFE_FOR_TESTS, ..Policy::default() },
    });
    let mut callers: Vec<Caller> = Vec::new();
    for person in people {
        let (_, token) = relay.register(registration(*person), Network::Local).await.unwrap();
        callers.push(relay.authenticate(token.expose(), Network::Local).await.unwrap());
    }
    let clients = outboxes.iter().cloned().zip(callers).map(|(outbox, caller)| {
        let relay = relay.clone();
        async move {
            for envelope in outbox {
                relay.send(&caller, Send { envelope: Binary(envelope) }).await.unwrap();
            }
        }
    });
    let rate = rate_of(outboxes, clients.collect()).await;
    store.close().await;
    rate
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
