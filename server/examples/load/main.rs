//! What the server bears: accepted durable messages a second, its time on the processor for each, how soon a message
//! wakes its reader, and what idle connections cost in memory.
//!
//! Beside it, in the same run, on the same disk, from the same clients: a bare server of the same libraries that only
//! keeps the bytes and wakes the reader ([`bare`]); SQLite alone with the store's settings; the disk alone. Figures of
//! different runs or machines say little; the ratios within one run do.
//!
//! ```text
//! cargo xtask build
//! cargo run --release -p server --example load
//! ```
//!
//! A folder as the argument says on which disk the data is kept; SECURE_MESSAGING_BIN names another binary than the one
//! in the release folder. The whole takes less than a minute.

#![expect(clippy::unwrap_used, reason = "what fails here fails the measurement")]
#![expect(clippy::disallowed_methods, reason = "a measurement reads the time")]

mod bare;
#[expect(dead_code, reason = "the stories ask more of it")]
#[path = "../../tests/stories/client.rs"]
mod client;
mod connection;
mod latency;
mod memory;
#[expect(dead_code, reason = "the stories ask more of it")]
#[path = "../../tests/stories/people.rs"]
mod people;
mod process;
#[path = "../../../crates/store/sqlite/benches/raw/mod.rs"]
mod raw;
mod throughput;

use std::{
    fs,
    path::{Path, PathBuf},
};

use process::Server;

/// Envelopes of this much content.
const CONTENT_BYTES: usize = 256;

fn main() {
    let mut arguments = std::env::args().skip(1);
    match (arguments.next().as_deref(), arguments.next()) {
        (Some("bare"), Some(folder)) => {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
            runtime.block_on(bare::serve(folder.as_ref()));
        }
        (place, _) => {
            let place = place.map_or_else(std::env::temp_dir, PathBuf::from);
            // One thread for all clients: the rest of the machine is the server's.
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(measure(tempfile::tempdir_in(place).unwrap().path()));
        }
    }
}

async fn measure(folder: &Path) {
    println!("Load of the machine before: {}", fs::read_to_string("/proc/loadavg").unwrap().trim());

    let fresh = Server::secure_messaging(&folder.join("fresh"));
    let fresh_bare = Server::bare(&folder.join("fresh-bare"));
    memory::measure(&fresh, &fresh_bare).await;
    drop((fresh, fresh_bare));

    let server = Server::secure_messaging(&folder.join("server"));
    let bare = Server::bare(&folder.join("bare"));
    latency::measure(&server, &bare).await;
    throughput::measure(&server, &bare, folder).await;
}

/// The one in the middle, after sorting.
fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
