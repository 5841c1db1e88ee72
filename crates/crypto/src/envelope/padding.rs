//! Padding: what travels is one of a few lengths, so that an observer learns little from it.
//!
//! `length of content (u32) || content || zeros`, filled up to 256, 512, 1024, 2048 or 4096 bytes, then to Padmé's
//! lengths (at most 12 % more, and the length tells O(log log n) bits; Nikitin et al., PETS 2019).

use zeroize::Zeroizing;

use crate::CannotOpen;

/// Most bytes of content in one envelope: a long text; files go another way.
pub const MAX_CONTENT_BYTES: usize = 64 * 1024;

const LENGTH_BYTES: usize = 4;

/// The padded length for `content_len` bytes of content.
pub(crate) fn padded_len(content_len: usize) -> usize {
    bucket(LENGTH_BYTES + content_len)
}

/// Whether `len` is a length that padding produces.
pub(crate) fn is_padded_len(len: usize) -> bool {
    (bucket(0)..=padded_len(MAX_CONTENT_BYTES)).contains(&len) && bucket(len) == len
}

/// `content`, padded.
pub(crate) fn pad(content: &[u8]) -> Vec<u8> {
    let len = padded_len(content.len());
    // Room for the cipher's tag, so that sealing in place leaves no second copy of the text behind.
    let mut padded = Vec::with_capacity(len + crate::aead::TAG_BYTES);
    padded.extend_from_slice(&(content.len() as u32).to_be_bytes());
    padded.extend_from_slice(content);
    padded.resize(len, 0);
    padded
}

/// The content inside `padded`. Strict: one content has one padded form.
pub(crate) fn unpad(padded: Zeroizing<Vec<u8>>) -> Result<Zeroizing<Vec<u8>>, CannotOpen> {
    let (length, rest) = padded.split_first_chunk::<LENGTH_BYTES>().ok_or(CannotOpen)?;
    let length = u32::from_be_bytes(*length) as usize;
    if length > rest.len()
        || padded_len(length) != padded.len()
        || rest[length..].iter().any(|byte| *byte != 0)
    {
        return Err(CannotOpen);
    }
    Ok(Zeroizing::new(rest[..length].to_vec()))
}

fn bucket(len: usize) -> usize {
    match [256, 512, 1024, 2048, 4096].into_iter().find(|bucket| len <= *bucket) {
        Some(bucket) => bucket,
        None => padme(len),
    }
}

fn padme(len: usize) -> usize {
    let exponent = len.ilog2();
    let mantissa_bits = exponent.ilog2() + 1;
    let mask = (1 << (exponent - mantissa_bits)) - 1;
    (len + mask) & !mask
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_content_has_one_padded_form() {
        for len in (0..5000).chain([9_000, 33_333, MAX_CONTENT_BYTES]) {
            let content = vec![7; len];
            let padded = pad(&content);
            assert!(is_padded_len(padded.len()), "{len} → {}", padded.len());
            assert!(padded.len() <= 256 || padded.len() <= 2 * (len + LENGTH_BYTES));
            assert_eq!(unpad(Zeroizing::new(padded)).unwrap().as_slice(), content);
        }
    }

    #[test]
    fn padding_that_is_not_ours_does_not_open() {
        let mut longer = pad(b"text");
        longer.resize(512, 0);
        assert!(unpad(Zeroizing::new(longer)).is_err());

        let mut not_zero = pad(b"text");
        *not_zero.last_mut().unwrap() = 1;
        assert!(unpad(Zeroizing::new(not_zero)).is_err());

        let mut too_long = pad(b"text");
        too_long[..4].copy_from_slice(&u32::MAX.to_be_bytes());
        assert!(unpad(Zeroizing::new(too_long)).is_err());
        assert!(unpad(Zeroizing::new(vec![0; 3])).is_err());
    }

    #[test]
    fn the_limits_of_lengths_hold() {
        assert!(is_padded_len(padded_len(MAX_CONTENT_BYTES)));
        assert!(!is_padded_len(padded_len(MAX_CONTENT_BYTES) + 4096));
        assert!(!is_padded_len(0));
        assert!(!is_padded_len(257));
    }
}
