//! Data for programs: one JSON object a line.

use std::fmt::Write;

use serde::Serialize;

use super::{data, shown::is_hidden};
use crate::terminal::ending::Problem;

/// Prints one object on one line.
pub(in crate::terminal) fn object(value: &impl Serialize) -> Result<(), Problem> {
    data(line(value))
}

/// The line. What a terminal would not show stands there as JSON's own escape.
fn line(value: &impl Serialize) -> String {
    let json = serde_json::to_string(value).expect("what is printed is a plain struct");
    let mut line = String::with_capacity(json.len());
    for c in json.chars() {
        if is_hidden(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(line, "\\u{unit:04x}").expect("a string takes all");
            }
        } else {
            line.push(c);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_line_says_the_same_and_steers_nothing(text in any::<String>()) {
            let line = line(&[&text]);
            prop_assert!(!line.chars().any(is_hidden));
            prop_assert_eq!(serde_json::from_str::<Vec<String>>(&line).unwrap(), [text]);
        }
    }

    #[test]
    fn escapes_are_those_of_json() {
        assert_eq!(
            line(&"\u{1b}\u{9b}\u{202e}\u{7f}\u{e0041}é"),
            r#""\u001b\u009b\u202e\u007f\udb40\udc41é""#
        );
    }
}
