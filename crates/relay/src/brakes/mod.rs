//! Brakes on guessing and on flooding: per account or name, per network, and for all together.
//!
//! The counters live in memory; what was counted is kept in the store by and by, and at once where somebody guessed wrong:
//! see [`Relay::keep_counters`](crate::Relay::keep_counters). For whom is counted stands there as a keyed hash. What is
//! counted is bounded, so that counting cannot be used to fill the memory.

mod keep;
mod level;
mod network;

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crypto::id::AccountId;
use hmac::{Hmac, KeyInit, Mac};
use protocol::{Refusal, Username};
use sha2::Sha256;

use crate::Policy;

use level::{Level, growing_delay, rest_at_the_cap};
pub use network::Network;

/// Counters at once; past it, those that count nothing any more are forgotten, then the one that counted longest ago.
const MOST_COUNTERS: usize = 50_000;

/// So many at once, refilled with so many an hour: never more than their sum in any hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// At once.
    pub burst: u32,
    /// Refilled in an hour.
    pub per_hour: u32,
}

/// What is counted. The numbers are kept in stores: they are never given another meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
enum Purpose {
    /// Wrong passwords in a row for a name, from anywhere.
    NameFailures = 1,
    /// Wrong passwords in a row for a name from one network.
    NameFailuresFromNetwork = 2,
    NetworkFailures = 3,
    AllFailures = 4,
    NetworkRegistrations = 5,
    AllRegistrations = 6,
    NetworkPrelogins = 7,
    AllPrelogins = 8,
    NetworkForgets = 9,
    AllForgets = 10,
    AccountMails = 11,
    NetworkTokens = 12,
    AccountCodes = 13,
}

impl Purpose {
    fn of_number(number: u8) -> Option<Self> {
        use Purpose::*;
        [
            NameFailures,
            NameFailuresFromNetwork,
            NetworkFailures,
            AllFailures,
            NetworkRegistrations,
            AllRegistrations,
            NetworkPrelogins,
            AllPrelogins,
            NetworkForgets,
            AllForgets,
            AccountMails,
            NetworkTokens,
            AccountCodes,
        ]
        .into_iter()
        .find(|purpose| *purpose as u8 == number)
    }
}

type Subject = [u8; 16];
const EVERYBODY: Subject = [0; 16];

/// All counters.
pub(crate) struct Brakes {
    policy: Policy,
    subject_key: [u8; 32],
    levels: Mutex<Levels>,
}

#[derive(Default)]
struct Levels {
    counted: HashMap<(Purpose, Subject), Level>,
    /// Those that the store does not know yet.
    changed: Vec<(Purpose, Subject)>,
}

impl Brakes {
    pub(crate) fn new(policy: &Policy, subject_key: [u8; 32]) -> Self {
        Self { policy: policy.clone(), subject_key, levels: Mutex::default() }
    }

    pub(crate) fn registration(&self, network: Network, now_ms: u64) -> Result<(), Refusal> {
        let Policy { registrations, registrations_per_network, .. } = self.policy;
        let of_network = (Purpose::NetworkRegistrations, registrations_per_network);
        self.take_both(of_network, (Purpose::AllRegistrations, registrations), network, now_ms)
    }

    pub(crate) fn prelogin(&self, network: Network, now_ms: u64) -> Result<(), Refusal> {
        let Policy { prelogins, prelogins_per_network, .. } = self.policy;
        let of_network = (Purpose::NetworkPrelogins, prelogins_per_network);
        self.take_both(of_network, (Purpose::AllPrelogins, prelogins), network, now_ms)
    }

    pub(crate) fn forgotten_password(&self, network: Network, now_ms: u64) -> Result<(), Refusal> {
        let Policy { resets, resets_per_network, .. } = self.policy;
        let of_network = (Purpose::NetworkForgets, resets_per_network);
        self.take_both(of_network, (Purpose::AllForgets, resets), network, now_ms)
    }

    /// A token from a mail or an invitation is looked at.
    pub(crate) fn token(&self, network: Network, now_ms: u64) -> Result<(), Refusal> {
        let mut levels = self.lock();
        self.take_of_network(
            &mut levels,
            Purpose::NetworkTokens,
            self.policy.tokens_per_network,
            network,
            now_ms,
        )
    }

