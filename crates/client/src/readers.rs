//! To which prekeys a message is sealed: those of its readers, held against the pins, and each used once.

use crypto::{
    device_log::LogRefused,
    envelope::MAX_SEALS,
    id::AccountId,
    identity::IdentityPublic,
    prekey::{Prekey, PrekeyKind},
};
use protocol::{
    Code,
    directory::KeyBundle,
    prekey::{ClaimPrekeys, ClaimedPrekey},
};

use crate::{Device, Interruption, engine::Engine, outbox::Outcome, pins::Checked, records::KeptDraft};

/// How often prekeys are claimed that turn out to be used.
const MAX_CLAIMS: u32 = 4;

/// Who gets a message.
#[derive(Default)]
pub(crate) struct Readers {
    pub(crate) prekeys: Vec<Prekey>,
    /// Members that no device of can take it.
    pub(crate) absent: Vec<(AccountId, IdentityPublic)>,
    /// How many devices of others cannot.
    pub(crate) missed: u32,
}

/// The devices of one member that a disappearing message can go to.
struct OnDevices<'a> {
    bundle: &'a KeyBundle,
    is_mine: bool,
    /// How many there are, reached or not.
    active: usize,
    /// Where each was added, and its prekey.
    reached: Vec<(u32, Prekey)>,
}

impl<D: Device> Engine<D> {
    /// To which prekeys a message is sealed: claimed ones of the accounts, and the signed ones where none is left; or those
    /// of the devices, if it disappears. All held against the pins.
    pub(crate) async fn readers(&self, draft: &KeptDraft) -> Result<Result<Readers, Outcome>, Interruption> {
        let members = {
            let state = self.state();
            state.conversations.get(&draft.conversation).map(|known| known.members.clone())
        };
        let Some(members) = members else { return Ok(Err(Outcome::Gone)) };
        let checked = match self.checked_bundles(&members).await? {
            Ok(checked) => checked,
            Err(outcome) => return Ok(Err(outcome)),
        };
        let is_mine = |bundle: &KeyBundle| bundle.account == self.me.account;
        if checked.iter().any(|(bundle, _)| is_mine(bundle) && self.lacks_log(bundle)) {
            // What is sealed names a head of it: one that the server has.
            self.compare_own_log().await?;
            self.this_device().await?;
        }
        let logs: Vec<(AccountId, IdentityPublic)> = checked
            .iter()
            .filter(|(bundle, _)| !is_mine(bundle) && self.lacks_log(bundle))
            .map(|(bundle, _)| (bundle.account, bundle.identity))
            .collect();
        if !logs.is_empty() {
            let refused = self.refresh_logs(&logs).await?;
            if let Some((bundle, why)) =
                checked.iter().find_map(|(bundle, _)| Some((bundle, *refused.get(&bundle.account)?)))
            {
                let is_a_question = self.state().contacts.shows_another_log(bundle.account);
                return Ok(Err(if is_a_question { Outcome::Blocked } else { forged_log(bundle, why) }));
            }
        }
        if draft.timer_s > 0 {
            self.readers_on_devices(&checked).await
        } else {
            self.readers_by_account(checked).await
        }
    }

    /// Whether the directory speaks of entries of a device log that are not known here, or of others.
    pub(crate) fn lacks_log(&self, bundle: &KeyBundle) -> bool {
        let logs = self.logs();
        let known = logs.get(bundle.account, bundle.identity.fingerprint());
        let pin = self.vault.pin(bundle.account);
        known.is_none_or(|log| {
            log.len() != bundle.log_length
                || log.head() != bundle.log_head
                || pin.is_some_and(|pin| !pin.speaks_of(log))
        })
    }

