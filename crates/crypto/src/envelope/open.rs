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
    Aead, ContentKey, Delivery, Header, Kdf, Kem, SEAL_BYTES, body_key, hash_of_seal, header_hash, padding,
    seal_aad, seal_info,
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
        let Delivery { shared, seal } = &self.delivery;
        let place = shared.header.place_of(account).ok_or(CannotOpen)?;
        let me = &shared.header.recipients[place];
        if me.identity != identity.fingerprint()
            || me.prekey != prekey.id()
            || shared.seal_hashes()[place] != hash_of_seal(seal)
        {
            return Err(CannotOpen);
        }

        let header_hash = header_hash(shared.header_bytes());
        let info = seal_info(&self.sender, identity, prekey.id());
        let content_key = open_seal(seal, prekey, &info, &seal_aad(&header_hash, shared.commit()))?;
        let (key, commit) = body_key(&content_key, &header_hash);
        if !bool::from(commit.ct_eq(shared.commit())) {
            return Err(CannotOpen);
        }
        let aad = [shared.header_bytes(), &commit].concat();
        let content = padding::unpad(aead::open_once(key.expose(), &aad, shared.body())?)?;
        let hash = shared.hash();
        Ok(Opened { header: self.delivery.shared.header, hash, content })
    }
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

    /// What was written.
    pub fn content(&self) -> &[u8] {
        &self.content
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { header, hash: _, content: _ } = self;
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
