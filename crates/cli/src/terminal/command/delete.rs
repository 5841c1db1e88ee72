use clap::Args;
use client::{DeleteError, KeyChange, MessageState};
use protocol::id::{ConversationId, MessageId};

use super::inbox::fetch;
use crate::{
    device::Account,
    terminal::{
        desk::Desk,
        ending::Problem,
        say::{data, json, patiently, talk},
    },
};

pub(super) const EXAMPLES: &str = "\
Examples:
  secure-messaging inbox --sent --ids
  secure-messaging delete 5rJ1mWc0QpS1bq4hHk3z2A
      On all of your devices; the others keep it
  secure-messaging delete 5rJ1mWc0QpS1bq4hHk3z2A --for-everyone
      Takes back what you wrote. Who has read it has read it";

/// A message is deleted.
#[derive(Args, Debug)]
pub struct Delete {
    /// Which: its `id` in JSON, also shown by `inbox --ids`
    #[arg(value_name = "MESSAGE-ID", allow_hyphen_values = true)]
    message: String,
    /// Take it back from everyone: only what you wrote yourself
    #[arg(long)]
    for_everyone: bool,
}

#[derive(serde::Serialize)]
struct Deleted {
    id: String,
    for_everyone: bool,
}

impl Delete {
    pub(super) async fn run(self, desk: &mut Desk) -> Result<(), Problem> {
        let account = desk.account().await?;
        let id: MessageId = self.message.trim().parse().map_err(|_| DeleteError::UnknownMessage)?;
        fetch(&account).await?;
        let (conversation, shown) = account.message(id).ok_or(DeleteError::UnknownMessage)?;
        let waits = shown.place.is_none() && shown.state != MessageState::Sent;
        // What was not sent yet is nowhere else.
        if !(waits && account.withdraw(id).await?) {
            if !self.for_everyone {
                account.delete_for_me(&[id]).await?;
            } else {
                if shown.mine {
                    reaches_everyone(&account, conversation).await?;
                }
                account.delete_for_everyone(id).await?;
            }
            told(&account).await?;
        }
        if desk.options.json {
            return json::object(&Deleted { id: id.to_string(), for_everyone: self.for_everyone });
        }
        match self.for_everyone {
            true => data("Message deleted for everyone. Who has read it has read it."),
            false => data("Message deleted on all of your devices."),
        }
    }
}

/// Refuses what would be deleted here and nowhere else.
async fn reaches_everyone(account: &Account, conversation: ConversationId) -> Result<(), Problem> {
    patiently("Fetching keys", account.look_at_keys(conversation)).await?;
    let Some(thread) = account.thread(conversation) else { return Ok(()) };
    if let Some(changed) = thread.changed_keys.first() {
        let change = account.key_change(changed.account).unwrap_or(KeyChange::Key);
        let why = format!("Not deleted: {}", change.told(changed.username.as_str()));
        return Err(Problem::key_changed(why, changed));
    }
    if let Some(deleted) = thread.deleted.first() {
        return Err(Problem::failed(format!(
            "Not deleted: {} deleted their account, and nobody can be told any more. Delete it without --for-everyone",
            deleted.username
        )));
    }
    Ok(())
}

/// Tells the others and the server what was deleted here.
async fn told(account: &Account) -> Result<(), Problem> {
    let told = async {
        account.flush().await?;
        // What comes back is erased on the server by whoever reads it.
        account.sync().await?;
        Ok(())
    };
    patiently("Deleting", told).await.inspect_err(|_: &Problem| {
        talk("It is deleted here; the others hear of it with the next command that reaches the server.");
    })
}