    async fn readers_by_account(
        &self,
        checked: Vec<(KeyBundle, Prekey)>,
    ) -> Result<Result<Readers, Outcome>, Interruption> {
        let mut readers = Readers::default();
        let mut waiting: Vec<(KeyBundle, Prekey)> =
            checked.into_iter().filter(|(bundle, _)| bundle.account != self.me.account).collect();
        // A server that was set back gives some that were used, and others after them.
        for _ in 0..MAX_CLAIMS {
            let claimed = self.claim(&waiting, false).await?;
            let mut used = Vec::new();
            for (bundle, signed) in waiting {
                let of_account = claimed.iter().find(|claimed| claimed.account == bundle.account);
                let Some(claimed) = of_account else {
                    readers.prekeys.push(signed);
                    continue;
                };
                let one_time = claimed.prekey.verify(bundle.account, &bundle.identity);
                let one_time = one_time.ok().filter(|prekey| prekey.kind() == PrekeyKind::OneTime);
                let Some(one_time) = one_time else { return Ok(Err(unsound(&bundle))) };
                if self.state().was_used(bundle.identity.fingerprint(), one_time.id()) {
                    used.push((bundle, signed));
                } else {
                    readers.prekeys.push(one_time);
                }
            }
            if used.is_empty() {
                return Ok(Ok(readers));
            }
            waiting = used;
        }
        let names: Vec<&str> = waiting.iter().map(|(bundle, _)| bundle.username.as_str()).collect();
        Ok(Err(Outcome::Failed(format!(
            "Not sent: the server gives a key for {} that was used before. Ask who runs the server",
            names.join(", ")
        ))))
    }

    async fn readers_on_devices(
        &self,
        checked: &[(KeyBundle, Prekey)],
    ) -> Result<Result<Readers, Outcome>, Interruption> {
        let this = self.this_device().await?;
        let claimed = self.claim(checked, true).await?;
        let mut on_devices = Vec::with_capacity(checked.len());
        for (bundle, _) in checked {
            let mut devices = self.active_devices(bundle.account, &bundle.identity);
            let is_mine = bundle.account == self.me.account;
            if is_mine {
                devices.remove(&this.id);
            }
            let mut reached = Vec::new();
            for claimed in claimed.iter().filter(|claimed| claimed.account == bundle.account) {
                // One that is revoked, or none of theirs, gets nothing.
                let Some(device) = claimed.device.filter(|device| devices.contains(device)) else { continue };
                let known = {
                    let logs = self.logs();
                    let log = logs.get(bundle.account, bundle.identity.fingerprint());
                    log.and_then(|log| log.device(device)).copied()
                };
                let Some(known) = known else { continue };
                let prekey =
                    claimed.prekey.verify_of_device(bundle.account, &bundle.identity, device, &known.key);
                let Ok(prekey) = prekey else { return Ok(Err(unsound(bundle))) };
                reached.push((known.added_at, prekey));
            }
            let active = devices.len();
            on_devices.push(OnDevices { bundle, is_mine, active, reached });
        }
        let mut reached: Vec<_> = on_devices.iter_mut().map(|member| &mut member.reached).collect();
        share_places(&mut reached, MAX_SEALS);
        let mut readers = Readers::default();
        for OnDevices { bundle, is_mine, active, reached } in on_devices {
            if !is_mine {
                readers.missed += active.saturating_sub(reached.len()) as u32;
                if reached.is_empty() {
                    readers.absent.push((bundle.account, bundle.identity));
                }
            }
            readers.prekeys.extend(reached.into_iter().map(|(_, prekey)| prekey));
        }
        let others = checked.iter().filter(|(bundle, _)| bundle.account != self.me.account).count();
        if readers.absent.len() == others {
            return Ok(Err(Outcome::Failed(
                "Not sent: no device of theirs can take a disappearing message at the moment. Try again once they \
                 were online, or write it anew without a timer"
                    .to_owned(),
            )));
        }
        Ok(Ok(readers))
    }

    async fn claim(
        &self,
        of: &[(KeyBundle, Prekey)],
        of_devices: bool,
    ) -> Result<Vec<ClaimedPrekey>, Interruption> {
        let accounts: Vec<AccountId> = of.iter().map(|(bundle, _)| bundle.account).collect();
        if accounts.is_empty() {
            return Ok(Vec::new());
        }
        Ok(self.device.call(ClaimPrekeys { accounts, of_devices }).await?.prekeys)
    }

