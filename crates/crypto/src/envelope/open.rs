//! Opening what was verified.

use core::fmt;

use hpke::{Deserializable, OpModeR, kem, single_shot_open};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::{
    CannotOpen, aead,
    id::{AccountId, EnvelopeHash},
    identity::IdentityPublic,
    prekey::{PrekeySecret, contributes},
    secret::Secret,
};

use super::{
    Aead, ContentKey, Delivery, Header, Kdf, Kem, SEAL_BYTES, Way, body_key, hash_of_seal, header_hash,
    padding, parse::Shared, seal_aad, seal_info,
};

/// A delivery whose signature holds: its header can be believed, its body is still closed.
#[derive(Clone, Debug)]
pub struct VerifiedDelivery {
    pub(super) delivery: Delivery,
    pub(super) sender: IdentityPublic,
}

/// An opened message.
#[derive(Clone)]
pub struct Opened {
    header: Header,
    hash: EnvelopeHash,
    content_key: ContentKey,
    content: Zeroizing<Vec<u8>>,
}

impl VerifiedDelivery {
    /// The header, which its sender signed.
    pub fn header(&self) -> &Header {
        &self.delivery.shared.header
    }

    /// Opens the seal, checks the commitment, opens the body.
    ///
    /// # Errors
    /// [`CannotOpen`], whatever it was: not a recipient, another identity or prekey, a swapped seal, a replaced
    /// commitment, changed bytes.
    pub fn open(
        self,
        account: AccountId,
        identity: &IdentityPublic,
        prekey: &PrekeySecret,
    ) -> Result<Opened, CannotOpen> {
        let Delivery { shared, seals } = &self.delivery;
        let way = Way::Sealed(prekey.kind(), prekey.id());
        let sealed = shared.header.places_of(account).filter(|(_, recipient)| recipient.way.is_sealed());
        let (own, (place, me)) = sealed
            .enumerate()
            .find(|(_, (_, recipient))| recipient.way == way && recipient.device == prekey.device())
            .ok_or(CannotOpen)?;
        let seal = seals.get(own).ok_or(CannotOpen)?;
        let listed = shared.header.seal_of_place(place).map(|seal| shared.seal_hashes()[seal]);
        if me.identity != identity.fingerprint() || listed != Some(hash_of_seal(seal)) {
            return Err(CannotOpen);
        }
        let header_hash = header_hash(shared.header_bytes());
        let info = seal_info(&self.sender, identity, me, shared.header.device.is_some());
        let content_key = open_seal(seal, prekey, &info, &seal_aad(&header_hash, shared.commit()))?;
        self.open_with(content_key)
    }

    /// Opens the body with a content key that was archived, or that this device kept.
    ///
    /// # Errors
    /// [`CannotOpen`]: it is another message's key, or changed bytes.
    pub fn open_with(self, content_key: ContentKey) -> Result<Opened, CannotOpen> {
        let content = open_body(&self.delivery.shared, &content_key)?;
        let hash = self.delivery.shared.hash();
        Ok(Opened { header: self.delivery.shared.header, hash, content_key, content })
    }

    /// The envelope's name: the same for everyone who got it.
    pub fn hash(&self) -> EnvelopeHash {
        self.delivery.shared.hash()
    }
}

fn open_body(shared: &Shared, content_key: &ContentKey) -> Result<Zeroizing<Vec<u8>>, CannotOpen> {
    let (key, commit) = body_key(content_key, &header_hash(shared.header_bytes()));
    if !bool::from(commit.ct_eq(shared.commit())) {
        return Err(CannotOpen);
    }
    let aad = [shared.header_bytes(), &commit].concat();
    padding::unpad(aead::open_once(key.expose(), &aad, shared.body())?)
}

impl Opened {
    /// The header, which its sender signed.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The envelope's name: the same for everyone who got it.
    pub fn hash(&self) -> EnvelopeHash {
        self.hash
    }

    /// The key that opened it, for the archive.
    pub fn content_key(&self) -> &ContentKey {
        &self.content_key
    }

    /// What was written.
    pub fn content(&self) -> &[u8] {
        &self.content
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { header, hash: _, content_key: _, content: _ } = self;
        write!(f, "Opened {{ message: {}, .. }}", header.message)
    }
}

fn open_seal(
    seal: &[u8; SEAL_BYTES],
    prekey: &PrekeySecret,
    info: &[u8],
    aad: &[u8],
) -> Result<ContentKey, CannotOpen> {
    let (encapsulated, sealed) = seal.split_at(SEAL_BYTES - 48);
    if !encapsulated.last_chunk().is_some_and(contributes) {
        return Err(CannotOpen);
    }
    let encapsulated = <Kem as kem::Kem>::EncappedKey::from_bytes(encapsulated).map_err(|_| CannotOpen)?;
    let opened =
        single_shot_open::<Aead, Kdf, Kem>(&OpModeR::Base, prekey.key(), &encapsulated, info, sealed, aad)
            .map(Zeroizing::new)
            .map_err(|_| CannotOpen)?;
    let key: &[u8; 32] = opened.as_slice().try_into().map_err(|_| CannotOpen)?;
    Ok(ContentKey(Secret::copied_from(key)))
}
