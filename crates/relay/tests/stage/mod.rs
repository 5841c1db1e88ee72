//! One relay on a store in memory, a clock that the test sets, and people with real keys.

#![expect(dead_code, reason = "each story uses its part of the stage")]
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod authenticator;

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use crypto::{
    account_key::AccountKey,
    device::DeviceKey,
    device_log::{Change, DeviceLog, LogEntry},
    envelope::{Author, Draft, Envelope, Expiry},
    id::{AccountId, ConversationId, DeviceId, LogHash, MessageId, PrekeyId},
    identity::IdentityKey,
    kdf::{AuthKey, KdfParams, StretchedPassword},
    one_time::ResetToken,
    prekey::{Prekey, PrekeySecret},
    recovery::RecoveryKey,
    reset_proof::NewPassword,
    vault::{VaultKind, VaultPlace},
};
use protocol::{
    Binary, Refusal,
    account::{Login, Register, SignedIn},
    device::{AppendLog, FetchLogs, LogAfter},
    mailbox::{Send, Sent},
    proof::Proof,
    reset::{NewKeys, RedeemReset, ResetKeys},
    second_factor::{BeginTotp, EnableTotp, SecondFactorCode},
    vault::NewRow,
};
use rand_core::UnwrapErr;
use relay::{
    Caller, Network, Policy, Relay, RelayParts, ServerSecret, SessionToken,
    mail::{Letter, OutgoingMail},
    port::{Bcrypt, BcryptCost, Clock, Entropy, LocalEvents, Mailer},
};
use store_memory::MemoryStore;

pub(crate) use authenticator::Authenticator;

pub(crate) const NOW_MS: u64 = 1_790_000_000_000;
pub(crate) const MINUTE_MS: u64 = 60_000;
pub(crate) const HOUR_MS: u64 = 60 * MINUTE_MS;
pub(crate) const DAY_MS: u64 = 24 * HOUR_MS;
/// Where requests come from, when a story does not say.
pub(crate) const HOME: Network = Network::V4([192, 0, 2]);

pub(crate) struct Stage {
    pub(crate) relay: Relay,
    pub(crate) events: LocalEvents,
    pub(crate) mail: Arc<Mail>,
    store: MemoryStore,
    clock: Arc<StoppedClock>,
}

/// Mail can be sent, unless the story says otherwise; the story itself takes it.
pub(crate) struct Mail(AtomicBool);

impl Mail {
    pub(crate) fn switch_off(&self) {
        self.0.store(false, Ordering::SeqCst);
    }
}

impl Mailer for Mail {
    fn is_configured(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    fn wake(&self) {}
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
        let mail = Arc::new(Mail(AtomicBool::new(true)));
        let relay = assemble(&store, &events, &mail, &clock, 7, policy);
        Self { relay, events, mail, store, clock }
    }

    /// Another process on the same store, with the secret of this number.
    pub(crate) fn restarted(&self, secret: u8) -> Relay {
        assemble(&self.store, &self.events, &self.mail, &self.clock, secret, test_policy())
    }

    pub(crate) fn set_clock(&self, now_ms: u64) {
        self.clock.0.store(now_ms, Ordering::SeqCst);
    }

    /// Registers, and signs in with what came back.
    pub(crate) async fn join(&self, name: &str) -> Member {
        self.admit(Person::new(name)).await
    }

    /// The same, with an address of their own.
    pub(crate) async fn join_with_email(&self, name: &str) -> Member {
        let mut person = Person::new(name);
        person.email = Some(format!("{name}@example.org"));
        self.admit(person).await
    }

    async fn admit(&self, person: Person) -> Member {
        let (signed_in, token) = self.relay.register(person.registration(), HOME).await.unwrap();
        let caller = self.relay.authenticate(token.expose(), HOME).await.unwrap();
        Member { person, signed_in, token, caller, device: None }
    }

    /// Signs in once more.
    pub(crate) async fn login(&self, person: &Person) -> (SessionToken, Caller) {
        let (_, token) = self.relay.login(person.login(), HOME).await.unwrap();
        let caller = self.relay.authenticate(token.expose(), HOME).await.unwrap();
        (token, caller)
    }

