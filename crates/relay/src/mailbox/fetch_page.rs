use protocol::{
    Refusal,
    limits::{MAX_PAGE_BYTES, MAX_PAGE_ITEMS},
    mailbox::{FetchPage, Page},
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
        if limit == 0 {
            return Err(Refusal::because(
                Code::InvalidRequest,
                "A page has at least one delivery: raise the limit",
            ));
        }
        let limit = limit.min(MAX_PAGE_ITEMS);
        let page = self.0.store.page(caller.account(), after, limit, MAX_PAGE_BYTES).await?;
        let DeliveryPage { items, end } = page;
        Ok(Page { items, end })
    }
}
