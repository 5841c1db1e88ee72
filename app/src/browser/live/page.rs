//! The page as a whole: its marks, the clipboard, files to keep.

use js_sys::{Array, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, BlobPropertyBag, HtmlAnchorElement, HtmlElement, Url};

use super::{document, window};

/// Says on the document that the page is live.
pub fn mark_hydrated() {
    if let Some(body) = document().body() {
        // Fails only for a malformed name.
        let _ = body.set_attribute("data-hydrated", "");
    }
}

/// Puts a text into the clipboard; whether that was allowed.
pub async fn copy(text: &str) -> bool {
    let clipboard = window().navigator().clipboard();
    // The binding cannot say "undefined": pages from plain HTTP have no clipboard.
    JsValue::from(&clipboard).is_object() && JsFuture::from(clipboard.write_text(text)).await.is_ok()
}

/// Offers bytes as a file to keep; whether that worked.
pub fn download(file_name: &str, media_type: &str, bytes: &[u8]) -> bool {
    // Fails only when memory is exhausted, or where pages may not make files.
    offer(file_name, media_type, bytes).is_ok()
}

fn offer(file_name: &str, media_type: &str, bytes: &[u8]) -> Result<(), JsValue> {
    let kind = BlobPropertyBag::new();
    kind.set_type(media_type);
    let bytes = Uint8Array::from(bytes);
    let blob = Blob::new_with_u8_array_sequence_and_options(&Array::of1(&bytes), &kind)?;
    bytes.fill(0, 0, bytes.length());
    let url = Url::create_object_url_with_blob(&blob)?;
    let link: HtmlAnchorElement = document().create_element("a")?.unchecked_into();
    link.set_href(&url);
    link.set_download(file_name);
    link.click();
    Url::revoke_object_url(&url)
}

/// Opens the print dialogue.
pub fn print() {
    // Fails where printing is forbidden.
    let _ = window().print();
}

/// Moves the keyboard's place to the element of this id.
pub fn focus(id: &str) {
    if let Some(element) = document().get_element_by_id(id)
        && let Ok(element) = element.dyn_into::<HtmlElement>()
    {
        // Elements that cannot take it ignore it.
        let _ = element.focus();
    }
}

/// Whether the main pointer is a finger: then moving into a field would raise the keyboard over the page.
pub fn types_on_glass() -> bool {
    let query = window().match_media("(pointer: coarse)");
    query.ok().flatten().is_some_and(|query| query.matches())
}

/// What this browser is called in the list of sessions.
pub fn device_name() -> String {
    let agent = window().navigator().user_agent().unwrap_or_default();
    let find = |names: &[(&str, &'static str)]| {
        names.iter().find(|(token, _)| agent.contains(token)).map(|(_, name)| *name)
    };
    let browser =
        find(&[("Edg/", "Edge"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari")]);
    let system = find(&[
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS", "macOS"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(name), None) | (None, Some(name)) => name.to_owned(),
        (None, None) => "A browser".to_owned(),
    }
}
