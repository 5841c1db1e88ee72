//! One style sheet from many: `@import`s are replaced by what they name, and the whole is minified.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, anyhow, bail};
use lightningcss::{
    printer::PrinterOptions,
    rules::{CssRule, import::ImportRule},
    stylesheet::{MinifyOptions, ParserOptions, StyleSheet},
    traits::ToCss,
};

/// The whole style sheet, with all that it imports, minified.
pub(crate) fn bundle(main: &Path) -> Result<String> {
    let text = joined(main, &mut Vec::new())?;
    let mut sheet = parsed(&text, main)?;
    sheet.minify(MinifyOptions::default()).map_err(|error| anyhow!("{}: {error}", main.display()))?;
    let minified = sheet.to_css(PrinterOptions { minify: true, ..PrinterOptions::default() });
    Ok(minified.map_err(|error| anyhow!("{}: {error}", main.display()))?.code)
}

/// The file's text with the text of its imports in their place.
fn joined(file: &Path, above: &mut Vec<PathBuf>) -> Result<String> {
    let text = fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    if above.iter().any(|importing| importing == file) {
        bail!("{} imports itself", file.display());
    }
    above.push(file.to_owned());
    let mut whole = String::new();
    for rule in &parsed(&text, file)?.rules.0 {
        match rule {
            CssRule::Import(import) => whole.push_str(&imported(import, file, above)?),
            CssRule::Ignored => {}
            other => whole.push_str(&other.to_css_string(PrinterOptions::default())?),
        }
        whole.push('\n');
    }
    above.pop();
    Ok(whole)
}

fn imported(import: &ImportRule, from: &Path, above: &mut Vec<PathBuf>) -> Result<String> {
    if import.supports.is_some() || !import.media.media_queries.is_empty() {
        bail!("{}: write the condition of `@import {}` into the imported file", from.display(), import.url);
    }
    if import.url.contains(':') || import.url.starts_with('/') {
        bail!("{}: `@import {}` does not name a file beside it", from.display(), import.url);
    }
    let file = from.parent().unwrap_or(Path::new("")).join(&*import.url);
    let text = joined(&file, above)?;
    Ok(match &import.layer {
        None => text,
        Some(None) => format!("@layer {{\n{text}}}\n"),
        Some(Some(name)) => {
            format!("@layer {} {{\n{text}}}\n", name.to_css_string(PrinterOptions::default())?)
        }
    })
}

fn parsed<'text>(text: &'text str, file: &Path) -> Result<StyleSheet<'text>> {
    let options = ParserOptions { filename: file.display().to_string(), ..ParserOptions::default() };
    StyleSheet::parse(text, options).map_err(|error| match &error.loc {
        Some(at) => anyhow!("{}:{}:{}: {}", file.display(), at.line + 1, at.column, error.kind),
        None => anyhow!("{}: {}", file.display(), error.kind),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundled(files: &[(&str, &str)]) -> Result<String> {
        let folder = std::env::temp_dir().join(format!("styles-{}-{}", std::process::id(), files[0].1.len()));
        fs::create_dir_all(&folder)?;
        for (name, text) in files {
            fs::write(folder.join(name), text)?;
        }
        let css = bundle(&folder.join("main.css"));
        fs::remove_dir_all(&folder)?;
        css
    }

    #[test]
    fn imports_stand_where_they_were_named_and_keep_their_layer() {
        let css = bundled(&[
            (
                "main.css",
                "@layer base, parts;\n@import \"a.css\" layer(base);\n@import \"b.css\";\np { color: red }",
            ),
            ("a.css", "a { color: #ff0000; }"),
            ("b.css", "@import \"c.css\";\nb { margin: 0px }"),
            ("c.css", "i { color: light-dark(white, black) }"),
        ])
        .unwrap();
        assert_eq!(
            css,
            "@layer base{a{color:red}}@layer parts;i{color:light-dark(#fff,#000)}b{margin:0}p{color:red}"
        );
    }

    #[test]
    fn mistakes_name_their_file() {
        let circle = bundled(&[("main.css", "@import \"main.css\";")]).unwrap_err();
        assert!(circle.to_string().contains("imports itself"), "{circle}");
        let lost = bundled(&[("main.css", "@import \"lost.css\"; ")]).unwrap_err();
        assert!(lost.to_string().contains("lost.css"), "{lost}");
        let broken = bundled(&[("main.css", "a { color: red }\n}  ")]).unwrap_err();
        assert!(broken.to_string().contains("main.css:2:"), "{broken}");
    }
}
