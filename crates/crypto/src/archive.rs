//! The archive: a message's content key, sealed under an epoch key of the reader's account, so that the message opens for
//! ever and on every device after the key that it was sent to has died.

use rand_core::CryptoRng;

use crate::{
    CannotOpen, aead,
    envelope::ContentKey,
    id::{AccountId, ConversationId, EpochId, MessageId},
    secret::{Secret, secret_type},
};

/// Length of an archived content key, in bytes: nonce (12), key (32), tag (16).
pub const ARCHIVED_BYTES: usize = aead::NONCE_BYTES + 32 + aead::TAG_BYTES;

secret_type!(
    /// The key of one archive epoch; the vault keeps it.
    ArchiveKey,
    32
);

/// Which message's key it is: everything that the seal is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArchivePlace {
    /// In whose archive.
    pub account: AccountId,
    /// In which conversation.
    pub conversation: ConversationId,
    /// Which message.
    pub message: MessageId,
    /// Under which epoch's key.
    pub epoch: EpochId,
}

impl ArchivePlace {
    fn aad(&self) -> Vec<u8> {
        let Self { account, conversation, message, epoch } = self;
        [
            b"secure-messaging/1 archive".as_slice(),
            &account.to_bytes(),
            &conversation.to_bytes(),
            &message.to_bytes(),
            &epoch.to_bytes(),
        ]
        .concat()
    }
}

impl ArchiveKey {
    /// A new key, for a new epoch.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        Self(Secret::random(rng))
    }

    /// `nonce (12) || ciphertext (32) || tag (16)`.
    pub fn seal(&self, place: ArchivePlace, content_key: &ContentKey, rng: &mut impl CryptoRng) -> Vec<u8> {
        aead::seal(self.expose_bytes(), &place.aad(), content_key.expose_bytes(), rng)
    }

    /// Opens what [`Self::seal`] made.
    ///
    /// # Errors
    /// [`CannotOpen`]: another epoch's key, another message, conversation or account, or changed bytes.
    pub fn open(&self, place: ArchivePlace, archived: &[u8]) -> Result<ContentKey, CannotOpen> {
        let opened = aead::open(self.expose_bytes(), &place.aad(), archived)?;
        opened.as_slice().try_into().map(ContentKey::from_bytes).map_err(|_| CannotOpen)
    }
}
