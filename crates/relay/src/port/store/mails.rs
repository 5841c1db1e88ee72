use async_trait::async_trait;

use super::StoreError;

/// Mails that wait to be sent. What a mail says is the relay's text; it holds no token.
#[async_trait]
pub trait Mails: Send + Sync {
    /// Queues a mail.
    async fn queue_mail(&self, mail: NewMail) -> Result<(), StoreError>;

    /// Drops what is over by now, and gives those that are due, the one that is over soonest first: somebody waits for it.
    async fn due_mails(&self, now_ms: u64, limit: u32) -> Result<Vec<DueMail>, StoreError>;

    /// When the next mail is due.
    async fn next_mail_due_ms(&self) -> Result<Option<u64>, StoreError>;

    /// It was sent, or never will be: forgets it.
    async fn drop_mail(&self, mail: u64) -> Result<(), StoreError>;

    /// It was not sent: counts the try, and says when the next is due.
    async fn postpone_mail(&self, mail: u64, next_try_at_ms: u64) -> Result<(), StoreError>;
}

/// A mail to be queued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMail {
    /// What it says: JSON that the relay understands.
    pub letter: String,
    /// When it was queued; it is due at once.
    pub queued_at_ms: u64,
    /// When it makes no sense any more.
    pub expires_at_ms: u64,
}

/// A mail that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueMail {
    /// Its number, never given twice.
    pub mail: u64,
    /// What it says.
    pub letter: String,
    /// How often it was tried.
    pub tries: u32,
    /// When it makes no sense any more.
    pub expires_at_ms: u64,
}
