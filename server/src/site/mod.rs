//! The site: the files that the browser fetches, inside the binary or in a folder.

use std::path::{Component, Path, PathBuf};

use axum::body::Bytes;

mod embedded;

/// The name of the WebAssembly and its script while they are built without a hash (cargo-leptos, or no site at all).
const PLAIN_OUTPUT_NAME: &str = "secure-messaging";

/// Where the files come from.
#[derive(Clone, Debug)]
pub(crate) enum Site {
    /// The binary holds them, compressed, under names that change with their content.
    Embedded,
    /// A folder holds them, under names that stay: for development.
    Folder(PathBuf),
    /// cargo-leptos puts them into a folder and rebuilds them while one edits. Style sheets that others import it leaves
    /// where they are.
    Watched {
        /// Its folder.
        site: PathBuf,
        /// The folder of the style sheets.
        style: PathBuf,
    },
    /// Nowhere: the server was built without them.
    Missing,
}

/// A file as it goes out.
#[derive(Debug)]
pub(crate) struct Asset {
    pub(crate) content: Bytes,
    /// Its `Content-Type`.
    pub(crate) media_type: &'static str,
    /// Its `Content-Encoding`, when it is compressed.
    pub(crate) encoding: Option<&'static str>,
    pub(crate) lasts: Lasts,
}

/// How long what stands at an address stays the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lasts {
    /// The name says what is inside.
    Forever,
    /// Until the next version of the server, perhaps.
    ADay,
    /// Somebody is editing it.
    NotAtAll,
}

/// The encodings that a browser takes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Accepted {
    pub(crate) brotli: bool,
    pub(crate) gzip: bool,
}

impl Site {
    /// The embedded site, unless a folder is given.
    pub(crate) fn of(folder: Option<PathBuf>) -> Self {
        match folder {
            Some(folder) => Self::Folder(folder),
            None if embedded::OUTPUT_NAME.is_some() => Self::Embedded,
            None => Self::Missing,
        }
    }

    /// What the WebAssembly, its script and the style sheet are called, before the dot.
    pub(crate) fn output_name(&self) -> &'static str {
        match self {
            Self::Embedded => embedded::OUTPUT_NAME.unwrap_or(PLAIN_OUTPUT_NAME),
            Self::Folder(_) | Self::Watched { .. } | Self::Missing => PLAIN_OUTPUT_NAME,
        }
    }

    /// The file at this address.
    pub(crate) async fn find(&self, path: &str, accepted: Accepted) -> Option<Asset> {
        match self {
            Self::Embedded => embedded::find(path, accepted),
            Self::Folder(folder) => read(folder, path).await,
            Self::Watched { site, style } => match (read(site, path).await, path.strip_prefix("/pkg")) {
                (None, Some(imported)) if imported.ends_with(".css") => read(style, imported).await,
                (found, _) => found,
            },
            Self::Missing => None,
        }
    }
}

async fn read(folder: &Path, path: &str) -> Option<Asset> {
    let relative = Path::new(path.strip_prefix('/')?);
    if !relative.components().all(|component| matches!(component, Component::Normal(_))) {
        return None;
    }
    let content = tokio::fs::read(folder.join(relative)).await.ok()?;
    let media_type = media_type(path);
    Some(Asset { content: content.into(), media_type, encoding: None, lasts: Lasts::NotAtAll })
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "css" => "text/css; charset=utf-8",
        "ico" => "image/x-icon",
        "js" => "text/javascript; charset=utf-8",
        "json" => "application/json",
        "png" => "image/png",
        "svg" => "image/svg+xml",
        "txt" => "text/plain; charset=utf-8",
        "wasm" => "application/wasm",
        "webmanifest" => "application/manifest+json",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_folder_gives_its_files_and_nothing_outside_of_it() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("site")).unwrap();
        std::fs::write(folder.path().join("site/a.css"), "a{}").unwrap();
        std::fs::write(folder.path().join("secret"), "s").unwrap();
        let site = Site::of(Some(folder.path().join("site")));
        let found = site.find("/a.css", Accepted::default()).await.unwrap();
        assert_eq!((&found.content[..], found.media_type), (&b"a{}"[..], "text/css; charset=utf-8"));
        for path in ["/../secret", "//etc/passwd", "/./../secret", "", "/", "/lost.css"] {
            assert!(site.find(path, Accepted::default()).await.is_none(), "{path}");
        }
    }

    #[tokio::test]
    async fn while_one_edits_imported_style_sheets_are_found_where_they_are_written() {
        let folder = tempfile::tempdir().unwrap();
        let [site, style] = ["site", "style"].map(|name| folder.path().join(name));
        std::fs::create_dir_all(site.join("pkg")).unwrap();
        std::fs::create_dir(&style).unwrap();
        std::fs::write(site.join("pkg/secure-messaging.css"), "@import \"base.css\"").unwrap();
        std::fs::write(style.join("base.css"), "a{}").unwrap();
        std::fs::write(style.join("notes.txt"), "n").unwrap();
        let site = Site::Watched { site, style };
        for path in ["/pkg/secure-messaging.css", "/pkg/base.css"] {
            assert_eq!(site.find(path, Accepted::default()).await.unwrap().lasts, Lasts::NotAtAll, "{path}");
        }
        for path in ["/base.css", "/pkg/notes.txt", "/pkg/lost.css", "/pkg/../style/base.css"] {
            assert!(site.find(path, Accepted::default()).await.is_none(), "{path}");
        }
    }
}
