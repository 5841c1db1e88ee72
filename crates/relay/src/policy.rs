//! The figures that an operator may change.

pub use crate::attempts::Rate;
use crate::port::BcryptCost;

/// How strict the relay is. [`Policy::default`] is what a server runs with.
#[derive(Clone, Debug)]
pub struct Policy {
    /// How dear a try at a password is.
    pub bcrypt_cost: BcryptCost,
    /// Registrations, all together.
    pub registrations: Rate,
    /// Questions for a name's parameters, all together.
    pub prelogins: Rate,
    /// Wrong passwords, all together: what keeps a list of names from being tried with a common password each.
    pub failed_logins: Rate,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            bcrypt_cost: BcryptCost::default(),
            registrations: Rate { burst: 200, per_minute: 60 },
            prelogins: Rate { burst: 600, per_minute: 1_200 },
            failed_logins: Rate { burst: 300, per_minute: 300 },
        }
    }
}
