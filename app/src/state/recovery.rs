//! The recovery key between its making and the moment when its owner has shown to have it: sealed on this device, so
//! that a reload in between does not lose it.

use client::{
    Account, Device, StoreUnavailable,
    device::{Change, DeviceRng},
};
use crypto::{
    account_key::AccountKey,
    recovery::{RecoveryKey, RecoveryKeyHint},
};
use protocol::id::AccountId;
use zeroize::Zeroizing;

/// Keeps the key until it is confirmed.
pub(super) async fn keep<D: Device>(
    device: &D,
    account: AccountId,
    account_key: &AccountKey,
    key: &RecoveryKey,
) -> Result<(), StoreUnavailable> {
    let name = record(account);
    let cache_key = account_key.cache_key();
    let bytes = cache_key.seal(name.as_bytes(), key.expose_bytes(), &mut DeviceRng(device));
    device.write(vec![Change::Put { name, bytes }]).await
}

/// The key that is still to be confirmed.
pub(super) async fn kept<D: Device>(device: &D, account: &Account<D>) -> Option<RecoveryKey> {
    let name = record(account.me().account);
    let sealed = device.read(&name).await.ok()??;
    let opened = account.account_key().cache_key().open(name.as_bytes(), &sealed).ok()?;
    opened.as_slice().try_into().ok().map(RecoveryKey::from_bytes)
}

/// Forgets the key.
pub(super) async fn forget<D: Device>(device: &D, account: AccountId) {
    // If this fails, the key is asked for once more after a reload.
    let _ = device.write(vec![Change::Remove { name: record(account) }]).await;
}

/// Which groups are asked for. The same ones until the page is closed: typing errors do not draw new ones.
pub(super) fn draw_hints(device: &impl Device) -> [RecoveryKeyHint; 2] {
    RecoveryKeyHint::draw_two(&mut DeviceRng(device))
}

/// What is offered as a file.
pub fn file(username: &str, key: &RecoveryKey) -> Zeroizing<String> {
    let text = key.to_text();
    Zeroizing::new(format!(
        "Recovery key of {username} for Secure Messaging\n\n{}\n\n\
         With this key you keep your messages when you lose your password.\n\
         Whoever has it can read them: keep it where only you find it.\n",
        text.as_str()
    ))
}

fn record(account: AccountId) -> String {
    format!("{account}/recovery-key")
}
