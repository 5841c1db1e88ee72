use crypto::id::AccountId;
use relay::port::{PasswordHash, Proven};

use crate::{State, account::Account};

impl State {
    /// The account whose password and session were proven, where both are still what they were.
    pub(crate) fn proven(&mut self, proven: &Proven) -> Option<&mut Account> {
        let goes_on = self.sessions.get(&proven.session).is_some_and(|live| live.account() == proven.account);
        if goes_on { self.with_password(proven.account, &proven.password_hash) } else { None }
    }

    /// The account, where its password is the one of this hash.
    pub(crate) fn with_password(
        &mut self,
        account: AccountId,
        password_hash: &PasswordHash,
    ) -> Option<&mut Account> {
        self.accounts.get_mut(&account).filter(|found| found.registered.password_hash == *password_hash)
    }
}
