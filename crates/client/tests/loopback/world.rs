//! One relay and its network in one process: every call goes through JSON both ways, strictly, and meets the faults that
//! the test asks for.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use crypto::{
    envelope::{Delivery, Envelope},
    id::MessageId,
};
use protocol::{
    Call, Code, Cursor, Refusal, account, device, directory, mailbox, policy, prekey, profile, reset,
    second_factor, session, vault,
};
use relay::{
    Network, Policy, Relay, RelayParts, ServerSecret,
    mail::{Letter, SendOutcome},
    port::{Bcrypt, BcryptCost, Entropy, LocalEvents, Mailbox, Mailer},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use store_memory::MemoryStore;

use crate::{chance::Chance, people::Person};

/// The Monday on which all stories begin.
pub(crate) const BEGINNING_MS: u64 = 1_790_000_000_000;

/// The store outlasts the relay, which may be restarted at any moment.
pub(crate) struct World {
    store: Mutex<MemoryStore>,
    relay: Mutex<Relay>,
    clock: Arc<AtomicU64>,
    entropy: Arc<SeededEntropy>,
    /// Every envelope that ever came over the network.
    recorded: Mutex<Vec<Envelope>>,
}

struct SeededEntropy(Mutex<Chance>);

impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        self.0.lock().unwrap().fill(bytes);
    }
}

/// Mail goes to whoever asks for it: see [`World::post`].
struct Post;

impl Mailer for Post {
    fn is_configured(&self) -> bool {
        true
    }

    fn wake(&self) {}
}

impl World {
    pub(crate) fn new(seed: u64) -> Arc<Self> {
        let store = MemoryStore::new();
        let clock = Arc::new(AtomicU64::new(BEGINNING_MS));
        let entropy = Arc::new(SeededEntropy(Mutex::new(Chance::new(seed ^ 0x7265_6c61))));
        let relay = Mutex::new(start(&store, &clock, &entropy));
        Arc::new(Self { store: Mutex::new(store), relay, clock, entropy, recorded: Mutex::default() })
    }

    /// A new relay over the same store: what was acknowledged is there, what was under way is not.
    pub(crate) fn restart_relay(&self) {
        let store = self.store.lock().unwrap().clone();
        *self.relay.lock().unwrap() = start(&store, &self.clock, &self.entropy);
    }

    /// The messages that stand in the mailboxes of these people.
    pub(crate) fn messages_of(&self, people: &[Person]) -> BTreeSet<MessageId> {
        let store = self.store.lock().unwrap().clone();
        let mut messages = BTreeSet::new();
        for person in people {
            let account = person.account.me().account;
            let page = store.page(account, Cursor::START, u32::MAX, usize::MAX);
            for item in futures::executor::block_on(page).unwrap().items {
                let delivery = Delivery::parse(item.shared.as_slice(), item.seal.as_slice());
                messages.extend(delivery.map(|delivery| delivery.claimed_header().message));
            }
        }
        messages
    }

    /// A backup of the server.
    pub(crate) fn copy_store(&self) -> MemoryStore {
        self.store.lock().unwrap().copy()
    }

    /// The server goes on from a backup.
    pub(crate) fn restore_store(&self, backup: &MemoryStore) {
        *self.store.lock().unwrap() = backup.copy();
        self.store.lock().unwrap().forget_one_time_prekeys();
        self.restart_relay();
    }

    /// The server goes on from a backup and does not know: the whole machine was set back.
    pub(crate) fn restore_machine(&self, backup: &MemoryStore) {
        *self.store.lock().unwrap() = backup.copy();
        self.restart_relay();
    }

    pub(crate) fn now_ms(&self) -> u64 {
        self.clock.load(Ordering::Relaxed)
    }

    pub(crate) fn pass_time(&self, ms: u64) {
        self.clock.fetch_add(ms, Ordering::Relaxed);
    }

    /// What somebody has who recorded the network from the first day on: the envelope of this message.
    pub(crate) fn recorded(&self, message: MessageId) -> Vec<Envelope> {
        let recorded = self.recorded.lock().unwrap();
        recorded.iter().filter(|envelope| envelope.claimed_header().message == message).cloned().collect()
    }

    /// All of it, each message once.
    pub(crate) fn all_recorded(&self) -> Vec<Envelope> {
        let recorded = self.recorded.lock().unwrap();
        let by_name = recorded.iter().map(|envelope| (envelope.hash(), envelope.clone()));
        by_name.collect::<std::collections::BTreeMap<_, _>>().into_values().collect()
    }

    /// What the server does every few seconds.
    pub(crate) fn erase_expired(&self) -> usize {
        let relay = self.relay.lock().unwrap().clone();
        futures::executor::block_on(relay.erase_expired()).unwrap()
    }

