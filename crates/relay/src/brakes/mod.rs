//! Brakes on guessing and on flooding: per account or name, per network, and for all together.
//!
//! The counters live in memory; what was counted is kept in the store by and by, and at once where somebody guessed wrong:
//! see [`Relay::keep_counters`](crate::Relay::keep_counters). For whom is counted stands there as a keyed hash. What is
//! counted is bounded, so that counting cannot be used to fill the memory.

mod keep;
mod level;
mod levels;
mod network;

use std::sync::{Mutex, MutexGuard, PoisonError};

use crypto::id::AccountId;
use hmac::{Hmac, KeyInit, Mac};
use protocol::{EmailAddress, Refusal, Username};
use sha2::Sha256;

use crate::Policy;

use level::{Level, growing_delay, rest_at_the_cap};
use levels::{EVERYBODY, Levels, Subject};
pub use network::Network;

/// How many networks' worth of tries a wide one has (an IPv4 network of 65 536 addresses, an IPv6 prefix of 48 bits).
const NETWORKS_IN_A_WIDE_ONE: u32 = 4;

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
    AllTokens = 14,
    /// Wrong passwords in a row of who is signed in already.
    ProofFailures = 15,
    /// Mails that confirm an address, asked for by one account.
    AccountConfirmations = 16,
    /// Notices to one address.
    AddressNotices = 17,
    /// Prekeys of others that one account claimed.
    AccountClaims = 18,
    /// Prekeys that one account claimed of one other.
    PairClaims = 19,
}

impl Purpose {
    /// Whether it counts wrong guesses, and not how often something was asked for.
    fn counts_guesses(self) -> bool {
        use Purpose::*;
        matches!(self, NameFailures | NameFailuresFromNetwork | ProofFailures | AccountCodes)
    }

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
            AllTokens,
            ProofFailures,
            AccountConfirmations,
            AddressNotices,
            AccountClaims,
            PairClaims,
        ]
        .into_iter()
        .find(|purpose| *purpose as u8 == number)
    }
}

