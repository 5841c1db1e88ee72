//! People and what they do, in one line each.

use std::sync::Arc;

use client::{Account, Body, MessageState, Repair, SignIn, SignInError, SignUp, resume, sign_in, sign_up};
use futures::executor::block_on;
use protocol::{
    id::{ConversationId, MessageId},
    prekey::{FetchPrekeyStatus, PrekeyStatus},
    second_factor::SecondFactorCode,
};

use crate::{
    device::{Storage, TestDevice},
    world::World,
};

pub(crate) const PASSWORD: &str = "geh im Wald 7 Mal!";

/// One tab of somebody.
pub(crate) struct Person {
    pub(crate) account: Account<TestDevice>,
    pub(crate) device: Arc<TestDevice>,
    pub(crate) storage: Storage,
    /// What its owner was shown at sign-up; empty for who only signed in.
    pub(crate) recovery_key: String,
}

impl Person {
    /// Makes an account on a new device.
    pub(crate) fn signs_up(world: &Arc<World>, name: &str, seed: u64) -> Self {
        let storage = Storage::default();
        let device = TestDevice::new(world, &storage, seed);
        let (account, key) = block_on(sign_up(Arc::clone(&device), form(name))).unwrap();
        Self { account, device, storage, recovery_key: key.to_text().to_string() }
    }

    /// Alice and Bob.
    pub(crate) fn couple(world: &Arc<World>) -> [Self; 2] {
        [("alice", 101), ("bob", 102)].map(|(name, seed)| Self::signs_up(world, name, seed))
    }

    /// Alice and Bob, who have published prekeys, and their conversation.
    pub(crate) fn prepared_couple() -> (Arc<World>, Self, Self, ConversationId) {
        let world = World::new(1);
        let [alice, bob] = Self::couple(&world);
        for person in [&alice, &bob] {
            person.maintains();
        }
        let conversation = alice.opens(&[&bob]);
        (world, alice, bob, conversation)
    }

    /// Alice and Bob, who have written to each other.
    pub(crate) fn acquainted_couple() -> (Arc<World>, Self, Self, ConversationId) {
        let (world, alice, bob, conversation) = Self::prepared_couple();
        alice.says(conversation, "one");
        bob.syncs();
        bob.says(conversation, "two");
        alice.syncs();
        bob.syncs();
        (world, alice, bob, conversation)
    }

    /// Accepts the key or the list of devices of a contact, and sends what waited for that.
    pub(crate) fn accepts(&self, contact: &Self) {
        let contact = contact.account.me().account;
        let number = self.account.safety_number(contact).unwrap();
        block_on(self.account.accept_key(contact, number)).unwrap();
        block_on(self.account.flush()).unwrap();
    }

    /// Signs in on a new device.
    pub(crate) fn signs_in(world: &Arc<World>, name: &str, seed: u64) -> Self {
        let storage = Storage::default();
        let device = TestDevice::new(world, &storage, seed);
        let account = block_on(sign_in(Arc::clone(&device), login(name))).unwrap();
        Self { account, device, storage, recovery_key: String::new() }
    }

    /// Signs in on a new device with this password and code.
    pub(crate) fn tries_to_sign_in(
        world: &Arc<World>,
        name: &str,
        password: &str,
        code: Option<SecondFactorCode>,
        seed: u64,
    ) -> Result<Self, SignInError> {
        let storage = Storage::default();
        let device = TestDevice::new(world, &storage, seed);
        let form = SignIn { password: password.to_owned().into(), code, ..login(name) };
        let account = block_on(sign_in(Arc::clone(&device), form))?;
        Ok(Self { account, device, storage, recovery_key: String::new() })
    }

    /// Signs in again on this device, over its records.
    pub(crate) fn signs_in_again(&self, world: &Arc<World>, name: &str, seed: u64) -> Self {
        let device = TestDevice::new(world, &self.storage, seed);
        let account = block_on(sign_in(Arc::clone(&device), login(name))).unwrap();
        Self { account, device, storage: self.storage.clone(), recovery_key: String::new() }
    }

    /// Another tab of the same device, or the same one after a reload.
    pub(crate) fn opens_a_tab(&self, world: &Arc<World>, seed: u64) -> Self {
        let device = TestDevice::new(world, &self.storage, seed);
        let session = self.account.session().clone();
        let key = self.account.account_key().clone();
        let account = block_on(resume(Arc::clone(&device), session, key)).unwrap();
        Self { account, device, storage: self.storage.clone(), recovery_key: self.recovery_key.clone() }
    }

