//! Who plays in the stories.

use core::fmt::Debug;
use std::sync::Arc;

use crypto::{
    account_key::WrappedAccountKey,
    device::{DeviceKey, DeviceSeed},
    envelope::SEAL_BYTES,
    id::{AccountId, DeviceId, EnvelopeHash, Fingerprint, MessageId, PrekeyId, SessionId, TokenHash},
    identity::{IdentityKey, IdentitySeed},
    kdf::KdfParams,
    prekey::{PrekeySecret, PrekeySeed, SignedPrekey},
};
use futures::future::join_all;
use protocol::{
    Binary, Cursor, EmailAddress,
    vault::{NewRow, VaultKind},
};
use relay::port::{
    Delivered, Expiry, ItemState, NewAccount, NewEnvelope, NewPrekeys, NewSession, NewWraps, PasswordHash,
    Proven, PublishOutcome, Registered, SealedDelivery, Store,
};

/// When the stories play.
pub(crate) const NOW_MS: u64 = 1_790_000_000_000;

/// No session is over.
pub(crate) const NOTHING_EXPIRED: Expiry = Expiry { created_before_ms: 0, seen_before_ms: 0 };

/// Somebody with an account, made of one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Person(pub u16);

impl Person {
    /// The account's id.
    pub fn account(self) -> AccountId {
        AccountId::from_bytes(self.bytes(b'a'))
    }

    /// The first session's id.
    pub fn session(self) -> SessionId {
        SessionId::from_bytes(self.bytes(b's'))
    }

    /// The account's name.
    pub fn name(self) -> String {
        format!("person{:05}", self.0)
    }

    /// Where a reset may be mailed to.
    pub fn email(self) -> EmailAddress {
        format!("{}@example.org", self.name()).parse().expect("a name before a domain is an address")
    }

    /// The identity key.
    pub fn identity(self) -> IdentityKey {
        IdentityKey::from_seed(&IdentitySeed::from_bytes(&self.bytes(b'i')))
    }

    /// The prekey.
    pub fn prekey(self) -> PrekeySecret {
        PrekeySecret::from_seed(PrekeyId(1), 1, &PrekeySeed::from_bytes(&self.bytes(b'p')))
    }

    /// Signed prekeys that serve once, of these numbers.
    pub fn one_time_prekeys(self, ids: impl IntoIterator<Item = u32>) -> Vec<SignedPrekey> {
        let of = |id: u32| PrekeySecret::one_time(PrekeyId(id), 1, &self.prekey_seed(b'1', id));
        ids.into_iter().map(|id| of(id).sign(self.account(), &self.identity())).collect()
    }

    /// Signed prekeys of this device, of these numbers.
    pub(crate) fn device_prekeys(self, device: u8, ids: impl IntoIterator<Item = u32>) -> Vec<SignedPrekey> {
        let (device, key) = (device_id(device), device_key(device));
        let of = |id: u32| PrekeySecret::of_device(device, PrekeyId(id), 1, &self.prekey_seed(b'd', id));
        ids.into_iter().map(|id| of(id).sign_by_device(self.account(), &key)).collect()
    }

    fn prekey_seed(self, of: u8, id: u32) -> PrekeySeed {
        let mut seed = self.bytes::<32>(of);
        seed[4..8].copy_from_slice(&id.to_be_bytes());
        PrekeySeed::from_bytes(&seed)
    }

