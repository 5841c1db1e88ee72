//! One relay on a store in memory, a clock that the test sets, and people with real keys.

#![expect(dead_code, reason = "each story uses its part of the stage")]
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use crypto::{
    account_key::AccountKey,
    envelope::{Draft, Envelope},
    id::{AccountId, ConversationId, MessageId, PrekeyId},
    identity::IdentityKey,
    kdf::{AuthKey, KdfParams, StretchedPassword},
    prekey::{Prekey, PrekeySecret},
    recovery::RecoveryKey,
    vault::{VaultKind, VaultPlace},
};
use protocol::{
    Binary, Refusal,
    account::{Login, Register, SignedIn},
    mailbox::{Send, Sent},
    vault::NewRow,
};
use rand_core::UnwrapErr;
use relay::{
    Caller, Policy, Relay, RelayParts, ServerSecret, SessionToken,
    port::{Bcrypt, BcryptCost, Clock, Entropy, LocalEvents},
};
use store_memory::MemoryStore;

pub(crate) const NOW_MS: u64 = 1_790_000_000_000;
pub(crate) const MINUTE_MS: u64 = 60_000;
pub(crate) const DAY_MS: u64 = 24 * 60 * MINUTE_MS;

pub(crate) struct Stage {
    pub(crate) relay: Relay,
    pub(crate) events: LocalEvents,
    store: MemoryStore,
    clock: Arc<StoppedClock>,
}

/// Stands still until it is set.
pub(crate) struct StoppedClock(AtomicU64);

impl Clock for StoppedClock {
    fn now_ms(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

pub(crate) struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[expect(clippy::disallowed_methods, reason = "a test is the rim: here the randomness comes in")]
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).unwrap();
    }
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self::with_policy(test_policy())
    }

    pub(crate) fn with_policy(policy: Policy) -> Self {
        let store = MemoryStore::new();
        let events = LocalEvents::new();
        let clock = Arc::new(StoppedClock(AtomicU64::new(NOW_MS)));
        let relay = assemble(&store, &events, &clock, 7, policy);
        Self { relay, events, store, clock }
    }

    /// Another process on the same store, with the secret of this number.
    pub(crate) fn restarted(&self, secret: u8) -> Relay {
        assemble(&self.store, &self.events, &self.clock, secret, test_policy())
    }

    pub(crate) fn set_clock(&self, now_ms: u64) {
        self.clock.0.store(now_ms, Ordering::SeqCst);
    }

    /// Registers, and signs in with what came back.
    pub(crate) async fn join(&self, name: &str) -> Member {
        let person = Person::new(name);
        let (signed_in, token) = self.relay.register(person.registration()).await.unwrap();
        let caller = self.relay.authenticate(token.expose()).await.unwrap();
        Member { person, signed_in, token, caller }
    }

    pub(crate) async fn send(&self, sender: &Member, envelope: &Envelope) -> Result<Sent, Refusal> {
        self.relay.send(&sender.caller, Send { envelope: Binary(envelope.to_bytes()) }).await
    }
}

pub(crate) fn test_policy() -> Policy {
    Policy { bcrypt_cost: BcryptCost::UNSAFE_FOR_TESTS, ..Policy::default() }
}

fn assemble(
    store: &MemoryStore,
    events: &LocalEvents,
    clock: &Arc<StoppedClock>,
    secret: u8,
    policy: Policy,
) -> Relay {
    let clock: Arc<StoppedClock> = Arc::clone(clock);
    Relay::new(RelayParts {
        store: Arc::new(store.clone()),
        passwords: Arc::new(Bcrypt(policy.bcrypt_cost)),
        events: Arc::new(events.clone()),
        clock,
        entropy: Arc::new(SystemEntropy),
        secrets: ServerSecret::from_bytes(&[secret; 32]),
        policy,
    })
}

/// Somebody who is signed in.
pub(crate) struct Member {
    pub(crate) person: Person,
    pub(crate) signed_in: SignedIn,
    pub(crate) token: SessionToken,
    pub(crate) caller: Caller,
}

