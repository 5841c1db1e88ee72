//! A QR code.

use core::fmt::Write;

use leptos::prelude::*;
use qrcode::{Color, EcLevel, QrCode};

/// Light modules on each side, without which cameras do not find the code (ISO/IEC 18004 section 9.1).
const QUIET_ZONE: usize = 4;

/// Draws a text as a QR code: dark on white by day and by night, since many cameras read nothing else. What is too long for
/// a code is not drawn.
#[component]
pub fn QrCodeView(
    /// What the code says.
    text: String,
    /// What screen readers say.
    label: &'static str,
) -> impl IntoView {
    drawn(&text).map(|Drawn { side, path }| {
        view! {
            <svg
                class="qr-code"
                viewBox=format!("0 0 {side} {side}")
                role="img"
                aria-label=label
                shape-rendering="crispEdges"
            >
                <path d=path />
            </svg>
        }
    })
}

struct Drawn {
    side: usize,
    path: String,
}

/// One path for all dark modules: each row's runs as rectangles of height 1.
fn drawn(text: &str) -> Option<Drawn> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    let (width, modules) = (code.width(), code.to_colors());
    let mut path = String::new();
    for (y, row) in modules.chunks(width).enumerate() {
        let mut x = 0;
        for run in row.chunk_by(|one, next| one == next) {
            if run.first() == Some(&Color::Dark) {
                let (left, top, long) = (x + QUIET_ZONE, y + QUIET_ZONE, run.len());
                // Writing to a string does not fail.
                let _ = write!(path, "M{left} {top}h{long}v1h-{long}z");
            }
            x += run.len();
        }
    }
    Some(Drawn { side: width + 2 * QUIET_ZONE, path })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_covers_exactly_the_dark_modules() {
        let text = "otpauth://totp/Secure%20Messaging:alice?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
        let Drawn { side, path } = drawn(text).unwrap();
        let code = QrCode::with_error_correction_level(text, EcLevel::M).unwrap();
        assert_eq!(side, code.width() + 8);
        let mut dark = 0;
        for run in path.split('M').filter(|run| !run.is_empty()) {
            let (corner, rest) = run.split_once('h').unwrap();
            let (x, y) = corner.split_once(' ').unwrap();
            let (x, y): (usize, usize) = (x.parse().unwrap(), y.parse().unwrap());
            let long: usize = rest.split_once('v').unwrap().0.parse().unwrap();
            for x in x..x + long {
                assert_eq!(code[(x - 4, y - 4)], Color::Dark);
                dark += 1;
            }
        }
        assert_eq!(dark, code.to_colors().iter().filter(|module| **module == Color::Dark).count());
    }

    #[test]
    fn what_no_code_can_hold_is_not_drawn() {
        assert!(drawn(&"x".repeat(5_000)).is_none());
    }
}
