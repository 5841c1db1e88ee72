use protocol::{
    Refusal,
    directory::{ListUsers, Users},
    limits::MAX_USERS_PER_PAGE,
};

use crate::{Caller, Relay};

impl Relay {
    /// The registered users, in the order of their names.
    ///
    /// # Errors
    /// Only the store's.
    pub async fn list_users(&self, _caller: &Caller, request: ListUsers) -> Result<Users, Refusal> {
        let ListUsers { prefix, after } = request;
        // Names are lower case, so a prefix is folded like them; one that no name can begin with finds nobody.
        let prefix = prefix.unwrap_or_default().to_ascii_lowercase();
        let mut users = self.0.store.list_users(&prefix, after.as_ref(), MAX_USERS_PER_PAGE + 1).await?;
        let more = users.len() > MAX_USERS_PER_PAGE;
        users.truncate(MAX_USERS_PER_PAGE);
        Ok(Users { users, more })
    }
}