    /// What is registered.
    pub fn registration(self) -> (NewAccount, NewSession) {
        let (identity, prekey) = (self.identity(), self.prekey());
        let account = NewAccount {
            account: self.account(),
            username: self.name().parse().expect("the name of a person in a story is a username"),
            email: Some(self.email()),
            kdf: KdfParams::with_salt(self.bytes(b'k')),
            password_hash: self.password_hash(),
            sealed_wrap: self.bytes::<90>(b'v').to_vec(),
            wrapped_by_recovery_key: self.recovery_wrap(b'w'),
            identity: identity.public(),
            prekey: prekey.sign(self.account(), &identity),
            vault: vec![
                NewRow {
                    kind: VaultKind::Prekey,
                    key_id: Binary(1u32.to_be_bytes().to_vec()),
                    sealed: Binary(self.bytes::<60>(b'2').to_vec()),
                },
                NewRow {
                    kind: VaultKind::Identity,
                    key_id: Binary(Vec::new()),
                    sealed: Binary(self.bytes::<60>(b'1').to_vec()),
                },
            ],
            created_at_ms: NOW_MS,
        };
        (account, self.begun_session(self.session(), NOW_MS))
    }

    /// How the password of the registration is checked.
    pub(crate) fn password_hash(self) -> PasswordHash {
        PasswordHash::from_stored(format!("hash of {}", self.name()))
    }

    /// What the first session has proven by the password of the registration.
    pub fn proven(self) -> Proven {
        self.proven_in(self.session())
    }

    /// What this session has proven by the password of the registration.
    pub(crate) fn proven_in(self, session: SessionId) -> Proven {
        Proven { account: self.account(), session, password_hash: self.password_hash() }
    }

    /// A session of this person.
    pub fn begun_session(self, session: SessionId, created_at_ms: u64) -> NewSession {
        NewSession {
            session,
            account: self.account(),
            device_name: "A browser".to_owned(),
            created_at_ms,
            unlock_half: self.bytes(b'u'),
        }
    }

    /// An account key, sealed by a recovery key: another for each `of`.
    pub(crate) fn recovery_wrap(self, of: u8) -> WrappedAccountKey {
        let mut wrapped = self.bytes::<62>(of);
        wrapped[..3].copy_from_slice(&[1, 2, of]);
        WrappedAccountKey::parse(&wrapped).expect("the bytes begin like a wrapped key")
    }

    /// A password that is to be: another for each `of`.
    pub(crate) fn wraps(self, of: u8) -> NewWraps {
        NewWraps {
            kdf: KdfParams::with_salt(self.bytes(of)),
            password_hash: PasswordHash::from_stored(format!("hash {of} of {}", self.name())),
            sealed_wrap: self.bytes::<90>(of).to_vec(),
        }
    }

    /// Begins sessions of these ids beside the first.
    pub(crate) async fn signed_in<const N: usize>(
        self,
        store: &Arc<dyn Store>,
        ids: [u8; N],
    ) -> [SessionId; N] {
        let sessions = ids.map(|id| SessionId::from_bytes([id; 16]));
        for session in sessions {
            begin(store, self.begun_session(session, NOW_MS), NOTHING_EXPIRED).await;
        }
        sessions
    }

    /// Registers, and comes back when it is done.
    pub async fn registered(self, store: &Arc<dyn Store>) -> Self {
        let (account, session) = self.registration();
        assert_eq!(store.register(account, session, None).await.unwrap(), Registered::Done);
        self
    }

    /// Bytes that are this person's, and differ for each use.
    pub(crate) fn bytes<const N: usize>(self, of: u8) -> [u8; N] {
        let [high, low] = self.0.to_be_bytes();
        core::array::from_fn(|index| match index {
            0 => of,
            1 => high,
            2 => low,
            other => other as u8,
        })
    }
}

/// Begins a session by the password that stands. Where the account's mailbox ends.
pub(crate) async fn begin(store: &Arc<dyn Store>, session: NewSession, expired: Expiry) -> Cursor {
    let found = store.credentials_of(session.account).await.unwrap().unwrap();
    store.begin_session(session, expired, found.password_hash).await.unwrap().unwrap()
}

/// Registers so many people.
pub(crate) async fn people(store: &Arc<dyn Store>, count: u16) -> Vec<Person> {
    let mut people = Vec::new();
    for number in 0..count {
        people.push(Person(number).registered(store).await);
    }
    people
}

