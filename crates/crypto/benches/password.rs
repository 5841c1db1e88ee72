//! From the password to the open account: stretching, and the steps after login.

#[path = "../tests/seeded/mod.rs"]
mod seeded;

use std::hint::black_box;

use criterion::Criterion;
use crypto::{
    account_key::AccountKey,
    id::{AccountId, PrekeyId},
    identity::{IdentityKey, IdentitySeed},
    kdf::KdfParams,
    prekey::{PrekeySecret, PrekeySeed},
    vault::{VaultKind, VaultPlace},
};
use seeded::Seeded;

const CONTACTS: usize = 100;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    stretching(&mut criterion);
    unlocking(&mut criterion);
    criterion.final_summary();
}

fn stretching(criterion: &mut Criterion) {
    let params = KdfParams::generate(&mut Seeded::new("stretching"));
    let mut group = criterion.benchmark_group("password");
    group.sample_size(10);
    group.bench_function("PBKDF2 600 000, auth and wrap key", |bencher| {
        bencher.iter(|| {
            let stretched = params.stretch("geh im Wald 7 Mal!");
            black_box((stretched.auth_key(), stretched.wrap_key()))
        });
    });
}

/// What a device does once the server has let it in: the account key from its wrap, every vault row (both seeds and a
/// pin for each contact), the keys from their seeds.
fn unlocking(criterion: &mut Criterion) {
    let rng = &mut Seeded::new("unlocking");
    let account = AccountId::random(rng);
    let params = KdfParams::generate(rng);
    let wrap_key = params.stretch("geh im Wald 7 Mal!").wrap_key();
    let account_key = AccountKey::generate(rng);
    let wrapped = account_key.wrap_with_password(account, &wrap_key, &params, rng);
    let mut rows = vec![
        (VaultKind::Identity, Vec::new(), vec![1; 32]),
        (VaultKind::Prekey, vec![0, 0, 0, 1], vec![2; 32]),
    ];
    rows.extend(
        (0..CONTACTS).map(|_| (VaultKind::Pin, AccountId::random(rng).to_bytes().to_vec(), vec![3; 200])),
    );
    let vault_key = account_key.vault_key();
    let rows: Vec<_> = rows
        .into_iter()
        .map(|(kind, key_id, content)| {
            let sealed =
                vault_key.seal(VaultPlace { account, kind, key_id: &key_id, version: 1 }, &content, rng);
            (kind, key_id, sealed)
        })
        .collect();

    criterion.bench_function("unlock after login: unwrap, 102 vault rows, keys from seeds", |bencher| {
        bencher.iter(|| {
            let key =
                AccountKey::unwrap_with_password(account, &wrap_key, &params, &wrapped).expect("it opens");
            let vault_key = key.vault_key();
            for (kind, key_id, sealed) in &rows {
                let place = VaultPlace { account, kind: *kind, key_id, version: 1 };
                black_box(vault_key.open(place, sealed).expect("the row opens"));
            }
            black_box(IdentityKey::from_seed(&IdentitySeed::from_bytes(&[1; 32])));
            black_box(PrekeySecret::from_seed(PrekeyId(1), 1, &PrekeySeed::from_bytes(&[2; 32])));
        });
    });
}
