//! Sealing and opening messages. `cargo bench -p crypto --bench envelope` first prints what the envelope costs beside the
//! sum of its primitives, measured in turns in the same run; `-- ratio` prints only that.

mod messages;
#[path = "../tests/people/mod.rs"]
mod people;
mod primitives;
#[path = "../tests/seeded/mod.rs"]
mod seeded;

use criterion::{Criterion, Throughput};
use messages::{open, people, received, sealing_to};
use primitives::{OpenPrimitives, SealPrimitives};
use seeded::Seeded;

fn main() {
    print_ratios();
    if std::env::args().any(|argument| argument == "ratio") {
        return;
    }
    let mut criterion = Criterion::default().configure_from_args();
    sealing(&mut criterion);
    opening(&mut criterion);
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

fn print_ratios() {
    let rng = &mut Seeded::new("ratio");
    let people = people(2, rng);
    let delivery = received(&people, rng);
    let mut seal_primitives = SealPrimitives::new(&people, rng);
    let mut seal = sealing_to(&people, rng);
    let (whole, sum) = primitives::in_turns(&mut seal, &mut || seal_primitives.run());
    report("seal 256 B for one other (two seals)", whole, sum);

    let open_primitives = OpenPrimitives::new(&people, Seeded::new("primitives of open"));
    let (whole, sum) = primitives::in_turns(&mut || open(&delivery, &people), &mut || open_primitives.run());
    report("open 256 B", whole, sum);
}

fn report(what: &str, whole_us: f64, sum_us: f64) {
    println!("{what}: {whole_us:.1} µs, its primitives {sum_us:.1} µs, ratio {:.3}", whole_us / sum_us);
}
