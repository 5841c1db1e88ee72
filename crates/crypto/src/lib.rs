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
//! | [`prekey`] | the X-Wing keys that receive | draft-connolly-cfrg-xwing-kem |
//! | [`envelope`] | one message: sealed, parsed, verified, opened | RFC 9180 |
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
//!     envelope::{Draft, Envelope},
//!     id::{AccountId, ConversationId, MessageId, PrekeyId},
//!     identity::IdentityKey,
//!     prekey::PrekeySecret,
//! };
//! # let mut rng = rand_core::UnwrapErr(getrandom::SysRng);
//!
//! // Each has an account, an identity key and a signed prekey.
//! let [(alice, alice_key, alice_prekey), (bob, bob_key, bob_prekey)] = [(); 2].map(|()| {
//!     let prekey = PrekeySecret::generate(PrekeyId(1), 1, &mut rng);
//!     (AccountId::random(&mut rng), IdentityKey::generate(&mut rng), prekey)
//! });
//! let to_alice = alice_prekey.sign(alice, &alice_key).verify(alice, &alice_key.public())?;
//! let to_bob = bob_prekey.sign(bob, &bob_key).verify(bob, &bob_key.public())?;
//!
//! // Alice seals for both.
//! let draft = Draft {
//!     conversation: ConversationId::of_set([alice, bob]),
//!     message: MessageId::random(&mut rng),
//!     parents: &[],
//!     sent_at_ms: 1_790_000_000_000,
//!     expires_at_ms: None,
//!     content: b"Hello Bob!",
//! };
//! let envelope = draft.seal(alice, &alice_key, &[to_alice, to_bob], &mut rng)?;
//!
//! // The server gives Bob what all share, and his own seal; he verifies, then opens.
//! let envelope = Envelope::parse(&envelope.to_bytes())?;
//! let delivery = envelope.delivery_to(bob).expect("Bob is a recipient");
//! let opened = delivery.verify(&alice_key.public())?.open(bob, &bob_key.public(), &bob_prekey)?;
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
