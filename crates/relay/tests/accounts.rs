//! Names are asked for, accounts made, passwords proven.

mod stage;

use crypto::{account_key::AccountKey, identity::IdentityKey, kdf::MIN_ITERATIONS};
use protocol::{
    Binary, Code,
    account::{Prelogin, Register},
    vault::FetchRows,
};
use rand_core::UnwrapErr;
use relay::{Policy, policy::Rate};
use stage::{DAY_MS, HOME, NOW_MS, Person, Stage, test_policy, wrong_key};

#[tokio::test]
async fn a_new_account_signs_in_and_opens_its_vault_again() {
    let stage = Stage::new();
    let alice = stage.join("Alice").await;
    let (signed_in, token) = stage.relay.login(alice.person.login(), HOME).await.unwrap();
    assert_eq!(signed_in.username.as_str(), "alice");
    assert_ne!(signed_in.session, alice.signed_in.session);
    assert_ne!(signed_in.unlock_half, alice.signed_in.unlock_half);
    assert_eq!(signed_in.unlock_half.0.len(), 32);
    assert_eq!(signed_in.token, None, "the face decides who gets the token as text");

    let wrapped = signed_in.wrapped_by_password.unwrap();
    let key = AccountKey::unwrap_with_password(
        signed_in.account,
        &alice.person.stretched.wrap_key(),
        &signed_in.kdf,
        &wrapped,
    );
    assert_eq!(key.unwrap(), alice.person.account_key);

    let caller = stage.relay.authenticate(token.expose(), HOME).await.unwrap();
    let rows = stage.relay.fetch_rows(&caller, FetchRows {}).await.unwrap().rows;
    let given = alice.person.registration().vault;
    assert_eq!(rows.len(), given.len());
    assert!(rows.iter().zip(&given).all(|(row, new)| row.kind == new.kind && row.key_id == new.key_id));
}

#[tokio::test]
async fn a_name_is_taken_in_any_spelling_of_its_case() {
    let stage = Stage::new();
    stage.join("Alice").await;
    let refusal = stage.relay.register(Person::new("aLICE").registration(), HOME).await.unwrap_err();
    assert_eq!((refusal.code, refusal.code.status()), (Code::UsernameTaken, 409));
}

#[tokio::test]
async fn the_same_registration_again_is_the_same_account() {
    let stage = Stage::new();
    let alice = stage.join("alice").await;
    let (again, _) = stage.relay.register(alice.person.registration(), HOME).await.unwrap();
    assert_eq!(again.account, alice.signed_in.account);
    assert!(again.wrapped_by_password.is_some());

    let mut guessed = alice.person.registration();
    guessed.auth_key = wrong_key();
    let refusal = stage.relay.register(guessed, HOME).await.unwrap_err();
    assert_eq!(refusal.code, Code::UsernameTaken, "another password is not told from another person");
}

#[tokio::test]
async fn a_taken_name_that_is_asked_for_again_and_again_does_not_lock_its_owner_out() {
    let stage = Stage::new();
    let alice = stage.join("alice").await;
    for _ in 0..8 {
        let refusal = stage.relay.register(Person::new("alice").registration(), HOME).await.unwrap_err();
        assert_eq!(refusal.code, Code::UsernameTaken);
    }
    stage.relay.login(alice.person.login(), HOME).await.unwrap();
}

#[tokio::test]
async fn an_account_id_is_taken_once() {
    let stage = Stage::new();
    let alice = stage.join("alice").await;
    let mut again = alice.person;
    again.name = "alice2".to_owned();
    let refusal = stage.relay.register(again.registration(), HOME).await.unwrap_err();
    assert_eq!(refusal.code, Code::AccountTaken);
}

#[tokio::test]
async fn an_unknown_name_answers_like_a_known_one() {
    let stage = Stage::new();
    let alice = stage.join("alice").await;
    let prelogin = async |name: &str| {
        let request = Prelogin { username: name.parse().unwrap() };
        stage.relay.prelogin(request, HOME).await.unwrap().kdf
    };
    assert_eq!(prelogin("ALICE").await, alice.person.kdf);
    let unknown = prelogin("nobody1").await;
    assert_eq!(unknown.iterations(), MIN_ITERATIONS);
    assert_eq!(unknown, prelogin("nobody1").await, "the same each time");
    assert_ne!(unknown, prelogin("nobody2").await);
    let restarted = stage.restarted(7);
    let request = Prelogin { username: "nobody1".parse().unwrap() };
    assert_eq!(restarted.prelogin(request, HOME).await.unwrap().kdf, unknown, "and after a restart");

    let mut nobody = Person::new("nobody1").login();
    nobody.auth_key = alice.person.stretched.auth_key();
    let unknown_name = stage.relay.login(nobody, HOME).await.unwrap_err();
    let wrong_password = stage.relay.login(alice.person.login_with(wrong_key()), HOME).await.unwrap_err();
    assert_eq!(unknown_name, wrong_password);
    assert_eq!(wrong_password.code, Code::WrongCredentials);
}

