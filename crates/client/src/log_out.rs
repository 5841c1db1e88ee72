//! Logging out where the account is locked: the password is not known here, and not needed.

use protocol::{
    Username,
    account::{CurrentSession, Logout},
    id::AccountId,
};

use crate::{
    Device, StoreUnavailable,
    device::Change,
    records::{all_of, kdf_record},
};

/// Ends the session of a locked account, if it still is this device's, and removes everything of the account from the
/// device, also what waits to be sent. Somebody else's session, which began here meanwhile, goes on.
///
/// # Errors
/// [`StoreUnavailable`]: something may be left on the device.
pub async fn log_out_locked(
    device: &impl Device,
    username: &Username,
    account: Option<AccountId>,
) -> Result<(), StoreUnavailable> {
    let current = device.call(CurrentSession {}).await.ok().filter(|now| now.username == *username);
    if current.is_some() {
        // Whatever the server says, the device forgets.
        let _ = device.call(Logout {}).await;
    }
    let account = current.map(|now| now.account).or(account);
    let mut changes = vec![Change::Remove { name: kdf_record(username) }];
    changes.extend(account.map(|account| Change::RemoveAll { prefix: all_of(account) }));
    device.write(changes).await
}

/// How many messages of a locked account wait on this device to be sent: logging out would lose them.
///
/// # Errors
/// [`StoreUnavailable`].
pub async fn unsent_of_locked(device: &impl Device, account: AccountId) -> Result<usize, StoreUnavailable> {
    Ok(device.scan(&format!("{}draft/", all_of(account))).await?.len())
}