    /// The keys of a conversation's members, held against the pins.
    async fn checked_bundles(
        &self,
        members: &[AccountId],
    ) -> Result<Result<Vec<(KeyBundle, Prekey)>, Outcome>, Interruption> {
        let bundles = self.fetch_bundles(members).await?;
        let deleted = {
            let state = self.state();
            let deleted = members.iter().find(|member| state.contacts.is_deleted(**member));
            deleted.map(|member| state.contacts.contact(*member).username)
        };
        if let Some(username) = deleted {
            return Ok(Err(Outcome::Failed(format!(
                "Not sent: {username} deleted their account. Write to the others in a conversation of their own"
            ))));
        }
        if bundles.len() < members.len() {
            return Ok(Err(Outcome::Failed(Code::UnknownRecipient.message().to_owned())));
        }
        let mut checked = Vec::with_capacity(bundles.len());
        let mut changed = false;
        for bundle in bundles {
            match self.check_bundle(&bundle).await? {
                Checked::Usable(prekey) => checked.push((bundle, *prekey)),
                Checked::Changed if bundle.account == self.me.account => {
                    return Ok(Err(Outcome::Failed(
                        "Not sent: the server offers a key for your own account that is not yours. \
                         Ask who runs the server"
                            .to_owned(),
                    )));
                }
                // The others are looked at too, so that all changes are shown at once.
                Checked::Changed => changed = true,
                Checked::Unsound => return Ok(Err(unsound(&bundle))),
                Checked::Older => {
                    return Ok(Err(Outcome::Failed(format!(
                        "Not sent: the server offers an older key for {} than before. Ask who runs the server",
                        bundle.username
                    ))));
                }
            }
        }
        Ok(if changed { Err(Outcome::Blocked) } else { Ok(checked) })
    }
}

/// An envelope has places for so many devices. Where there are more, each member gets as many of them as all can have, the newest
/// first: nobody takes the others' places.
fn share_places<T>(members: &mut [&mut Vec<(u32, T)>], places: usize) {
    let needed = |most: usize| members.iter().map(|devices| devices.len().min(most)).sum::<usize>();
    let Some(most) = (1..=places).rev().find(|most| needed(*most) <= places) else { return };
    for devices in members {
        devices.sort_by_key(|(added_at, _)| core::cmp::Reverse(*added_at));
        devices.truncate(most);
    }
}

fn unsound(bundle: &KeyBundle) -> Outcome {
    Outcome::Failed(format!(
        "Not sent: the server offers a key for {} that {0} did not sign. Ask who runs the server",
        bundle.username
    ))
}

fn forged_log(bundle: &KeyBundle, why: LogRefused) -> Outcome {
    Outcome::Failed(format!(
        "Not sent: the server shows a list of {}'s devices that is not theirs ({why}). Ask who runs the server",
        bundle.username
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shared(devices: &[u32], places: usize) -> Vec<Vec<u32>> {
        let mut members: Vec<Vec<(u32, u32)>> =
            devices.iter().map(|count| (1..=*count).map(|added_at| (added_at, added_at)).collect()).collect();
        share_places(&mut members.iter_mut().collect::<Vec<_>>(), places);
        members.into_iter().map(|devices| devices.into_iter().map(|(_, device)| device).collect()).collect()
    }

    #[test]
    fn a_member_with_very_many_devices_takes_nobodys_place() {
        assert_eq!(shared(&[2, 1, 0], 200), [vec![2, 1], vec![1], vec![]]);
        let members = shared(&[500, 3, 1], 200);
        assert_eq!([members[0].len(), members[1].len(), members[2].len()], [196, 3, 1]);
        assert_eq!(members[0][..2], [500, 499], "the newest");
        let members = shared(&[9; 100], 200);
        assert!(members.iter().all(|devices| devices[..] == [9, 8]));
    }
}
