//! One relay and its network in one process: every call goes through JSON both ways, strictly, and meets the faults that
//! the test asks for.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, Ordering},
};

use protocol::{Call, Code, Refusal, account, directory, mailbox, vault};
use relay::{
    Policy, Relay, RelayParts, ServerSecret,
    port::{Bcrypt, BcryptCost, Entropy, LocalEvents},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use store_memory::MemoryStore;

use crate::chance::Chance;

/// The Monday on which all stories begin.
pub(crate) const BEGINNING_MS: u64 = 1_790_000_000_000;

/// The store outlasts the relay, which may be restarted at any moment.
pub(crate) struct World {
    store: MemoryStore,
    relay: Mutex<Relay>,
    clock: Arc<AtomicU64>,
    entropy: Arc<SeededEntropy>,
}

struct SeededEntropy(Mutex<Chance>);

impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        self.0.lock().unwrap().fill(bytes);
    }
}

impl World {
    pub(crate) fn new(seed: u64) -> Arc<Self> {
        let store = MemoryStore::new();
        let clock = Arc::new(AtomicU64::new(BEGINNING_MS));
        let entropy = Arc::new(SeededEntropy(Mutex::new(Chance::new(seed ^ 0x7265_6c61))));
        let relay = Mutex::new(start(&store, &clock, &entropy));
        Arc::new(Self { store, relay, clock, entropy })
    }

    /// A new relay over the same store: what was acknowledged is there, what was under way is not.
    pub(crate) fn restart_relay(&self) {
        *self.relay.lock().unwrap() = start(&self.store, &self.clock, &self.entropy);
    }

    pub(crate) fn now_ms(&self) -> u64 {
        self.clock.load(Ordering::Relaxed)
    }

    pub(crate) fn pass_time(&self, ms: u64) {
        self.clock.fetch_add(ms, Ordering::Relaxed);
    }

    /// Answers one request as a server would: path, JSON and token in, JSON out.
    pub(crate) async fn serve(
        &self,
        path: &str,
        request: &[u8],
        token: Option<&str>,
    ) -> Result<Value, Refusal> {
        let relay = self.relay.lock().unwrap().clone();
        let signed_in = |answer: (account::SignedIn, relay::SessionToken)| {
            let (mut answer, token) = answer;
            answer.token = Some(token.expose().to_owned());
            json(answer)
        };
        match path {
            account::Prelogin::PATH => return relay.prelogin(parse(request)?).await.and_then(json),
            account::Register::PATH => return relay.register(parse(request)?).await.and_then(signed_in),
            account::Login::PATH => return relay.login(parse(request)?).await.and_then(signed_in),
            _ => {}
        }
        let caller = relay.authenticate(token.unwrap_or_default()).await?;
        match path {
            account::CurrentSession::PATH => {
                relay.current_session(&caller, parse(request)?).await.and_then(json)
            }
            account::Logout::PATH => relay.logout(&caller, parse(request)?).await.and_then(json),
            directory::ListUsers::PATH => relay.list_users(&caller, parse(request)?).await.and_then(json),
            directory::FetchKeys::PATH => relay.fetch_keys(&caller, parse(request)?).await.and_then(json),
            mailbox::Send::PATH => relay.send(&caller, parse(request)?).await.and_then(json),
            mailbox::FetchPage::PATH => relay.fetch_page(&caller, parse(request)?).await.and_then(json),
            vault::FetchRows::PATH => relay.fetch_rows(&caller, parse(request)?).await.and_then(json),
            vault::PutRow::PATH => relay.put_row(&caller, parse(request)?).await.and_then(json),
            other => panic!("no call has the path {other}"),
        }
    }
}

fn start(store: &MemoryStore, clock: &Arc<AtomicU64>, entropy: &Arc<SeededEntropy>) -> Relay {
    let clock = Arc::clone(clock);
    Relay::new(RelayParts {
        store: Arc::new(store.clone()),
        passwords: Arc::new(Bcrypt(BcryptCost::UNSAFE_FOR_TESTS)),
        events: Arc::new(LocalEvents::new()),
        clock: Arc::new(move || clock.load(Ordering::Relaxed)),
        entropy: Arc::clone(entropy) as Arc<dyn Entropy>,
        secrets: ServerSecret::from_bytes(&[7; 32]),
        policy: Policy { bcrypt_cost: BcryptCost::UNSAFE_FOR_TESTS, ..Policy::default() },
    })
}

fn parse<T: DeserializeOwned>(request: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(request).map_err(|error| Refusal::because(Code::InvalidRequest, error.to_string()))
}

fn json(answer: impl Serialize) -> Result<Value, Refusal> {
    Ok(serde_json::to_value(answer).unwrap())
}
