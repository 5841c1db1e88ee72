//! The page's address: what follows its `#` never leaves the browser, so links carry their secrets there.

use wasm_bindgen::JsValue;
use zeroize::Zeroizing;

use super::window;

/// The value of `name` in an address that ends with `#name=value`.
pub fn fragment(name: &str) -> Option<Zeroizing<String>> {
    let hash = Zeroizing::new(window().location().hash().ok()?);
    let pairs = hash.trim_start_matches('#').split('&');
    let value = pairs.filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name)?.1;
    (!value.is_empty()).then(|| Zeroizing::new(value.to_owned()))
}

/// The same, and it is removed from the address bar and from the history: nobody reads it over a shoulder, and going
/// back does not bring it again.
pub fn take_fragment(name: &str) -> Option<Zeroizing<String>> {
    let value = fragment(name)?;
    // What cannot be removed stays: the token is good once, and the page goes on.
    let _ = remove_fragment();
    Some(value)
}

fn remove_fragment() -> Result<(), JsValue> {
    let (location, history) = (window().location(), window().history()?);
    let address = format!("{}{}", location.pathname()?, location.search()?);
    history.replace_state_with_url(&history.state()?, "", Some(&address))
}
