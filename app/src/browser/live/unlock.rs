//! Keeps a reloaded page unlocked.
//!
//! The account key is sealed under HKDF(a key that no script can read out of this browser, a half that the server gives
//! to the session). The first dies with the browser's storage, the second with the session: a copied profile opens
//! nothing once the session has ended, and the server alone never opens anything.

use crypto::account_key::AccountKey;
use js_sys::{Object, Reflect, Uint8Array};
use protocol::{Username, account::SignedIn, id::AccountId};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AesDerivedKeyParams, AesGcmParams, CryptoKey, HkdfParams, IdbDatabase, IdbObjectStore,
    IdbTransactionMode, SubtleCrypto,
};
use zeroize::Zeroizing;

use super::{
    device::Device,
    idb_request::IdbRequestDone,
    records::{Records, UNLOCK},
    web_crypto::{import_raw, subtle, usage_list},
};
use crate::browser::Remembered;

const CURRENT: &str = "current";
const NONCE_BYTES: usize = 12;

impl Device {
    /// Who was signed in when this browser was last used.
    pub async fn remembered(&self) -> Option<Remembered> {
        remembered(&kept(&store(self.database()?).ok()?).await.ok()?)
    }

    /// Keeps the account open over reloads. Where the browser cannot, the password is asked for again: nothing is lost.
    pub async fn keep_unlocked(&self, session: &SignedIn, key: &AccountKey) {
        if let Some(database) = self.database() {
            // Fails when storage is full or blocked: the next page asks for the password.
            let _ = keep(self, database, session, key).await;
        }
    }

    /// Opens what [`Self::keep_unlocked`] kept, for the session that the server says is this browser's.
    pub async fn unlock(&self, session: &SignedIn) -> Option<AccountKey> {
        unlock(self.database()?, session).await.ok()
    }

    /// Forgets the key of this account and keeps whose it is: from now on it takes the password. Another account's, which
    /// signed in meanwhile, stays.
    pub async fn forget_key(&self, of: &Username) {
        if let Some(database) = self.database() {
            // What cannot be written was not there: a store that fails keeps no key either.
            let _ = reduce(database, of, Rest::Names).await;
        }
    }

    /// Forgets that this account was signed in; another one stays.
    pub async fn forget_unlocked(&self, of: &Username) {
        if let Some(database) = self.database() {
            // What cannot be removed opens nothing any more: the server's half is gone.
            let _ = reduce(database, of, Rest::Nothing).await;
        }
    }

    fn database(&self) -> Option<&IdbDatabase> {
        match self.records() {
            Records::Lasting(database) => Some(database),
            Records::Fleeting(_) => None,
        }
    }
}

async fn keep(
    device: &Device,
    database: &IdbDatabase,
    session: &SignedIn,
    account_key: &AccountKey,
) -> Result<(), JsValue> {
    use client::Device as _;

    let record = names(&session.username, Some(session.account))?;
    if let Some(subtle) = subtle() {
        let seed = Uint8Array::new_with_length(32);
        let mut random = Zeroizing::new([0; 32]);
        device.fill(&mut *random);
        seed.copy_from(&*random);
        let half = import_raw(&subtle, &seed, "HKDF", &["deriveKey"]).await?;
        seed.fill(0, 0, seed.length());

        let mut nonce = [0; NONCE_BYTES];
        device.fill(&mut nonce);
        let nonce = Uint8Array::from(nonce.as_slice());
        let key = sealing_key(&subtle, &half, session).await?;
        let bytes = Uint8Array::from(account_key.expose_bytes().as_slice());
        let sealed =
            JsFuture::from(subtle.encrypt_with_object_and_js_u8_array(&aes_gcm(&nonce), &key, &bytes)?)
                .await?;
        bytes.fill(0, 0, bytes.length());
        Reflect::set(&record, &"half".into(), &half)?;
        Reflect::set(&record, &"nonce".into(), &nonce)?;
        Reflect::set(&record, &"sealed".into(), &Uint8Array::new(&sealed))?;
    }
    store(database)?.put_with_key(&record, &CURRENT.into())?.done().await.map(drop)
}

