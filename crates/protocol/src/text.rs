//! Strings in requests. U+0000 is refused where they are parsed: databases, logs and terminals cut or mangle it.

use serde::{Deserialize, Deserializer, de::Error};

/// For `deserialize_with` of a string.
pub(crate) fn string<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    without_nul(String::deserialize(deserializer)?)
}

/// For `deserialize_with` of a string that may be missing.
pub(crate) fn optional_string<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    Option::<String>::deserialize(deserializer)?.map(without_nul).transpose()
}

fn without_nul<E: Error>(text: String) -> Result<String, E> {
    if text.contains('\0') {
        return Err(E::custom("a text holds the character U+0000"));
    }
    Ok(text)
}

/// Control characters, line and paragraph separators, what has no width, and the marks that turn the direction of
/// writing: nothing of it belongs into a name or an address.
pub fn is_control(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}