    /// Switches the second factor on.
    pub(crate) async fn set_up_totp(&self, member: &Member) -> Authenticator {
        let begin = BeginTotp { proof: member.person.proof() };
        let mut authenticator =
            Authenticator::of(&self.relay.begin_totp(&member.caller, begin).await.unwrap());
        let SecondFactorCode::Totp(code) = authenticator.code(self.clock.now_ms()) else {
            panic!("six digits")
        };
        let codes = self.relay.enable_totp(&member.caller, EnableTotp { code }).await.unwrap();
        authenticator.recovery = codes.codes;
        authenticator
    }

    /// Whether a token is good for anything.
    pub(crate) async fn is_signed_in(&self, token: &SessionToken) -> bool {
        self.relay.authenticate(token.expose(), HOME).await.is_ok()
    }

    /// The mails that wait, taken as a mail server takes them.
    pub(crate) async fn take_mails(&self) -> Vec<OutgoingMail> {
        let mails = self.relay.next_letters().await.unwrap();
        for mail in &mails {
            self.relay.letter_done(mail, relay::mail::SendOutcome::Sent).await.unwrap();
        }
        mails
    }

    /// The one token that waits in the mail.
    pub(crate) async fn mailed_reset(&self) -> ResetToken {
        let mails = self.take_mails().await;
        let tokens: Vec<ResetToken> = mails
            .into_iter()
            .flat_map(|mail| match mail.letter {
                Letter::ResetPassword { accounts } => accounts,
                _ => Vec::new(),
            })
            .map(|(_, token)| token)
            .collect();
        let [token] = &tokens[..] else { panic!("one token") };
        token.clone()
    }

    /// The device that this member signs in on enters their log; the caller is known by it from then on.
    pub(crate) async fn introduce(&self, member: &mut Member) {
        let device = Device::generate();
        let change = Change::Added(device.id, device.key.public());
        self.append(member, change).await.unwrap();
        member.caller = self.relay.authenticate(member.token.expose(), HOME).await.unwrap();
        member.device = Some(device);
    }

    /// The next entry of a member's log, as it stands.
    pub(crate) async fn append(&self, member: &Member, change: Change) -> Result<LogEntry, Refusal> {
        let mut log = self.log_of(member).await;
        let entry = log.append(change, NOW_MS, &member.person.identity).unwrap();
        self.relay.append_log(&member.caller, AppendLog { entry: entry.clone() }).await?;
        Ok(entry)
    }

    pub(crate) async fn log_of(&self, member: &Member) -> DeviceLog {
        let (account, identity) = (member.person.account, member.person.identity.public());
        let asked = LogAfter { account, identity: identity.fingerprint(), after: 0 };
        let logs = self.relay.fetch_logs(&member.caller, FetchLogs { logs: vec![asked] }).await.unwrap().logs;
        let mut log = DeviceLog::empty(account, identity);
        logs[0].iter().for_each(|entry| log.take(entry).unwrap());
        log
    }

    /// Seals by the member's device.
    pub(crate) async fn seal(&self, sender: &Member, expiry: Expiry, prekeys: &[Prekey]) -> Envelope {
        self.seal_naming(sender, self.log_of(sender).await.head(), expiry, prekeys)
    }

    /// Seals by the member's device, and names this head of their log.
    pub(crate) fn seal_naming(
        &self,
        sender: &Member,
        log_head: LogHash,
        expiry: Expiry,
        prekeys: &[Prekey],
    ) -> Envelope {
        let device = sender.device.as_ref().unwrap();
        let accounts = prekeys.iter().map(Prekey::account).chain([sender.person.account]);
        let draft = Draft {
            conversation: ConversationId::of_set(accounts),
            message: MessageId::random(&mut UnwrapErr(getrandom::SysRng)),
            parents: &[],
            sent_at_ms: NOW_MS,
            expiry,
            content: b"Hello!",
        };
        let author = Author {
            account: sender.person.account,
            identity: &sender.person.identity.public(),
            device: device.id,
            key: &device.key,
            log_head,
        };
        draft.seal_by_device(author, prekeys, &[], &mut UnwrapErr(getrandom::SysRng)).unwrap().envelope
    }

