//! Text from outside, as a terminal may see it.

use std::fmt;

/// A text that somebody else wrote, safe to print: what would steer a terminal, turn the direction of writing or have no
/// width stands there as its escape, `\u{1b}`.
///
/// Everything that comes from the server, from other people or from files goes through here on its way to a terminal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shown<'a> {
    text: &'a str,
    lines: Lines<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Lines<'a> {
    /// All on one line: a line break is an escape too.
    One,
    /// The lines after the first begin with this, so that none of them can pass for something else.
    Several { margin: &'a str },
}

impl<'a> Shown<'a> {
    /// On one line.
    pub(crate) fn line(text: &'a str) -> Self {
        Self { text, lines: Lines::One }
    }

    /// On several lines, all but the first after a margin.
    pub(crate) fn block(text: &'a str, margin: &'a str) -> Self {
        Self { text, lines: Lines::Several { margin } }
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut before = None;
        let mut characters = self.text.chars().peekable();
        while let Some(c) = characters.next() {
            let is_part = is_part_of_a_picture(before, c);
            match (c, self.lines) {
                ('\r', Lines::Several { .. }) if characters.peek() == Some(&'\n') => {}
                ('\n', Lines::Several { margin }) => write!(f, "\n{margin}")?,
                ('\n', Lines::One) => f.write_str("\\n")?,
                ('\t', _) => f.write_str("    ")?,
                _ if is_hidden(c) && !is_part => write!(f, "{}", c.escape_unicode())?,
                _ => write!(f, "{c}")?,
            }
            // What was escaped is no picture's part.
            before = (is_part || !is_hidden(c)).then_some(c);
        }
        Ok(())
    }
}

/// Whether a character is not seen where it stands: controls (C0, C1, delete), marks that turn the direction of writing,
/// what has no width, and what Unicode calls default-ignorable.
pub(crate) fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// The joiner and the variation selector that stand behind a picture make one picture of several, and steer nothing.
fn is_part_of_a_picture(before: Option<char>, c: char) -> bool {
    let behind_picture =
        matches!(before, Some('\u{2190}'..='\u{2bff}' | '\u{1f000}'..='\u{1faff}' | '\u{fe0f}'));
    match c {
        '\u{fe0f}' => behind_picture && before != Some('\u{fe0f}'),
        '\u{200d}' => behind_picture,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_steers_a_terminal_is_seen_and_not_done() {
        for (hostile, shown) in [
            ("\u{1b}[2J", "\\u{1b}[2J"),
            ("\u{1b}]52;c;ZXZpbA==\u{7}", "\\u{1b}]52;c;ZXZpbA==\\u{7}"),
            ("\u{1b}]8;;https://evil.example\u{1b}\\here", "\\u{1b}]8;;https://evil.example\\u{1b}\\here"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("a\u{7f}b\u{8}c", "a\\u{7f}b\\u{8}c"),
            ("\u{202e}gpj.exe", "\\u{202e}gpj.exe"),
            ("\u{2066}x\u{2069}", "\\u{2066}x\\u{2069}"),
            ("b\u{200b}ob", "b\\u{200b}ob"),
            ("\u{e0041}", "\\u{e0041}"),
            ("over\rwritten", "over\\u{d}written"),
            ("one\ntwo\tthree", "one\\ntwo    three"),
        ] {
            assert_eq!(Shown::line(hostile).to_string(), shown);
        }
    }

    #[test]
    fn a_second_line_cannot_pass_for_another_message() {
        let faked = "Hi\r\nFrom: carol\nMessage: pay";
        assert_eq!(
            Shown::block(faked, "         ").to_string(),
            "Hi\n         From: carol\n         Message: pay"
        );
    }

    #[test]
    fn pictures_and_letters_of_the_world_stay_as_they_are() {
        for text in ["❤️", "👩‍👩‍👧", "🏳️‍🌈", "Grüße 🎉", "日本語", "مرحبا", "e\u{301}"]
        {
            assert_eq!(Shown::line(text).to_string(), text);
        }
        assert_eq!(Shown::line("a\u{fe0f}\u{200d}").to_string(), "a\\u{fe0f}\\u{200d}");
    }

    proptest! {
        #[test]
        fn nothing_that_is_shown_is_hidden(text in any::<String>(), margin in " {0,4}") {
            for shown in [Shown::line(&text).to_string(), Shown::block(&text, &margin).to_string()] {
                let is_harmless = |c: char| c == '\n' || c == '\u{fe0f}' || c == '\u{200d}' || !is_hidden(c);
                prop_assert!(shown.chars().all(is_harmless), "{shown:?}");
            }
            prop_assert!(!Shown::line(&text).to_string().contains('\n'));
        }

        #[test]
        fn what_is_visible_is_not_changed(text in "[ -~äß日]*") {
            prop_assert_eq!(Shown::line(&text).to_string(), text);
        }
    }
}
