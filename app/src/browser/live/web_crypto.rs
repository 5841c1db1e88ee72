//! WebCrypto, where the page has it: secure contexts only.

use crypto::kdf::{KdfParams, StretchedPassword};
use js_sys::{Array, Object, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{CryptoKey, Pbkdf2Params, SubtleCrypto};

use super::window;

/// The page's WebCrypto. A page that came over plain HTTP from another machine has none.
pub(super) fn subtle() -> Option<SubtleCrypto> {
    let subtle = window().crypto().ok()?.subtle();
    // The binding cannot say "undefined".
    JsValue::from(&subtle).is_object().then_some(subtle)
}

/// PBKDF2 off the main thread, at a quarter of the time that WebAssembly takes.
pub(super) async fn stretch(
    subtle: &SubtleCrypto,
    params: &KdfParams,
    password: &str,
) -> Result<StretchedPassword, JsValue> {
    let password = Uint8Array::from(password.as_bytes());
    let key = import_raw(subtle, &password, "PBKDF2", &["deriveBits"]).await?;
    password.fill(0, 0, password.length());
    let salt: Object = Uint8Array::from(params.salt().as_slice()).into();
    let algorithm = Pbkdf2Params::new_with_str("PBKDF2", "SHA-256", params.iterations(), &salt);
    let bits = JsFuture::from(subtle.derive_bits_with_object(&algorithm, &key, 256)?).await?;
    let bits = Uint8Array::new(&bits);
    let mut bytes = zeroize::Zeroizing::new([0; 32]);
    bits.copy_to(&mut *bytes);
    bits.fill(0, 0, bits.length());
    Ok(StretchedPassword::from_bytes(&bytes))
}

/// A key that scripts can use but not read.
pub(super) async fn import_raw(
    subtle: &SubtleCrypto,
    bytes: &Uint8Array,
    algorithm: &str,
    usages: &[&str],
) -> Result<CryptoKey, JsValue> {
    let promise = subtle.import_key_with_str("raw", bytes, algorithm, false, &usage_list(usages))?;
    Ok(JsFuture::from(promise).await?.unchecked_into())
}

/// Usages, as WebCrypto takes them.
pub(super) fn usage_list(usages: &[&str]) -> JsValue {
    usages.iter().map(|usage| JsValue::from(*usage)).collect::<Array>().into()
}
