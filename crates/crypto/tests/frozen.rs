//! Every stored and sent format, frozen: `vectors/formats.json` was made once, with a fixed seed, and released clients
//! and databases hold such bytes. Today's code must make the same bytes from the same seed, and open the old ones.
//!
//! A new format gets a new entry; an old entry never changes. After adding one, write the file anew and look at its diff:
//! `cargo test -p crypto --test frozen -- --ignored`.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod seeded;

use std::collections::BTreeSet;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use crypto::{
    account_key::{AccountKey, WrappedAccountKey},
    archive::{ArchiveKey, ArchivePlace},
    device::{DeviceKey, DeviceSeed},
    device_log::{Change, DeviceLog, LogEntry},
    envelope::{Author, ContentKey, Delivery, Draft, Envelope, Expiry, Sealed, Sender},
    export,
    id::{AccountId, ConversationId, DeviceId, EnvelopeHash, EpochId, LogHash, MessageId, PrekeyId},
    identity::{IdentityKey, IdentityPublic, IdentitySeed},
    kdf::{KdfParams, StretchedPassword},
    message_key::{
        AesKey, HmacKey, decrypt_message, derive_message_key, encrypt_message, generate_user_secrets,
    },
    one_time::{EmailToken, InviteToken, RecoveryCode, ResetToken},
    prekey::{Prekey, PrekeySecret, PrekeySeed, SignedPrekey},
    recovery::RecoveryKey,
    reset_proof::{NewPassword, ResetProof},
    safety_number::SafetyNumber,
    vault::{VaultKind, VaultPlace},
};
use seeded::Seeded;
use serde_json::{Value, json};

const FROZEN: &str = include_str!("vectors/formats.json");
const PASSWORD: &str = "geh im Wäld 7 Mal!";
const TEXT: &[u8] = "{\"type\":\"text\",\"text\":\"Grüße\"}".as_bytes();

#[test]
fn todays_code_makes_the_frozen_bytes() {
    let (frozen, today) = (frozen(), today());
    let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(names(&today), names(&frozen));
    for name in names(&frozen) {
        assert_eq!(today[&name], frozen[&name], "the format of {name} has changed");
    }
}

#[test]
fn passwords_stretch_to_the_frozen_keys() {
    let kdf = &frozen()["kdf"];
    let params: KdfParams = kdf["params"].as_str().unwrap().parse().unwrap();
    assert_eq!(params.to_bytes().as_slice(), bytes(kdf, "params"));
    assert_eq!(params.iterations(), 600_000);
    let stretched = params.stretch(kdf["password"].as_str().unwrap());
    assert_eq!(stretched.expose_bytes().as_slice(), bytes(kdf, "stretched"));
    assert_eq!(stretched.auth_key().expose_bytes().as_slice(), bytes(kdf, "auth_key"));
    assert_eq!(stretched.wrap_key().expose_bytes().as_slice(), bytes(kdf, "wrap_key"));
}

#[test]
fn the_frozen_account_key_opens_both_ways() {
    let frozen = frozen();
    let account = AccountId::parse(&bytes(&frozen["account_key"], "account")).unwrap();
    let key = array(&frozen["account_key"], "key");

    let params = KdfParams::parse(&bytes(&frozen["kdf"], "params")).unwrap();
    let wrap_key = StretchedPassword::from_bytes(&array(&frozen["kdf"], "stretched")).wrap_key();
    let wrapped = WrappedAccountKey::parse(&bytes(&frozen["account_key"], "wrapped_by_password")).unwrap();
    let opened = AccountKey::unwrap_with_password(account, &wrap_key, &params, &wrapped).unwrap();
    assert_eq!(*opened.expose_bytes(), key);

    let recovery = RecoveryKey::parse(frozen["recovery_key"]["text"].as_str().unwrap()).unwrap();
    assert_eq!(recovery.expose_bytes().as_slice(), bytes(&frozen["recovery_key"], "key"));
    let wrapped =
        WrappedAccountKey::parse(&bytes(&frozen["account_key"], "wrapped_by_recovery_key")).unwrap();
    let opened = AccountKey::unwrap_with_recovery_key(account, &recovery, &wrapped).unwrap();
    assert_eq!(*opened.expose_bytes(), key);
}

