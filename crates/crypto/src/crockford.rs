//! Crockford's base32: five bits a character, no I, L, O, U, read back as people type it.

use zeroize::Zeroizing;

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The character of the five low bits.
pub(crate) fn character(value: u8) -> char {
    char::from(ALPHABET[usize::from(value & 31)])
}

/// The five bits of a character, in any case; `O` counts as `0`, `I` and `L` as `1`.
pub(crate) fn value_of(character: char) -> Option<u8> {
    let character = match character.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    };
    ALPHABET.iter().position(|letter| char::from(*letter) == character).map(|place| place as u8)
}

/// What was typed, without the spaces and dashes that only make it readable.
pub(crate) fn bare(typed: &str) -> impl Iterator<Item = char> + Clone {
    typed.chars().filter(|c| !c.is_whitespace() && !matches!(c, '-' | '–' | '—'))
}

/// The five-bit values of bytes, most significant bit first. Their number must be a multiple of five.
pub(crate) fn values(bytes: &[u8]) -> impl Iterator<Item = u8> {
    bytes.chunks_exact(5).flat_map(|group| {
        let bits = group.iter().fold(0u64, |bits, byte| bits << 8 | u64::from(*byte));
        (0..8).rev().map(move |place| (bits >> (place * 5) & 31) as u8)
    })
}

/// Puts five-bit values together again: eight of them are five bytes.
pub(crate) fn fill(bytes: &mut [u8], values: &[u8]) {
    for (byte_group, value_group) in bytes.chunks_exact_mut(5).zip(values.chunks_exact(8)) {
        let bits = value_group.iter().fold(0u64, |bits, value| bits << 5 | u64::from(*value));
        byte_group.copy_from_slice(&bits.to_be_bytes()[3..]);
    }
}

/// Characters in groups of four with `-` between.
pub(crate) fn grouped(characters: impl Iterator<Item = char>) -> Zeroizing<String> {
    // Long enough for everything that is written so: a text that grew would leave pieces of itself behind.
    let mut text = Zeroizing::new(String::with_capacity(64));
    for (index, character) in characters.enumerate() {
        if index > 0 && index % 4 == 0 {
            text.push('-');
        }
        text.push(character);
    }
    text
}
