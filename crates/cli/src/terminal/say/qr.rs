//! A QR code of letters.

use qrcode::{Color, EcLevel, QrCode};

/// Light modules around the code, as readers need them.
const QUIET: usize = 2;

/// Two modules a letter, one above the other. The light ones are drawn, so that it reads on a dark terminal; cameras of today
/// read it the other way round too. `None`: the text is too long for a code.
pub(in crate::terminal) fn code(text: &str) -> Option<String> {
    let code = QrCode::with_error_correction_level(text, EcLevel::L).ok()?;
    let width = code.width();
    let light = |x: usize, y: usize| {
        let inside = (QUIET..width + QUIET).contains(&x) && (QUIET..width + QUIET).contains(&y);
        !inside || code[(x - QUIET, y - QUIET)] == Color::Light
    };
    let side = width + 2 * QUIET;
    let rows = (0..side).step_by(2).map(|y| {
        let letter = |x| match (light(x, y), y + 1 < side && light(x, y + 1)) {
            (true, true) => '█',
            (true, false) => '▀',
            (false, true) => '▄',
            (false, false) => ' ',
        };
        (0..side).map(letter).collect::<String>()
    });
    Some(rows.collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_as_wide_as_its_modules_and_half_as_high() {
        let drawn = code("otpauth://totp/x?secret=ABCDEFGHIJKLMNOP").unwrap();
        let widths: Vec<usize> = drawn.lines().map(|line| line.chars().count()).collect();
        assert!(widths.iter().all(|width| *width == widths[0]));
        assert_eq!(widths.len(), widths[0].div_ceil(2));
        assert!(drawn.lines().next().unwrap().chars().all(|letter| letter == '█'));
        assert_eq!(code(&"long ".repeat(2_000)), None);
    }
}
