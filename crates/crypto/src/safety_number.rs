//! The safety number: 60 digits that two people compare to know that no one stands between them.

use core::fmt;

use sha2::{Digest, Sha512};

use crate::{id::AccountId, identity::IdentityPublic};

/// Rounds of hashing: they make a search for a look-alike key 2^12 times dearer.
const ROUNDS: usize = 5_200;
const CHUNKS: usize = 6;

/// 60 digits, the same on both sides; six groups of five from each account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SafetyNumber([[u32; CHUNKS]; 2]);

impl SafetyNumber {
    /// The number of two accounts and their identity keys, in whatever order.
    pub fn between(one: (AccountId, &IdentityPublic), other: (AccountId, &IdentityPublic)) -> Self {
        let mut halves = [half(one.0, one.1), half(other.0, other.1)];
        halves.sort_unstable();
        Self(halves)
    }
}

impl fmt::Display for SafetyNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, group) in self.0.iter().flatten().enumerate() {
            let space = if index == 0 { "" } else { " " };
            write!(f, "{space}{group:05}")?;
        }
        Ok(())
    }
}

fn half(account: AccountId, key: &IdentityPublic) -> [u32; CHUNKS] {
    let key = key.to_bytes();
    let mut hash = Sha512::new()
        .chain_update(b"secure-messaging/1 safety number")
        .chain_update(account.to_bytes())
        .chain_update(key)
        .finalize();
    for _ in 1..ROUNDS {
        hash = Sha512::new().chain_update(hash).chain_update(key).finalize();
    }
    core::array::from_fn(|chunk| {
        let bits =
            hash[chunk * 5..chunk * 5 + 5].iter().fold(0u64, |bits, byte| bits << 8 | u64::from(*byte));
        (bits % 100_000) as u32
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::{IdentityKey, IdentitySeed};

    #[test]
    fn both_sides_read_the_same_sixty_digits() {
        let [alice, bob, mallory] =
            [1, 2, 3].map(|seed| IdentityKey::from_seed(&IdentitySeed::from_bytes(&[seed; 32])).public());
        let [a, b] = [1, 2].map(|id| AccountId::from_bytes([id; 16]));
        let number = SafetyNumber::between((a, &alice), (b, &bob));
        assert_eq!(number, SafetyNumber::between((b, &bob), (a, &alice)));
        assert_ne!(number, SafetyNumber::between((a, &alice), (b, &mallory)));
        let text = number.to_string();
        assert_eq!(text.split(' ').count(), 12);
        assert!(text.split(' ').all(|group| group.len() == 5 && group.bytes().all(|b| b.is_ascii_digit())));
    }
}
