use futures::{StreamExt, stream::BoxStream};
use protocol::{Refusal, refusal::Code};

use crate::{Caller, Relay, port::Notice};

impl Relay {
    /// What is new for the caller: first the end of the mailbox as it is now, then whenever it has grown, and when the
    /// account's sessions have changed. Nothing falls between the two. Before each the session is looked up again; the
    /// stream is over when the session is.
    ///
    /// # Errors
    /// [`Code::NotSignedIn`] when the session was ended meanwhile.
    pub async fn subscribe(&self, caller: &Caller) -> Result<BoxStream<'static, Notice>, Refusal> {
        let session = caller.session();
        let news = self.0.events.subscribe(caller.account(), session);
        let Some(live) = self.0.store.find_session(session).await? else {
            return Err(Code::NotSignedIn.into());
        };
        let relay = self.clone();
        let news = news.filter(move |notice| {
            let is_old = matches!(notice, Notice::Grown(end) if *end <= live.mailbox_end);
            core::future::ready(!is_old)
        });
        let news = news.then(move |notice| {
            let relay = relay.clone();
            async move {
                match relay.0.store.find_session(session).await {
                    Ok(Some(_)) => Some(notice),
                    Ok(None) => None,
                    // The reader asks again by itself; it is not told who has not been looked up.
                    Err(error) => {
                        let _logged = Refusal::from(error);
                        None
                    }
                }
            }
        });
        let first = futures::stream::iter([Notice::Grown(live.mailbox_end)]);
        Ok(first
            .chain(
                news.take_while(|notice| core::future::ready(notice.is_some()))
                    .filter_map(core::future::ready),
            )
            .boxed())
    }
}
