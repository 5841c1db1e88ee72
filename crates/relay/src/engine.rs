//! The relay as one value.

use std::sync::Arc;

use crate::{
    Policy, ServerSecret,
    brakes::Brakes,
    port::{Clock, Entropy, EntropyRng, Events, Mailer, Passwords, Store},
    secret::DerivedSecrets,
};

/// What a relay is made of.
pub struct RelayParts {
    /// Where everything is kept.
    pub store: Arc<dyn Store>,
    /// Where passwords are hashed.
    pub passwords: Arc<dyn Passwords>,
    /// Who is told that a mailbox has grown, or that sessions have changed.
    pub events: Arc<dyn Events>,
    /// Whether mail can be sent.
    pub mailer: Arc<dyn Mailer>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where randomness comes from.
    pub entropy: Arc<dyn Entropy>,
    /// What is kept beside the database, and not in it.
    pub secrets: ServerSecret,
    /// The figures that an operator may change.
    pub policy: Policy,
}

/// The relay: cheap to clone, one for a process.
#[derive(Clone)]
pub struct Relay(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) passwords: Arc<dyn Passwords>,
    pub(crate) events: Arc<dyn Events>,
    pub(crate) mailer: Arc<dyn Mailer>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) secrets: DerivedSecrets,
    pub(crate) policy: Policy,
    pub(crate) brakes: Brakes,
}

impl Relay {
    /// A relay of these parts.
    pub fn new(parts: RelayParts) -> Self {
        let RelayParts { store, passwords, events, mailer, clock, entropy, secrets, policy } = parts;
        let secrets = DerivedSecrets::of(&secrets);
        let brakes = Brakes::new(&policy, secrets.subject_key);
        Self(Arc::new(Inner { store, passwords, events, mailer, clock, entropy, secrets, policy, brakes }))
    }
}

impl Inner {
    pub(crate) fn rng(&self) -> EntropyRng<'_> {
        EntropyRng(self.entropy.as_ref())
    }

    pub(crate) fn now_ms(&self) -> u64 {
        self.clock.now_ms()
    }
}

impl core::fmt::Debug for Relay {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Relay(..)")
    }
}