    /// The mails that are due, delivered: to whom, and what they say.
    pub(crate) fn post(&self) -> Vec<(String, Letter)> {
        let relay = self.relay.lock().unwrap().clone();
        futures::executor::block_on(async {
            let mut delivered = Vec::new();
            for mail in relay.next_letters().await.unwrap() {
                relay.letter_done(&mail, SendOutcome::Sent).await.unwrap();
                delivered.push((mail.to.as_str().to_owned(), mail.letter));
            }
            delivered
        })
    }

    /// Answers one request as a server would: path, JSON and token in, JSON out, and a fresh token where that one was old.
    pub(crate) async fn serve(
        &self,
        path: &str,
        request: &[u8],
        token: &mut Option<String>,
    ) -> Result<Value, Refusal> {
        if path == mailbox::Send::PATH
            && let Ok(sent) = serde_json::from_slice::<mailbox::Send>(request)
        {
            let envelope = Envelope::parse(sent.envelope.as_slice()).unwrap();
            self.recorded.lock().unwrap().push(envelope);
        }
        let relay = self.relay.lock().unwrap().clone();
        let signed_in = |answer: (account::SignedIn, relay::SessionToken)| {
            let (mut answer, token) = answer;
            answer.token = Some(token.expose().to_owned());
            json(answer)
        };
        let from = Network::Local;
        match path {
            account::Prelogin::PATH => return relay.prelogin(parse(request)?, from).await.and_then(json),
            account::Register::PATH => {
                return relay.register(parse(request)?, from).await.and_then(signed_in);
            }
            account::Login::PATH => return relay.login(parse(request)?, from).await.and_then(signed_in),
            policy::FetchPolicy::PATH => return json(relay.policy(parse(request)?)),
            profile::ConfirmEmail::PATH => {
                return relay.confirm_email(parse(request)?, from).await.and_then(json);
            }
            reset::ForgotPassword::PATH => {
                return relay.forgot_password(parse(request)?, from).await.and_then(json);
            }
            reset::CheckReset::PATH => return relay.check_reset(parse(request)?, from).await.and_then(json),
            reset::RedeemReset::PATH => {
                return relay.redeem_reset(parse(request)?, from).await.and_then(json);
            }
            _ => {}
        }
        let caller = relay.authenticate(token.as_deref().unwrap_or_default(), from).await?;
        if let Some(renewed) = caller.renewed() {
            *token = Some(renewed.expose().to_owned());
        }
        macro_rules! answer {
            ($($request:ty => $verb:ident),* $(,)?) => {
                match path {
                    $(<$request>::PATH => relay.$verb(&caller, parse(request)?).await.and_then(json),)*
                    other => panic!("no call has the path {other}"),
                }
            };
        }
        answer! {
            account::CurrentSession => current_session,
            account::Logout => logout,
            session::ListSessions => list_sessions,
            session::EndSession => end_session,
            session::EndOtherSessions => end_other_sessions,
            session::Unlock => unlock,
            profile::FetchProfile => fetch_profile,
            profile::ChangePassword => change_password,
            profile::ChangeEmail => change_email,
            profile::SetLoginMails => set_login_mails,
            profile::FetchRecoveryWrap => fetch_recovery_wrap,
            profile::ChangeRecoveryKey => change_recovery_key,
            profile::DeleteAccount => delete_account,
            second_factor::BeginTotp => begin_totp,
            second_factor::EnableTotp => enable_totp,
            second_factor::DisableTotp => disable_totp,
            second_factor::RenewRecoveryCodes => renew_recovery_codes,
            directory::ListUsers => list_users,
            directory::FetchKeys => fetch_keys,
            mailbox::Send => send,
            mailbox::FetchPage => fetch_page,
            mailbox::FetchHistory => fetch_history,
            mailbox::Archive => archive,
            mailbox::Erase => erase,
            device::AppendLog => append_log,
            device::FetchLogs => fetch_logs,
            prekey::PublishPrekeys => publish_prekeys,
            prekey::FetchPrekeyStatus => prekey_status,
            prekey::ClaimPrekeys => claim_prekeys,
            vault::FetchRows => fetch_rows,
            vault::PutRow => put_row,
            vault::FetchSealedVault => fetch_sealed_vault,
            vault::DropSealedVault => drop_sealed_vault,
        }
    }
}

fn start(store: &MemoryStore, clock: &Arc<AtomicU64>, entropy: &Arc<SeededEntropy>) -> Relay {
    let clock = Arc::clone(clock);
    Relay::new(RelayParts {
        store: Arc::new(store.clone()),
        passwords: Arc::new(Bcrypt(BcryptCost::UNSAFE_FOR_TESTS)),
        events: Arc::new(LocalEvents::new()),
        mailer: Arc::new(Post),
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
