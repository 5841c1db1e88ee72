//! The engine's port on a machine.
//!
//! | module | what it is |
//! | --- | --- |
//! | [`server`] | where a server is, and by which addresses it may be reached |
//! | [`http`] | calls and events over HTTP |
//! | [`records`] | what is kept: in memory, or in a file |

use std::sync::{Arc, Mutex, PoisonError};

use ::client::{CallError, StoreUnavailable, device::Change};
use crypto::kdf::{KdfParams, StretchedPassword};
use protocol::{
    Call, Refusal,
    account::{Login, Register},
};
use serde::Deserialize;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use crate::system;

pub mod http;
pub mod records;
pub mod server;

pub use http::{Http, Wake};
pub use records::Records;
pub use server::ServerAddress;

/// So many passwords are stretched at the same time, in the whole process: each keeps a core busy for a tenth of a second or more.
static STRETCHING: Semaphore = Semaphore::const_new(2);

/// An account as programs hold it.
pub type Account = ::client::Account<Machine>;

/// This machine, as one signed-in (or not yet signed-in) device of one server.
pub struct Machine {
    http: Http,
    records: Records,
    token: Mutex<Option<Zeroizing<String>>>,
}

impl Machine {
    /// A device that speaks to a server over `http`, and keeps what it must keep in `records`.
    pub fn new(http: Http, records: Records) -> Arc<Self> {
        Arc::new(Self { http, records, token: Mutex::new(None) })
    }

    /// The session's token: it changes from time to time, so it is kept anew after each command.
    pub fn token(&self) -> Option<Zeroizing<String>> {
        self.token.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Goes on with the session of this token.
    pub fn set_token(&self, token: Option<Zeroizing<String>>) {
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = token;
    }

    /// Where it speaks to.
    pub fn http(&self) -> &Http {
        &self.http
    }

    /// What it keeps.
    pub fn records(&self) -> &Records {
        &self.records
    }

    /// Calls `wake` whenever the server says that there is something new, until the stream ends, and returns why.
    pub async fn listen(&self, wake: impl FnMut(Wake)) -> CallError {
        let token = self.token();
        self.http.listen(token.as_ref().map(|token| token.as_str()), wake).await
    }

    async fn post(&self, path: &str, body: Zeroizing<Vec<u8>>) -> Result<Vec<u8>, CallError> {
        let token = self.token();
        let answer = self.http.post(path, body, token.as_ref().map(|token| token.as_str())).await?;
        if let Some(renewed) = answer.renewed_token {
            // Only in the place of the token that was presented: the session may have ended meanwhile.
            let mut now = self.token.lock().unwrap_or_else(PoisonError::into_inner);
            if *now == token {
                *now = Some(renewed);
            }
        }
        if answer.status == 200 {
            return Ok(answer.body);
        }
        // A proxy in between answers with a page of its own: the server was not reached.
        Err(serde_json::from_slice::<Refusal>(&answer.body)
            .map_or(CallError::Unreachable, CallError::Refused))
    }
}

/// Whose answers bring a session's token.
const BEGIN_A_SESSION: [&str; 2] = [Register::PATH, Login::PATH];

#[derive(Deserialize)]
struct Begun {
    token: Option<String>,
}

impl ::client::Device for Machine {
    async fn call<C: Call>(&self, request: C) -> Result<C::Answer, CallError> {
        let body = serde_json::to_vec(&request).expect("requests are plain structs");
        drop(request);
        let answer = self.post(C::PATH, Zeroizing::new(body)).await?;
        let bad = |error: serde_json::Error| CallError::BadAnswer(error.to_string());
        let parsed = serde_json::from_slice(&answer).map_err(bad)?;
        if BEGIN_A_SESSION.contains(&C::PATH) {
            let Begun { token } = serde_json::from_slice(&answer).map_err(bad)?;
            self.set_token(token.map(Zeroizing::new));
        }
        Ok(parsed)
    }

    async fn stretch(&self, params: &KdfParams, password: &str) -> StretchedPassword {
        let _permit = STRETCHING.acquire().await.expect("nobody closes it");
        let (params, password) = (*params, Zeroizing::new(password.to_owned()));
        let stretched = tokio::task::spawn_blocking(move || params.stretch(&password));
        stretched.await.expect("stretching does not panic")
    }

    async fn read(&self, name: &str) -> Result<Option<Vec<u8>>, StoreUnavailable> {
        self.records.read(name).await
    }

    async fn scan(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, StoreUnavailable> {
        self.records.scan(prefix).await
    }

    async fn write(&self, changes: Vec<Change>) -> Result<(), StoreUnavailable> {
        self.records.write(changes).await
    }

    async fn put_if_absent(&self, name: &str, bytes: Vec<u8>) -> Result<Vec<u8>, StoreUnavailable> {
        self.records.put_if_absent(name, bytes).await
    }

    async fn breathe(&self) {
        tokio::task::yield_now().await;
    }

    fn now_ms(&self) -> u64 {
        system::now_ms()
    }

    fn fill(&self, bytes: &mut [u8]) {
        system::fill(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_send<T: Send>(_: &T) {}

    /// The gateway serves on several threads: the engine must be able to move between them.
    #[expect(dead_code, reason = "it is enough that it compiles")]
    fn the_engine_moves_between_threads(
        machine: Arc<Machine>,
        account: Account,
        form: ::client::SignIn,
        sign_up: ::client::SignUp,
        confirmation: ::client::Confirmation,
    ) {
        is_send(&account);
        is_send(&::client::sign_in(Arc::clone(&machine), form));
        is_send(&::client::sign_up(Arc::clone(&machine), sign_up));
        is_send(&account.sync());
        is_send(&account.flush());
        is_send(&account.begin_totp(&confirmation));
        is_send(&account.log_out());
        is_send(&account.open_conversation(&[]));
        is_send(&account.export());
        is_send(&account.maintain());
        is_send(&account.forget());
    }
}
