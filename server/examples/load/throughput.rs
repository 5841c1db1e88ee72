//! Accepted durable messages a second, and the processor's time for each.

use std::{
    fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use futures::future::join_all;

use crate::{
    connection::{Connection, request_to_send},
    median,
    people::Member,
    process::Server,
    raw::{self, Alone, Grouped},
};

/// So many at once; each sends its next message when the last one was answered.
const CLIENTS: [usize; 3] = [1, 8, 32];
/// Messages of a round, by number of clients.
const MESSAGES: [usize; 3] = [400, 2_000, 4_000];
/// So often everything is measured in turns; the median counts.
const ROUNDS: usize = 3;
/// Each measurement ends after this time at the latest: a disk can be slow.
const LONGEST: Duration = Duration::from_secs(1);

/// What each client sends, one after the other.
type Outboxes = Vec<Vec<Vec<u8>>>;

/// One number of clients, in one round: messages a second.
struct Round {
    server: Rate,
    bare: Rate,
    grouped: f64,
    alone: f64,
    disk: f64,
}

struct Rate {
    a_second: f64,
    /// The server's time on the processor for a message, in milliseconds.
    processor_ms: f64,
}

pub(crate) async fn measure(server: &Server, bare: &Server, folder: &Path) {
    let reader = Member::register("load.reader", &server.client()).await;
    let mut senders = Vec::new();
    for number in 0..CLIENTS[CLIENTS.len() - 1] {
        senders.push(Member::register(&format!("load.{number}"), &server.client()).await);
    }
    println!();
    println!("Accepted durable messages a second, to one other each (medians of {ROUNDS} rounds in turns)");
    println!(
        "            server     bare   SQLite,   SQLite,      disk    server /   server /     processor's ms a message"
    );
    println!(
        "                               grouped     alone                 bare    grouped     server    bare   ratio"
    );
    for (clients, messages) in CLIENTS.into_iter().zip(MESSAGES) {
        let mut rounds = Vec::new();
        for round in 0..ROUNDS {
            let outboxes = sealed(&senders[..clients], &reader, messages / clients);
            let files = folder.join(format!("raw-{clients}-{round}"));
            fs::create_dir(&files).unwrap();
            rounds.push(Round::run(server, bare, &files, &outboxes).await);
        }
        print(clients, &rounds);
    }
}

impl Round {
    async fn run(server: &Server, bare: &Server, files: &Path, outboxes: &Outboxes) -> Self {
        let disk = raw::fdatasync_rate(files);
        let server = Rate::of(server, outboxes).await;
        let bare = Rate::of(bare, outboxes).await;
        let clients = vec![Grouped::open(&files.join("grouped.db")).await; outboxes.len()];
        let grouped = drive(clients, outboxes, async |all, row| all.insert(row.to_vec()).await).await;
        let clients = vec![Alone::open(&files.join("alone.db")).await; outboxes.len()];
        let alone = drive(clients, outboxes, async |all, row| all.insert(row.to_vec()).await).await;
        Self { server, bare, grouped: grouped.a_second(), alone: alone.a_second(), disk }
    }
}

impl Rate {
    async fn of(server: &Server, outboxes: &Outboxes) -> Self {
        let clients = join_all(outboxes.iter().map(|_| Connection::open(server.address))).await;
        let before = server.processor_time();
        let sent = drive(clients, outboxes, async |connection, request| {
            connection.write(request).await;
            connection.read_answer().await;
        })
        .await;
        let processor = server.processor_time() - before;
        Self { a_second: sent.a_second(), processor_ms: processor.as_secs_f64() * 1e3 / sent.count as f64 }
    }
}

/// What was done, and in which time.
struct Done {
    count: usize,
    took: Duration,
}

impl Done {
    fn a_second(&self) -> f64 {
        self.count as f64 / self.took.as_secs_f64()
    }
}

/// Lets each client send its outbox, all at once, until everything is sent or the time is over.
async fn drive<C>(clients: Vec<C>, outboxes: &Outboxes, send: impl AsyncFn(&mut C, &[u8]) + Copy) -> Done {
    let begun = Instant::now();
    let clients = clients.into_iter().zip(outboxes).map(async |(mut client, outbox)| {
        let mut count = 0;
        for message in outbox {
            if begun.elapsed() > LONGEST {
                break;
            }
            send(&mut client, message).await;
            count += 1;
        }
        count
    });
    let count = join_all(clients).await.into_iter().sum();
    Done { count, took: begun.elapsed() }
}

/// Each sender's messages, as the bytes of their requests.
fn sealed(senders: &[Member], reader: &Member, each: usize) -> Outboxes {
    let outbox = |sender| (0..each).map(|_| request_to_send(sender, reader)).collect();
    thread::scope(|scope| {
        let sealing: Vec<_> = senders.iter().map(|sender| scope.spawn(move || outbox(sender))).collect();
        sealing.into_iter().map(|sealing| sealing.join().unwrap()).collect()
    })
}

fn print(clients: usize, rounds: &[Round]) {
    let middle = |figure: fn(&Round) -> f64| median(rounds.iter().map(figure).collect());
    println!(
        "{clients:>3} clients {:>7.0} {:>8.0} {:>9.0} {:>9.0} {:>9.0} {:>11.2} {:>10.2} {:>10.3} {:>7.3} {:>7.2}",
        middle(|round| round.server.a_second),
        middle(|round| round.bare.a_second),
        middle(|round| round.grouped),
        middle(|round| round.alone),
        middle(|round| round.disk),
        middle(|round| round.server.a_second / round.bare.a_second),
        middle(|round| round.server.a_second / round.grouped),
        middle(|round| round.server.processor_ms),
        middle(|round| round.bare.processor_ms),
        middle(|round| round.server.processor_ms / round.bare.processor_ms),
    );
}
