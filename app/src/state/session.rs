//! Who is signed in.

use std::{collections::HashMap, rc::Rc, sync::Arc};

use client::{Account, ConversationSummary, Interruption, SignIn, SignInError, SignUp, SignUpError};
use crypto::recovery::{RecoveryKey, RecoveryKeyHint};
use leptos::{prelude::*, task::spawn_local};
use protocol::{
    Username,
    account::{CurrentSession, SignedIn},
    id::ConversationId,
};
use send_wrapper::SendWrapper;

use super::{
    courier::{Courier, Link},
    recovery,
};
use crate::browser::{self, Device, Storage, TabNote, Tabs};

/// An open account. It lives on the page's one thread.
pub type OpenAccount = SendWrapper<Account<Device>>;

/// Who is signed in, and whether the account is open on this page.
#[derive(Clone)]
pub enum Standing {
    /// Not known yet. The server renders every page so.
    Starting,
    /// Nobody.
    SignedOut,
    /// Somebody was: the password is asked for again.
    Locked {
        /// Who.
        username: Username,
        /// What happened, where it needs saying.
        reason: Option<&'static str>,
    },
    /// Somebody is, but the server does not answer; it is asked again by and by.
    OutOfReach,
    /// Somebody is, and the account is open.
    Open(OpenAccount),
}

/// The state of the whole page; copies are the same state.
#[derive(Clone, Copy)]
pub struct Session {
    standing: RwSignal<Standing>,
    /// Counted up when the open account has something new to show.
    shown: RwSignal<u64>,
    conversations: Memo<Vec<ConversationSummary>>,
    link: RwSignal<Link>,
    notice: RwSignal<Option<String>>,
    recovery_key: RwSignal<Option<RecoveryKey>>,
    storage: RwSignal<Storage>,
    drafts: StoredValue<HashMap<ConversationId, String>>,
    wanted: StoredValue<Option<String>>,
    platform: StoredValue<Option<SendWrapper<Platform>>>,
}

#[derive(Clone)]
struct Platform {
    device: Arc<Device>,
    tabs: Rc<Tabs>,
    courier: Option<Rc<Courier>>,
}

impl Session {
    /// The state of a page that has just been opened.
    pub fn new() -> Self {
        let standing = RwSignal::new(Standing::Starting);
        let shown = RwSignal::new(0);
        let conversations = Memo::new(move |_| {
            shown.track();
            standing.with(|standing| match standing {
                Standing::Open(account) => account.conversations(),
                _ => Vec::new(),
            })
        });
        Self {
            standing,
            shown,
            conversations,
            link: RwSignal::new(Link::Up),
            notice: RwSignal::new(None),
            recovery_key: RwSignal::new(None),
            storage: RwSignal::new(Storage::Lasting),
            drafts: StoredValue::default(),
            wanted: StoredValue::default(),
            platform: StoredValue::new(None),
        }
    }

    /// Finds out who is signed in. To be called once, in the browser, after the page has come alive.
    pub fn start(self) {
        spawn_local(async move {
            let device = Device::open().await;
            self.storage.set(device.storage());
            let tabs = Tabs::listen(move |note| self.hear(note));
            let platform = Platform { device, tabs: Rc::new(tabs), courier: None };
            self.platform.set_value(Some(SendWrapper::new(platform)));
            self.resume().await;
        });
    }

    /// Who is signed in.
    pub fn standing(self) -> Standing {
        self.standing.get()
    }

    /// The open account.
    pub fn account(self) -> Option<OpenAccount> {
        match self.standing.get() {
            Standing::Open(account) => Some(account),
            _ => None,
        }
    }

    /// Whether an account is open, without becoming stale when only its content changes.
    pub fn is_open(self) -> bool {
        self.standing.with(|standing| matches!(standing, Standing::Open(_)))
    }

    /// Makes the caller run again when there is something new to show.
    pub fn track_content(self) {
        self.shown.track();
    }

    /// The conversations of the open account, newest first.
    pub fn conversations(self) -> Memo<Vec<ConversationSummary>> {
        self.conversations
    }

