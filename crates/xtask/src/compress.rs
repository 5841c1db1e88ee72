//! Files as browsers fetch them: brotli for all that speak it, gzip for the rest, both made once, here.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::Result;

/// Files below this size gain nothing, in bytes.
const WORTH_COMPRESSING_BYTES: usize = 512;

/// Writes `file.br` and `file.gz` beside a file of text or code. Returns the number of bytes that a browser fetches.
pub(crate) fn beside(file: &Path) -> Result<usize> {
    let content = fs::read(file)?;
    if content.len() < WORTH_COMPRESSING_BYTES || !is_compressible(file) {
        return Ok(content.len());
    }
    let brotli = brotli(&content)?;
    fs::write(with_suffix(file, ".br"), &brotli)?;
    fs::write(with_suffix(file, ".gz"), gzip(&content)?)?;
    Ok(brotli.len())
}

fn is_compressible(file: &Path) -> bool {
    let extension = file.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    matches!(extension, "css" | "js" | "json" | "svg" | "txt" | "wasm" | "webmanifest" | "xml")
}

fn brotli(content: &[u8]) -> Result<Vec<u8>> {
    let parameters = brotli::enc::BrotliEncoderParams {
        quality: 11,
        lgwin: 22,
        size_hint: content.len(),
        ..Default::default()
    };
    let mut compressed = Vec::new();
    brotli::BrotliCompress(&mut &content[..], &mut compressed, &parameters)?;
    Ok(compressed)
}

fn gzip(content: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(content)?;
    Ok(encoder.finish()?)
}

fn with_suffix(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
