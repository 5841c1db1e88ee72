//! The people of the tests, and the envelopes that they send.

use crypto::{
    envelope::{Draft, Envelope, Expiry},
    id::{AccountId, ConversationId, MessageId, PrekeyId},
    identity::IdentityKey,
    prekey::{Prekey, PrekeySecret},
};
use rand_core::CryptoRng;

pub(crate) struct Person {
    pub(crate) account: AccountId,
    pub(crate) identity: IdentityKey,
    pub(crate) prekey: PrekeySecret,
}

impl Person {
    pub(crate) fn generate(rng: &mut impl CryptoRng) -> Self {
        Self {
            account: AccountId::random(rng),
            identity: IdentityKey::generate(rng),
            prekey: PrekeySecret::generate(PrekeyId(1), 1, rng),
        }
    }

    /// What others seal to.
    pub(crate) fn published(&self) -> Prekey {
        let signed = self.prekey.sign(self.account, &self.identity);
        signed.verify(self.account, &self.identity.public()).expect("just signed by this very key")
    }
}

/// What `sender` seals to `recipients`, the sender among them.
pub(crate) fn seal(
    sender: &Person,
    recipients: &[&Person],
    content: &[u8],
    rng: &mut impl CryptoRng,
) -> Envelope {
    let prekeys: Vec<Prekey> = recipients.iter().map(|person| person.published()).collect();
    let draft = Draft {
        conversation: ConversationId::of_set(recipients.iter().map(|person| person.account)),
        message: MessageId::random(rng),
        parents: &[],
        sent_at_ms: 1_790_000_000_000,
        expiry: Expiry::Never,
        content,
    };
    draft
        .seal(sender.account, &sender.identity, &prekeys, rng)
        .expect("the recipients are one conversation, and the content fits")
}
