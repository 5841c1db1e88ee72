use clap::Args;
use relay::port::{BcryptCost, BcryptCostRefused};
use serde::Deserialize;

/// How strict the relay is with accounts.
#[derive(Args, Debug, Default, Deserialize)]
#[command(next_help_heading = "accounts")]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AccountsSettings {
    /// bcrypt's cost, 10 to 16: each step doubles the time of a login [default: 12].
    #[arg(long, env = "SECURE_MESSAGING_BCRYPT_COST", hide_env_values = true, value_name = "COST")]
    bcrypt_cost: Option<u32>,
}

/// How strict the relay is with accounts: settled.
#[derive(Debug)]
pub(crate) struct Accounts {
    pub(crate) bcrypt_cost: BcryptCost,
}

/// A figure is out of bounds.
#[derive(Debug, thiserror::Error)]
#[error("bcrypt_cost: {0}")]
pub(crate) struct AccountsRefused(#[from] BcryptCostRefused);

impl AccountsSettings {
    pub(super) fn or(self, file: Self) -> Self {
        Self { bcrypt_cost: self.bcrypt_cost.or(file.bcrypt_cost) }
    }

    pub(super) fn settle(self) -> Result<Accounts, AccountsRefused> {
        let bcrypt_cost = self.bcrypt_cost.map(BcryptCost::new).transpose()?.unwrap_or_default();
        Ok(Accounts { bcrypt_cost })
    }
}
