//! Time, as the person before the screen reads it.

use js_sys::{Array, Date, Function, Intl::DateTimeFormat, Object, Reflect};
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
    // An author's clock can claim a time that no calendar has.
    if date.get_time().is_nan() {
        return Moment::default();
    }
    let local_ms = date.get_time() - date.get_timezone_offset() * MINUTE_MS;
    FORMATS.with(|formats| Moment {
        day: (local_ms / DAY_MS).floor() as i64,
        iso: date.to_iso_string().into(),
        time: format(&formats.time, &date),
        short_day: format(&formats.short_day, &date),
        weekday: format(&formats.weekday, &date),
        long_day: format(&formats.long_day, &date),
    })
}

/// Making a format takes a hundred times as long as using it.
struct Formats {
    time: Function,
    short_day: Function,
    weekday: Function,
    long_day: Function,
}

thread_local! {
    static FORMATS: Formats = Formats::new();
}

impl Formats {
    /// The time of day as the browser's language writes it; days in the language of the page.
    fn new() -> Self {
        let language = window().navigator().language().unwrap_or_else(|| "en".to_owned());
        Self {
            time: formatter(&language, &[("hour", "2-digit"), ("minute", "2-digit")]),
            short_day: formatter("en-GB", &[("day", "numeric"), ("month", "short")]),
            weekday: formatter("en-GB", &[("weekday", "short")]),
            long_day: formatter(
                "en-GB",
                &[("weekday", "long"), ("day", "numeric"), ("month", "long"), ("year", "numeric")],
            ),
        }
    }
}

fn formatter(language: &str, parts: &[(&str, &str)]) -> Function {
    let options = Object::new();
    for (part, form) in parts {
        // A plain object takes every property.
        let _ = Reflect::set(&options, &(*part).into(), &(*form).into());
    }
    DateTimeFormat::new(&Array::of1(&language.into()), &options).format()
}

fn format(formatter: &Function, date: &Date) -> String {
    formatter.call1(&JsValue::UNDEFINED, date).ok().and_then(|text| text.as_string()).unwrap_or_default()
}