#[test]
fn the_frozen_rows_open_in_their_places() {
    let frozen = frozen();
    let account = AccountId::parse(&bytes(&frozen["account_key"], "account")).unwrap();
    let key = AccountKey::from_bytes(&array(&frozen["account_key"], "key"));
    let rows = ["vault_rows", "vault_rows_of_keys_that_die"].map(|rows| frozen[rows].as_array().unwrap());
    assert_eq!(rows.map(Vec::len), [3, 3]);
    for row in rows.into_iter().flatten() {
        let place = VaultPlace {
            account,
            kind: serde_json::from_value(row["kind"].clone()).unwrap(),
            key_id: &bytes(row, "key_id"),
            version: row["version"].as_u64().unwrap(),
        };
        let opened = key.vault_key().open(place, &bytes(row, "sealed")).unwrap();
        assert_eq!(opened.as_slice(), bytes(row, "content"));
    }
    let record = &frozen["cache_record"];
    let opened = key.cache_key().open(&bytes(record, "place"), &bytes(record, "sealed")).unwrap();
    assert_eq!(opened.as_slice(), bytes(record, "content"));
}

#[test]
fn the_frozen_prekey_verifies() {
    let prekey = &frozen()["people"][0];
    let identity = IdentityPublic::parse(&bytes(prekey, "identity")).unwrap();
    assert_eq!(identity.fingerprint().to_bytes().as_slice(), bytes(prekey, "fingerprint"));
    let signed = SignedPrekey::parse(&bytes(prekey, "signed_prekey")).unwrap();
    let verified = signed.verify(AccountId::parse(&bytes(prekey, "account")).unwrap(), &identity).unwrap();
    assert_eq!((verified.id(), verified.sequence()), (PrekeyId(7), 9));
}

#[test]
fn the_frozen_envelopes_open_for_each_recipient() {
    let frozen = frozen();
    let people: Vec<Person> = frozen["people"].as_array().unwrap().iter().map(Person::frozen).collect();
    let envelopes = frozen["envelopes"].as_array().unwrap();
    assert_eq!(envelopes.len(), 2);
    for entry in envelopes {
        let envelope = Envelope::parse(&bytes(entry, "envelope")).unwrap();
        assert_eq!(envelope.hash().to_bytes().as_slice(), bytes(entry, "hash"));
        assert_eq!(envelope.shared_bytes(), bytes(entry, "shared"));
        let recipients = entry["recipients"].as_u64().unwrap() as usize;
        let mut seals = 0;
        for person in &people {
            let Some(place) = envelope.claimed_header().place_of(person.account) else { continue };
            let seal = bytes(&entry["seals"][place], "seal");
            let delivery = Delivery::parse(&bytes(entry, "shared"), &seal).unwrap();
            assert_eq!(Some(&delivery), envelope.delivery_to(person.account).as_ref());
            let opened = delivery
                .verify(&people[0].identity.public())
                .unwrap()
                .open(person.account, &person.identity.public(), &person.prekey)
                .unwrap();
            assert_eq!(opened.content(), bytes(entry, "content"));
            assert_eq!(opened.hash(), envelope.hash());
            seals += 1;
        }
        assert_eq!(seals, recipients);
    }
}

#[test]
fn the_frozen_device_log_is_taken() {
    let frozen = frozen();
    let owner = Person::frozen(&frozen["people"][0]);
    let log = frozen_log(&frozen);
    let last = frozen["device_log"].as_array().unwrap().last().unwrap();
    assert_eq!(log.head().to_bytes().as_slice(), bytes(last, "hash"));
    let [writes, reads] = [0, 1].map(|device| Device::frozen(&frozen["devices"][device]));
    assert_eq!(log.device(writes.id).unwrap().key, writes.key.public());
    assert_eq!(log.device(reads.id).unwrap().added_at, 2);
    assert_eq!(log.active().count(), 2);
    let mut of_another = DeviceLog::empty(AccountId::from_bytes([1; 16]), owner.identity.public());
    assert!(of_another.take(&frozen_entries(&frozen)[0]).is_err());
}

