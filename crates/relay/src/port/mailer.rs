/// Whether mail can be sent, and the word that something waits. Sending itself is the face's work, beside the calls: see
/// [`Relay::next_letters`](crate::Relay::next_letters).
pub trait Mailer: Send + Sync {
    /// Whether there is a way to send mail.
    fn is_configured(&self) -> bool;

    /// Something was queued: now is a good time to look.
    fn wake(&self);
}

/// No way to send mail.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoMailer;

impl Mailer for NoMailer {
    fn is_configured(&self) -> bool {
        false
    }

    fn wake(&self) {}
}