    /// All messages that wait to be read.
    pub fn unread(self) -> usize {
        self.conversations.with(|conversations| conversations.iter().map(|one| one.unread).sum())
    }

    /// Whether the server is reached.
    pub fn link(self) -> ReadSignal<Link> {
        self.link.read_only()
    }

    /// Something that went wrong in the background, in words.
    pub fn notice(self) -> RwSignal<Option<String>> {
        self.notice
    }

    /// The recovery key that its owner has yet to keep.
    pub fn recovery_key(self) -> ReadSignal<Option<RecoveryKey>> {
        self.recovery_key.read_only()
    }

    /// Whether what this device keeps outlasts the page.
    pub fn storage(self) -> ReadSignal<Storage> {
        self.storage.read_only()
    }

    /// What was written into a conversation's composer and not sent. It stays in memory: nothing readable is kept.
    pub fn draft(self, conversation: ConversationId) -> String {
        self.drafts.with_value(|drafts| drafts.get(&conversation).cloned()).unwrap_or_default()
    }

    /// Remembers what is being written.
    pub fn keep_draft(self, conversation: ConversationId, text: String) {
        self.drafts.update_value(|drafts| {
            if text.is_empty() {
                drafts.remove(&conversation)
            } else {
                drafts.insert(conversation, text)
            };
        });
    }

    /// Remembers which page was asked for by somebody who has to sign in first.
    pub fn want(self, path: String) {
        self.wanted.set_value(Some(path));
    }

    /// Where to go after signing in.
    pub fn take_wanted(self) -> String {
        self.wanted.try_update_value(Option::take).flatten().unwrap_or_else(|| "/inbox".to_owned())
    }

    /// Makes an account. Before the first message, its recovery key has to be kept: see [`Self::recovery_key`].
    ///
    /// # Errors
    /// [`SignUpError`].
    pub async fn sign_up(self, form: SignUp) -> Result<(), SignUpError> {
        let device = self.device()?;
        let (account, key) = client::sign_up(device.clone(), form).await?;
        recovery::keep(&*device, &account, &key).await.map_err(Interruption::from)?;
        self.recovery_key.set(Some(key));
        self.open(account).await;
        Ok(())
    }

    /// Proves the password and opens the account.
    ///
    /// # Errors
    /// [`SignInError`].
    pub async fn sign_in(self, form: SignIn) -> Result<(), SignInError> {
        let device = self.device()?;
        let account = client::sign_in(device.clone(), form).await?;
        self.recovery_key.set(recovery::kept(&*device, &account).await);
        self.open(account).await;
        Ok(())
    }

    /// Two groups of the recovery key that its owner is asked for.
    pub fn draw_hints(self) -> Option<[RecoveryKeyHint; 2]> {
        self.device().ok().map(|device| recovery::draw_hints(&*device))
    }

    /// The owner has the recovery key: the device forgets it.
    pub async fn confirm_recovery_key(self) {
        if let (Ok(device), Some(account)) = (self.device(), self.standing_account()) {
            recovery::forget(&*device, &account).await;
        }
        self.recovery_key.set(None);
    }

    /// Sends what is queued.
    pub fn deliver(self) {
        if let Some(courier) = self.platform().and_then(|platform| platform.courier) {
            courier.deliver();
        }
        self.tell(TabNote::Changed);
    }

    /// Tells the other tabs that the device's records have changed.
    pub fn tell_others(self) {
        self.tell(TabNote::Changed);
    }

    /// Ends the session and forgets everything on this device.
    pub async fn log_out(self) {
        let Some(account) = self.standing_account() else { return };
        let left = account.log_out().await;
        if let Ok(device) = self.device() {
            device.forget_unlocked().await;
        }
        self.tell(TabNote::LoggedOut);
        self.close(Standing::SignedOut);
        if let Err(error) = left {
            self.notice.set(Some(error.to_string()));
        }
    }

    /// The server says that the session is over: the password is asked for again, what waits to be sent stays.
    pub(super) fn lock(self, reason: &'static str) {
        if let Some(account) = self.standing_account() {
            self.close(Standing::Locked { username: account.me().username.clone(), reason: Some(reason) });
        }
    }

