use std::collections::HashMap;

use crypto::{
    envelope::{Envelope, Header},
    id::AccountId,
};
use protocol::{
    Cursor, Refusal,
    mailbox::{Send, Sent},
    refusal::Code,
};
use tracing::{debug, warn};

use crate::{
    Caller, Relay,
    port::{CurrentKeys, Delivered, NewEnvelope, SealedDelivery, SentEnvelope},
};

impl Relay {
    /// Takes an envelope: when this returns `Ok`, it is on disk in the mailbox of every recipient.
    ///
    /// The message id is the idempotency key for ever, and is looked up before anything that changes with time: an
    /// envelope that was taken once gets the same answer even after its recipients' keys have changed.
    ///
    /// # Errors
    /// [`Code::InvalidEnvelope`], [`Code::NotTheSender`], [`Code::MessageConflict`], [`Code::UnknownRecipient`] and
    /// [`Code::StaleKeys`] (both with the accounts).
    pub async fn send(&self, caller: &Caller, request: Send) -> Result<Sent, Refusal> {
        let envelope = Envelope::parse(request.envelope.as_slice()).map_err(|problem| {
            warn!(account = %caller.account(), %problem, "send: invalid envelope");
            Refusal::because(Code::InvalidEnvelope, format!("The envelope {problem}"))
        })?;
        let header = envelope.claimed_header();
        if header.sender != caller.account() {
            warn!(account = %caller.account(), claimed = %header.sender, "send: not the sender");
            return Err(Code::NotTheSender.into());
        }

        let recipients: Vec<AccountId> = header.accounts().collect();
        let context = self.0.store.send_context(header.message, header.sender, &recipients).await?;
        if let Some(sent) = context.sent {
            return answer_again(&envelope, sent);
        }
        let verified = context.sender.is_some_and(|identity| envelope.verify(&identity).is_ok());
        if !verified {
            warn!(account = %caller.account(), "send: invalid signature");
            let message = "The envelope is not signed by your identity key, or it was changed";
            return Err(Refusal::because(Code::InvalidEnvelope, message));
        }
        check_recipients(header, &context.recipients)?;

        let received_at_ms = self.0.now_ms();
        match self.0.store.deliver(to_deliver(&envelope, received_at_ms)).await? {
            Delivered::Stored(ends) => {
                self.0.events.publish(&ends);
                let cursor = own_place(&ends, header.sender);
                Ok(Sent { message: header.message, hash: envelope.hash(), cursor, received_at_ms })
            }
            Delivered::AlreadySent(sent) => answer_again(&envelope, sent),
            Delivered::UnknownRecipients(accounts) => Err(unknown_recipients(accounts)),
        }
    }
}

fn answer_again(envelope: &Envelope, sent: SentEnvelope) -> Result<Sent, Refusal> {
    let header = envelope.claimed_header();
    if sent.hash != envelope.hash() || sent.sender != header.sender {
        warn!(account = %header.sender, message = %header.message, "send: message conflict");
        return Err(Code::MessageConflict.into());
    }
    debug!(account = %header.sender, message = %header.message, "send: sent before");
    let SentEnvelope { hash, sender: _, sender_cursor, received_at_ms } = sent;
    Ok(Sent { message: header.message, hash, cursor: sender_cursor, received_at_ms })
}

/// Everyone exists, and the content key is sealed to the keys that are current. The keys are read a moment before the
/// envelope is stored: one that changes in between is as if the envelope had come just before the change.
fn check_recipients(header: &Header, current: &[CurrentKeys]) -> Result<(), Refusal> {
    let current: HashMap<AccountId, &CurrentKeys> = current.iter().map(|keys| (keys.account, keys)).collect();
    let mut unknown = Vec::new();
    let mut stale = Vec::new();
    for recipient in &header.recipients {
        match current.get(&recipient.account) {
            None => unknown.push(recipient.account),
            Some(keys) if keys.identity != recipient.identity || keys.prekey != recipient.prekey => {
                stale.push(recipient.account);
            }
            Some(_) => {}
        }
    }
    if !unknown.is_empty() {
        return Err(unknown_recipients(unknown));
    }
    if !stale.is_empty() {
        debug!(account = %header.sender, count = stale.len(), "send: stale keys");
        return Err(Refusal::new(Code::StaleKeys).about(stale));
    }
    Ok(())
}

fn unknown_recipients(accounts: Vec<AccountId>) -> Refusal {
    debug!(count = accounts.len(), "send: unknown recipients");
    Refusal::new(Code::UnknownRecipient).about(accounts)
}

fn to_deliver(envelope: &Envelope, received_at_ms: u64) -> NewEnvelope {
    let header = envelope.claimed_header();
    let deliveries = header.accounts().zip(envelope.seals());
    NewEnvelope {
        message: header.message,
        hash: envelope.hash(),
        sender: header.sender,
        received_at_ms,
        shared: envelope.shared_bytes().to_vec(),
        deliveries: deliveries
            .map(|(account, seal)| SealedDelivery { account, seal: seal.to_vec() })
            .collect(),
    }
}

fn own_place(ends: &[(AccountId, Cursor)], sender: AccountId) -> Cursor {
    ends.iter()
        .find(|(account, _)| *account == sender)
        .map(|(_, cursor)| *cursor)
        .expect("a parsed envelope has its sender among its recipients, and the store places all of them")
}
