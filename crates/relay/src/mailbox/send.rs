use std::collections::HashMap;

use crypto::{
    device_log::Change,
    envelope::{Envelope, Expiry, Header, Sender, Way},
    id::AccountId,
    prekey::PrekeyKind,
};
use protocol::{
    Cursor, Refusal,
    limits::{CLAIM_LIFETIME_MS, MAX_TIMER_S, MIN_TIMER_S},
    mailbox::{ArchivedKey, Send, Sent},
    refusal::Code,
};
use tracing::{debug, warn};

use super::archive::check_archived;
use crate::{
    Caller, Relay,
    port::{
        CurrentKeys, Delivered, ItemState, NewEnvelope, SealedDelivery, SendContext, SentEnvelope, UsedPrekey,
    },
};

/// How many entries the device log that an envelope names may be behind. What was sealed before so many devices came or went
/// is sealed anew; a log has ten thousand entries, and a request that names no head of it reads these only.
const MAX_HEADS_BEHIND: u32 = 100;

impl Relay {
    /// Takes an envelope: when this returns `Ok`, it is on disk in the mailbox of every recipient.
    ///
    /// The message id is the idempotency key for ever, and is looked up before anything that changes with time: an
    /// envelope that was taken once gets the same answer even after its recipients' keys have changed.
    ///
    /// # Errors
    /// [`Code::InvalidEnvelope`], [`Code::NotTheSender`], [`Code::MessageConflict`], [`Code::UnknownRecipient`] and
    /// [`Code::StaleKeys`] (both with the accounts); [`Code::InvalidRequest`] when the sender's own copy is missing.
    pub async fn send(&self, caller: &Caller, request: Send) -> Result<Sent, Refusal> {
        let Send { envelope, archived } = request;
        let envelope = Envelope::parse(envelope.as_slice()).map_err(|problem| {
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
        check_signature(&envelope, caller, &context)?;
        self.check_log_head(header, &context).await?;
        check_timer(header)?;
        check_own_copy(header, archived.as_ref())?;
        check_recipients(header, &context.recipients)?;

        let received_at_ms = self.0.now_ms();
        match self.0.store.deliver(to_deliver(&envelope, archived, received_at_ms)).await? {
            Delivered::Stored(ends) => {
                self.0.events.publish(&ends);
                let cursor = own_place(&ends, header.sender);
                Ok(Sent { message: header.message, hash: envelope.hash(), cursor, received_at_ms })
            }
            Delivered::AlreadySent(sent) => answer_again(&envelope, sent),
            Delivered::UnknownRecipients(accounts) => Err(unknown_recipients(accounts)),
            Delivered::StalePrekeys(accounts) => Err(stale_keys(header, accounts)),
        }
    }

    /// The head that an envelope names is one of the sender's device log, and not of before its device came: its readers
    /// could not look it up, or would drop the message.
    async fn check_log_head(&self, header: &Header, context: &SendContext) -> Result<(), Refusal> {
        let account = header.sender;
        let (Some(device), Some(identity), Some(last)) =
            (header.device, context.sender, &context.sender_last_entry)
        else {
            return Ok(());
        };
        if header.log_head == last.hash(account) {
            return Ok(());
        }
        let before = last.position().saturating_sub(MAX_HEADS_BEHIND + 1);
        let count = MAX_HEADS_BEHIND as usize + 1;
        let entries = self.0.store.device_log(account, identity.fingerprint(), before, count).await?;
        let named = entries.iter().position(|entry| entry.hash(account) == header.log_head);
        let added = entries
            .iter()
            .position(|entry| matches!(entry.change(), Change::Added(added, _) if added == device));
        if named.is_some() && named >= added {
            return Ok(());
        }
        warn!(%account, "send: another device log");
        let message = "The envelope names a list of devices that is not this account's: seal it anew";
        Err(Refusal::because(Code::InvalidEnvelope, message))
    }
}

/// The device of this session signed it; or, as long as the account has no devices, its identity key.
fn check_signature(envelope: &Envelope, caller: &Caller, context: &SendContext) -> Result<(), Refusal> {
    let account = caller.account();
    let refused = |message: &'static str| Err(Refusal::because(Code::InvalidEnvelope, message));
    let Some(identity) = context.sender else { return Err(Code::NotSignedIn.into()) };
    let device = match envelope.claimed_header().device {
        None if context.sender_last_entry.is_some() => {
            warn!(%account, "send: not signed by a device");
            return refused(
                "The envelope is not signed by a device: this is an older version, load the page again",
            );
        }
        None => None,
        Some(device) => match caller.device().filter(|(own, _)| *own == device) {
            Some(own) => Some(own),
            None => {
                warn!(%account, "send: another session's device");
                return refused("The envelope is not signed by the device of this session");
            }
        },
    };
    if envelope.verify(Sender { identity, device }).is_err() {
        warn!(%account, "send: invalid signature");
        return refused("The envelope is not signed by your keys, or it was changed");
    }
    Ok(())
}

fn check_timer(header: &Header) -> Result<(), Refusal> {
    match header.expiry {
        Expiry::AfterSeconds(seconds) if !(MIN_TIMER_S..=MAX_TIMER_S).contains(&seconds) => {
            let message = format!("Messages disappear after {MIN_TIMER_S} seconds to {MAX_TIMER_S} (a year)");
            Err(Refusal::because(Code::InvalidEnvelope, message))
        }
        Expiry::AfterSeconds(_) | Expiry::AtMs(_) | Expiry::Never => Ok(()),
    }
}

/// A sender without a seal would lose what was written; a disappearing message in an archive would stay.
fn check_own_copy(header: &Header, archived: Option<&ArchivedKey>) -> Result<(), Refusal> {
    let takes_archived = header.device.is_some() && !header.disappears();
    match archived {
        Some(key) if takes_archived => check_archived(key),
        None if !takes_archived => Ok(()),
        Some(_) => {
            Err(Refusal::because(Code::InvalidRequest, "The sender's copy of this message is not archived"))
        }
        None => Err(Refusal::because(Code::InvalidRequest, "The sender's own archived key is missing")),
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

/// Everyone exists, by the identity keys that are current. Whether the prekeys are, too, is looked at once more when the
/// envelope is stored.
fn check_recipients(header: &Header, current: &[CurrentKeys]) -> Result<(), Refusal> {
    let current: HashMap<AccountId, &CurrentKeys> = current.iter().map(|keys| (keys.account, keys)).collect();
    let mut unknown = Vec::new();
    let mut stale = Vec::new();
    for recipient in &header.recipients {
        match current.get(&recipient.account) {
            None => unknown.push(recipient.account),
            Some(keys) if keys.identity != recipient.identity || is_replaced(recipient.way, keys) => {
                stale.push(recipient.account);
            }
            Some(_) => {}
        }
    }
    if !unknown.is_empty() {
        return Err(unknown_recipients(unknown));
    }
    if !stale.is_empty() {
        return Err(stale_keys(header, stale));
    }
    Ok(())
}

/// Whether a signed prekey is not the one that stands.
fn is_replaced(way: Way, keys: &CurrentKeys) -> bool {
    matches!(way, Way::Sealed(PrekeyKind::Signed, id) if id != keys.prekey)
}

fn stale_keys(header: &Header, accounts: Vec<AccountId>) -> Refusal {
    debug!(account = %header.sender, count = accounts.len(), "send: stale keys");
    Refusal::new(Code::StaleKeys).about(accounts)
}

fn unknown_recipients(accounts: Vec<AccountId>) -> Refusal {
    debug!(count = accounts.len(), "send: unknown recipients");
    Refusal::new(Code::UnknownRecipient).about(accounts)
}

fn to_deliver(envelope: &Envelope, archived: Option<ArchivedKey>, received_at_ms: u64) -> NewEnvelope {
    let header = envelope.claimed_header();
    let mut signed_prekeys = Vec::new();
    let mut used_prekeys = Vec::new();
    for recipient in &header.recipients {
        match recipient.way {
            Way::Sealed(PrekeyKind::Signed, id) => signed_prekeys.push((recipient.account, id)),
            Way::Sealed(PrekeyKind::OneTime | PrekeyKind::Device, id) => {
                used_prekeys.push(UsedPrekey { account: recipient.account, device: recipient.device, id });
            }
            Way::Own | Way::Absent => {}
        }
    }
    let expires_at_ms = match header.expiry {
        Expiry::AfterSeconds(seconds) => Some(received_at_ms.saturating_add(u64::from(seconds) * 1_000)),
        Expiry::AtMs(_) | Expiry::Never => None,
    };
    NewEnvelope {
        message: header.message,
        hash: envelope.hash(),
        sender: header.sender,
        received_at_ms,
        expires_at_ms,
        shared: envelope.shared_bytes().to_vec(),
        signed_prekeys,
        used_prekeys,
        claimed_after_ms: received_at_ms.saturating_sub(CLAIM_LIFETIME_MS),
        deliveries: header
            .accounts()
            .map(|account| delivery_to(account, envelope, archived.as_ref()))
            .collect(),
    }
}

fn delivery_to(account: AccountId, envelope: &Envelope, archived: Option<&ArchivedKey>) -> SealedDelivery {
    let header = envelope.claimed_header();
    let archived = archived.filter(|_| account == header.sender).cloned();
    let state = match &archived {
        _ if header.disappears() => ItemState::OnDevices,
        Some(_) => ItemState::Archived,
        None => ItemState::Sealed,
    };
    SealedDelivery { account, seal: envelope.seals_of(account), archived, state }
}

fn own_place(ends: &[(AccountId, Cursor)], sender: AccountId) -> Cursor {
    ends.iter()
        .find(|(account, _)| *account == sender)
        .map(|(_, cursor)| *cursor)
        .expect("a parsed envelope has its sender among its recipients, and the store places all of them")
}
