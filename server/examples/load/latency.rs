//! How soon a message wakes its reader, at a server that has nothing else to do.

use std::time::{Duration, Instant};

use crate::{
    connection::{Connection, Events, request_to_send},
    people::Member,
    process::Server,
};

const MESSAGES: usize = 200;
/// After each message, so that the server comes to rest.
const REST: Duration = Duration::from_millis(3);

/// Prints from the request's first byte to the event at the reader, for both servers in turns.
pub(crate) async fn measure(server: &Server, bare: &Server) {
    let alice = Member::register("latency.alice", &server.client()).await;
    let bob = Member::register("latency.bob", &server.client()).await;
    let mut of_server = Route::open(server, &bob).await;
    let mut of_bare = Route::open(bare, &bob).await;
    for _ in 0..MESSAGES {
        let request = request_to_send(&alice, &bob);
        of_server.deliver(&request).await;
        of_bare.deliver(&request).await;
    }
    let [median, late] = of_server.quantiles_ms();
    let [bare_median, bare_late] = of_bare.quantiles_ms();
    println!();
    println!("From send to the reader's event, idle ({MESSAGES} messages)   server     bare   server / bare");
    for (what, server, bare) in [("p50", median, bare_median), ("p99", late, bare_late)] {
        println!("  {what}{server:>59.2} ms {bare:>5.2} ms {:>15.2}", server / bare);
    }
}

/// From a sender to a reader.
struct Route {
    sender: Connection,
    reader: Events,
    took: Vec<Duration>,
}

impl Route {
    async fn open(server: &Server, reader: &Member) -> Self {
        Self {
            sender: Connection::open(server.address).await,
            reader: Events::open(server.address, reader.token()).await,
            took: Vec::new(),
        }
    }

    async fn deliver(&mut self, request: &[u8]) {
        let begun = Instant::now();
        self.sender.write(request).await;
        self.reader.next().await;
        self.took.push(begun.elapsed());
        self.sender.read_answer().await;
        tokio::time::sleep(REST).await;
    }

    fn quantiles_ms(mut self) -> [f64; 2] {
        self.took.sort_unstable();
        [50, 99].map(|percent| self.took[self.took.len() * percent / 100].as_secs_f64() * 1e3)
    }
}
