use crypto::one_time::RecoveryCode;
use protocol::second_factor::{SecondFactorCode, TotpBegun};

/// What a person carries about.
pub(crate) struct Authenticator {
    secret: Vec<u8>,
    /// The codes that stand in for it.
    pub(crate) recovery: Vec<RecoveryCode>,
}

impl Authenticator {
    pub(crate) fn of(begun: &TotpBegun) -> Self {
        const BASE32: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let bits = begun.secret.bytes().flat_map(|character| {
            let value = BASE32.iter().position(|other| *other == character).unwrap();
            (0..5).rev().map(move |bit| value >> bit & 1)
        });
        let bits: Vec<usize> = bits.collect();
        let secret = bits.chunks_exact(8).map(|byte| byte.iter().fold(0, |byte, bit| byte << 1 | *bit as u8));
        Self { secret: secret.collect(), recovery: Vec::new() }
    }

    /// What it shows at this time.
    pub(crate) fn code(&self, now_ms: u64) -> SecondFactorCode {
        self.shown(now_ms).parse().unwrap()
    }

    /// What it does not show at this time, nor a step before or after.
    pub(crate) fn wrong(&self, now_ms: u64) -> SecondFactorCode {
        let shown = [-30_000, 0, 30_000].map(|step_ms| self.shown(now_ms.saturating_add_signed(step_ms)));
        let wrong = (0..).map(|number| format!("{number:06}")).find(|code| !shown.contains(code));
        wrong.unwrap().parse().unwrap()
    }

    fn shown(&self, now_ms: u64) -> String {
        let totp = totp_rs::Builder::new()
            .with_algorithm(totp_rs::Algorithm::SHA1)
            .with_digits(6)
            .with_step_duration(30)
            .with_account_name("somebody")
            .with_secret(totp_rs::Secret::from(self.secret.as_slice()))
            .build()
            .unwrap();
        totp.generate(now_ms / 1_000).to_string()
    }
}