    /// A mail that anybody could have asked for goes to an account.
    pub(crate) fn mail_to(&self, account: AccountId, now_ms: u64) -> Result<(), Refusal> {
        let subject = self.subject(&[b"account", &account.to_bytes()]);
        let mut levels = self.lock();
        let level =
            levels.by(Purpose::AccountMails, subject, now_ms).take(self.policy.mails_per_account, now_ms)?;
        levels.set(Purpose::AccountMails, subject, level);
        Ok(())
    }

    /// Counts a try at a second factor as failed, before it is checked.
    pub(crate) fn code(&self, account: AccountId, now_ms: u64) -> Result<(), Refusal> {
        let subject = self.subject(&[b"account", &account.to_bytes()]);
        let mut levels = self.lock();
        let level =
            levels.by(Purpose::AccountCodes, subject, now_ms).take(self.policy.codes_per_account, now_ms)?;
        levels.set(Purpose::AccountCodes, subject, level);
        Ok(())
    }

    /// The code was right: what [`Self::code`] counted is forgotten.
    pub(crate) fn code_succeeded(&self, account: AccountId) {
        let subject = self.subject(&[b"account", &account.to_bytes()]);
        self.lock().set(Purpose::AccountCodes, subject, Level::default());
    }

    /// Counts a try at a password as failed, before it is checked: many at once get no more tries than one after the
    /// other. A name that nobody has is counted like any other.
    pub(crate) fn password(&self, username: &Username, network: Network, now_ms: u64) -> Result<(), Refusal> {
        let [name, here] = self.of_name(username, network);
        let mut levels = self.lock();
        let of_name = levels.by(Purpose::NameFailures, name, now_ms).fail(rest_at_the_cap, now_ms)?;
        let of_here =
            levels.by(Purpose::NameFailuresFromNetwork, here, now_ms).fail(growing_delay, now_ms)?;
        let of_all =
            levels.by(Purpose::AllFailures, EVERYBODY, now_ms).take(self.policy.failed_logins, now_ms)?;
        let rate = self.policy.failed_logins_per_network;
        self.take_of_network(&mut levels, Purpose::NetworkFailures, rate, network, now_ms)?;
        levels.set(Purpose::AllFailures, EVERYBODY, of_all);
        levels.set(Purpose::NameFailures, name, of_name);
        levels.set(Purpose::NameFailuresFromNetwork, here, of_here);
        levels.make_room(now_ms);
        Ok(())
    }

    /// The password was right: what [`Self::password`] counted is taken back, and the name starts anew.
    pub(crate) fn password_succeeded(&self, username: &Username, network: Network) {
        let [name, here] = self.of_name(username, network);
        let mut levels = self.lock();
        levels.set(Purpose::NameFailures, name, Level::default());
        levels.set(Purpose::NameFailuresFromNetwork, here, Level::default());
        self.give_back(&mut levels, network);
    }

    /// The password was not checked: what [`Self::password`] counted is taken back.
    pub(crate) fn password_unchecked(&self, username: &Username, network: Network) {
        let [name, here] = self.of_name(username, network);
        let mut levels = self.lock();
        for (purpose, subject) in [(Purpose::NameFailures, name), (Purpose::NameFailuresFromNetwork, here)] {
            let counted = levels.of(purpose, subject);
            let level = Level { level: counted.level.saturating_sub(1), ..counted };
            levels.set(purpose, subject, level);
        }
        self.give_back(&mut levels, network);
    }

    fn give_back(&self, levels: &mut Levels, network: Network) {
        let all = levels.of(Purpose::AllFailures, EVERYBODY).give_back();
        levels.set(Purpose::AllFailures, EVERYBODY, all);
        let subject = self.of_network(network);
        let of_network = levels.of(Purpose::NetworkFailures, subject).give_back();
        levels.set(Purpose::NetworkFailures, subject, of_network);
    }

    /// From the network's rate and from that of all, or from neither.
    fn take_both(
        &self,
        (of_network, network_rate): (Purpose, Rate),
        (of_all, all_rate): (Purpose, Rate),
        network: Network,
        now_ms: u64,
    ) -> Result<(), Refusal> {
        let mut levels = self.lock();
        let all = levels.by(of_all, EVERYBODY, now_ms).take(all_rate, now_ms)?;
        self.take_of_network(&mut levels, of_network, network_rate, network, now_ms)?;
        levels.set(of_all, EVERYBODY, all);
        levels.make_room(now_ms);
        Ok(())
    }