#[test]
fn the_frozen_prekeys_that_serve_once_verify() {
    let frozen = frozen();
    let people: Vec<Person> = frozen["people"].as_array().unwrap().iter().map(Person::frozen).collect();
    let identity = people[1].identity.public();
    let signed = SignedPrekey::parse(&bytes(&frozen["one_time_prekey"], "signed_prekey")).unwrap();
    let verified = signed.verify(people[1].account, &identity).unwrap();
    assert_eq!((verified.id(), verified.sequence()), (PrekeyId(42), 3));

    let identity = people[0].identity.public();
    let device = Device::frozen(&frozen["devices"][1]);
    let signed = SignedPrekey::parse(&bytes(&frozen["device_prekey"], "signed_prekey")).unwrap();
    let verified = signed.verify_of_device(people[0].account, &identity, device.id, &device.key.public());
    let verified = verified.unwrap();
    assert_eq!((verified.id(), verified.sequence(), verified.device()), (PrekeyId(5), 1, Some(device.id)));
}

#[test]
fn the_frozen_envelopes_of_devices_open_for_each_reader() {
    let frozen = frozen();
    let people: Vec<Person> = frozen["people"].as_array().unwrap().iter().map(Person::frozen).collect();
    let [alice, bob, _] = people.as_slice() else { unreachable!() };
    let devices: Vec<Device> = frozen["devices"].as_array().unwrap().iter().map(Device::frozen).collect();
    let sender =
        Sender { identity: alice.identity.public(), device: Some((devices[0].id, devices[0].key.public())) };
    let entries = frozen["envelopes_of_devices"].as_array().unwrap();
    assert_eq!(entries.len(), 2);
    for entry in entries {
        let envelope = Envelope::parse(&bytes(entry, "envelope")).unwrap();
        assert_eq!(envelope.hash().to_bytes().as_slice(), bytes(entry, "hash"));
        assert_eq!(envelope.claimed_header().log_head, frozen_log(&frozen).head());
        // Whoever has the content key needs no seal: the sender, and everyone's archive.
        let delivery = Delivery::parse(&bytes(entry, "shared"), &[]).unwrap();
        let content_key = ContentKey::from_bytes(&array(entry, "content_key"));
        let opened = delivery.verify(sender).unwrap().open_with(content_key).unwrap();
        assert_eq!(opened.content(), bytes(entry, "content"));
        assert_eq!(opened.hash(), envelope.hash());
    }
    let opens = |entry: &Value, person: &Person, prekey: &PrekeySecret| {
        let seals = Envelope::parse(&bytes(entry, "envelope")).unwrap().seals_of(person.account);
        let delivery = Delivery::parse(&bytes(entry, "shared"), &seals).unwrap();
        let opened = delivery.verify(sender).unwrap().open(person.account, &person.identity.public(), prekey);
        assert_eq!(opened.unwrap().content(), bytes(entry, "content"));
    };
    let seed = PrekeySeed::from_bytes(&array(&frozen["one_time_prekey"], "seed"));
    opens(&entries[0], bob, &PrekeySecret::one_time(PrekeyId(42), 3, &seed));
    let seed = PrekeySeed::from_bytes(&array(&frozen["device_prekey"], "seed"));
    opens(&entries[1], alice, &PrekeySecret::of_device(devices[1].id, PrekeyId(5), 1, &seed));
    let disappearing = Envelope::parse(&bytes(&entries[1], "envelope")).unwrap();
    assert_eq!(disappearing.claimed_header().expiry, Expiry::AfterSeconds(300));
    assert_eq!((disappearing.claimed_header().recipients.len(), disappearing.seals().len()), (3, 1));
}

#[test]
fn the_frozen_archived_key_opens_its_message() {
    let frozen = frozen();
    let archived = &frozen["archived"];
    let place = ArchivePlace {
        account: AccountId::parse(&bytes(archived, "account")).unwrap(),
        conversation: ConversationId::parse(&bytes(archived, "conversation")).unwrap(),
        message: MessageId::parse(&bytes(archived, "message")).unwrap(),
        epoch: EpochId::parse(&bytes(archived, "epoch")).unwrap(),
    };
    let key = ArchiveKey::from_bytes(&array(archived, "key"));
    let content_key = key.open(place, &bytes(archived, "sealed")).unwrap();
    assert_eq!(*content_key.expose_bytes(), array(&frozen["envelopes_of_devices"][0], "content_key"));
}