/// An envelope of this sender with this number, for these recipients.
pub fn envelope(sender: Person, number: u32, recipients: &[Person]) -> NewEnvelope {
    let mut message = sender.bytes::<16>(b'm');
    message[4..8].copy_from_slice(&number.to_be_bytes());
    let mut hash = [0; 32];
    hash[..16].copy_from_slice(&message);
    NewEnvelope {
        message: MessageId::from_bytes(message),
        hash: EnvelopeHash::from_bytes(hash),
        sender: sender.account(),
        received_at_ms: NOW_MS + u64::from(number),
        expires_at_ms: None,
        shared: shared_of(sender, number),
        signed_prekeys: Vec::new(),
        used_prekeys: Vec::new(),
        claimed_after_ms: 0,
        deliveries: recipients
            .iter()
            .map(|recipient| SealedDelivery {
                account: recipient.account(),
                seal: seal_of(*recipient, number),
                archived: None,
                state: ItemState::Sealed,
            })
            .collect(),
    }
}

pub(crate) fn shared_of(sender: Person, number: u32) -> Vec<u8> {
    let mut shared = sender.bytes::<700>(b'h').to_vec();
    shared[8..12].copy_from_slice(&number.to_be_bytes());
    shared
}

pub(crate) fn seal_of(recipient: Person, number: u32) -> Vec<u8> {
    let mut seal = recipient.bytes::<SEAL_BYTES>(b'l').to_vec();
    seal[8..12].copy_from_slice(&number.to_be_bytes());
    seal
}

/// Delivers what must be new, and gives the places.
pub(crate) async fn deliver(store: &Arc<dyn Store>, envelope: NewEnvelope) -> Vec<(AccountId, Cursor)> {
    match store.deliver(envelope).await.unwrap() {
        Delivered::Stored(places) => places,
        other => panic!("the envelope is new, yet: {other:?}"),
    }
}

/// A device: another for each number.
pub(crate) fn device_id(number: u8) -> DeviceId {
    DeviceId::from_bytes([number; 16])
}

/// Its key.
pub(crate) fn device_key(number: u8) -> DeviceKey {
    DeviceKey::from_seed(&DeviceSeed::from_bytes(&[number; 32]))
}

/// Nothing to publish, for a start.
pub(crate) const NO_PREKEYS: NewPrekeys = NewPrekeys {
    identity: Fingerprint::from_bytes([0; 32]),
    signed: None,
    one_time: Vec::new(),
    replace: false,
    device: None,
    at_ms: NOW_MS,
    published_after_ms: 0,
    room: 100,
};

/// Publishes under the identity key that stands.
pub(crate) async fn try_publish(store: &Arc<dyn Store>, person: Person, new: NewPrekeys) -> PublishOutcome {
    let standing = store.find_keys(&[person.account()]).await.unwrap().pop();
    let identity = standing.map_or(new.identity, |keys| keys.identity.fingerprint());
    let new = NewPrekeys { identity, ..new };
    store.publish_prekeys(person.account(), new).await.unwrap()
}

/// Publishes what there must be room for.
pub(crate) async fn publish(store: &Arc<dyn Store>, person: Person, new: NewPrekeys) {
    assert_eq!(try_publish(store, person, new).await, PublishOutcome::Done);
}

/// What a store keeps of a one-time secret: of another for each number.
pub(crate) fn token(number: u16) -> TokenHash {
    let [high, low] = number.to_be_bytes();
    let mut bytes = [b't'; 32];
    bytes[..2].copy_from_slice(&[high, low]);
    TokenHash::from_bytes(bytes)
}

/// Does the same fifty times at once: how each came out.
pub(crate) async fn fifty_at_once<F>(each: impl Fn(u16) -> F) -> Vec<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let tries = (0..50).map(|number| tokio::spawn(each(number)));
    join_all(tries).await.into_iter().map(Result::unwrap).collect()
}

/// In an order that does not depend on the store's.
pub(crate) fn sorted<T: Ord + Debug>(mut values: Vec<T>) -> Vec<T> {
    values.sort_unstable();
    values
}