    pub(crate) fn opens(&self, others: &[&Self]) -> ConversationId {
        let others: Vec<_> = others.iter().map(|other| other.account.me().account).collect();
        block_on(self.account.open_conversation(&others)).unwrap()
    }

    /// Writes and sends.
    pub(crate) fn says(&self, to: ConversationId, text: &str) {
        self.writes(to, text);
        block_on(self.account.flush()).unwrap();
    }

    /// Writes and sends; which message that is.
    pub(crate) fn sends(&self, to: ConversationId, text: &str) -> MessageId {
        let message = block_on(self.account.compose(to, text)).unwrap();
        block_on(self.account.flush()).unwrap();
        message
    }

    /// Sets a conversation's timer, and tells the others.
    pub(crate) fn sets_timer(&self, conversation: ConversationId, seconds: Option<u32>) {
        block_on(self.account.set_timer(conversation, seconds)).unwrap();
        block_on(self.account.flush()).unwrap();
    }

    /// What was mended on this device.
    pub(crate) fn repairs(&self) -> Vec<Repair> {
        block_on(self.account.repairs()).unwrap().into_iter().map(|mended| mended.what).collect()
    }

    /// How the account's prekeys stand.
    pub(crate) fn prekey_status(&self) -> PrekeyStatus {
        block_on(client::Device::call(&*self.device, FetchPrekeyStatus::default())).unwrap()
    }

    pub(crate) fn writes(&self, to: ConversationId, text: &str) {
        block_on(self.account.compose(to, text)).unwrap();
    }

    /// Does what is due.
    pub(crate) fn maintains(&self) {
        block_on(self.account.maintain()).unwrap();
    }

    /// The envelope of a message that was sealed here and waits.
    pub(crate) fn sealed(&self, message: MessageId) -> Option<crypto::envelope::Envelope> {
        let records = self.storage.opened(&self.account.account_key().cache_key());
        records.into_iter().find_map(|record| {
            let record: serde_json::Value = serde_json::from_slice(&record).ok()?;
            let bytes: protocol::Binary = serde_json::from_value(record.get("envelope")?.clone()).ok()?;
            let envelope = crypto::envelope::Envelope::parse(bytes.as_slice()).ok()?;
            (envelope.claimed_header().message == message).then_some(envelope)
        })
    }

    /// Whether anything that this device keeps, opened by the account key, still has this text in it.
    pub(crate) fn keeps(&self, text: &str) -> bool {
        let records = self.storage.opened(&self.account.account_key().cache_key());
        records.iter().any(|record| record.windows(text.len()).any(|window| window == text.as_bytes()))
    }

    pub(crate) fn syncs(&self) -> client::Synced {
        block_on(self.account.sync()).unwrap()
    }

    /// What is shown in a conversation: `author: text`, and `author: ?` for what cannot be shown.
    pub(crate) fn sees(&self, id: ConversationId) -> Vec<String> {
        let messages = self.account.thread(id).map(|thread| thread.messages).unwrap_or_default();
        messages
            .into_iter()
            .map(|message| match message.body {
                Body::Text(text) => format!("{}: {text}", message.author.username),
                Body::Timer(seconds) => {
                    format!("{}: timer {}", message.author.username, seconds.unwrap_or(0))
                }
                Body::NeedsNewerVersion => format!("{}: newer", message.author.username),
                Body::Unreadable => format!("{}: ?", message.author.username),
            })
            .collect()
    }

    pub(crate) fn states(&self, id: ConversationId) -> Vec<MessageState> {
        let messages = self.account.thread(id).map(|thread| thread.messages).unwrap_or_default();
        messages.into_iter().map(|message| message.state).collect()
    }
}

pub(crate) fn form(name: &str) -> SignUp {
    SignUp {
        username: name.parse().unwrap(),
        password: PASSWORD.to_owned().into(),
        email: Some(format!("{name}@example.org").parse().unwrap()),
        invite: None,
        device_name: "a test".into(),
    }
}

pub(crate) fn login(name: &str) -> SignIn {
    SignIn {
        username: name.parse().unwrap(),
        password: PASSWORD.to_owned().into(),
        code: None,
        device_name: "a test".into(),
    }
}
