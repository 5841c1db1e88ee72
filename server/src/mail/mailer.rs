use relay::port::Mailer;
use tokio::sync::Notify;

/// Where the relay drops its word that a mail waits.
pub(crate) struct Postbox {
    is_configured: bool,
    waits: Notify,
}

impl Postbox {
    pub(crate) fn new(is_configured: bool) -> Self {
        Self { is_configured, waits: Notify::new() }
    }

    /// Waits for the word; one that was dropped meanwhile counts.
    pub(super) async fn word(&self) {
        self.waits.notified().await;
    }
}

impl Mailer for Postbox {
    fn is_configured(&self) -> bool {
        self.is_configured
    }

    fn wake(&self) {
        self.waits.notify_one();
    }
}
