//! Who is signed in: open accounts in memory, and the tokens that lead to them.
//!
//! Nothing of it is written anywhere. The keys of an account are in memory from its login until its logout, a day without
//! use, or the end of the process; then they are gone, and the account takes its password again.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use axum::extract::FromRequestParts;
use crypto::{id::TokenHash, one_time::ApiToken};
use http::{
    HeaderMap,
    header::{AUTHORIZATION, COOKIE},
    request::Parts,
};
use protocol::Cursor;
use tokio::{sync::watch, task::JoinHandle};
use zeroize::Zeroizing;

use super::{Gateway, Problem, events};
use crate::{
    device::{Account, Machine},
    system,
};

/// Most accounts that are open at once: each holds its messages in memory. The one that was used longest ago makes room.
const MAX_OPEN: usize = 64;
/// Most tokens of one login.
pub(super) const MAX_TOKENS: usize = 32;
/// An account that nobody uses for so long is closed: a day.
const IDLE_MS: u64 = 24 * 60 * 60 * 1000;
/// For so long after a login the password counts as just typed: ten minutes.
const FRESH_MS: u64 = 10 * 60 * 1000;
/// The cookie in which browsers and curl carry a login's token.
pub(super) const COOKIE_NAME: &str = "gateway_session";

/// What a token may do.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub(super) enum Scope {
    /// See messages, conversations, users, events.
    Read,
    /// Send messages.
    Send,
    /// Change the account: second factor, tokens, keys of contacts. A login has it; no personal token does.
    Account,
}

/// All accounts that are open.
#[derive(Default)]
pub(super) struct Sessions(Mutex<Open>);

#[derive(Default)]
struct Open {
    desks: BTreeMap<u64, Arc<Desk>>,
    tokens: BTreeMap<TokenHash, Token>,
    last: u64,
}

/// An open account.
pub(super) struct Desk {
    number: u64,
    pub(super) account: Account,
    pub(super) machine: Arc<Machine>,
    password: Mutex<Option<Zeroizing<String>>>,
    opened_at_ms: u64,
    used_at_ms: AtomicU64,
    ended: AtomicBool,
    /// How far a program has said that it has read.
    acknowledged: AtomicU64,
    /// Says that there may be something new.
    pub(super) grown: watch::Sender<u64>,
    follower: Mutex<Option<JoinHandle<()>>>,
}

/// Leads to an open account.
#[derive(Clone)]
pub(super) struct Token {
    desk: u64,
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) scopes: Vec<Scope>,
    pub(super) created_at_ms: u64,
    pub(super) expires_at_ms: Option<u64>,
    pub(super) last_used_at_ms: Option<u64>,
}

/// Somebody who is signed in.
#[derive(Clone)]
pub(super) struct Signed {
    pub(super) desk: Arc<Desk>,
    scopes: Vec<Scope>,
}

impl Signed {
    /// Refuses what the token may not do.
    pub(super) fn may(&self, scope: Scope) -> Result<&Arc<Desk>, Problem> {
        if self.scopes.contains(&scope) {
            return Ok(&self.desk);
        }
        let detail = match scope {
            Scope::Read => "This token may not read: create one with the scope \"read\"",
            Scope::Send => "This token may not send: create one with the scope \"send\"",
            Scope::Account => "This takes the token of a login, not a personal one",
        };
        Err(Problem::new(http::StatusCode::FORBIDDEN, "scope", detail))
    }
}

impl FromRequestParts<Gateway> for Signed {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, gateway: &Gateway) -> Result<Self, Problem> {
        let token = presented(&parts.headers).ok_or_else(Problem::not_signed_in)?;
        gateway.sessions().find(&token).ok_or_else(Problem::not_signed_in)
    }
}

impl Desk {
    /// The password of the login, if it was typed just now.
    pub(super) fn fresh_password(&self) -> Option<Zeroizing<String>> {
        let mut password = lock(&self.password);
        if system::now_ms().abs_diff(self.opened_at_ms) > FRESH_MS {
            *password = None;
        }
        password.clone()
    }

