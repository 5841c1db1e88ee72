//! People with keys, who register, sign in and write to each other.

use crypto::{
    account_key::AccountKey,
    envelope::{Delivery, Draft, Envelope, Expiry},
    id::{AccountId, ConversationId, MessageId, PrekeyId},
    identity::IdentityKey,
    kdf::{KdfParams, StretchedPassword},
    one_time::{InviteToken, ResetToken},
    prekey::{Prekey, PrekeySecret},
    recovery::RecoveryKey,
    reset_proof::NewPassword,
    vault::VaultPlace,
};
use getrandom::SysRng;
use protocol::{
    Binary, Cursor, Refusal,
    account::{Login, Register, SignedIn},
    mailbox::{FetchPage, Item, Send, Sent},
    profile::ChangePassword,
    proof::Proof,
    reset::{NewKeys, RedeemReset, ResetKeys},
    vault::{NewRow, VaultKind},
};
use rand_core::UnwrapErr;

use crate::{client::Client, process::Server};

#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) account: AccountId,
    pub(crate) name: String,
    pub(crate) email: Option<String>,
    pub(crate) invite: Option<InviteToken>,
    pub(crate) identity: IdentityKey,
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
        Self::join(Person::new(name), client).await
    }

    /// The same, with an address of their own.
    pub(crate) async fn register_with_email(name: &str, client: &Client) -> Self {
        let mut person = Person::new(name);
        person.email = Some(format!("{name}@example.org"));
        Self::join(person, client).await
    }

    async fn join(person: Person, client: &Client) -> Self {
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
        Send { envelope: Binary(self.person.seal(text, &people).to_bytes()), archived: None }
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
            email: None,
            invite: None,
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
            email: self.email.as_ref().map(|email| email.parse().unwrap()),
            invite: self.invite.clone(),
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
            code: None,
            device_name: "Another program".to_owned(),
        }
    }

    /// The password once more.
    pub(crate) fn proof(&self) -> Proof {
        Proof { auth_key: self.stretched.auth_key(), code: None }
    }

    /// A request that sets the password of `with`.
    pub(crate) fn new_password(&self, with: &Person) -> ChangePassword {
        let (kdf, auth_key) = (with.kdf, with.stretched.auth_key());
        let wrap_key = with.stretched.wrap_key();
        let wrapped_by_password =
            self.account_key.wrap_with_password(self.account, &wrap_key, &kdf, &mut UnwrapErr(SysRng));
        ChangePassword { proof: self.proof(), kdf, auth_key, wrapped_by_password }
    }

    /// A reset that sets the password of `with`, and keeps the keys.
    pub(crate) fn keep_keys(&self, token: &ResetToken, with: &Person) -> RedeemReset {
        let ChangePassword { kdf, auth_key, wrapped_by_password, proof: _ } = self.new_password(with);
        let new = NewPassword {
            account: self.account,
            token: token.hash(),
            kdf: &kdf,
            auth_key: &auth_key,
            wrapped_by_password: &wrapped_by_password,
        };
        let keys = ResetKeys::Keep { proof: new.sign(&self.identity) };
        RedeemReset { token: token.clone(), code: None, kdf, auth_key, wrapped_by_password, keys }
    }

    /// A reset that begins anew, and the person who comes out of it.
    pub(crate) fn replace_keys(&self, token: &ResetToken) -> (RedeemReset, Person) {
        let mut new = Person::new(&self.name);
        new.account = self.account;
        let (id, sequence) = (self.prekey.id().0 + 1, self.prekey.sequence() + 1);
        new.prekey = PrekeySecret::generate(PrekeyId(id), sequence, &mut UnwrapErr(SysRng));
        let registration = new.registration();
        let keys = NewKeys {
            wrapped_by_recovery_key: registration.wrapped_by_recovery_key,
            identity: registration.identity,
            prekey: registration.prekey,
            vault: registration.vault,
        };
        let redeem = RedeemReset {
            token: token.clone(),
            code: None,
            kdf: registration.kdf,
            auth_key: registration.auth_key,
            wrapped_by_password: registration.wrapped_by_password,
            keys: ResetKeys::Replace(Box::new(keys)),
        };
        (redeem, new)
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
            expiry: Expiry::Never,
            content: text.as_bytes(),
        };
        draft.seal(self.account, &self.identity, &keys, &mut rng).unwrap()
    }
}
