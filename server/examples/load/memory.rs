//! What a server holds in memory when nobody does anything.

use std::time::Duration;

use crate::{connection::Events, people::Member, process::Server};

const STREAMS: u32 = 1_000;
/// Until what was needed only to open the streams is given back.
const REST: Duration = Duration::from_millis(500);

/// Prints the memory of fresh servers, and what an idle stream of events adds.
pub(crate) async fn measure(server: &Server, bare: &Server) {
    let idle = [server.memory_kib(), bare.memory_kib()];
    let reader = Member::register("memory.reader", &server.client()).await;
    let a_stream = [of_a_stream(server, &reader).await, of_a_stream(bare, &reader).await];

    println!();
    println!("Memory                                                        server     bare");
    for (what, kib) in [
        ("idle, all of it", idle.map(|(all, _)| all)),
        ("idle, what no file backs", idle.map(|(_, own)| own)),
    ] {
        println!("  {what:<58}{:>7.1} {:>8.1} MiB", kib[0] / 1024.0, kib[1] / 1024.0);
    }
    println!("  an idle stream of {STREAMS:<40}{:>7.1} {:>8.1} KiB", a_stream[0], a_stream[1]);
}

/// KiB for each of many.
async fn of_a_stream(server: &Server, reader: &Member) -> f64 {
    // The first brings what all share.
    let first = Events::open(server.address, reader.token()).await;
    tokio::time::sleep(REST).await;
    let (before, _) = server.memory_kib();
    let mut open = vec![first];
    for _ in 0..STREAMS {
        open.push(Events::open(server.address, reader.token()).await);
    }
    tokio::time::sleep(REST).await;
    let (after, _) = server.memory_kib();
    (after - before) / f64::from(STREAMS)
}
