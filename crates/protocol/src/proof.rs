//! The password (and the second factor, where it is on) once more, before something that cannot be taken back.

use crypto::kdf::AuthKey;
use serde::{Deserialize, Serialize};

use crate::second_factor::SecondFactorCode;

/// That it is the owner who asks, and not somebody at an open screen.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// The half of the password that the server may check.
    pub auth_key: AuthKey,
    /// A code, where the second factor is on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<SecondFactorCode>,
}