#[tokio::test]
async fn an_unknown_name_costs_the_same_hashing() {
    use std::sync::{Arc, Mutex};

    use async_trait::async_trait;
    use crypto::kdf::AuthKey;
    use relay::{
        Relay, RelayParts, ServerSecret,
        port::{Bcrypt, BcryptCost, Busy, LocalEvents, NoMailer, PasswordHash, Passwords},
    };

    /// Notes the cost of every hash that is checked.
    #[derive(Clone)]
    struct Noting(Bcrypt, Arc<Mutex<Vec<String>>>);

    #[async_trait]
    impl Passwords for Noting {
        async fn hash(&self, key: AuthKey) -> Result<PasswordHash, Busy> {
            self.0.hash(key).await
        }

        async fn verify(&self, key: AuthKey, hash: PasswordHash) -> Result<bool, Busy> {
            self.1.lock().unwrap().push(hash.as_str()[..7].to_owned());
            self.0.verify(key, hash).await
        }
    }

    let checked = Arc::new(Mutex::new(Vec::new()));
    let policy = test_policy();
    let relay = Relay::new(RelayParts {
        store: Arc::new(store_memory::MemoryStore::new()),
        passwords: Arc::new(Noting(Bcrypt(BcryptCost::UNSAFE_FOR_TESTS), Arc::clone(&checked))),
        events: Arc::new(LocalEvents::new()),
        mailer: Arc::new(NoMailer),
        clock: Arc::new(|| NOW_MS),
        entropy: Arc::new(stage::SystemEntropy),
        secrets: ServerSecret::from_bytes(&[7; 32]),
        policy,
    });
    let alice = Person::new("alice");
    relay.register(alice.registration(), HOME).await.unwrap();
    relay.login(alice.login_with(wrong_key()), HOME).await.unwrap_err();
    relay.login(Person::new("nobody1").login(), HOME).await.unwrap_err();
    assert_eq!(*checked.lock().unwrap(), ["$2b$04$", "$2b$04$"]);
}

#[tokio::test]
async fn keys_that_the_identity_does_not_vouch_for_are_refused() {
    let stage = Stage::new();
    let mut rng = UnwrapErr(getrandom::SysRng);
    let alice = Person::new("alice");
    let [of_another_account, of_another_identity, of_another_key] = [(); 3].map(|()| alice.registration());
    let other = Person::new("other");

    let foreign = [
        Register { prekey: alice.prekey.sign(other.account, &alice.identity), ..of_another_account },
        Register { identity: IdentityKey::generate(&mut rng).public(), ..of_another_identity },
        Register { prekey: other.prekey.sign(alice.account, &other.identity), ..of_another_key },
    ];
    for register in foreign {
        let refusal = stage.relay.register(register, HOME).await.unwrap_err();
        assert_eq!(refusal.code, Code::InvalidKeys, "{refusal}");
    }
    stage.relay.register(alice.registration(), HOME).await.unwrap();
}

#[tokio::test]
async fn a_registration_has_exactly_its_two_rows_in_bounds() {
    let stage = Stage::new();
    let alice = Person::new("alice");
    let changes: [fn(&mut Register); 9] = [
        |register| register.vault.clear(),
        |register| drop(register.vault.pop()),
        |register| register.vault.push(register.vault[0].clone()),
        |register| register.vault[1] = register.vault[0].clone(),
        |register| register.vault[0].key_id = Binary(vec![1]),
        |register| register.vault[1].key_id = Binary(2u32.to_be_bytes().to_vec()),
        |register| register.vault[0].sealed = Binary(Vec::new()),
        |register| register.vault[0].sealed = Binary(vec![0; 4_097]),
        |register| register.device_name = "\u{1b}[2J".to_owned(),
    ];
    for (number, change) in changes.iter().enumerate() {
        let mut register = alice.registration();
        change(&mut register);
        let refusal = stage.relay.register(register, HOME).await.unwrap_err();
        assert_eq!(refusal.code, Code::InvalidRequest, "change {number}");
    }
    let mut swapped = alice.registration();
    swapped.vault.swap(0, 1);
    stage
        .relay
        .register(swapped, HOME)
        .await
        .expect("the order of the rows does not matter, and nothing was half-made");
}

