use protocol::{
    Refusal,
    limits::{MAX_PAGE_BYTES, MAX_PAGE_ITEMS},
    mailbox::{FetchHistory, FetchPage, Page},
    refusal::Code,
};

use crate::{Caller, Relay, port::DeliveryPage};

impl Relay {
    /// What is in the caller's mailbox after a cursor, oldest first. A cursor past the end finds nothing.
    ///
    /// # Errors
    /// [`Code::InvalidRequest`] when nothing is asked for.
    pub async fn fetch_page(&self, caller: &Caller, request: FetchPage) -> Result<Page, Refusal> {
        let FetchPage { after, limit } = request;
        let limit = checked_limit(limit)?;
        let page = self.0.store.page(caller.account(), after, limit, MAX_PAGE_BYTES).await?;
        Ok(self.to_page(page))
    }

    /// What is in the caller's mailbox before a cursor, newest first.
    ///
    /// # Errors
    /// [`Code::InvalidRequest`] when nothing is asked for.
    pub async fn fetch_history(&self, caller: &Caller, request: FetchHistory) -> Result<Page, Refusal> {
        let FetchHistory { before, limit } = request;
        let limit = checked_limit(limit)?;
        let page = self.0.store.history(caller.account(), before, limit, MAX_PAGE_BYTES).await?;
        Ok(self.to_page(page))
    }

    fn to_page(&self, DeliveryPage { items, end }: DeliveryPage) -> Page {
        Page { items, end, now_ms: self.0.now_ms() }
    }
}

fn checked_limit(limit: u32) -> Result<u32, Refusal> {
    match limit {
        0 => Err(Refusal::because(Code::InvalidRequest, "A page has at least one delivery: raise the limit")),
        limit => Ok(limit.min(MAX_PAGE_ITEMS)),
    }
}
