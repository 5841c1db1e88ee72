//! The wish to end, known everywhere.

use tokio::sync::watch;

/// Whoever holds it learns when the server is to end.
#[derive(Clone, Debug)]
pub(crate) struct Shutdown(watch::Receiver<bool>);

/// Tells all holders.
#[derive(Debug)]
pub(crate) struct Trigger(watch::Sender<bool>);

/// A wish not yet uttered.
pub(crate) fn channel() -> (Trigger, Shutdown) {
    let (sender, receiver) = watch::channel(false);
    (Trigger(sender), Shutdown(receiver))
}

impl Shutdown {
    /// Waits for the wish.
    pub(crate) async fn wished(mut self) {
        // A trigger that is gone wishes the same.
        let _ = self.0.wait_for(|wished| *wished).await;
    }
}

impl Trigger {
    /// Utters the wish.
    pub(crate) fn utter(&self) {
        self.0.send_replace(true);
    }
}
