//! How long a device takes for its mailbox: fetched, verified, opened and kept; and read back from its own records.
//!
//! The relay and its store are in the same process, and every page goes through JSON both ways: what is measured is the
//! work of both sides without a network.

#![expect(clippy::unwrap_used, reason = "in a measurement a panic is the answer")]

#[path = "../tests/loopback/chance.rs"]
mod chance;
#[expect(dead_code, reason = "the stories of the tests use more of it than the measurements")]
#[path = "../tests/loopback/device.rs"]
mod device;
#[expect(dead_code, reason = "the stories of the tests use more of it than the measurements")]
#[path = "../tests/loopback/people.rs"]
mod people;
#[expect(dead_code, reason = "the stories of the tests use more of it than the measurements")]
#[path = "../tests/loopback/world.rs"]
mod world;

use std::time::Duration;

use criterion::{
    BatchSize, BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group, criterion_main,
};
use futures::executor::block_on;

use crate::{people::Person, world::World};

fn inbox(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("inbox");
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(3));
    for count in [100u64, 10_000] {
        let world = World::new(count);
        let alice = Person::signs_up(&world, "alice", 1);
        let bob = Person::signs_up(&world, "bob", 2);
        let conversation = alice.opens(&[&bob]);
        for number in 0..count {
            alice.writes(conversation, &format!("This is message number {number}, as long as most are."));
            world.pass_time(1_000);
            if number % 200 == 199 {
                block_on(alice.account.flush()).unwrap();
                alice.syncs();
                // Who reads along archives: a new device opens history from there.
                bob.syncs();
                bob.maintains();
            }
        }
        block_on(alice.account.flush()).unwrap();
        bob.syncs();

        group.throughput(Throughput::Elements(count));
        let new_device = || {
            world.pass_time(1_000);
            Person::signs_in(&world, "bob", world.now_ms())
        };
        group.bench_function(
            BenchmarkId::new("history on a new device, from the archive", count),
            |bencher| {
                bencher.iter_batched(
                    new_device,
                    |bob| {
                        assert_eq!(bob.syncs().new as u64, count);
                        bob
                    },
                    BatchSize::PerIteration,
                );
            },
        );
        let synced = new_device();
        synced.syncs();
        group.bench_function(BenchmarkId::new("load from records", count), |bencher| {
            bencher.iter_batched(
                || synced.opens_a_tab(&world, world.now_ms()),
                |tab| {
                    block_on(tab.account.load()).unwrap();
                    assert_eq!(tab.sees(conversation).len() as u64, count);
                    tab
                },
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, inbox);
criterion_main!(benches);