#[test]
fn the_frozen_message_decrypts() {
    let message = &frozen()["message_key"];
    let (aes, hmac) =
        (AesKey::from_bytes(&array(message, "aes_key")), HmacKey::from_bytes(&array(message, "hmac_key")));
    let opened = decrypt_message(&aes, &bytes(message, "encrypted"), &hmac).unwrap();
    assert_eq!(opened.as_slice(), b"Hello Bob!");
}

#[test]
fn the_frozen_export_opens_and_the_frozen_proof_holds() {
    let frozen = frozen();
    let stretched = StretchedPassword::from_bytes(&array(&frozen["kdf"], "stretched"));
    let file = bytes(&frozen["export"], "file");
    let kdf = export::kdf_of(&file).unwrap();
    assert_eq!(kdf.to_bytes().as_slice(), bytes(&frozen["kdf"], "params"));
    assert_eq!(export::open(&file, &stretched).unwrap().as_slice(), bytes(&frozen["export"], "content"));

    let token: ResetToken = frozen["one_time"]["reset_token"]["text"].as_str().unwrap().parse().unwrap();
    let wrapped = bytes(&frozen["account_key"], "wrapped_by_password");
    let new_password = NewPassword {
        account: AccountId::parse(&bytes(&frozen["account_key"], "account")).unwrap(),
        token: token.hash(),
        kdf: &kdf,
        auth_key: &stretched.auth_key(),
        wrapped_by_password: &WrappedAccountKey::parse(&wrapped).unwrap(),
    };
    let identity = IdentityPublic::parse(&bytes(&frozen["people"][0], "identity")).unwrap();
    let proof = ResetProof::parse(&bytes(&frozen, "reset_proof")).unwrap();
    new_password.verify(&identity, &proof).unwrap();
}

#[test]
#[ignore = "writes vectors/formats.json: only after a format was added"]
fn write_the_vectors() {
    let text = serde_json::to_string_pretty(&today()).unwrap() + "\n";
    std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/formats.json"), text).unwrap();
}

/// One of the people between whom the frozen messages travel.
struct Person {
    account: AccountId,
    identity: IdentityKey,
    prekey: PrekeySecret,
}

impl Person {
    fn generate(rng: &mut Seeded) -> Self {
        Self {
            account: AccountId::random(rng),
            identity: IdentityKey::generate(rng),
            prekey: PrekeySecret::generate(PrekeyId(7), 9, rng),
        }
    }

    fn frozen(value: &Value) -> Self {
        Self {
            account: AccountId::parse(&bytes(value, "account")).unwrap(),
            identity: IdentityKey::from_seed(&IdentitySeed::from_bytes(&array(value, "identity_seed"))),
            prekey: PrekeySecret::from_seed(
                PrekeyId(7),
                9,
                &PrekeySeed::from_bytes(&array(value, "prekey_seed")),
            ),
        }
    }

    fn signed_prekey(&self) -> SignedPrekey {
        self.prekey.sign(self.account, &self.identity)
    }
}

/// A device, its key certified in the frozen log.
struct Device {
    id: DeviceId,
    key: DeviceKey,
}

impl Device {
    fn generate(rng: &mut Seeded) -> Self {
        Self { id: DeviceId::random(rng), key: DeviceKey::generate(rng) }
    }

    fn frozen(value: &Value) -> Self {
        let key = DeviceKey::from_seed(&DeviceSeed::from_bytes(&array(value, "seed")));
        assert_eq!(key.public().to_bytes(), array(value, "key"));
        Self { id: DeviceId::parse(&bytes(value, "device")).unwrap(), key }
    }
}

fn frozen_entries(frozen: &Value) -> Vec<LogEntry> {
    let entries = frozen["device_log"].as_array().unwrap().iter();
    entries.map(|entry| LogEntry::parse(&bytes(entry, "entry")).unwrap()).collect()
}

