//! The figures that an operator may change.

use protocol::policy::Registration;

pub use crate::brakes::Rate;
use crate::port::BcryptCost;

/// How strict the relay is. [`Policy::default`] is what a server runs with on its own machine.
#[derive(Clone, Debug)]
pub struct Policy {
    /// How dear a try at a password is.
    pub bcrypt_cost: BcryptCost,
    /// Who may make an account.
    pub registration: Registration,
    /// Registrations, all together.
    pub registrations: Rate,
    /// Registrations from one network.
    pub registrations_per_network: Rate,
    /// Questions for a name's parameters, all together.
    pub prelogins: Rate,
    /// Questions for a name's parameters from one network.
    pub prelogins_per_network: Rate,
    /// Wrong passwords, all together: what keeps a list of names from being tried with a common password each.
    pub failed_logins: Rate,
    /// Wrong passwords from one network, for whatever names.
    pub failed_logins_per_network: Rate,
    /// Questions for a mail that resets a password, all together.
    pub resets: Rate,
    /// The same from one network: ten in an hour.
    pub resets_per_network: Rate,
    /// Mails to one account that anybody could have asked for: three in an hour.
    pub mails_per_account: Rate,
    /// Notices to one address, of all accounts together.
    pub notices_per_address: Rate,
    /// Tokens that are looked at, all together.
    pub tokens: Rate,
    /// Tokens that are looked at from one network.
    pub tokens_per_network: Rate,
    /// Wrong codes of one account's second factor: twenty in an hour, and five in a row.
    pub codes_per_account: Rate,
    /// Prekeys that one account claims of others: thirty messages to a group of a hundred at once, then one every minute.
    pub claims_per_account: Rate,
    /// Prekeys that one account claims of one other: a lively evening.
    pub claims_per_pair: Rate,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            bcrypt_cost: BcryptCost::default(),
            registration: Registration::Open,
            registrations: Rate { burst: 200, per_hour: 3_600 },
            registrations_per_network: Rate { burst: 20, per_hour: 40 },
            prelogins: Rate { burst: 600, per_hour: 72_000 },
            prelogins_per_network: Rate { burst: 120, per_hour: 3_600 },
            failed_logins: Rate { burst: 300, per_hour: 18_000 },
            failed_logins_per_network: Rate { burst: 50, per_hour: 150 },
            resets: Rate { burst: 100, per_hour: 1_000 },
            resets_per_network: Rate { burst: 5, per_hour: 5 },
            mails_per_account: Rate { burst: 2, per_hour: 1 },
            notices_per_address: Rate { burst: 10, per_hour: 10 },
            tokens: Rate { burst: 600, per_hour: 7_200 },
            tokens_per_network: Rate { burst: 30, per_hour: 120 },
            codes_per_account: Rate { burst: 5, per_hour: 15 },
            claims_per_account: Rate { burst: 3_000, per_hour: 6_000 },
            claims_per_pair: Rate { burst: 300, per_hour: 600 },
        }
    }
}
