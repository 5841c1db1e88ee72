//! A letter's parts. Text and HTML are written from the same parts, so they cannot say different things.

use std::fmt::Write;

/// A letter before it is written down.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub(super) subject: String,
    parts: Vec<Part>,
}

#[derive(Clone, Debug)]
enum Part {
    Paragraph(String),
    /// Something to follow, and what to say of it.
    Link {
        said: &'static str,
        url: String,
    },
    /// Something to copy, on a line of its own.
    Code(String),
}

/// Closes every letter.
const SIGNED: &str = "Secure Messaging";

impl Layout {
    /// A letter to somebody of this name, if one is known.
    pub(super) fn to(greeted: Option<&str>, subject: impl Into<String>) -> Self {
        let greeting = greeted.map_or("Hello,".to_owned(), |name| format!("Hello {name},"));
        Self { subject: subject.into(), parts: vec![Part::Paragraph(greeting)] }
    }

    pub(super) fn paragraph(mut self, text: impl Into<String>) -> Self {
        self.parts.push(Part::Paragraph(text.into()));
        self
    }

    pub(super) fn link(mut self, said: &'static str, url: String) -> Self {
        self.parts.push(Part::Link { said, url });
        self
    }

    pub(super) fn code(mut self, code: &str) -> Self {
        self.parts.push(Part::Code(code.to_owned()));
        self
    }

    /// The letter as plain text.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Paragraph(paragraph) => text.push_str(&wrapped(paragraph)),
                Part::Link { said, url } => {
                    text.push_str(&wrapped(&format!("{said}:")));
                    text.push('\n');
                    text.push_str(url);
                }
                Part::Code(code) => {
                    text.push_str("    ");
                    text.push_str(code);
                }
            }
            text.push_str("\n\n");
        }
        text + "-- \n" + SIGNED + "\n"
    }

    /// The letter as HTML: nothing in it is fetched from anywhere.
    pub(super) fn html(&self) -> String {
        let mut body = String::new();
        for part in &self.parts {
            match part {
                Part::Paragraph(paragraph) => writeln!(body, "<p>{}</p>", Escaped(paragraph)),
                Part::Link { said, url } => {
                    writeln!(
                        body,
                        "<p>{}:<br><a href=\"{url}\">{url}</a></p>",
                        Escaped(said),
                        url = Escaped(url)
                    )
                }
                Part::Code(code) => writeln!(body, "<p><code>{}</code></p>", Escaped(code)),
            }
            .expect("a String takes text");
        }
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>{}</title>\n</head>\n\
             <body>\n{body}<p>{SIGNED}</p>\n</body>\n</html>\n",
            Escaped(&self.subject)
        )
    }
}

/// Text in HTML, between tags and in quotes.
struct Escaped<'a>(&'a str);

impl std::fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// Lines of at most 76 characters, as mail is read everywhere; a longer word has a line of its own.
fn wrapped(text: &str) -> String {
    const WIDTH: usize = 76;
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is a first line");
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= WIDTH {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_person_wrote_is_text_in_both_parts() {
        let layout = Layout::to(Some("<b>&\"'"), "A <subject>")
            .paragraph("<script>alert(1)</script>")
            .link("Open <it>", "https://chat.example.org/#\"><img src=x>".to_owned())
            .code("<code>");
        let (text, html) = (layout.text(), layout.html());
        assert!(text.contains("Hello <b>&\"',") && text.contains("<script>alert(1)</script>"), "{text}");
        for markup in ["<script", "<b>", "<img", "<it>", "<subject>", "<code><code>"] {
            assert!(!html.contains(markup), "{markup}: {html}");
        }
        assert!(html.contains("&lt;b&gt;&amp;&quot;&#39;"), "{html}");
    }

    #[test]
    fn lines_of_text_are_short_and_words_stay_whole() {
        let text = wrapped(&"word ".repeat(50));
        assert!(text.lines().all(|line| line.len() <= 76) && text.lines().count() == 4, "{text}");
        let long = "x".repeat(200);
        assert_eq!(wrapped(&format!("a {long} b")), format!("a\n{long}\nb"));
    }
}
