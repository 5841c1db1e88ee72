//! People with keys, who register, sign in and write to each other.

use crypto::{
    account_key::AccountKey,
    envelope::{Delivery, Draft, Envelope},
    id::{AccountId, ConversationId, MessageId, PrekeyId},
    identity::IdentityKey,
    kdf::{KdfParams, StretchedPassword},
    prekey::{Prekey, PrekeySecret},
    recovery::RecoveryKey,
    vault::VaultPlace,
};
use getrandom::SysRng;
use protocol::{
    Binary, Cursor, Refusal,
    account::{Login, Register, SignedIn},
    mailbox::{FetchPage, Item, Send, Sent},
    vault::{NewRow, VaultKind},
};
use rand_core::UnwrapErr;

use crate::{client::Client, process::Server};

#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) account: AccountId,
    pub(crate) name: String,
    identity: IdentityKey,
    prekey: PrekeySecret,
    kdf: KdfParams,
    pub(crate) stretched: StretchedPassword,
    pub(crate) account_key: AccountKey,
}

/// Somebody who is signed in, and a program that speaks for them.
pub(crate) struct Member {
    pub(crate) person: Person,
    pub(crate) signed_in: SignedIn,
    pub(crate) client: Client,
}

impl Member {
    pub(crate) async fn register(name: &str, client: &Client) -> Self {
        let person = Person::new(name);
        let signed_in = client.call(person.registration()).await.unwrap();
        let client = client.with_token(signed_in.token.as_deref().unwrap());
        Self { person, signed_in, client }
    }

    /// The same person at a server that has moved to another port.
    pub(crate) fn clone_for(&self, server: &Server) -> Self {
        let client = server.client().with_token(self.token());
        Self { person: self.person.clone(), signed_in: self.signed_in.clone(), client }
    }

    pub(crate) fn token(&self) -> &str {
        self.signed_in.token.as_deref().unwrap()
    }

    pub(crate) async fn send(&self, text: &str, to: &[&Member]) -> Result<Sent, Refusal> {
        self.client.call(self.sealed(text, to)).await
    }

    pub(crate) fn sealed(&self, text: &str, to: &[&Member]) -> Send {
        let people: Vec<&Person> = to.iter().map(|member| &member.person).collect();
        Send { envelope: Binary(self.person.seal(text, &people).to_bytes()) }
    }

    /// The whole mailbox.
    pub(crate) async fn mailbox(&self) -> Vec<Item> {
        let mut items: Vec<Item> = Vec::new();
        loop {
            let after = items.last().map_or(Cursor::START, |item| item.cursor);
            let page = self.client.call(FetchPage { after, limit: 200 }).await.unwrap();
            items.extend(page.items);
            if items.last().map_or(Cursor::START, |item| item.cursor) >= page.end {
                return items;
            }
        }
    }

    /// What is written in a delivery from `sender`.
    pub(crate) fn open(&self, item: &Item, sender: &Member) -> String {
        let delivery = Delivery::parse(item.shared.as_slice(), item.seal.as_slice()).unwrap();
        let verified = delivery.verify(&sender.person.identity.public()).unwrap();
        let me = &self.person;
        let opened = verified.open(me.account, &me.identity.public(), &me.prekey).unwrap();
        String::from_utf8(opened.content().to_vec()).unwrap()
    }
}

impl Person {
    pub(crate) fn new(name: &str) -> Self {
        let mut rng = UnwrapErr(SysRng);
        let mut stretched = [0; 32];
        getrandom::fill(&mut stretched).unwrap();
        Self {
            account: AccountId::random(&mut rng),
            name: name.to_owned(),
            identity: IdentityKey::generate(&mut rng),
            prekey: PrekeySecret::generate(PrekeyId(1), 1, &mut rng),
            kdf: KdfParams::generate(&mut rng),
            stretched: StretchedPassword::from_bytes(&stretched),
            account_key: AccountKey::generate(&mut rng),
        }
    }

    pub(crate) fn registration(&self) -> Register {
        let mut rng = UnwrapErr(SysRng);
        let vault_key = self.account_key.vault_key();
        let row = |kind, key_id: &[u8], seed: &[u8]| {
            let place = VaultPlace { account: self.account, kind, key_id, version: 1 };
            let sealed = Binary(vault_key.seal(place, seed, &mut UnwrapErr(SysRng)));
            NewRow { kind, key_id: Binary(key_id.to_vec()), sealed }
        };
        let vault = vec![
            row(VaultKind::Identity, b"", self.identity.seed().expose_bytes()),
            row(VaultKind::Prekey, &self.prekey.id().0.to_be_bytes(), self.prekey.seed().expose_bytes()),
        ];
        let wrap_key = self.stretched.wrap_key();
        let recovery_key = RecoveryKey::generate(&mut rng);
        Register {
            account: self.account,
            username: self.name.parse().unwrap(),
            email: None,
            kdf: self.kdf,
            auth_key: self.stretched.auth_key(),
            wrapped_by_password: self.account_key.wrap_with_password(
                self.account,
                &wrap_key,
                &self.kdf,
                &mut rng,
            ),
            wrapped_by_recovery_key: self.account_key.wrap_with_recovery_key(
                self.account,
                &recovery_key,
                &mut rng,
            ),
            identity: self.identity.public(),
            prekey: self.prekey.sign(self.account, &self.identity),
            vault,
            device_name: "A program".to_owned(),
        }
    }

    pub(crate) fn login(&self) -> Login {
        Login {
            username: self.name.parse().unwrap(),
            auth_key: self.stretched.auth_key(),
            device_name: "Another program".to_owned(),
        }
    }

    fn published(&self) -> Prekey {
        let signed = self.prekey.sign(self.account, &self.identity);
        signed.verify(self.account, &self.identity.public()).unwrap()
    }

    fn seal(&self, text: &str, others: &[&Person]) -> Envelope {
        let mut rng = UnwrapErr(SysRng);
        let keys: Vec<Prekey> = others.iter().copied().chain([self]).map(Person::published).collect();
        let draft = Draft {
            conversation: ConversationId::of_set(keys.iter().map(Prekey::account)),
            message: MessageId::random(&mut rng),
            parents: &[],
            sent_at_ms: 1_790_000_000_000,
            expires_at_ms: None,
            content: text.as_bytes(),
        };
        draft.seal(self.account, &self.identity, &keys, &mut rng).unwrap()
    }
}
