//! Who is signed in: open accounts in memory, and the tokens that lead to them.
//!
//! Nothing of it is written anywhere. The keys of an account are in memory from its login until its logout, a day without
//! use, or the end of the process; then they are gone, and the account takes its password again.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use axum::extract::FromRequestParts;
use crypto::{id::TokenHash, one_time::ApiToken};
use http::{
    HeaderMap,
    header::{AUTHORIZATION, COOKIE, HOST},
    request::Parts,
};
use protocol::Cursor;
use zeroize::Zeroizing;

use super::{Gateway, Problem, desk::Desk, lock};
use crate::{
    device::{Account, Machine},
    system,
};

/// Most logins that are open at once: each holds its account's messages in memory.
const MAX_OPEN: usize = 64;
/// Most of them of one account: the one that was used longest ago makes room for the next.
const MAX_OPEN_OF_ONE: usize = 8;
/// Most tokens of one login.
pub(super) const MAX_TOKENS: usize = 32;
/// So often it is looked what is over.
const TIDY: Duration = Duration::from_secs(30);
/// How the cookie is called in which browsers and curl carry a login's token; see [`cookie_name`].
pub(super) const COOKIE_NAME: &str = "gateway_session";

/// What a token may do.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub(super) enum Scope {
    /// See messages, conversations, users, events.
    Read,
    /// Send messages, delete them, set timers.
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
    /// How far its program has said that it has read.
    acknowledged: Cursor,
}

/// Somebody who is signed in.
#[derive(Clone)]
pub(super) struct Signed {
    pub(super) desk: Arc<Desk>,
    /// By which token.
    pub(super) token: TokenHash,
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
        let token = presented(&parts.headers, gateway.is_https()).ok_or_else(Problem::not_signed_in)?;
        gateway.sessions().find(&token).ok_or_else(Problem::not_signed_in)
    }
}

impl Sessions {
    /// Opens a desk for an account that has just signed in, and draws the login's token. Also returns those that have to be
    /// closed: they were forgotten, or make room.
    ///
    /// # Errors
    /// There is no room: the account is returned, to be closed.
    pub(super) fn open(
        &self,
        account: Account,
        machine: Arc<Machine>,
        password: Zeroizing<String>,
    ) -> Result<(Zeroizing<String>, Vec<Arc<Desk>>), Account> {
        let now_ms = system::now_ms();
        let mut open = self.lock();
        let mut displaced = open.sweep(now_ms);
        let of_one = open.desks.values().filter(|desk| desk.account.me() == account.me());
        let mut of_one: Vec<_> = of_one.cloned().collect();
        of_one.sort_by_key(|desk| std::cmp::Reverse(desk.used_at_ms()));
        for longest_unused in of_one.into_iter().skip(MAX_OPEN_OF_ONE - 1) {
            open.remove(longest_unused.number);
            displaced.push(longest_unused);
        }
        if open.desks.len() >= MAX_OPEN {
            return Err(account);
        }
        open.last += 1;
        let number = open.last;
        let desk = Desk::new(number, account, machine, password, now_ms);
        open.desks.insert(number, Arc::new(desk));
        let scopes = vec![Scope::Read, Scope::Send, Scope::Account];
        let token = open.issue(number, "login".to_owned(), scopes, None, now_ms);
        Ok((token.0, displaced))
    }

    /// Takes away what is over, from time to time: keys that nobody uses leave the memory though nobody asks.
    pub(super) async fn tidy(&self) {
        loop {
            tokio::time::sleep(TIDY).await;
            let (over, open) = {
                let mut open = self.lock();
                (open.sweep(system::now_ms()), open.desks.values().cloned().collect::<Vec<_>>())
            };
            for desk in over {
                desk.close().await;
            }
            for desk in open {
                drop(desk.fresh_password());
            }
        }
    }

    /// Whether a token still leads to its account.
    pub(super) fn leads_on(&self, token: &TokenHash) -> bool {
        let now_ms = system::now_ms();
        let open = self.lock();
        let Some(token) = open.tokens.get(token).filter(|token| !token.is_over(now_ms)) else { return false };
        // Who follows a stream uses the account.
        open.desks.get(&token.desk).is_some_and(|desk| {
            desk.touch(now_ms);
            !desk.has_ended()
        })
    }

    /// How far the program of this token has said that it has read.
    pub(super) fn acknowledged(&self, token: &TokenHash) -> Cursor {
        self.lock().tokens.get(token).map_or(Cursor::START, |token| token.acknowledged)
    }

    /// Only forwards.
    pub(super) fn acknowledge(&self, token: &TokenHash, read_to: Cursor) {
        if let Some(token) = self.lock().tokens.get_mut(token) {
            token.acknowledged = token.acknowledged.max(read_to);
        }
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
        let is_open = open.desks.contains_key(&desk.number);
        (is_open && many < MAX_TOKENS)
            .then(|| open.issue(desk.number, name, scopes, expires_at_ms, system::now_ms()))
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
        let is_revoked = open.tokens.len() < before;
        drop(open);
        // Its streams end.
        desk.wake();
        is_revoked
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
        desk.touch(now_ms);
        Some(Signed { desk, token: hash, scopes })
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
            acknowledged: Cursor::START,
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

/// Cookies know no ports: the port that a request came to stands in the name, so that two gateways on one machine do not
/// write over each other. Under https the browser itself binds the name to the host.
pub(super) fn cookie_name(headers: &HeaderMap, is_https: bool) -> String {
    if is_https {
        return format!("__Host-{COOKIE_NAME}");
    }
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    match host.rsplit_once(':') {
        Some((_, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => format!("{COOKIE_NAME}_{port}"),
        _ => COOKIE_NAME.to_owned(),
    }
}

/// The token in the request's headers.
fn presented(headers: &HeaderMap, is_https: bool) -> Option<Zeroizing<String>> {
    if let Some(authorization) = headers.get(AUTHORIZATION) {
        let (scheme, token) = authorization.to_str().ok()?.split_once(' ')?;
        return scheme.eq_ignore_ascii_case("bearer").then(|| Zeroizing::new(token.trim().to_owned()));
    }
    let own = cookie_name(headers, is_https);
    let pairs = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = pairs.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == own).map(|(_, token)| Zeroizing::new(token.to_owned()))
}
