use clap::{Args, Subcommand};
use client::SettingsError;
use protocol::second_factor::{RecoveryCodes, TotpCode};

use crate::terminal::{
    desk::Desk,
    ending::Problem,
    say::{ask, data, json, patiently, qr, talk},
};

pub(super) const EXAMPLES: &str = "\
Examples:
  secure-messaging totp setup
  secure-messaging totp recovery-codes
  secure-messaging totp disable";

/// The second factor.
#[derive(Args, Debug)]
pub struct Totp {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand, Debug)]
enum What {
    /// Switch it on: scan a code with your authenticator, and type what it shows
    Setup,
    /// Switch it off. All other sessions end
    Disable,
    /// Draw ten new recovery codes in the place of those that there are
    RecoveryCodes,
}

#[derive(serde::Serialize)]
struct Begun<'a> {
    secret: &'a str,
    uri: &'a str,
}

#[derive(serde::Serialize)]
struct Codes<'a> {
    recovery_codes: Vec<&'a str>,
}

impl Totp {
    pub(super) async fn run(self, desk: &mut Desk) -> Result<(), Problem> {
        match self.what {
            What::Setup => setup(desk).await,
            What::Disable => {
                let account = desk.account().await?;
                desk.confirmed(async |confirmation| account.disable_totp(confirmation).await).await?;
                data("Two-factor authentication is off.")
            }
            What::RecoveryCodes => {
                let account = desk.account().await?;
                let codes =
                    desk.confirmed(async |confirmation| account.renew_recovery_codes(confirmation).await);
                show(&codes.await?, desk.options.json)
            }
        }
    }
}

async fn setup(desk: &mut Desk) -> Result<(), Problem> {
    let account = desk.account().await?;
    let begun = desk.confirmed(async |confirmation| account.begin_totp(confirmation).await).await?;
    if desk.options.json {
        json::object(&Begun { secret: &begun.secret, uri: &begun.uri })?;
    } else {
        if let Some(code) = qr::code(&begun.uri) {
            talk("Scan this with your authenticator, or type the secret into it:");
            talk("");
            talk(code);
            talk("");
        }
        data(format!("Secret: {}", begun.secret))?;
    }
    let codes = loop {
        let missing = "The first code of the authenticator is missing, and nobody can be asked for it";
        let typed = ask::line("Code that it shows: ", desk.options.may_ask(), missing)?;
        let Ok(code) = typed.parse::<TotpCode>() else {
            talk("A code has 6 digits.");
            continue;
        };
        match patiently("Waiting for the server", account.enable_totp(code)).await {
            Err(wrong @ SettingsError::WrongCode) => talk(wrong.to_string()),
            done => break done?,
        }
    };
    if !desk.options.json {
        data("Two-factor authentication is on.")?;
    }
    show(&codes, desk.options.json)
}

fn show(codes: &RecoveryCodes, as_json: bool) -> Result<(), Problem> {
    let codes: Vec<_> = codes.codes.iter().map(|code| code.to_text()).collect();
    if as_json {
        return json::object(&Codes { recovery_codes: codes.iter().map(|code| code.as_str()).collect() });
    }
    talk(
        "Your recovery codes, which are shown only now. Each is good once, in the place of the authenticator:",
    );
    for code in codes {
        data(format!("  {}", *code))?;
    }
    Ok(())
}
