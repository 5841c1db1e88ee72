use futures::{StreamExt, stream::BoxStream};
use protocol::{Cursor, Refusal, refusal::Code};

use crate::{Caller, Relay};

impl Relay {
    /// The end of the caller's mailbox: first as it is now, then whenever it has grown. Nothing falls between the two.
    /// Before each end the session is looked up again; the stream is over when the session is.
    ///
    /// # Errors
    /// [`Code::NotSignedIn`] when the session was ended meanwhile.
    pub async fn subscribe(&self, caller: &Caller) -> Result<BoxStream<'static, Cursor>, Refusal> {
        let news = self.0.events.subscribe(caller.account());
        let session = caller.session();
        let Some(live) = self.0.store.find_session(session).await? else {
            return Err(Code::NotSignedIn.into());
        };
        let relay = self.clone();
        let ends = news.filter(move |end| core::future::ready(*end > live.mailbox_end));
        let ends = ends.then(move |end| {
            let relay = relay.clone();
            async move {
                match relay.0.store.find_session(session).await {
                    Ok(Some(_)) => Some(end),
                    Ok(None) => None,
                    // The reader asks again by itself; it is not told who has not been looked up.
                    Err(error) => {
                        let _logged = Refusal::from(error);
                        None
                    }
                }
            }
        });
        let first = futures::stream::iter([live.mailbox_end]);
        Ok(first
            .chain(ends.take_while(|end| core::future::ready(end.is_some())).filter_map(core::future::ready))
            .boxed())
    }
}
