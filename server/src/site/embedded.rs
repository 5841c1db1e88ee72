//! The site inside the binary: see `build.rs`.

use axum::body::Bytes;

use super::{Accepted, Asset, Lasts, media_type};

struct File {
    path: &'static str,
    plain: &'static [u8],
    brotli: Option<&'static [u8]>,
    gzip: Option<&'static [u8]>,
}

include!(concat!(env!("OUT_DIR"), "/embedded_site.rs"));

pub(super) fn find(path: &str, accepted: Accepted) -> Option<Asset> {
    let at = FILES.binary_search_by(|file| file.path.cmp(path)).ok()?;
    let file = &FILES[at];
    let (content, encoding) = match (file.brotli, file.gzip) {
        (Some(brotli), _) if accepted.brotli => (brotli, Some("br")),
        (_, Some(gzip)) if accepted.gzip => (gzip, Some("gzip")),
        _ => (file.plain, None),
    };
    Some(Asset {
        content: Bytes::from_static(content),
        media_type: media_type(path),
        encoding,
        // The names under /pkg carry a hash of their content.
        lasts: if path.starts_with("/pkg/") { Lasts::Forever } else { Lasts::ADay },
    })
}
