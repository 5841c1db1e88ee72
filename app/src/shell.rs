//! The document around the pages.

use leptos::{nonce::use_nonce, prelude::*};
use leptos_meta::MetaTags;

use crate::App;

/// Where the page's own files are fetched from. Put it into the context when the names hold a hash of the content;
/// without it the plain names are taken, as cargo-leptos serves them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteAssets {
    /// The module that loads the WebAssembly.
    pub js: String,
    /// The WebAssembly.
    pub wasm: String,
    /// The style sheet.
    pub css: String,
}

impl SiteAssets {
    fn plain(options: &LeptosOptions) -> Self {
        let stem = format!("/{}/{}", options.site_pkg_dir, options.output_name);
        Self { js: format!("{stem}.js"), wasm: format!("{stem}.wasm"), css: format!("{stem}.css") }
    }
}

/// Where Trusted Types are enforced, strings become markup only through this: the fragments without anything dynamic in
/// them that the framework draws from text. Nothing that people write comes this way, and nothing that runs would pass.
const ONLY_STILL_MARKUP: &str = r#"
if (window.trustedTypes) {
  const active = "script|i?frame|object|embed|applet|base|link|meta|style|template|math|foreign|animate|set|use";
  const loading = "on|src|style|href|xlink|action|form|data|background|ping|poster";
  const attribute = `(?: (?!${loading})[a-zA-Z-]+(?:="[^"<>]*")?| href="/(?![/\\\\\\s])[^"<>\\\\\\s]*")`;
  const markup = new RegExp(`^(?:[^<>]|</?(?!${active})[a-zA-Z][a-zA-Z0-9]*${attribute}*>)*$`, "i");
  trustedTypes.createPolicy("default", { createHTML: (text) => (markup.test(text) ? text : null) });
}
"#;

/// The HTML document. Its one script carries the nonce of the Content-Security-Policy.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    let SiteAssets { js, wasm, css } =
        use_context::<SiteAssets>().unwrap_or_else(|| SiteAssets::plain(&options));
    let start = format!(
        "{ONLY_STILL_MARKUP}import({js:?}).then(module => module.default({{ module_or_path: {wasm:?} }}).then(() => module.hydrate()))"
    );
    let nonce = use_nonce();
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8" />
                <meta
                    name="viewport"
                    content="width=device-width, initial-scale=1, viewport-fit=cover, interactive-widget=resizes-content"
                />
                <meta name="color-scheme" content="light dark" />
                <meta name="theme-color" media="(prefers-color-scheme: light)" content="#f7f4ee" />
                <meta name="theme-color" media="(prefers-color-scheme: dark)" content="#14191a" />
                <meta
                    name="description"
                    content="A messenger on your own server that cannot read your messages: end-to-end encrypted in the browser."
                />
                <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
                <link rel="stylesheet" href=css />
                <link rel="modulepreload" href=js nonce=nonce.clone() />
                <link rel="preload" href=wasm r#as="fetch" r#type="application/wasm" crossorigin="anonymous" />
                <AutoReload options />
                <script type="module" nonce=nonce>
                    {start}
                </script>
                <MetaTags />
            </head>
            <body>
                <App />
            </body>
        </html>
    }
}
