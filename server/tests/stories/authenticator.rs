//! What a person carries about: it computes codes from the secret that was shown.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use protocol::second_factor::{BeginTotp, EnableTotp, RecoveryCodes, SecondFactorCode};
use totp_rs::{Algorithm, Builder, Secret};

use crate::people::Member;

const STEP_S: u64 = 30;

pub(crate) struct Authenticator {
    /// As it was shown, in base32.
    pub(crate) secret: String,
    bytes: Vec<u8>,
    /// The step whose code was shown last; codes are good once.
    step: u64,
}

impl Authenticator {
    /// Switches the second factor on.
    pub(crate) async fn set_up(member: &Member) -> (Self, RecoveryCodes) {
        // Two more codes are taken soon: the step shall not end meanwhile.
        let into_step_s = now_s() % STEP_S;
        if into_step_s > 20 {
            tokio::time::sleep(Duration::from_secs(STEP_S - into_step_s)).await;
        }
        let begun = member.client.call(BeginTotp { proof: member.person.proof() }).await.unwrap();
        assert!(begun.uri.contains(&format!("secret={}", begun.secret)), "{begun:?}");
        let mut authenticator = Self::holding(begun.secret);
        let SecondFactorCode::Totp(code) = authenticator.next() else { panic!("six digits") };
        let codes = member.client.call(EnableTotp { code }).await.unwrap();
        (authenticator, codes)
    }

    /// One that was told this secret.
    pub(crate) fn holding(secret: String) -> Self {
        let bytes = base32(&secret);
        // The step before the current one is taken too: the next two codes need no waiting.
        Self { secret, bytes, step: now_s() / STEP_S - 2 }
    }

    /// The next code that was not used, as its digits.
    pub(crate) fn next_text(&mut self) -> String {
        self.next();
        self.text()
    }

    /// The next code that was not used.
    pub(crate) fn next(&mut self) -> SecondFactorCode {
        self.step += 1;
        assert!(self.step <= now_s() / STEP_S + 1, "no story asks for so many codes in a row");
        self.text().parse().unwrap()
    }

    /// The code that was shown last.
    pub(crate) fn used(&self) -> SecondFactorCode {
        self.text().parse().unwrap()
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn text(&self) -> String {
        let totp = Builder::new()
            .with_algorithm(Algorithm::SHA1)
            .with_digits(6)
            .with_step_duration(STEP_S)
            .with_account_name("somebody")
            .with_secret(Secret::from(self.bytes.as_slice()))
            .build()
            .unwrap();
        totp.generate(self.step * STEP_S).to_string()
    }
}

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// RFC 4648 section 6.
fn base32(text: &str) -> Vec<u8> {
    const CHARACTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let bits = text.bytes().flat_map(|character| {
        let value = CHARACTERS.iter().position(|other| *other == character).unwrap();
        (0..5).rev().map(move |bit| (value >> bit & 1) as u8)
    });
    let bits: Vec<u8> = bits.collect();
    bits.chunks_exact(8).map(|byte| byte.iter().fold(0, |byte, bit| byte << 1 | bit)).collect()
}

/// The code that an authenticator with this secret shows at a time.
pub(crate) fn shown_by(secret: &str, at_s: u64) -> String {
    Authenticator { secret: secret.to_owned(), bytes: base32(secret), step: at_s / STEP_S }.text()
}