/// Somebody with keys.
pub(crate) struct Person {
    pub(crate) account: AccountId,
    pub(crate) name: String,
    pub(crate) identity: IdentityKey,
    pub(crate) prekey: PrekeySecret,
    pub(crate) kdf: KdfParams,
    pub(crate) stretched: StretchedPassword,
    pub(crate) account_key: AccountKey,
}

impl Person {
    pub(crate) fn new(name: &str) -> Self {
        let mut rng = UnwrapErr(getrandom::SysRng);
        let mut password = [0; 32];
        SystemEntropy.fill(&mut password);
        Self {
            account: AccountId::random(&mut rng),
            name: name.to_owned(),
            identity: IdentityKey::generate(&mut rng),
            prekey: PrekeySecret::generate(PrekeyId(1), 1, &mut rng),
            kdf: KdfParams::generate(&mut rng),
            stretched: StretchedPassword::from_bytes(&password),
            account_key: AccountKey::generate(&mut rng),
        }
    }

    pub(crate) fn registration(&self) -> Register {
        let mut rng = UnwrapErr(getrandom::SysRng);
        let vault_key = self.account_key.vault_key();
        let row = |kind, key_id: &[u8], seed: &[u8]| {
            let place = VaultPlace { account: self.account, kind, key_id, version: 1 };
            let sealed = Binary(vault_key.seal(place, seed, &mut UnwrapErr(getrandom::SysRng)));
            NewRow { kind, key_id: Binary(key_id.to_vec()), sealed }
        };
        let vault = vec![
            row(VaultKind::Identity, b"", self.identity.seed().expose_bytes()),
            row(VaultKind::Prekey, &self.prekey.id().0.to_be_bytes(), self.prekey.seed().expose_bytes()),
        ];
        Register {
            account: self.account,
            username: self.name.parse().unwrap(),
            email: None,
            kdf: self.kdf,
            auth_key: self.stretched.auth_key(),
            wrapped_by_password: self.account_key.wrap_with_password(
                self.account,
                &self.stretched.wrap_key(),
                &self.kdf,
                &mut rng,
            ),
            wrapped_by_recovery_key: self.account_key.wrap_with_recovery_key(
                self.account,
                &RecoveryKey::generate(&mut rng),
                &mut rng,
            ),
            identity: self.identity.public(),
            prekey: self.prekey.sign(self.account, &self.identity),
            vault,
            device_name: "A browser".to_owned(),
        }
    }

    pub(crate) fn login(&self) -> Login {
        self.login_with(self.stretched.auth_key())
    }

    pub(crate) fn login_with(&self, auth_key: AuthKey) -> Login {
        Login { username: self.name.parse().unwrap(), auth_key, device_name: "Another browser".to_owned() }
    }

    pub(crate) fn sealing_key(&self) -> Prekey {
        let signed = self.prekey.sign(self.account, &self.identity);
        signed.verify(self.account, &self.identity.public()).unwrap()
    }

    /// An envelope to these people and to oneself.
    pub(crate) fn seal(&self, content: &str, others: &[&Person]) -> Envelope {
        let keys = others.iter().map(|person| person.sealing_key()).chain([self.sealing_key()]);
        self.seal_to(MessageId::random(&mut UnwrapErr(getrandom::SysRng)), content, &keys.collect::<Vec<_>>())
    }

    pub(crate) fn seal_to(&self, message: MessageId, content: &str, keys: &[Prekey]) -> Envelope {
        let draft = Draft {
            conversation: ConversationId::of_set(keys.iter().map(Prekey::account)),
            message,
            parents: &[],
            sent_at_ms: NOW_MS,
            expires_at_ms: None,
            content: content.as_bytes(),
        };
        draft.seal(self.account, &self.identity, keys, &mut UnwrapErr(getrandom::SysRng)).unwrap()
    }
}

pub(crate) fn wrong_key() -> AuthKey {
    StretchedPassword::from_bytes(&[0; 32]).auth_key()
}