/// What stays of what is kept.
enum Rest {
    Names,
    Nothing,
}

/// In one transaction: what another tab removes meanwhile does not come again.
async fn reduce(database: &IdbDatabase, of: &Username, rest: Rest) -> Result<(), JsValue> {
    let store = store(database)?;
    let Some(Remembered { username, account }) = remembered(&kept(&store).await?) else { return Ok(()) };
    if username != *of {
        return Ok(());
    }
    match rest {
        Rest::Names => {
            let record = names(&username, account)?;
            store.put_with_key(&record, &CURRENT.into())?
        }
        Rest::Nothing => store.delete(&CURRENT.into())?,
    }
    .done()
    .await
    .map(drop)
}

fn remembered(kept: &JsValue) -> Option<Remembered> {
    let username = field(kept, "username")?.as_string()?.parse().ok()?;
    let account = field(kept, "account").and_then(|id| id.as_string()?.parse().ok());
    Some(Remembered { username, account })
}

fn names(username: &Username, account: Option<AccountId>) -> Result<Object, JsValue> {
    let record = Object::new();
    Reflect::set(&record, &"username".into(), &username.as_str().into())?;
    if let Some(account) = account {
        Reflect::set(&record, &"account".into(), &account.to_string().into())?;
    }
    Ok(record)
}

async fn unlock(database: &IdbDatabase, session: &SignedIn) -> Result<AccountKey, JsValue> {
    let missing = || JsValue::UNDEFINED;
    let kept = kept(&store(database)?).await?;
    let subtle = subtle().ok_or_else(missing)?;
    let half: CryptoKey = field(&kept, "half").ok_or_else(missing)?.unchecked_into();
    let nonce = Uint8Array::new(&field(&kept, "nonce").ok_or_else(missing)?);
    let sealed = Uint8Array::new(&field(&kept, "sealed").ok_or_else(missing)?);
    let key = sealing_key(&subtle, &half, session).await?;
    let opened =
        JsFuture::from(subtle.decrypt_with_object_and_js_u8_array(&aes_gcm(&nonce), &key, &sealed)?).await?;
    let opened = Uint8Array::new(&opened);
    let mut bytes = Zeroizing::new([0; 32]);
    if opened.length() != 32 {
        return Err(missing());
    }
    opened.copy_to(&mut *bytes);
    opened.fill(0, 0, opened.length());
    Ok(AccountKey::from_bytes(&bytes))
}

/// Bound to the account and to the session: the sealed key of one does not open for another.
async fn sealing_key(
    subtle: &SubtleCrypto,
    half: &CryptoKey,
    session: &SignedIn,
) -> Result<CryptoKey, JsValue> {
    let info =
        [b"secure-messaging/1 unlock".as_slice(), &session.account.to_bytes(), &session.session.to_bytes()]
            .concat();
    let info: Object = Uint8Array::from(info.as_slice()).into();
    let salt: Object = Uint8Array::from(session.unlock_half.as_slice()).into();
    let derivation = HkdfParams::new_with_str("HKDF", "SHA-256", &info, &salt);
    let promise = subtle.derive_key_with_object_and_object(
        &derivation,
        half,
        &AesDerivedKeyParams::new("AES-GCM", 256),
        false,
        &usage_list(&["encrypt", "decrypt"]),
    )?;
    Ok(JsFuture::from(promise).await?.unchecked_into())
}

fn aes_gcm(nonce: &Uint8Array) -> AesGcmParams {
    AesGcmParams::new_with_u8_array("AES-GCM", nonce)
}

fn store(database: &IdbDatabase) -> Result<IdbObjectStore, JsValue> {
    database.transaction_with_str_and_mode(UNLOCK, IdbTransactionMode::Readwrite)?.object_store(UNLOCK)
}

async fn kept(store: &IdbObjectStore) -> Result<JsValue, JsValue> {
    let value = store.get(&CURRENT.into())?.done().await?;
    if value.is_object() { Ok(value) } else { Err(JsValue::UNDEFINED) }
}

fn field(record: &JsValue, name: &str) -> Option<JsValue> {
    Reflect::get(record, &name.into()).ok().filter(|value| !value.is_undefined())
}
