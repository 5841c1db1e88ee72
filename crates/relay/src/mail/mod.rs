//! Mails: queued with what they tell of, written when they are about to be sent.
//!
//! What waits in the store holds no token: a mail's token is drawn when the mail is handed out, in the place of an
//! earlier one, and lives from then on. Nobody who waits for an answer waits for a mail.

mod letter;
mod queue;

pub use letter::{Event, Letter, OutgoingMail};
pub use queue::SendOutcome;

pub(crate) use letter::Queued;