fn frozen_log(frozen: &Value) -> DeviceLog {
    let owner = Person::frozen(&frozen["people"][0]);
    let mut log = DeviceLog::empty(owner.account, owner.identity.public());
    for entry in frozen_entries(frozen) {
        log.take(&entry).unwrap();
    }
    log
}

/// All formats, made now from the fixed seed.
fn today() -> Value {
    let rng = &mut Seeded::new("formats of version 1");
    let account = AccountId::random(rng);
    let params = KdfParams::generate(rng);
    let stretched = params.stretch(PASSWORD);
    let recovery = RecoveryKey::generate(rng);
    let key = AccountKey::generate(rng);
    let by_password = key.wrap_with_password(account, &stretched.wrap_key(), &params, rng);
    let by_recovery_key = key.wrap_with_recovery_key(account, &recovery, rng);
    let vault_rows: Vec<Value> = [
        (VaultKind::Identity, [].as_slice(), 1, [1; 32].as_slice()),
        (VaultKind::Prekey, &7u32.to_be_bytes(), 1, &[2; 32]),
        (VaultKind::Pin, &account.to_bytes(), 3, b"{\"a\":\"pin\"}"),
    ]
    .map(|(kind, key_id, version, content)| {
        let sealed = key.vault_key().seal(VaultPlace { account, kind, key_id, version }, content, rng);
        json!({
            "kind": kind, "version": version,
            "key_id": text(key_id), "content": text(content), "sealed": text(&sealed),
        })
    })
    .into();
    let record = key.cache_key().seal(b"message/1", b"a record", rng);

    let people = [(); 3].map(|()| Person::generate(rng));
    let [alice, bob, _] = &people;
    let parents = [EnvelopeHash::from_bytes([9; 32]), EnvelopeHash::from_bytes([8; 32])];
    let envelopes = [
        envelope(alice, &people[..2], TEXT, &[], Expiry::Never, rng),
        envelope(alice, &people, &[b'x'; 300], &parents, Expiry::AtMs(1_790_000_600_000), rng),
    ];
    let safety_number = SafetyNumber::between(
        (alice.account, &alice.identity.public()),
        (bob.account, &bob.identity.public()),
    );

    let (mine, _) = generate_user_secrets(rng);
    let (_, theirs) = generate_user_secrets(rng);
    let (aes, hmac) = derive_message_key(&mine, &theirs).unwrap();
    let encrypted = encrypt_message(&aes, b"Hello Bob!", &hmac, rng);

    let file = export::seal(&params, &stretched, b"{}", rng);
    let token = ResetToken::generate(rng);
    let new_password = NewPassword {
        account,
        token: token.hash(),
        kdf: &params,
        auth_key: &stretched.auth_key(),
        wrapped_by_password: &by_password,
    };
    let proof = new_password.sign(&alice.identity);
    let (email, invite) = (EmailToken::generate(rng), InviteToken::generate(rng));
    let code = RecoveryCode::generate(rng);

    let mut formats = json!({
        "export": { "content": text(b"{}"), "file": text(&file) },
        "reset_proof": text(&proof.to_bytes()),
        "one_time": {
            "reset_token": { "text": *token.to_text(), "hash": token.hash() },
            "email_token": { "text": *email.to_text(), "hash": email.hash() },
            "invite_token": { "text": *invite.to_text(), "hash": invite.hash() },
            "recovery_code": { "text": *code.to_text(), "hash": code.hash() },
        },
        "kdf": {
            "password": PASSWORD,
            "params": text(&params.to_bytes()),
            "stretched": text(stretched.expose_bytes()),
            "auth_key": text(stretched.auth_key().expose_bytes()),
            "wrap_key": text(stretched.wrap_key().expose_bytes()),
        },
        "recovery_key": { "key": text(recovery.expose_bytes()), "text": *recovery.to_text() },
        "account_key": {
            "account": text(&account.to_bytes()),
            "key": text(key.expose_bytes()),
            "wrapped_by_password": text(&by_password.to_bytes()),
            "wrapped_by_recovery_key": text(&by_recovery_key.to_bytes()),
        },
        "vault_rows": vault_rows,
        "cache_record": { "place": text(b"message/1"), "content": text(b"a record"), "sealed": text(&record) },
        "people": people.each_ref().map(|person| json!({
            "account": text(&person.account.to_bytes()),
            "identity_seed": text(person.identity.seed().expose_bytes()),
            "identity": text(&person.identity.public().to_bytes()),
            "fingerprint": text(&person.identity.public().fingerprint().to_bytes()),
            "prekey_seed": text(person.prekey.seed().expose_bytes()),
            "signed_prekey": text(person.signed_prekey().to_bytes()),
        })),
        "conversation_of_all": text(&ConversationId::of_set(people.each_ref().map(|p| p.account)).to_bytes()),
        "safety_number": safety_number.to_string(),
        "envelopes": envelopes,
        "message_key": {
            "aes_key": text(aes.expose_bytes()),
            "hmac_key": text(hmac.expose_bytes()),
            "encrypted": text(&encrypted),
        },
    });
    let newer = formats_of_devices(&people, &key, account, rng);
    formats.as_object_mut().unwrap().extend(newer.as_object().unwrap().clone());
    formats
}

