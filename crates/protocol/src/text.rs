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
