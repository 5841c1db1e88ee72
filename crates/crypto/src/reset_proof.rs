//! Who sets a new password and keeps the account's keys shows that these are theirs: a token from a mail alone must not
//! be able to put a wrap that opens nothing in the place of one that opens everything.

use core::fmt;

use crate::{
    CannotOpen,
    account_key::WrappedAccountKey,
    hash::sha256,
    id::{AccountId, TokenHash},
    identity::{IdentityKey, IdentityPublic, SIGNATURE_BYTES, SignedAs},
    kdf::{AuthKey, KdfParams},
    text::{Malformed, as_base64url},
};

/// A signature by an identity key of the account: over everything that a reset puts in place, or over the number of a vault
/// that a reset put away.
#[derive(Clone, PartialEq, Eq)]
pub struct ResetProof([u8; SIGNATURE_BYTES]);

/// What a reset puts in place, and by which token.
#[derive(Clone, Copy)]
pub struct NewPassword<'a> {
    /// Whose password.
    pub account: AccountId,
    /// The token by which it is reset.
    pub token: TokenHash,
    /// How the new password is stretched.
    pub kdf: &'a KdfParams,
    /// What proves it to the server.
    pub auth_key: &'a AuthKey,
    /// The account key, sealed by it.
    pub wrapped_by_password: &'a WrappedAccountKey,
}

impl NewPassword<'_> {
    /// Vouches for it.
    pub fn sign(&self, identity: &IdentityKey) -> ResetProof {
        ResetProof(identity.sign(SignedAs::Reset, &self.to_bytes()))
    }

    /// Checks a proof.
    ///
    /// # Errors
    /// [`CannotOpen`]: another identity key, or anything of it is different.
    pub fn verify(&self, identity: &IdentityPublic, proof: &ResetProof) -> Result<(), CannotOpen> {
        identity.verify(SignedAs::Reset, &self.to_bytes(), &proof.0)
    }

    fn to_bytes(self) -> Vec<u8> {
        let Self { account, token, kdf, auth_key, wrapped_by_password } = self;
        [
            account.to_bytes().as_slice(),
            &token.to_bytes(),
            &kdf.to_bytes(),
            &sha256(&[b"secure-messaging/1 reset auth", auth_key.expose_bytes()]),
            &wrapped_by_password.to_bytes(),
        ]
        .concat()
    }
}

impl ResetProof {
    /// Vouches that the vault which a reset put away under this number was opened, and may go: only its own identity key
    /// can, which stands in it.
    pub fn of_opened_vault(account: AccountId, number: u32, identity: &IdentityKey) -> Self {
        Self(identity.sign(SignedAs::DropVault, &opened_vault(account, number)))
    }

    /// Checks what [`Self::of_opened_vault`] made.
    ///
    /// # Errors
    /// [`CannotOpen`]: another identity key, account or number.
    pub fn verify_opened_vault(
        &self,
        account: AccountId,
        number: u32,
        identity: &IdentityPublic,
    ) -> Result<(), CannotOpen> {
        identity.verify(SignedAs::DropVault, &opened_vault(account, number), &self.0)
    }

    /// The signature's bytes.
    pub fn to_bytes(&self) -> [u8; SIGNATURE_BYTES] {
        self.0
    }

    /// Reads the bytes.
    ///
    /// # Errors
    /// Another length.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        bytes.try_into().map(Self).map_err(|_| Malformed("has the wrong length"))
    }
}

fn opened_vault(account: AccountId, number: u32) -> Vec<u8> {
    [account.to_bytes().as_slice(), &number.to_be_bytes()].concat()
}

impl fmt::Debug for ResetProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResetProof(..)")
    }
}

as_base64url!(ResetProof);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{identity::IdentitySeed, kdf::StretchedPassword};

    #[test]
    fn only_the_key_that_stands_in_a_vault_vouches_for_its_end() {
        let [own, other] = [1, 2].map(|byte| IdentityKey::from_seed(&IdentitySeed::from_bytes(&[byte; 32])));
        let account = AccountId::from_bytes([1; 16]);
        let proof = ResetProof::of_opened_vault(account, 7, &own);
        assert!(proof.verify_opened_vault(account, 7, &own.public()).is_ok());
        assert!(proof.verify_opened_vault(account, 8, &own.public()).is_err());
        assert!(proof.verify_opened_vault(AccountId::from_bytes([2; 16]), 7, &own.public()).is_err());
        assert!(proof.verify_opened_vault(account, 7, &other.public()).is_err());
    }

    #[test]
    fn a_proof_holds_for_exactly_what_was_signed() {
        let key = |byte| IdentityKey::from_seed(&IdentitySeed::from_bytes(&[byte; 32]));
        let account = AccountId::from_bytes([1; 16]);
        let kdf = KdfParams::with_salt([2; 16]);
        let [auth, other_auth] = [3, 4].map(|byte| StretchedPassword::from_bytes(&[byte; 32]).auth_key());
        let wrapped = |byte: u8| {
            let mut bytes = [byte; 62];
            bytes[..2].copy_from_slice(&[1, 1]);
            WrappedAccountKey::parse(&bytes).unwrap()
        };
        let [wrap, other_wrap] = [5, 6].map(wrapped);
        let new = NewPassword {
            account,
            token: TokenHash::from_bytes([7; 32]),
            kdf: &kdf,
            auth_key: &auth,
            wrapped_by_password: &wrap,
        };
        let proof = new.sign(&key(1));
        assert!(new.verify(&key(1).public(), &proof).is_ok());
        assert!(new.verify(&key(2).public(), &proof).is_err());
        let other_kdf = KdfParams::with_salt([9; 16]);
        for changed in [
            NewPassword { account: AccountId::from_bytes([9; 16]), ..new },
            NewPassword { token: TokenHash::from_bytes([9; 32]), ..new },
            NewPassword { kdf: &other_kdf, ..new },
            NewPassword { auth_key: &other_auth, ..new },
            NewPassword { wrapped_by_password: &other_wrap, ..new },
        ] {
            assert!(changed.verify(&key(1).public(), &proof).is_err());
        }
    }
}