/// What came later: it draws after everything before it, so that older entries keep their bytes.
fn formats_of_devices(people: &[Person; 3], key: &AccountKey, account: AccountId, rng: &mut Seeded) -> Value {
    let [alice, bob, carol] = people;
    let devices = [(); 2].map(|()| Device::generate(rng));
    let mut log = DeviceLog::empty(alice.account, alice.identity.public());
    let entries: Vec<Value> = devices
        .iter()
        .zip([1_790_000_000_000, 1_790_000_000_001])
        .map(|(device, at_ms)| {
            let added = Change::Added(device.id, device.key.public());
            let entry = log.append(added, at_ms, &alice.identity).unwrap();
            json!({ "entry": text(entry.to_bytes()), "hash": text(&entry.hash(alice.account).to_bytes()) })
        })
        .collect();

    let one_time = PrekeySecret::one_time(PrekeyId(42), 3, &PrekeySeed::generate(rng));
    let one_time_signed = one_time.sign(bob.account, &bob.identity);
    let reads = &devices[1];
    let of_device = PrekeySecret::of_device(reads.id, PrekeyId(5), 1, &PrekeySeed::generate(rng));
    let of_device_signed = of_device.sign_by_device(alice.account, &reads.key);

    let to_bob = one_time_signed.verify(bob.account, &bob.identity.public()).unwrap();
    let to_reads = of_device_signed
        .verify_of_device(alice.account, &alice.identity.public(), reads.id, &reads.key.public())
        .unwrap();
    let members = [alice.account, carol.account];
    let stays = by_device(alice, &devices[0], log.head(), Expiry::Never, &to_bob, &[], rng);
    let absent = [(carol.account, carol.identity.public())];
    let gone = by_device(alice, &devices[0], log.head(), Expiry::AfterSeconds(300), &to_reads, &absent, rng);
    assert_eq!(gone.envelope.claimed_header().conversation, ConversationId::of_set(members));

    let (epoch, archive_key) = (EpochId::random(rng), ArchiveKey::generate(rng));
    let header = stays.envelope.claimed_header();
    let place = ArchivePlace {
        account: bob.account,
        conversation: header.conversation,
        message: header.message,
        epoch,
    };
    let archived = archive_key.seal(place, &stays.content_key, rng);

    let made_at_ms = 1_790_000_000_000_u64.to_be_bytes();
    let slot = [&bob.identity.public().fingerprint().to_bytes()[..28], &0u32.to_be_bytes()].concat();
    let batch = [
        42u32.to_be_bytes().as_slice(),
        &3u64.to_be_bytes(),
        &made_at_ms,
        one_time.seed().expose_bytes(),
        &[0; 32],
    ]
    .concat();
    let epoch_row = [made_at_ms.as_slice(), archive_key.expose_bytes()].concat();
    let rows: Vec<Value> = [
        (VaultKind::OneTimePrekeys, slot.as_slice(), 2, batch.as_slice()),
        (VaultKind::ArchiveKey, &epoch.to_bytes(), 1, &epoch_row),
        (VaultKind::Prekey, &7u32.to_be_bytes(), 2, &9u64.to_be_bytes()),
    ]
    .map(|(kind, key_id, version, content)| {
        let sealed = key.vault_key().seal(VaultPlace { account, kind, key_id, version }, content, rng);
        json!({
            "kind": kind, "version": version,
            "key_id": text(key_id), "content": text(content), "sealed": text(&sealed),
        })
    })
    .into();

    json!({
        "devices": devices.each_ref().map(|device| json!({
            "device": text(&device.id.to_bytes()),
            "seed": text(device.key.seed().expose_bytes()),
            "key": text(&device.key.public().to_bytes()),
        })),
        "device_log": entries,
        "one_time_prekey": {
            "seed": text(one_time.seed().expose_bytes()),
            "signed_prekey": text(one_time_signed.to_bytes()),
        },
        "device_prekey": {
            "seed": text(of_device.seed().expose_bytes()),
            "signed_prekey": text(of_device_signed.to_bytes()),
        },
        "envelopes_of_devices": [sealed_by_device(&stays), sealed_by_device(&gone)],
        "archived": {
            "account": text(&place.account.to_bytes()),
            "conversation": text(&place.conversation.to_bytes()),
            "message": text(&place.message.to_bytes()),
            "epoch": text(&epoch.to_bytes()),
            "key": text(archive_key.expose_bytes()),
            "sealed": text(&archived),
        },
        "vault_rows_of_keys_that_die": rows,
    })
}

