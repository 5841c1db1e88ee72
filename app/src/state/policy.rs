//! What this server offers to anybody: who may make an account, whether it sends mail.

use leptos::{prelude::*, task::spawn_local};
use protocol::policy::ServerPolicy;

use super::session::use_session;

/// The server's policy; `None` until it has answered. A page that does not learn it goes on: the server refuses by
/// itself what it does not want.
pub fn use_policy() -> ReadSignal<Option<ServerPolicy>> {
    let session = use_session();
    let policy = RwSignal::new(None);
    Effect::new(move || {
        let Some(device) = session.device() else { return };
        spawn_local(async move {
            if let Ok(answer) = client::policy(&*device).await {
                // The page may have been left meanwhile.
                let _ = policy.try_set(Some(answer));
            }
        });
    });
    policy.read_only()
}
