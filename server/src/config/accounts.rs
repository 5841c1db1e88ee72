use clap::{Args, ValueEnum};
use protocol::policy::Registration;
use relay::port::{BcryptCost, BcryptCostRefused};
use serde::Deserialize;

use super::Http;

/// How strict the relay is with accounts.
#[derive(Args, Debug, Default, Deserialize)]
#[command(next_help_heading = "accounts")]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AccountsSettings {
    /// Who may make an account: anybody, whoever has an invitation, or nobody [default: open where only this machine
    /// reaches the server, else invite].
    #[arg(long, env = "SECURE_MESSAGING_REGISTRATION", hide_env_values = true, value_name = "WHO")]
    registration: Option<RegistrationSetting>,
    /// bcrypt's cost, 10 to 16: each step doubles the time of a login [default: 12].
    #[arg(long, env = "SECURE_MESSAGING_BCRYPT_COST", hide_env_values = true, value_name = "COST")]
    bcrypt_cost: Option<u32>,
}

/// Who may make an account.
#[derive(Clone, Copy, Debug, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
enum RegistrationSetting {
    /// Anybody.
    Open,
    /// Whoever has an invitation.
    Invite,
    /// Nobody.
    Closed,
}

/// How strict the relay is with accounts: settled.
#[derive(Debug)]
pub(crate) struct Accounts {
    pub(crate) registration: Registration,
    pub(crate) bcrypt_cost: BcryptCost,
}

/// A figure is out of bounds.
#[derive(Debug, thiserror::Error)]
#[error("bcrypt_cost: {0}")]
pub(crate) struct AccountsRefused(#[from] BcryptCostRefused);

impl AccountsSettings {
    pub(super) fn or(self, file: Self) -> Self {
        Self {
            registration: self.registration.or(file.registration),
            bcrypt_cost: self.bcrypt_cost.or(file.bcrypt_cost),
        }
    }

    pub(super) fn settle(self, http: &Http) -> Result<Accounts, AccountsRefused> {
        let bcrypt_cost = self.bcrypt_cost.map(BcryptCost::new).transpose()?.unwrap_or_default();
        let registration = match self.registration {
            Some(RegistrationSetting::Open) => Registration::Open,
            Some(RegistrationSetting::Invite) => Registration::Invite,
            Some(RegistrationSetting::Closed) => Registration::Closed,
            None if http.is_for_this_machine_only() => Registration::Open,
            None => Registration::Invite,
        };
        Ok(Accounts { registration, bcrypt_cost })
    }
}