fn by_device(
    sender: &Person,
    device: &Device,
    log_head: LogHash,
    expiry: Expiry,
    to: &Prekey,
    absent: &[(AccountId, IdentityPublic)],
    rng: &mut Seeded,
) -> Sealed {
    let members = absent.iter().map(|(account, _)| *account).chain([sender.account, to.account()]);
    let draft = Draft {
        conversation: ConversationId::of_set(members),
        message: MessageId::random(rng),
        parents: &[EnvelopeHash::from_bytes([9; 32])],
        sent_at_ms: 1_790_000_000_000,
        expiry,
        content: TEXT,
    };
    let author = Author {
        account: sender.account,
        identity: &sender.identity.public(),
        device: device.id,
        key: &device.key,
        log_head,
    };
    draft.seal_by_device(author, std::slice::from_ref(to), absent, rng).unwrap()
}

fn sealed_by_device(sealed: &Sealed) -> Value {
    let Sealed { envelope, content_key } = sealed;
    json!({
        "content": text(TEXT),
        "content_key": text(content_key.expose_bytes()),
        "envelope": text(&envelope.to_bytes()),
        "hash": text(&envelope.hash().to_bytes()),
        "shared": text(envelope.shared_bytes()),
    })
}

fn envelope(
    sender: &Person,
    recipients: &[Person],
    content: &[u8],
    parents: &[EnvelopeHash],
    expiry: Expiry,
    rng: &mut Seeded,
) -> Value {
    let prekeys: Vec<_> = recipients
        .iter()
        .map(|person| person.signed_prekey().verify(person.account, &person.identity.public()).unwrap())
        .collect();
    let draft = Draft {
        conversation: ConversationId::of_set(recipients.iter().map(|person| person.account)),
        message: MessageId::random(rng),
        parents,
        sent_at_ms: 1_790_000_000_000,
        expiry,
        content,
    };
    let envelope = draft.seal(sender.account, &sender.identity, &prekeys, rng).unwrap();
    json!({
        "recipients": recipients.len(),
        "content": text(content),
        "envelope": text(&envelope.to_bytes()),
        "hash": text(&envelope.hash().to_bytes()),
        "shared": text(envelope.shared_bytes()),
        "seals": envelope.seals().iter().map(|seal| json!({ "seal": text(seal) })).collect::<Vec<_>>(),
    })
}

fn frozen() -> Value {
    serde_json::from_str(FROZEN).unwrap()
}

fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn bytes(of: &Value, field: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(of[field].as_str().unwrap_or_else(|| panic!("the vector has {field}"))).unwrap()
}

fn array<const N: usize>(of: &Value, field: &str) -> [u8; N] {
    bytes(of, field).try_into().unwrap()
}
