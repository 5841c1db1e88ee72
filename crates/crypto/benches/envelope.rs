//! Sealing and opening messages. `cargo bench -p crypto --bench envelope` first prints what the envelope costs beside the
//! sum of its primitives, measured in turns in the same run; `-- ratio` prints only that.

mod messages;
#[path = "../tests/people/mod.rs"]
mod people;
mod primitives;
#[path = "../tests/seeded/mod.rs"]
mod seeded;

use criterion::{Criterion, Throughput};
use ed25519_dalek::SigningKey;
use messages::{
    by_device::{BATCH, MAKE_BATCH, OPEN_ARCHIVED, OPEN_ONE_TIME, Pair, SEAL_ONE_TIME},
    open, people, received, sealing_to,
};
use primitives::{OpenPrimitives, SealPrimitives, by_device};
use seeded::Seeded;

/// How often each of two works is done that are compared.
const TURNS: usize = 2_000;

fn main() {
    print_ratios();
    if std::env::args().any(|argument| argument == "ratio") {
        return;
    }
    let mut criterion = Criterion::default().configure_from_args();
    sealing(&mut criterion);
    opening(&mut criterion);
    by_devices(&mut criterion);
    criterion.final_summary();
}

fn sealing(criterion: &mut Criterion) {
    let rng = &mut Seeded::new("sealing");
    let mut group = criterion.benchmark_group("seal 256 B");
    for recipients in [2, 100] {
        let people = people(recipients, rng);
        let mut seal = sealing_to(&people, rng);
        group.throughput(Throughput::Elements(recipients as u64));
        group.sample_size(if recipients > 2 { 10 } else { 100 });
        group.bench_function(format!("to {recipients} (the sender among them)"), |bencher| {
            bencher.iter(&mut seal)
        });
    }
}

fn opening(criterion: &mut Criterion) {
    let rng = &mut Seeded::new("opening");
    let people = people(2, rng);
    let deliveries: Vec<_> = (0..100).map(|_| received(&people, rng)).collect();
    let mut group = criterion.benchmark_group("open 256 B");
    for messages in [1, 100, 10_000] {
        group.throughput(Throughput::Elements(messages));
        group.sample_size(if messages > 1 { 10 } else { 100 });
        group.bench_function(format!("{messages} received"), |bencher| {
            bencher.iter(|| {
                for delivery in deliveries.iter().cycle().take(messages as usize) {
                    open(delivery, &people);
                }
            });
        });
    }
}

fn by_devices(criterion: &mut Criterion) {
    let rng = &mut Seeded::new("by devices");
    let people = people(2, rng);
    let pair = Pair::new(&people, rng);
    let received = pair.received(rng);
    let mut group = criterion.benchmark_group("by devices, 256 B");
    group.bench_function(SEAL_ONE_TIME, |bencher| {
        let mut rng = Seeded::new("sealing by devices");
        bencher.iter(pair.sealing(&mut rng));
    });
    group.bench_function(OPEN_ONE_TIME, |bencher| bencher.iter(|| pair.open(&received, rng)));
    group.bench_function(OPEN_ARCHIVED, |bencher| bencher.iter(|| pair.open_from_archive(&received)));
    group.sample_size(10);
    group.throughput(Throughput::Elements(u64::from(BATCH)));
    group.bench_function(MAKE_BATCH, |bencher| bencher.iter(|| pair.make_batch(rng)));
}

fn print_ratios() {
    let rng = &mut Seeded::new("ratio");
    let people = people(2, rng);
    let delivery = received(&people, rng);
    let mut seal_primitives = SealPrimitives::new(&people, rng);
    let mut seal = sealing_to(&people, rng);
    let (whole, sum) = primitives::in_turns(TURNS, &mut seal, &mut || seal_primitives.run());
    report("seal 256 B for one other (two seals)", whole, sum);

    let open_primitives = OpenPrimitives::new(&people, Seeded::new("primitives of open"));
    let (whole, sum) =
        primitives::in_turns(TURNS, &mut || open(&delivery, &people), &mut || open_primitives.run());
    report("open 256 B", whole, sum);
    print_ratios_of_devices();
}

fn print_ratios_of_devices() {
    let rng = &mut Seeded::new("ratio of devices");
    let people = people(2, rng);
    let pair = Pair::new(&people, rng);
    let received = pair.received(rng);
    let mut seal_primitives = by_device::SealPrimitives::new(rng);
    let mut seal = pair.sealing(rng);
    let (whole, sum) = primitives::in_turns(TURNS, &mut seal, &mut || seal_primitives.run());
    report(SEAL_ONE_TIME, whole, sum);
    drop(seal);

    let mut open_primitives = by_device::OpenPrimitives::new(Seeded::new("primitives of opening by devices"));
    let mut open = || pair.open(&received, rng);
    let (whole, sum) = primitives::in_turns(TURNS, &mut open, &mut || open_primitives.run());
    report(OPEN_ONE_TIME, whole, sum);
    let (whole, sum) = primitives::in_turns(TURNS, &mut || pair.open_from_archive(&received), &mut || {
        open_primitives.run_from_archive();
    });
    report(OPEN_ARCHIVED, whole, sum);

    let (signer, mut other) = (SigningKey::from_bytes(&[7; 32]), Seeded::new("primitives of a batch"));
    let (whole, sum) = primitives::in_turns(TURNS / 50, &mut || pair.make_batch(rng), &mut || {
        by_device::make_batch(&signer, &mut other);
    });
    report(MAKE_BATCH, whole, sum);
}

fn report(what: &str, whole_us: f64, sum_us: f64) {
    println!("{what}: {whole_us:.1} µs, its primitives {sum_us:.1} µs, ratio {:.3}", whole_us / sum_us);
}