    fn take_of_network(
        &self,
        levels: &mut Levels,
        purpose: Purpose,
        rate: Rate,
        network: Network,
        now_ms: u64,
    ) -> Result<(), Refusal> {
        if network == Network::Local {
            return Ok(());
        }
        let subject = self.of_network(network);
        let level = levels.by(purpose, subject, now_ms).take(rate, now_ms)?;
        levels.set(purpose, subject, level);
        Ok(())
    }

    fn of_name(&self, username: &Username, network: Network) -> [Subject; 2] {
        let name = username.as_str().as_bytes();
        [self.subject(&[b"name", name]), self.subject(&[b"name from", name, b"\0", &network.bytes()])]
    }

    fn of_network(&self, network: Network) -> Subject {
        self.subject(&[b"network", &network.bytes()])
    }

    /// Keyed, so that a copy of the database does not tell who was counted.
    fn subject(&self, parts: &[&[u8]]) -> Subject {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.subject_key).expect("HMAC takes keys of any length");
        for part in parts {
            mac.update(part);
        }
        let hash: [u8; 32] = mac.finalize().into_bytes().into();
        let mut subject = EVERYBODY;
        subject.copy_from_slice(&hash[..16]);
        subject
    }

    /// Counters are whole after every statement, so a poisoned lock still guards good ones.
    fn lock(&self) -> MutexGuard<'_, Levels> {
        self.levels.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Levels {
    fn of(&self, purpose: Purpose, subject: Subject) -> Level {
        self.counted.get(&(purpose, subject)).copied().unwrap_or_default()
    }

    /// The same by this time. Where the clock has stepped back, the time that was noted lies ahead: it is set to now, or
    /// who waits would wait until the clock has caught up.
    fn by(&mut self, purpose: Purpose, subject: Subject, now_ms: u64) -> Level {
        let noted = self.of(purpose, subject);
        let level = Level { at_ms: noted.at_ms.min(now_ms), ..noted };
        if level != noted {
            self.set(purpose, subject, level);
        }
        level
    }

    fn set(&mut self, purpose: Purpose, subject: Subject, level: Level) {
        let before = if level.level == 0 {
            self.counted.remove(&(purpose, subject))
        } else {
            self.counted.insert((purpose, subject), level)
        };
        if before.unwrap_or_default() != level {
            self.changed.push((purpose, subject));
        }
    }

    fn make_room(&mut self, now_ms: u64) {
        if self.counted.len() <= MOST_COUNTERS {
            return;
        }
        const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
        let mut gone: Vec<_> = self.counted.iter().map(|(key, level)| (level.at_ms, *key)).collect();
        gone.sort_unstable_by_key(|(at_ms, _)| *at_ms);
        let old = gone.iter().take_while(|(at_ms, _)| now_ms.saturating_sub(*at_ms) >= DAY_MS).count();
        for (_, (purpose, subject)) in gone.into_iter().take(old.max(MOST_COUNTERS / 100)) {
            self.set(purpose, subject, Level::default());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counting_does_not_fill_the_memory() {
        let many = Rate { burst: u32::MAX, per_hour: 1 };
        let policy = Policy { failed_logins: many, failed_logins_per_network: many, ..Policy::default() };
        let brakes = Brakes::new(&policy, [7; 32]);
        let name = |number: usize| format!("person{number}").parse::<Username>().unwrap();
        for number in 0..MOST_COUNTERS {
            brakes.password(&name(number), Network::Local, number as u64).unwrap();
        }
        let levels = brakes.lock();
        assert!(levels.counted.len() <= MOST_COUNTERS + 3, "{}", levels.counted.len());
        let [first, _] = brakes.of_name(&name(0), Network::Local);
        let [last, _] = brakes.of_name(&name(MOST_COUNTERS - 1), Network::Local);
        assert_eq!(levels.of(Purpose::NameFailures, first).level, 0, "who failed longest ago is forgotten");
        assert_eq!(levels.of(Purpose::NameFailures, last).level, 1);
    }

    #[test]
    fn a_stranger_elsewhere_does_not_lengthen_the_delay_here() {
        let brakes = Brakes::new(&Policy::default(), [7; 32]);
        let alice: Username = "alice".parse().unwrap();
        let [here, there] = [Network::V4([192, 0, 2]), Network::V4([198, 51, 100])];
        for now_ms in 0..5 {
            brakes.password(&alice, there, now_ms).unwrap();
        }
        assert!(brakes.password(&alice, there, 6).is_err());
        brakes.password(&alice, here, 7).unwrap();
    }
}
