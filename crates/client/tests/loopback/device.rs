//! The test's device: records in maps, a fixed clock, seeded randomness, and a network that loses and repeats.

use std::{
    collections::BTreeMap,
    future::poll_fn,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
};

use client::{CallError, Device, StoreUnavailable, device::Change};
use crypto::kdf::{KdfParams, StretchedPassword};
use protocol::{Call, Code, Refusal};
use serde_json::Value;

use crate::{chance::Chance, world::World};

/// What a hostile server makes of an answer: path, request, the honest answer.
pub(crate) type Hostility =
    Box<dyn FnMut(&str, &Value, Result<Value, Refusal>) -> Result<Value, Refusal> + Send>;

/// What happens before a request to this path reaches the relay.
type Before = (&'static str, Box<dyn FnOnce() + Send>);

/// The part of a device that all its tabs share.
#[derive(Clone, Default)]
pub(crate) struct Storage {
    records: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    /// As a browser's cookie.
    token: Arc<Mutex<Option<String>>>,
    pub(crate) full: Arc<AtomicBool>,
}

impl Storage {
    pub(crate) fn names(&self) -> Vec<String> {
        self.records.lock().unwrap().keys().cloned().collect()
    }

    pub(crate) fn put(&self, name: &str, bytes: &[u8]) {
        self.records.lock().unwrap().insert(name.to_owned(), bytes.to_vec());
    }

    pub(crate) fn remove_if(&self, gone: impl Fn(&str) -> bool) {
        self.records.lock().unwrap().retain(|name, _| !gone(name));
    }

    /// All records whose contents this key opens.
    pub(crate) fn opened(&self, key: &crypto::vault::CacheKey) -> Vec<Vec<u8>> {
        let records = self.records.lock().unwrap();
        let opened = records.iter().filter_map(|(name, bytes)| key.open(name.as_bytes(), bytes).ok());
        opened.map(|content| content.to_vec()).collect()
    }

    pub(crate) fn holds(&self, needle: &[u8]) -> bool {
        let records = self.records.lock().unwrap();
        records.values().any(|bytes| bytes.windows(needle.len()).any(|window| window == needle))
    }
}

/// One tab.
pub(crate) struct TestDevice {
    world: Arc<World>,
    storage: Storage,
    chance: Mutex<Chance>,
    hostility: Mutex<Option<Hostility>>,
    before: Mutex<Option<Before>>,
    /// Requests that are answered before they reach the relay: to where, and how.
    answered: Mutex<Vec<(&'static str, Result<Value, Code>)>>,
    calls: Mutex<Vec<&'static str>>,
    /// Of a hundred requests, how many go wrong on the way.
    faults: Mutex<usize>,
    /// How wrong its clock is, in milliseconds.
    clock_off_ms: std::sync::atomic::AtomicI64,
    /// Whether everything takes a random number of turns.
    pub(crate) unsteady: AtomicBool,
}

impl TestDevice {
    pub(crate) fn new(world: &Arc<World>, storage: &Storage, seed: u64) -> Arc<Self> {
        Arc::new(Self {
            world: Arc::clone(world),
            storage: storage.clone(),
            chance: Mutex::new(Chance::new(seed)),
            hostility: Mutex::new(None),
            before: Mutex::new(None),
            answered: Mutex::new(Vec::new()),
            calls: Mutex::new(Vec::new()),
            faults: Mutex::new(0),
            clock_off_ms: Default::default(),
            unsteady: AtomicBool::new(false),
        })
    }

    pub(crate) fn set_faults(&self, percent: usize) {
        *self.faults.lock().unwrap() = percent;
    }

    pub(crate) fn set_clock_off(&self, ms: i64) {
        self.clock_off_ms.store(ms, Ordering::Relaxed);
    }

    pub(crate) fn set_hostility(
        &self,
        hostility: impl FnMut(&str, &Value, Result<Value, Refusal>) -> Result<Value, Refusal> + Send + 'static,
    ) {
        *self.hostility.lock().unwrap() = Some(Box::new(hostility));
    }

    pub(crate) fn before(&self, path: &'static str, what: impl FnOnce() + Send + 'static) {
        *self.before.lock().unwrap() = Some((path, Box::new(what)));
    }

    pub(crate) fn refuse_next(&self, path: &'static str, code: Code) {
        self.answered.lock().unwrap().push((path, Err(code)));
    }

    /// The next request to this path is answered so, and the relay hears nothing of it.
    pub(crate) fn answer_next(&self, path: &'static str, answer: Value) {
        self.answered.lock().unwrap().push((path, Ok(answer)));
    }

    pub(crate) fn calls_to(&self, path: &str) -> usize {
        self.calls.lock().unwrap().iter().filter(|called| **called == path).count()
    }

    /// Lets the others go first, for a random number of turns.
    async fn pause(&self) {
        if !self.unsteady.load(Ordering::Relaxed) {
            return;
        }
        let mut turns = self.chance.lock().unwrap().below(4);
        poll_fn(|context| {
            if turns == 0 {
                return Poll::Ready(());
            }
            turns -= 1;
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }

    fn goes_wrong(&self) -> bool {
        let percent = *self.faults.lock().unwrap();
        self.chance.lock().unwrap().percent(percent)
    }

    async fn serve(&self, path: &str, request: &[u8]) -> Result<Value, Refusal> {
        let answered = {
            let mut answered = self.answered.lock().unwrap();
            let next = answered.iter().position(|(answered, _)| *answered == path);
            next.map(|next| answered.remove(next).1)
        };
        if let Some(answer) = answered {
            return answer.map_err(Refusal::from);
        }
        let before = self.storage.token.lock().unwrap().clone();
        let mut token = before.clone();
        let answer = self.world.serve(path, request, &mut token).await;
        if token != before {
            *self.storage.token.lock().unwrap() = token;
        }
        if let Ok(Value::Object(answer)) = &answer
            && let Some(Value::String(token)) = answer.get("token")
        {
            *self.storage.token.lock().unwrap() = Some(token.clone());
        }
        answer
    }
}

impl Device for TestDevice {
    async fn call<C: Call>(&self, request: C) -> Result<C::Answer, CallError> {
        self.calls.lock().unwrap().push(C::PATH);
        let hook = {
            let mut before = self.before.lock().unwrap();
            if before.as_ref().is_some_and(|(path, _)| *path == C::PATH) { before.take() } else { None }
        };
        if let Some((_, what)) = hook {
            what();
        }
        let request = serde_json::to_vec(&request).unwrap();
        self.pause().await;
        if self.goes_wrong() {
            return Err(CallError::Unreachable);
        }
        let mut answer = self.serve(C::PATH, &request).await;
        if self.goes_wrong() {
            // The network repeats the request; the device hears the second answer.
            self.pause().await;
            answer = self.serve(C::PATH, &request).await;
        }
        self.pause().await;
        if self.goes_wrong() {
            return Err(CallError::Unreachable);
        }
        // Taken out meanwhile: a story may call this very device from in there.
        let taken = self.hostility.lock().unwrap().take();
        if let Some(mut hostility) = taken {
            let request: Value = serde_json::from_slice(&request).unwrap();
            answer = hostility(C::PATH, &request, answer);
            *self.hostility.lock().unwrap() = Some(hostility);
        }
        let text = serde_json::to_string(&answer?).unwrap();
        serde_json::from_str(&text).map_err(|error| CallError::BadAnswer(error.to_string()))
    }

    /// A quick stand-in: how a password is stretched is the platform's, and these passwords protect nothing. What is
    /// stretched, and with which parameters, still decides the result.
    async fn stretch(&self, params: &KdfParams, password: &str) -> StretchedPassword {
        let mut mixed = [0; 32];
        for (index, byte) in params.to_bytes().iter().chain(password.as_bytes()).enumerate() {
            let mut round = Chance::new(u64::from(*byte) << 32 | index as u64);
            for place in &mut mixed {
                *place = u8::rotate_left(*place, 3) ^ round.next() as u8;
            }
        }
        StretchedPassword::from_bytes(&mixed)
    }

    async fn read(&self, name: &str) -> Result<Option<Vec<u8>>, StoreUnavailable> {
        self.pause().await;
        Ok(self.storage.records.lock().unwrap().get(name).cloned())
    }

    async fn scan(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, StoreUnavailable> {
        self.pause().await;
        let records = self.storage.records.lock().unwrap();
        let found = records.range(prefix.to_owned()..).take_while(|(name, _)| name.starts_with(prefix));
        Ok(found.map(|(name, bytes)| (name.clone(), bytes.clone())).collect())
    }

    async fn write(&self, changes: Vec<Change>) -> Result<(), StoreUnavailable> {
        self.pause().await;
        if self.storage.full.load(Ordering::Relaxed) {
            return Err(StoreUnavailable);
        }
        {
            let mut records = self.storage.records.lock().unwrap();
            for change in changes {
                match change {
                    Change::Put { name, bytes } => drop(records.insert(name, bytes)),
                    Change::Remove { name } => drop(records.remove(&name)),
                    Change::RemoveAll { prefix } => records.retain(|name, _| !name.starts_with(&prefix)),
                }
            }
        }
        self.pause().await;
        Ok(())
    }

    async fn put_if_absent(&self, name: &str, bytes: Vec<u8>) -> Result<Vec<u8>, StoreUnavailable> {
        self.pause().await;
        let mut records = self.storage.records.lock().unwrap();
        Ok(records.entry(name.to_owned()).or_insert(bytes).clone())
    }

    async fn breathe(&self) {
        self.pause().await;
    }

    fn now_ms(&self) -> u64 {
        self.world.now_ms().saturating_add_signed(self.clock_off_ms.load(Ordering::Relaxed))
    }

    fn fill(&self, bytes: &mut [u8]) {
        self.chance.lock().unwrap().fill(bytes);
    }
}