    pub(crate) async fn send(&self, sender: &Member, envelope: &Envelope) -> Result<Sent, Refusal> {
        self.relay.send(&sender.caller, Send { envelope: Binary(envelope.to_bytes()), archived: None }).await
    }
}

pub(crate) fn test_policy() -> Policy {
    Policy { bcrypt_cost: BcryptCost::UNSAFE_FOR_TESTS, ..Policy::default() }
}

fn assemble(
    store: &MemoryStore,
    events: &LocalEvents,
    mail: &Arc<Mail>,
    clock: &Arc<StoppedClock>,
    secret: u8,
    policy: Policy,
) -> Relay {
    let clock: Arc<StoppedClock> = Arc::clone(clock);
    let mailer: Arc<Mail> = Arc::clone(mail);
    Relay::new(RelayParts {
        store: Arc::new(store.clone()),
        passwords: Arc::new(Bcrypt(policy.bcrypt_cost)),
        events: Arc::new(events.clone()),
        mailer,
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
    /// Once it was introduced.
    pub(crate) device: Option<Device>,
}

/// A device with its key.
pub(crate) struct Device {
    pub(crate) id: DeviceId,
    pub(crate) key: DeviceKey,
}

impl Device {
    pub(crate) fn generate() -> Self {
        let rng = &mut UnwrapErr(getrandom::SysRng);
        Self { id: DeviceId::random(rng), key: DeviceKey::generate(rng) }
    }
}

/// Somebody with keys.
pub(crate) struct Person {
    pub(crate) account: AccountId,
    pub(crate) name: String,
    pub(crate) email: Option<String>,
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
            email: None,
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
            email: self.email.as_ref().map(|email| email.parse().unwrap()),
            invite: None,
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
        Login {
            username: self.name.parse().unwrap(),
            auth_key,
            code: None,
            device_name: "Another browser".to_owned(),
        }
    }

    /// The password once more.
    pub(crate) fn proof(&self) -> Proof {
        Proof { auth_key: self.stretched.auth_key(), code: None }
    }

    /// A request that sets the password of `with`, and keeps the keys.
    pub(crate) fn keep_keys(&self, token: &ResetToken, with: &Person) -> RedeemReset {
        let mut rng = UnwrapErr(getrandom::SysRng);
        let (kdf, auth_key) = (with.kdf, with.stretched.auth_key());
        let wrapped_by_password =
            self.account_key.wrap_with_password(self.account, &with.stretched.wrap_key(), &kdf, &mut rng);
        let new = NewPassword {
            account: self.account,
            token: token.hash(),
            kdf: &kdf,
            auth_key: &auth_key,
            wrapped_by_password: &wrapped_by_password,
        };
        let keys = ResetKeys::Keep { proof: new.sign(&self.identity) };
        RedeemReset { token: token.clone(), code: None, kdf, auth_key, wrapped_by_password, keys }
    }

    /// A request that sets the password of `with`, and begins anew with its keys, which count up from the old ones.
    pub(crate) fn replace_keys(&self, token: &ResetToken, with: &mut Person) -> RedeemReset {
        let mut rng = UnwrapErr(getrandom::SysRng);
        with.account = self.account;
        with.name.clone_from(&self.name);
        let (id, sequence) = (self.prekey.id().0 + 1, self.prekey.sequence() + 1);
        with.prekey = PrekeySecret::generate(PrekeyId(id), sequence, &mut rng);
        let Register {
            kdf,
            auth_key,
            wrapped_by_password,
            wrapped_by_recovery_key,
            identity,
            prekey,
            vault,
            ..
        } = with.registration();
        let new = NewKeys { wrapped_by_recovery_key, identity, prekey, vault };
        let keys = ResetKeys::Replace(Box::new(new));
        RedeemReset { token: token.clone(), code: None, kdf, auth_key, wrapped_by_password, keys }
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
            expiry: Expiry::Never,
            content: content.as_bytes(),
        };
        draft.seal(self.account, &self.identity, keys, &mut UnwrapErr(getrandom::SysRng)).unwrap()
    }
}

pub(crate) fn wrong_key() -> AuthKey {
    StretchedPassword::from_bytes(&[0; 32]).auth_key()
}