/// All counters.
pub(crate) struct Brakes {
    policy: Policy,
    subject_key: [u8; 32],
    levels: Mutex<Levels>,
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
        let Policy { tokens, tokens_per_network, .. } = self.policy;
        let of_network = (Purpose::NetworkTokens, tokens_per_network);
        self.take_both(of_network, (Purpose::AllTokens, tokens), network, now_ms)
    }

    /// A mail that anybody could have asked for goes to an account.
    pub(crate) fn mail_to(&self, account: AccountId, now_ms: u64) -> Result<(), Refusal> {
        self.take_of_account(Purpose::AccountMails, self.policy.mails_per_account, account, now_ms)
    }

    /// An account asks for a mail that confirms an address.
    pub(crate) fn confirmation_to(&self, account: AccountId, now_ms: u64) -> Result<(), Refusal> {
        self.take_of_account(Purpose::AccountConfirmations, self.policy.mails_per_account, account, now_ms)
    }

    /// A notice goes to an address, of whichever account.
    pub(crate) fn notice_to(&self, address: &EmailAddress, now_ms: u64) -> Result<(), Refusal> {
        let subject = self.subject(&[b"address", address.folded().as_bytes()]);
        let rate = self.policy.notices_per_address;
        self.lock().take_all(&[(Purpose::AddressNotices, subject, rate)], now_ms)
    }

    /// An account claims a prekey of somebody.
    pub(crate) fn claim(&self, by: AccountId, of: AccountId, now_ms: u64) -> Result<(), Refusal> {
        let Policy { claims_per_account, claims_per_pair, .. } = self.policy;
        let pair = self.subject(&[b"pair", &by.to_bytes(), &of.to_bytes()]);
        let rates = [
            (Purpose::AccountClaims, self.of_account(by), claims_per_account),
            (Purpose::PairClaims, pair, claims_per_pair),
        ];
        self.lock().take_all(&rates, now_ms)
    }

    /// Counts a try at a second factor as failed, before it is checked.
    pub(crate) fn code(&self, account: AccountId, now_ms: u64) -> Result<(), Refusal> {
        self.take_of_account(Purpose::AccountCodes, self.policy.codes_per_account, account, now_ms)
    }

    /// The code was right: what [`Self::code`] counted is forgotten.
    pub(crate) fn code_succeeded(&self, account: AccountId) {
        self.lock().set(Purpose::AccountCodes, self.of_account(account), Level::default());
    }

    /// Counts a try at the password of who is signed in already as failed, before it is checked.
    pub(crate) fn proof(&self, account: AccountId, now_ms: u64) -> Result<(), Refusal> {
        let subject = self.of_account(account);
        let mut levels = self.lock();
        let level = levels.by(Purpose::ProofFailures, subject, now_ms).fail(growing_delay, now_ms)?;
        levels.set(Purpose::ProofFailures, subject, level);
        levels.make_room();
        Ok(())
    }

    /// The password was right.
    pub(crate) fn proof_succeeded(&self, account: AccountId) {
        self.lock().set(Purpose::ProofFailures, self.of_account(account), Level::default());
    }

    /// The password was not checked: what [`Self::proof`] counted is taken back.
    pub(crate) fn proof_unchecked(&self, account: AccountId) {
        self.lock().take_back(Purpose::ProofFailures, self.of_account(account));
    }

    /// Counts a try at a password as failed, before it is checked: many at once get no more tries than one after the
    /// other. A name that nobody has is counted like any other.
    pub(crate) fn password(&self, username: &Username, network: Network, now_ms: u64) -> Result<(), Refusal> {
        let [name, here] = self.of_name(username, network);
        let mut levels = self.lock();
        let of_name = levels.by(Purpose::NameFailures, name, now_ms).fail(rest_at_the_cap, now_ms)?;
        let of_here =
            levels.by(Purpose::NameFailuresFromNetwork, here, now_ms).fail(growing_delay, now_ms)?;
        levels.take_all(&self.rates_of_failures(network), now_ms)?;
        levels.set(Purpose::NameFailures, name, of_name);
        levels.set(Purpose::NameFailuresFromNetwork, here, of_here);
        levels.make_room();
        Ok(())
    }

    /// The password was right: what [`Self::password`] counted is taken back, and the name starts anew.
    pub(crate) fn password_succeeded(&self, username: &Username, network: Network) {
        self.forget_failures(username, network);
        self.lock().give_back(&self.rates_of_failures(network));
    }

    /// The name starts anew.
    pub(crate) fn forget_failures(&self, username: &Username, network: Network) {
        let [name, here] = self.of_name(username, network);
        let mut levels = self.lock();
        levels.set(Purpose::NameFailures, name, Level::default());
        levels.set(Purpose::NameFailuresFromNetwork, here, Level::default());
    }

    /// The password was not checked: what [`Self::password`] counted is taken back.
    pub(crate) fn password_unchecked(&self, username: &Username, network: Network) {
        let [name, here] = self.of_name(username, network);
        let mut levels = self.lock();
        levels.take_back(Purpose::NameFailures, name);
        levels.take_back(Purpose::NameFailuresFromNetwork, here);
        levels.give_back(&self.rates_of_failures(network));
    }

    fn rates_of_failures(&self, network: Network) -> Vec<(Purpose, Subject, Rate)> {
        let Policy { failed_logins, failed_logins_per_network, .. } = self.policy;
        let mut rates = self.rates_of(Purpose::NetworkFailures, failed_logins_per_network, network);
        rates.push((Purpose::AllFailures, EVERYBODY, failed_logins));
        rates
    }

    /// From the network's rates and from that of all, or from none.
    fn take_both(
        &self,
        (of_network, network_rate): (Purpose, Rate),
        (of_all, all_rate): (Purpose, Rate),
        network: Network,
        now_ms: u64,
    ) -> Result<(), Refusal> {
        let mut rates = self.rates_of(of_network, network_rate, network);
        rates.push((of_all, EVERYBODY, all_rate));
        self.lock().take_all(&rates, now_ms)
    }

    fn take_of_account(
        &self,
        purpose: Purpose,
        rate: Rate,
        account: AccountId,
        now_ms: u64,
    ) -> Result<(), Refusal> {
        self.lock().take_all(&[(purpose, self.of_account(account), rate)], now_ms)
    }

    /// A network's own rate, and that of the wider one around it: who has many networks has few wide ones.
    fn rates_of(&self, purpose: Purpose, rate: Rate, network: Network) -> Vec<(Purpose, Subject, Rate)> {
        if network == Network::Local {
            return Vec::new();
        }
        let Rate { burst, per_hour } = rate;
        let wide =
            Rate { burst: burst * NETWORKS_IN_A_WIDE_ONE, per_hour: per_hour * NETWORKS_IN_A_WIDE_ONE };
        vec![
            (purpose, self.subject(&[b"network", &network.bytes()]), rate),
            (purpose, self.subject(&[b"wide network", &network.wide_bytes()]), wide),
        ]
    }

    fn of_account(&self, account: AccountId) -> Subject {
        self.subject(&[b"account", &account.to_bytes()])
    }

    fn of_name(&self, username: &Username, network: Network) -> [Subject; 2] {
        let name = username.as_str().as_bytes();
        [self.subject(&[b"name", name]), self.subject(&[b"name from", name, b"\0", &network.bytes()])]
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

#[cfg(test)]
mod tests {
    use super::{levels::MOST_COUNTERS, *};

    #[test]
    fn counting_does_not_fill_the_memory_and_forgets_rates_before_wrong_passwords() {
        let many = Rate { burst: 1_000_000, per_hour: 1 };
        let policy = Policy { tokens: many, tokens_per_network: many, ..Policy::default() };
        let brakes = Brakes::new(&policy, [7; 32]);
        let alice: Username = "alice".parse().unwrap();
        brakes.password(&alice, Network::Local, 0).unwrap();
        for number in 0..MOST_COUNTERS as u64 {
            let [.., b, c, d] = number.to_be_bytes();
            brakes.token(Network::V6([0x20, 1, 0xd, 0xb8, b, c, d, 0]), number).unwrap();
        }
        let levels = brakes.lock();
        assert!(levels.len() <= MOST_COUNTERS, "{}", levels.len());
        let [name, _] = brakes.of_name(&alice, Network::Local);
        assert_eq!(levels.of(Purpose::NameFailures, name).level, 1, "wrong passwords are forgotten last");
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

    #[test]
    fn many_networks_of_one_household_have_the_tries_of_a_few() {
        let brakes = Brakes::new(&Policy::default(), [7; 32]);
        let tries = |prefix: u8| {
            let network = |last: u8| Network::V6([0x20, 1, 0xd, 0xb8, 0, prefix, 0, last]);
            (0..=255).filter(|last| brakes.forgotten_password(network(*last), 0).is_ok()).count()
        };
        assert_eq!(tries(1), 20, "four times the five of one network");
        assert_eq!(tries(2), 20, "another household is not touched");
    }

    #[test]
    fn strangers_at_the_door_do_not_brake_who_is_inside() {
        let brakes = Brakes::new(&Policy::default(), [7; 32]);
        let (alice, account): (Username, _) = ("alice".parse().unwrap(), AccountId::from_bytes([1; 16]));
        while brakes.password(&alice, Network::Local, 0).is_ok() {}
        brakes.proof(account, 0).unwrap();
        brakes.proof_succeeded(account);
        for _ in 0..5 {
            brakes.proof(account, 0).unwrap();
        }
        assert_eq!(brakes.proof(account, 0).unwrap_err().retry_after_s, Some(1));
    }
}
