//! Time, as the person before the screen reads it.

use js_sys::{Date, Object, Reflect};
use wasm_bindgen::JsValue;

use super::window;
use crate::browser::Moment;

const DAY_MS: f64 = 86_400_000.0;
const MINUTE_MS: f64 = 60_000.0;

/// Milliseconds since 1970.
#[expect(clippy::disallowed_methods, reason = "the page's own clock")]
pub fn now_ms() -> u64 {
    Date::now() as u64
}

/// A point in time, in the zone of this browser.
pub fn moment(at_ms: u64) -> Moment {
    let date = Date::new(&JsValue::from_f64(at_ms as f64));
    if date.get_time().is_nan() {
        return Moment::default();
    }
    let local_ms = date.get_time() - date.get_timezone_offset() * MINUTE_MS;
    let language = window().navigator().language().unwrap_or_else(|| "en".to_owned());
    Moment {
        day: (local_ms / DAY_MS).floor() as i64,
        iso: date.to_iso_string().into(),
        time: format(&language, &[("hour", "2-digit"), ("minute", "2-digit")], &date),
        short_day: format("en-GB", &[("day", "numeric"), ("month", "short")], &date),
        weekday: format("en-GB", &[("weekday", "short")], &date),
        long_day: format(
            "en-GB",
            &[("weekday", "long"), ("day", "numeric"), ("month", "long"), ("year", "numeric")],
            &date,
        ),
    }
}

fn format(language: &str, parts: &[(&str, &str)], date: &Date) -> String {
    let options = Object::new();
    for (part, form) in parts {
        // A plain object takes every property.
        let _ = Reflect::set(&options, &(*part).into(), &(*form).into());
    }
    date.to_locale_string(language, &options).into()
}
