use client::{KeysAfterReset, Reset, ResetError};
use crypto::one_time::ResetToken;
use zeroize::Zeroizing;

use crate::terminal::{
    desk::Desk,
    ending::Problem,
    options::Options,
    say::{ask, data, patiently, talk},
};

/// A new password is set.
pub(super) async fn run(desk: &mut Desk) -> Result<(), Problem> {
    let options = desk.options.clone();
    let link = options.secret("Link or token of the mail (not shown): ", "The link of the mail")?;
    let token = link.rsplit_once("token=").map_or(link.as_str(), |(_, token)| token);
    let token: ResetToken = token
        .trim()
        .parse()
        .map_err(|_| Problem::failed("This is no such link: copy it whole, as it stands in the mail"))?;
    let machine = desk.visitor()?;
    let reset = patiently("Waiting for the server", Reset::check(machine.clone(), token)).await?;
    talk(format!("A new password for {}.", reset.username()));
    let keep = keys(&options, &reset)?;
    let password = new_password(&options)?;
    let mut code = None;
    let redeemed = loop {
        let keys = match &keep {
            Some(key) => KeysAfterReset::Keep(key.clone()),
            None => KeysAfterReset::Lose,
        };
        if reset.second_factor() && code.is_none() {
            code = Some(options.code("TOTP: ")?);
        }
        match patiently("Working", reset.redeem(&password, code.take(), keys)).await {
            Err(wrong @ (ResetError::WrongCode | ResetError::SecondFactorRequired)) => {
                talk(wrong.to_string());
                code = Some(options.code("TOTP: ")?);
            }
            done => break done?,
        }
    };
    data("Password reset successfully.")?;
    match redeemed.fresh {
        None => talk(
            "Everything that you wrote and received stays readable. All sessions have ended: log in again.",
        ),
        Some((_, recovery_key)) => {
            talk("Your account has new keys, and those you write with will be told so.");
            talk(
                "What was written before opens again with your old password or the old recovery key: in the",
            );
            talk("browser, in the settings. All sessions have ended: log in again.");
            talk("");
            talk("Your new recovery key, which is shown only now:");
            talk("");
            talk(format!("  {}", *recovery_key.to_text()));
            talk("");
        }
    }
    Ok(())
}

/// The account key, if its owner has the recovery key.
fn keys(
    options: &Options,
    reset: &Reset<crate::device::Machine>,
) -> Result<Option<crypto::account_key::AccountKey>, Problem> {
    talk("With your recovery key everything stays readable. Without it, older messages stay sealed.");
    loop {
        let typed =
            options.secret("Recovery key (not shown; empty if you do not have it): ", "The recovery key")?;
        if !typed.trim().is_empty() {
            match reset.open_with_recovery_key(&typed) {
                Ok(key) => return Ok(Some(key)),
                Err(refused) => talk(refused.to_string()),
            }
            continue;
        }
        let question = "Go on without it? Your account gets new keys, and older messages stay sealed.";
        if ask::yes(question, options.may_ask(), "The recovery key is missing")? {
            return Ok(None);
        }
    }
}

/// A new password, typed twice: nobody sees a typing error.
pub(super) fn new_password(options: &Options) -> Result<Zeroizing<String>, Problem> {
    let password = options.secret("New password: ", "The new password")?;
    let again = options.secret("New password again: ", "The new password")?;
    if *password == *again {
        Ok(password)
    } else {
        Err(Problem::failed("The two passwords are not the same"))
    }
}