    /// What went wrong; an account whose session has ended is not found any more.
    pub(super) fn trouble(&self, error: impl Into<Problem>) -> Problem {
        let problem = error.into();
        if problem.ends_the_session() {
            self.ended.store(true, Ordering::Relaxed);
        }
        problem
    }

    pub(super) fn acknowledged(&self) -> Cursor {
        Cursor(self.acknowledged.load(Ordering::Relaxed))
    }

    /// Only forwards.
    pub(super) fn acknowledge(&self, read_to: Cursor) {
        self.acknowledged.fetch_max(read_to.0, Ordering::Relaxed);
    }

    /// Fetches what is new.
    pub(super) async fn sync(&self) -> Result<(), Problem> {
        self.account.sync().await.map(drop).map_err(|error| self.trouble(error))
    }

    /// Begins to follow the server's events, once.
    pub(super) fn follow(&self) {
        lock(&self.follower).get_or_insert_with(|| {
            tokio::spawn(events::follow(Arc::clone(&self.machine), self.grown.clone()))
        });
    }

    fn is_over(&self, now_ms: u64) -> bool {
        let idle = now_ms.saturating_sub(self.used_at_ms.load(Ordering::Relaxed));
        self.ended.load(Ordering::Relaxed) || idle > IDLE_MS
    }

    /// Ends the session on the server, and forgets the keys.
    pub(super) async fn close(&self) {
        self.ended.store(true, Ordering::Relaxed);
        // The records are in memory, and go with the account.
        let _ = self.account.log_out().await;
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        if let Some(follower) = lock(&self.follower).take() {
            follower.abort();
        }
    }
}

impl Sessions {
    /// Opens a desk for an account that has just signed in, and draws the login's token. Also returns those that have to be
    /// closed: they were forgotten, or make room.
    pub(super) fn open(
        &self,
        account: Account,
        machine: Arc<Machine>,
        password: Zeroizing<String>,
    ) -> (Zeroizing<String>, Vec<Arc<Desk>>) {
        let now_ms = system::now_ms();
        let mut open = self.lock();
        let mut displaced = open.sweep(now_ms);
        if open.desks.len() >= MAX_OPEN {
            let longest =
                open.desks.values().min_by_key(|desk| desk.used_at_ms.load(Ordering::Relaxed)).cloned();
            longest.iter().for_each(|longest| open.remove(longest.number));
            displaced.extend(longest);
        }
        open.last += 1;
        let number = open.last;
        let desk = Desk {
            number,
            account,
            machine,
            password: Mutex::new(Some(password)),
            opened_at_ms: now_ms,
            used_at_ms: AtomicU64::new(now_ms),
            ended: AtomicBool::new(false),
            acknowledged: AtomicU64::new(0),
            grown: watch::channel(0).0,
            follower: Mutex::new(None),
        };
        open.desks.insert(number, Arc::new(desk));
        let scopes = vec![Scope::Read, Scope::Send, Scope::Account];
        let token = open.issue(number, "login".to_owned(), scopes, None, now_ms);
        (token.0, displaced)
    }

    /// Draws a personal token for an open account: its text, shown once, and what is kept of it.
    pub(super) fn issue(
        &self,
        desk: &Desk,
        name: String,
        scopes: Vec<Scope>,
        expires_at_ms: Option<u64>,
    ) -> Option<(Zeroizing<String>, Token)> {
        let mut open = self.lock();
        let many = open.tokens.values().filter(|token| token.desk == desk.number).count();
        (many < MAX_TOKENS).then(|| open.issue(desk.number, name, scopes, expires_at_ms, system::now_ms()))
    }