#[tokio::test]
async fn wrong_passwords_wait_longer_and_longer() {
    let stage = Stage::new();
    let alice = stage.join("alice").await;
    let wrong = async || stage.relay.login(alice.person.login_with(wrong_key()), HOME).await.unwrap_err();
    for _ in 0..5 {
        assert_eq!(wrong().await.code, Code::WrongCredentials);
    }
    let mut now_ms = NOW_MS;
    for seconds in [1, 2, 4, 8, 16] {
        let refusal = wrong().await;
        assert_eq!((refusal.code, refusal.retry_after_s), (Code::TooManyRequests, Some(seconds)));
        let refusal = stage.relay.login(alice.person.login(), HOME).await.unwrap_err();
        assert_eq!(refusal.code, Code::TooManyRequests, "the right password waits too");
        now_ms += u64::from(seconds) * 1_000;
        stage.set_clock(now_ms);
        assert_eq!(wrong().await.code, Code::WrongCredentials);
    }
    stage
        .relay
        .login(stage.join("bob").await.person.login(), HOME)
        .await
        .expect("another name is not concerned");

    stage.set_clock(now_ms - DAY_MS);
    assert!(
        wrong().await.retry_after_s.unwrap() <= 32,
        "a clock that stepped back does not lock anybody out"
    );
    stage.set_clock(now_ms - DAY_MS + 32_000);
    stage.relay.login(alice.person.login(), HOME).await.unwrap();
    assert_eq!(wrong().await.code, Code::WrongCredentials, "the right password starts anew");
}

#[tokio::test]
async fn after_a_hundred_wrong_passwords_a_name_rests_for_a_day() {
    let stage = Stage::new();
    let alice = stage.join("alice").await;
    let mut now_ms = NOW_MS;
    for _ in 0..100 {
        now_ms += 15 * 60 * 1_000;
        stage.set_clock(now_ms);
        let refusal = stage.relay.login(alice.person.login_with(wrong_key()), HOME).await.unwrap_err();
        assert_eq!(refusal.code, Code::WrongCredentials);
    }
    stage.set_clock(now_ms + DAY_MS - 1_000);
    let refusal = stage.relay.login(alice.person.login(), HOME).await.unwrap_err();
    assert_eq!((refusal.code, refusal.retry_after_s), (Code::TooManyRequests, Some(1)));
    stage.set_clock(now_ms + DAY_MS);
    stage.relay.login(alice.person.login(), HOME).await.unwrap();
}

#[tokio::test]
async fn trying_many_names_is_braked_as_a_whole() {
    let few = Rate { burst: 3, per_hour: 3_600 };
    let policy = Policy { registrations: few, prelogins: few, failed_logins: few, ..test_policy() };
    let stage = Stage::with_policy(policy);
    let alice = stage.join("alice").await;
    for _ in 0..10 {
        stage.relay.login(alice.person.login(), HOME).await.expect("right passwords are not counted");
    }
    for number in 0..3 {
        let login = Person::new(&format!("person{number}")).login();
        assert_eq!(stage.relay.login(login, HOME).await.unwrap_err().code, Code::WrongCredentials);
        stage.relay.prelogin(Prelogin { username: "alice".parse().unwrap() }, HOME).await.unwrap();
    }
    stage.join("bob").await;
    stage.join("carol").await;

    let refusals = [
        stage.relay.login(Person::new("person9").login(), HOME).await.unwrap_err(),
        stage.relay.prelogin(Prelogin { username: "alice".parse().unwrap() }, HOME).await.unwrap_err(),
        stage.relay.register(Person::new("dave").registration(), HOME).await.unwrap_err(),
    ];
    for refusal in refusals {
        assert_eq!((refusal.code, refusal.retry_after_s), (Code::TooManyRequests, Some(1)));
    }
    stage.set_clock(NOW_MS + 1_000);
    stage.join("dave").await;
}

#[tokio::test]
async fn a_replaced_server_secret_does_not_give_out_what_it_cannot_open() {
    let stage = Stage::new();
    let alice = stage.join("alice").await;
    let other = stage.restarted(8);
    assert_eq!(other.authenticate(alice.token.expose(), HOME).await.unwrap_err().code, Code::NotSignedIn);
    assert_eq!(other.login(alice.person.login(), HOME).await.unwrap_err().code, Code::Internal);
}
