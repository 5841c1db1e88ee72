//! Pure cryptography of Secure Messaging: keys, vault, envelopes. No IO, no clock, no async; randomness is an argument.
//!
//! # Map
//!
//! | module | what it is | after |
//! | --- | --- | --- |
//! | [`kdf`] | a password becomes an auth key (for the server) and a wrap key (for the device) | RFC 8018, RFC 5869 |
//! | [`account_key`] | the account key, sealed by the password and by the recovery key | |
//! | [`recovery`] | the recovery key, its text and checksum | |
//! | [`one_time`] | tokens and codes that are good once, and the hashes that are kept of them | |
//! | [`reset_proof`] | a new password, vouched for by the identity key | |
//! | [`export`] | an account's data as one sealed file | |
//! | [`local_key`] | what a program keeps of its session between two commands | |
//! | [`vault`] | rows sealed under the account key, bound to their place and version | |
//! | [`identity`] | the Ed25519 key that signs | RFC 8032 |
//! | [`device`] | the Ed25519 key of one device | RFC 8032 |
//! | [`device_log`] | which devices an account has: a chain that the identity key signs | |
//! | [`prekey`] | the X-Wing keys that receive | draft-connolly-cfrg-xwing-kem |
//! | [`envelope`] | one message: sealed, parsed, verified, opened | RFC 9180 |
//! | [`archive`] | content keys that are kept after the keys they were sent to have died | |
//! | [`safety_number`] | sixty digits to compare | |
//! | [`message_key`] | two key pairs and a text, without accounts | |
//! | [`id`] | accounts, messages, conversations, fingerprints | |
//!
//! The formats are written down byte by byte in `docs/protocol.md`.
//!
//! # One message
//!
//! ```
//! use crypto::{
//!     device::DeviceKey,
//!     device_log::{Change, DeviceLog},
//!     envelope::{Author, Draft, Envelope, Expiry, Sender},
//!     id::{AccountId, ConversationId, DeviceId, MessageId, PrekeyId},
//!     identity::IdentityKey,
//!     prekey::{PrekeySecret, PrekeySeed},
//! };
//! # let mut rng = rand_core::UnwrapErr(getrandom::SysRng);
//!
//! // Each has an account and an identity key. Alice writes on a device that her device log names.
//! let [(alice, alice_key), (bob, bob_key)] =
//!     [(); 2].map(|()| (AccountId::random(&mut rng), IdentityKey::generate(&mut rng)));
//! let (device, device_key) = (DeviceId::random(&mut rng), DeviceKey::generate(&mut rng));
//! let mut log = DeviceLog::empty(alice, alice_key.public());
//! log.append(Change::Added(device, device_key.public()), 1_790_000_000_000, &alice_key)?;
//!
//! // Bob has published a prekey that serves one message.
//! let bob_prekey = PrekeySecret::one_time(PrekeyId(1), 1, &PrekeySeed::generate(&mut rng));
//! let to_bob = bob_prekey.sign(bob, &bob_key).verify(bob, &bob_key.public())?;
//!
//! // Alice seals for him, and keeps the content key for her own archive.
//! let draft = Draft {
//!     conversation: ConversationId::of_set([alice, bob]),
//!     message: MessageId::random(&mut rng),
//!     parents: &[],
//!     sent_at_ms: 1_790_000_000_000,
//!     expiry: Expiry::Never,
//!     content: b"Hello Bob!",
//! };
//! let author = Author {
//!     account: alice,
//!     identity: &alice_key.public(),
//!     device,
//!     key: &device_key,
//!     log_head: log.head(),
//! };
//! let sealed = draft.seal_by_device(author, &[to_bob], &[], &mut rng)?;
//!
//! // The server gives Bob what all share, and his own seal; he verifies, then opens.
//! let envelope = Envelope::parse(&sealed.envelope.to_bytes())?;
//! let delivery = envelope.delivery_to(bob).expect("Bob is a recipient");
//! let sender = Sender {
//!     identity: alice_key.public(),
//!     device: log.device(device).map(|logged| (device, logged.key)),
//! };
//! let opened = delivery.verify(sender)?.open(bob, &bob_key.public(), &bob_prekey)?;
//! assert_eq!(opened.content(), b"Hello Bob!");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # How it is tested
//!
//! Published vectors (`tests/wycheproof.rs`, `tests/hpke.rs`), frozen vectors of every format (`tests/frozen.rs`),
//! attacks (`tests/tampering.rs`, `tests/hostile_sender.rs`, `tests/sealed_places.rs`), parsers (`tests/parsing.rs`), and
//! what Debug prints (`tests/secrets_do_not_print.rs`). The same tests run as WebAssembly in Node:
//! `cargo test -p crypto --target wasm32-wasip1`. `cargo bench -p crypto --bench envelope -- ratio` says what an envelope
//! costs beside the sum of its primitives.

mod aead;
mod crockford;
mod hash;
mod secret;
mod text;

pub mod account_key;
pub mod archive;
pub mod device;
pub mod device_log;
pub mod envelope;
pub mod export;
pub mod id;
pub mod identity;
pub mod kdf;
pub mod local_key;
pub mod message_key;
pub mod one_time;
pub mod prekey;
pub mod recovery;
pub mod reset_proof;
pub mod safety_number;
pub mod vault;

pub use text::Malformed;

/// The one error of everything that does not verify or open. Which check failed is nobody's business: an attacker who
/// could tell would learn from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("This cannot be opened: it was changed, or it is not for this key")]
pub struct CannotOpen;