    /// The personal tokens of an open account, the newest first.
    pub(super) fn tokens_of(&self, desk: &Desk) -> Vec<Token> {
        let now_ms = system::now_ms();
        let open = self.lock();
        let tokens = open.tokens.values().filter(|token| token.desk == desk.number && token.is_personal());
        let mut tokens: Vec<Token> = tokens.filter(|token| !token.is_over(now_ms)).cloned().collect();
        tokens.sort_by_key(|token| std::cmp::Reverse(token.id));
        tokens
    }

    /// Takes a personal token away; `false` if there is none of this id.
    pub(super) fn revoke(&self, desk: &Desk, id: u64) -> bool {
        let mut open = self.lock();
        let before = open.tokens.len();
        let is_meant = |token: &Token| token.desk == desk.number && token.id == id && token.is_personal();
        open.tokens.retain(|_, token| !is_meant(token));
        open.tokens.len() < before
    }

    /// Takes an account away, with all its tokens.
    pub(super) fn remove(&self, desk: &Desk) {
        self.lock().remove(desk.number);
    }

    /// Takes all accounts away.
    pub(super) fn drain(&self) -> Vec<Arc<Desk>> {
        let mut open = self.lock();
        open.tokens.clear();
        std::mem::take(&mut open.desks).into_values().collect()
    }

    fn find(&self, token: &str) -> Option<Signed> {
        let hash = token.parse::<ApiToken>().ok()?.hash();
        let now_ms = system::now_ms();
        let mut open = self.lock();
        for forgotten in open.sweep(now_ms) {
            tokio::spawn(async move { forgotten.close().await });
        }
        let token = open.tokens.get_mut(&hash)?;
        token.last_used_at_ms = Some(now_ms);
        let (desk, scopes) = (token.desk, token.scopes.clone());
        let desk = Arc::clone(open.desks.get(&desk)?);
        desk.used_at_ms.store(now_ms, Ordering::Relaxed);
        Some(Signed { desk, scopes })
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        lock(&self.0)
    }
}

impl Open {
    fn issue(
        &mut self,
        desk: u64,
        name: String,
        scopes: Vec<Scope>,
        expires_at_ms: Option<u64>,
        now_ms: u64,
    ) -> (Zeroizing<String>, Token) {
        let mut random = Zeroizing::new([0; 32]);
        system::fill(&mut *random);
        let token = ApiToken::from_bytes(&random);
        self.last += 1;
        let kept = Token {
            desk,
            id: self.last,
            name,
            scopes,
            created_at_ms: now_ms,
            expires_at_ms,
            last_used_at_ms: None,
        };
        self.tokens.insert(token.hash(), kept.clone());
        (token.to_text(), kept)
    }

    /// Takes away what is over: tokens, and accounts, which are returned to be closed.
    fn sweep(&mut self, now_ms: u64) -> Vec<Arc<Desk>> {
        let over: Vec<_> = self.desks.values().filter(|desk| desk.is_over(now_ms)).cloned().collect();
        over.iter().for_each(|desk| self.remove(desk.number));
        self.tokens.retain(|_, token| !token.is_over(now_ms));
        over
    }

    fn remove(&mut self, desk: u64) {
        self.desks.remove(&desk);
        self.tokens.retain(|_, token| token.desk != desk);
    }
}

impl Token {
    fn is_over(&self, now_ms: u64) -> bool {
        self.expires_at_ms.is_some_and(|expires| now_ms >= expires)
    }

    fn is_personal(&self) -> bool {
        !self.scopes.contains(&Scope::Account)
    }
}

/// The token in the request's headers.
fn presented(headers: &HeaderMap) -> Option<Zeroizing<String>> {
    if let Some(authorization) = headers.get(AUTHORIZATION) {
        let (scheme, token) = authorization.to_str().ok()?.split_once(' ')?;
        return scheme.eq_ignore_ascii_case("bearer").then(|| Zeroizing::new(token.trim().to_owned()));
    }
    let pairs = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = pairs.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE_NAME).map(|(_, token)| Zeroizing::new(token.to_owned()))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
