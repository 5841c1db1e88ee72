//! Secret bytes: filled in place, wiped on drop, compared in constant time, never printed.

use rand_core::CryptoRng;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// `N` secret bytes. The crate's secret types wrap it, so that equal bytes in different roles have different types.
/// They stand on the heap: moving the value moves a pointer, and leaves no copy on the stack that nobody wipes.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(crate) struct Secret<const N: usize>(Box<[u8; N]>);

impl<const N: usize> Secret<N> {
    /// Lets `fill` write the bytes where they will stay.
    pub(crate) fn filled_by(fill: impl FnOnce(&mut [u8; N])) -> Self {
        let mut secret = Self(Box::new([0; N]));
        fill(&mut secret.0);
        secret
    }

    pub(crate) fn random(rng: &mut impl CryptoRng) -> Self {
        Self::filled_by(|bytes| rng.fill_bytes(bytes))
    }

    pub(crate) fn copied_from(bytes: &[u8; N]) -> Self {
        Self::filled_by(|place| place.copy_from_slice(bytes))
    }

    pub(crate) fn expose(&self) -> &[u8; N] {
        &self.0
    }
}

impl<const N: usize> PartialEq for Secret<N> {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(other.0.as_ref()).into()
    }
}

impl<const N: usize> Eq for Secret<N> {}

/// Declares a secret type: its Debug is its name, its bytes leave only through `expose_bytes`.
macro_rules! secret_type {
    ($(#[$doc:meta])* $name:ident, $len:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq)]
        pub struct $name(pub(crate) $crate::secret::Secret<{ $len }>);

        impl $name {
            /// Takes bytes that another part of the device made or kept; the caller wipes its own copy.
            pub fn from_bytes(bytes: &[u8; $len]) -> Self {
                Self($crate::secret::Secret::copied_from(bytes))
            }

            /// The raw bytes: only for handing them to a cipher or to a sealed place.
            pub fn expose_bytes(&self) -> &[u8; $len] {
                self.0.expose()
            }
        }

        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    };
}

pub(crate) use secret_type;
