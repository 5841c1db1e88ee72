//! The recovery key: made by the device at sign-up, shown once, opens the account key when the password is lost.
//!
//! 200 random bits and a 20-bit checksum in Crockford's base32 (no I, L, O, U), in eleven groups of four:
//! `K7QD-2M9X-…`. Whoever types it may use lower case, spaces, and the letters that look like digits.

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::{
    crockford,
    hash::{derive, sha256},
    secret::{Secret, secret_type},
};

/// Random bytes in a recovery key.
pub const RECOVERY_KEY_BYTES: usize = 25;
/// Groups of four characters in its text.
pub const RECOVERY_KEY_GROUPS: usize = 11;

const KEY_CHARS: usize = RECOVERY_KEY_BYTES * 8 / 5;
const CHECK_CHARS: usize = 4;

secret_type!(
    /// A recovery key. Its text is a secret of the user's: shown once, never stored, never sent.
    RecoveryKey,
    RECOVERY_KEY_BYTES
);

/// Why a typed recovery key was not taken. Nothing was sent anywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecoveryKeyTypo {
    /// Too few or too many characters.
    #[error("A recovery key has 11 groups of 4 characters: this one has {0} characters instead of 44")]
    Length(usize),
    /// A character that no recovery key has.
    #[error("A recovery key has only letters and digits, without U: look at group {0}")]
    Character(usize),
    /// All characters are possible, but together they are not a key.
    #[error("There is a typing error somewhere in this recovery key: compare it group by group")]
    Checksum,
}

impl RecoveryKey {
    /// A new key.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        Self(Secret::random(rng))
    }

    /// The text to show to its owner, in groups of four.
    pub fn to_text(&self) -> Zeroizing<String> {
        crockford::grouped(self.characters())
    }

    /// Reads what a person typed.
    ///
    /// # Errors
    /// [`RecoveryKeyTypo`], which says where to look.
    pub fn parse(typed: &str) -> Result<Self, RecoveryKeyTypo> {
        let characters = crockford::bare(typed);
        let count = characters.clone().count();
        if count != KEY_CHARS + CHECK_CHARS {
            return Err(RecoveryKeyTypo::Length(count));
        }
        let mut values = Zeroizing::new([0u8; KEY_CHARS + CHECK_CHARS]);
        for (index, (value, character)) in values.iter_mut().zip(characters).enumerate() {
            *value = crockford::value_of(character).ok_or(RecoveryKeyTypo::Character(index / 4 + 1))?;
        }
        let key = Self(Secret::filled_by(|bytes| crockford::fill(bytes, &values[..KEY_CHARS])));
        if key.checksum() != values[KEY_CHARS..] {
            return Err(RecoveryKeyTypo::Checksum);
        }
        Ok(key)
    }

    pub(crate) fn wrap_key(&self) -> Secret<32> {
        derive(self.0.expose(), b"", b"secure-messaging/1 recovery wrap")
    }

    fn characters(&self) -> impl Iterator<Item = char> {
        crockford::values(self.0.expose()).chain(self.checksum()).map(crockford::character)
    }

    fn checksum(&self) -> [u8; CHECK_CHARS] {
        let hash = sha256(&[b"secure-messaging/1 recovery checksum", self.0.expose()]);
        core::array::from_fn(|index| hash[index] & 31)
    }
}

/// One group of a recovery key that its owner is asked to type back, to show that it was written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecoveryKeyHint {
    /// Which group, counted from zero.
    pub group: usize,
}

impl RecoveryKeyHint {
    /// Two different groups, drawn anew each time.
    pub fn draw_two(rng: &mut impl CryptoRng) -> [Self; 2] {
        let mut bytes = [0; 2];
        rng.fill_bytes(&mut bytes);
        let first = usize::from(bytes[0]) % RECOVERY_KEY_GROUPS;
        let step = 1 + usize::from(bytes[1]) % (RECOVERY_KEY_GROUPS - 1);
        let second = (first + step) % RECOVERY_KEY_GROUPS;
        [Self { group: first.min(second) }, Self { group: first.max(second) }]
    }

    /// Whether `typed` is this group of `key`, with the same tolerance as [`RecoveryKey::parse`].
    pub fn matches(&self, key: &RecoveryKey, typed: &str) -> bool {
        let typed = typed.chars().filter(|c| !c.is_whitespace()).map(crockford::value_of);
        let wanted = key.characters().skip(self.group * 4).take(4).map(crockford::value_of);
        typed.eq(wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> RecoveryKey {
        RecoveryKey::from_bytes(&core::array::from_fn(|index| index as u8 * 9))
    }

    #[test]
    fn a_recovery_key_is_read_back_as_people_type_it() {
        let text = key().to_text();
        assert_eq!(text.split('-').count(), RECOVERY_KEY_GROUPS);
        assert_eq!(RecoveryKey::parse(&text).unwrap(), key());
        assert_eq!(RecoveryKey::parse(&text.to_lowercase().replace('-', " ")).unwrap(), key());
        assert_eq!(RecoveryKey::parse(&text.replace('0', "o").replace('1', "l")).unwrap(), key());
    }

    #[test]
    fn every_single_wrong_character_is_noticed() {
        let text = key().to_text();
        for (index, right) in text.char_indices().filter(|(_, c)| *c != '-') {
            for wrong in (0..32).map(crockford::character).filter(|wrong| *wrong != right) {
                let mut typed: Vec<char> = text.chars().collect();
                typed[index] = wrong;
                let typed: String = typed.into_iter().collect();
                // 20 bits of checksum: one error in a million passes, and none of these few hundred does.
                assert!(RecoveryKey::parse(&typed).is_err(), "{typed}");
            }
        }
    }

    #[test]
    fn a_typo_says_where_to_look() {
        let text = key().to_text();
        assert_eq!(RecoveryKey::parse("K7QD"), Err(RecoveryKeyTypo::Length(4)));
        let with_u = format!("{}U{}", &text[..5], &text[6..]);
        assert_eq!(RecoveryKey::parse(&with_u), Err(RecoveryKeyTypo::Character(2)));
    }

    #[test]
    fn the_typed_back_groups_are_checked() {
        let text = key().to_text();
        let groups: Vec<&str> = text.split('-').collect();
        for (group, right) in groups.iter().enumerate() {
            let hint = RecoveryKeyHint { group };
            assert!(hint.matches(&key(), &right.to_lowercase()));
            assert!(!hint.matches(&key(), "AAAA"));
            assert!(!hint.matches(&key(), &right[..3]));
        }
    }
}
