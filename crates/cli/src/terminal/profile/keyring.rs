//! The kernel's keyring: where the key of a profile stands between two commands, in memory only, out of reach of other users,
//! until the machine is switched off.

use std::{env, path::Path};

use crypto::local_key::LocalKey;
use linux_keyutils::{KeyPermissionsBuilder, KeyRing, KeyRingIdentifier, Permission};
use zeroize::Zeroizing;

/// As long as a session lasts that nobody uses.
const SECONDS_UNUSED: usize = 7 * 24 * 60 * 60;
/// `off` in here: the key is kept nowhere, and each command asks for the password.
const SWITCH: &str = "SECURE_MESSAGING_KEYRING";

/// The key of a profile, if the keyring has it.
pub(in crate::terminal) fn find(profile: &Path) -> Option<LocalKey> {
    let mut bytes = Zeroizing::new([0; 32]);
    let key = ring()?.search(&name(profile)).ok()?;
    let length = key.read(&mut *bytes).ok()?;
    // It is in use: its week begins anew.
    let _ = key.set_timeout(SECONDS_UNUSED);
    (length == bytes.len()).then(|| LocalKey::from_bytes(&bytes))
}

/// Keeps the key of a profile. Where it cannot be kept, each command asks for the password.
pub(in crate::terminal) fn keep(profile: &Path, key: &LocalKey) -> bool {
    let Some(ring) = ring() else { return false };
    let Ok(kept) = ring.add_key(&name(profile), key.expose_bytes()) else { return false };
    // Whoever is this user may read it, from whichever session of the machine; nobody else may know that it is there.
    let mine = KeyPermissionsBuilder::builder().posessor(Permission::ALL).user(Permission::ALL).build();
    let is_kept = kept.set_perms(mine).is_ok() && kept.set_timeout(SECONDS_UNUSED).is_ok();
    is_kept && find(profile).as_ref() == Some(key)
}

/// Forgets it.
pub(in crate::terminal) fn forget(profile: &Path) {
    let key = ring().and_then(|ring| ring.search(&name(profile)).ok());
    if let Some(key) = key {
        // A key that cannot be taken out at once is worthless: what it opened is gone.
        if key.invalidate().is_err() {
            let _ = key.revoke();
        }
    }
}

/// Whether there is one, and it is wanted.
pub(in crate::terminal) fn is_there() -> bool {
    ring().is_some()
}

fn ring() -> Option<KeyRing> {
    if env::var_os(SWITCH).is_some_and(|switch| switch == "off") {
        return None;
    }
    KeyRing::from_special_id(KeyRingIdentifier::User, true).ok()
}

fn name(profile: &Path) -> String {
    format!("secure-messaging:{}", profile.display())
}
