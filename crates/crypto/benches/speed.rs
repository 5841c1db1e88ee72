//! What a device pays, in the same words natively and as WebAssembly, so that both can be laid side by side:
//!
//! ```text
//! cargo bench -p crypto --bench speed
//! cargo bench -p crypto --bench speed --profile wasm-release --target wasm32-wasip1
//! ```
//!
//! The second is compiled as the page's code is, and runs in V8, Chromium's engine, by way of Node.

mod messages;
#[path = "../tests/people/mod.rs"]
mod people;
#[path = "../tests/seeded/mod.rs"]
mod seeded;

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use crypto::{
    account_key::AccountKey,
    id::AccountId,
    kdf::KdfParams,
    vault::{VaultKind, VaultPlace},
};
use messages::{
    by_device::{MAKE_BATCH, OPEN_ARCHIVED, OPEN_ONE_TIME, Pair, SEAL_ONE_TIME},
    open, people, received, sealing_to,
};
use seeded::Seeded;

/// Each work is repeated for so long, after as long again that lets the engine compile it well.
const FOR: Duration = Duration::from_secs(1);
const FEWEST_TIMES: usize = 5;

fn main() {
    let rng = &mut Seeded::new("speed");
    let people = people(2, rng);
    let delivery = received(&people, rng);
    report("open 256 B", || open(&delivery, &people));
    report("seal 256 B for one other (two seals)", sealing_to(&people, rng));

    let rng = &mut Seeded::new("speed of devices");
    let pair = Pair::new(&people, rng);
    let delivery = pair.received(rng);
    report(OPEN_ONE_TIME, || pair.open(&delivery, rng));
    report(OPEN_ARCHIVED, || pair.open_from_archive(&delivery));
    report(SEAL_ONE_TIME, pair.sealing(rng));
    report(MAKE_BATCH, || pair.make_batch(rng));

    let rng = &mut Seeded::new("speed of the vault");
    let place =
        VaultPlace { account: AccountId::random(rng), kind: VaultKind::Pin, key_id: b"pin", version: 1 };
    let vault_key = AccountKey::generate(rng).vault_key();
    let row = vault_key.seal(place, &[1; 200], rng);
    report("open a vault row of 200 B", || {
        black_box(vault_key.open(place, &row).expect("the row opens"));
    });

    let params = KdfParams::generate(rng);
    report("PBKDF2 600 000, auth and wrap key", || {
        let stretched = params.stretch("geh im Wald 7 Mal!");
        black_box((stretched.auth_key(), stretched.wrap_key()));
    });
}

/// Prints the median.
fn report(what: &str, mut work: impl FnMut()) {
    repeat(&mut work);
    let mut took = repeat(&mut work);
    took.sort_unstable();
    println!("{what:<56} {:>10.1} µs", took[took.len() / 2].as_secs_f64() * 1e6);
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn repeat(work: &mut impl FnMut()) -> Vec<Duration> {
    let begun = Instant::now();
    let mut took = Vec::new();
    while begun.elapsed() < FOR || took.len() < FEWEST_TIMES {
        let start = Instant::now();
        work();
        took.push(start.elapsed());
    }
    took
}