    pub(super) fn set_link(self, link: Link) {
        if self.link.get_untracked() != link {
            self.link.set(link);
        }
    }

    async fn resume(self) {
        let Ok(device) = self.device() else { return };
        let Some(username) = device.remembered().await else {
            return self.standing.set(Standing::SignedOut);
        };
        let standing = loop {
            match resume(&device).await {
                Ok(Some(account)) => {
                    self.recovery_key.set(recovery::kept(&*device, &account).await);
                    return self.open(account).await;
                }
                Ok(None) | Err(Interruption::SessionEnded) => {
                    break Standing::Locked { username, reason: None };
                }
                Err(error) if error.passes_by_itself() => {
                    self.standing.set(Standing::OutOfReach);
                    browser::pause(2_000).await;
                }
                Err(error) => {
                    self.notice.set(Some(error.to_string()));
                    break Standing::Locked { username, reason: None };
                }
            }
        };
        self.standing.set(standing);
    }

    async fn open(self, account: Account<Device>) {
        let Some(mut platform) = self.platform() else { return };
        platform.device.keep_unlocked(account.session(), account.account_key()).await;
        let shown = self.shown;
        account.on_change(move || shown.update(|count| *count += 1));
        if let Err(error) = account.load().await {
            self.notice.set(Some(error.to_string()));
        }
        self.link.set(Link::Up);
        platform.courier = Some(Courier::start(account.clone(), self));
        platform.tabs.tell(TabNote::SignedIn);
        self.platform.set_value(Some(SendWrapper::new(platform)));
        self.standing.set(Standing::Open(SendWrapper::new(account)));
    }

    fn close(self, standing: Standing) {
        self.standing.set(standing);
        self.recovery_key.set(None);
        self.drafts.update_value(HashMap::clear);
        self.platform.update_value(|platform| {
            if let Some(platform) = platform {
                platform.courier = None;
            }
        });
    }

    fn hear(self, note: TabNote) {
        match (note, self.standing_account()) {
            (TabNote::Changed, Some(account)) => spawn_local(async move {
                // What cannot be read now is read with the next change.
                let _ = account.load().await;
            }),
            (TabNote::LoggedOut, Some(_)) => self.close(Standing::SignedOut),
            (TabNote::SignedIn, None) => spawn_local(self.resume()),
            (TabNote::SignedIn, Some(account)) => spawn_local(self.leave_to_another(account)),
            (TabNote::Changed | TabNote::LoggedOut, None) => {}
        }
    }

    /// All tabs of a browser share one cookie: when it has become another account's, this page must not go on with it.
    async fn leave_to_another(self, account: OpenAccount) {
        let Ok(device) = self.device() else { return };
        let now: Result<SignedIn, _> = client::Device::call(&*device, CurrentSession {}).await;
        if now.is_ok_and(|now| now.account != account.me().account) {
            self.lock(
                "Another account signed in, in this browser. Enter your password to go on with this one.",
            );
        }
    }

    fn tell(self, note: TabNote) {
        if let Some(platform) = self.platform() {
            platform.tabs.tell(note);
        }
    }

    fn standing_account(self) -> Option<OpenAccount> {
        match self.standing.get_untracked() {
            Standing::Open(account) => Some(account),
            _ => None,
        }
    }

    fn device(self) -> Result<Arc<Device>, Interruption> {
        self.platform().map(|platform| platform.device).ok_or(Interruption::Device(client::StoreUnavailable))
    }

    fn platform(self) -> Option<Platform> {
        self.platform.with_value(|platform| platform.as_deref().cloned())
    }
}

impl Default for Session {
    fn default() -> Self {
        Self::new()
    }
}

/// `None`: there is a session, but this device cannot open the account.
async fn resume(device: &Arc<Device>) -> Result<Option<Account<Device>>, Interruption> {
    use client::Device as _;

    let session = device.call(CurrentSession {}).await?;
    let Some(key) = device.unlock(&session).await else { return Ok(None) };
    client::resume(device.clone(), session, key).await.map(Some)
}

/// The page's state.
///
/// # Panics
/// Outside of [`App`](crate::App).
pub fn use_session() -> Session {
    expect_context()
}
