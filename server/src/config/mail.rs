use std::{fs, path::PathBuf};

use clap::{Args, ValueEnum};
use lettre::message::Mailbox;
use protocol::text::is_control;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::base_url;

/// The environment variable that holds the password: no flag does, as others on the machine could read it.
const PASSWORD_VARIABLE: &str = "SMTP_PASSWORD";

/// The mail server that takes what is told by mail. Without one nothing is sent, and nobody is told that it was.
#[derive(Args, Debug, Default, Deserialize)]
#[command(next_help_heading = "mail (a password stands in SMTP_PASSWORD, or in a file)")]
#[serde(deny_unknown_fields, default)]
pub(crate) struct MailSettings {
    /// Host of the mail server [default: none, no mail is sent].
    #[arg(long = "smtp-host", env = "SMTP_HOST", hide_env_values = true, value_name = "HOST")]
    host: Option<String>,
    /// Its port [default: 587, or the one of smtp-security].
    #[arg(long = "smtp-port", env = "SMTP_PORT", hide_env_values = true, value_name = "PORT")]
    port: Option<u16>,
    /// Who signs in there [default: nobody].
    #[arg(long = "smtp-user", env = "SMTP_USER", hide_env_values = true, value_name = "USER")]
    user: Option<String>,
    /// With which password: in the file or in the environment.
    #[arg(skip)]
    password: Option<SmtpPassword>,
    /// A file that holds the password and nothing else.
    #[arg(
        long = "smtp-password-file",
        env = "SMTP_PASSWORD_FILE",
        hide_env_values = true,
        value_name = "FILE"
    )]
    password_file: Option<PathBuf>,
    /// Who the mails are from, like `Secure Messaging <no-reply@example.org>`.
    #[arg(long = "smtp-from", env = "SMTP_FROM", hide_env_values = true, value_name = "MAILBOX")]
    from: Option<String>,
    /// How the connection is secured [default: tls on port 465, else starttls; plain where the mail server is on this machine and the port is another].
    #[arg(long = "smtp-security", env = "SMTP_SECURITY", hide_env_values = true, value_name = "HOW")]
    security: Option<MailSecurity>,
}

/// How the connection to the mail server is secured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MailSecurity {
    /// It begins plain, and nothing is said before it is secured by TLS.
    Starttls,
    /// By TLS from the first byte.
    Tls,
    /// Not at all: for a mail server on the same machine.
    Plain,
}

/// The password for the mail server: it is wiped on drop and never printed.
#[derive(Clone, Deserialize)]
#[serde(from = "String")]
pub(crate) struct SmtpPassword(Zeroizing<String>);

/// A mail server that can be used.
#[derive(Clone, Debug)]
pub(crate) struct Mail {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) security: MailSecurity,
    pub(crate) credentials: Option<MailCredentials>,
    pub(crate) from: Mailbox,
}

/// Who signs in at the mail server.
#[derive(Clone, Debug)]
pub(crate) struct MailCredentials {
    pub(crate) user: String,
    pub(crate) password: SmtpPassword,
}

/// Why the settings for mail do not hold; what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MailRefused {
    #[error("mail: it is not said which mail server to use: name it with --smtp-host, SMTP_HOST or `host`")]
    NoHost,
    #[error(
        "mail: it is not said who the mails are from: name it with --smtp-from, SMTP_FROM or `from`, like \
         `Secure Messaging <no-reply@example.org>`"
    )]
    NoFrom,
    #[error("mail: `{0}` is no sender: write it like `Secure Messaging <no-reply@example.org>`")]
    From(String),
    #[error("mail: a password and a password file are given: keep one of them")]
    TwoPasswords,
    #[error("mail: the password file {} cannot be read: {problem}", .file.display())]
    PasswordFile { file: PathBuf, problem: std::io::Error },
    #[error("mail: a user is given and no password: put it into SMTP_PASSWORD, or into a file and name that")]
    NoPassword,
    #[error("mail: a password is given and no user: name it with --smtp-user, SMTP_USER or `user`")]
    NoUser,
    #[error(
        "mail: the password would travel to {0} for everyone to read: use port 587 or --smtp-security starttls"
    )]
    PlainPassword(String),
    #[error("mail: `{0}` is no host: name the port with --smtp-port, SMTP_PORT or `port`")]
    Host(String),
    #[error("mail: port 0 is no port: leave it out, or name the mail server's")]
    Port,
}

impl SmtpPassword {
    /// The text, for the mail server.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for SmtpPassword {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl std::fmt::Debug for SmtpPassword {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SmtpPassword(..)")
    }
}

/// The password from the environment.
pub(super) fn password_from_environment() -> Option<SmtpPassword> {
    std::env::var(PASSWORD_VARIABLE).ok().map(SmtpPassword::from)
}

impl MailSettings {
    /// The password's two places are one setting: who names one of them does not mean the other one of the file.
    pub(super) fn or(self, file: Self) -> Self {
        let (password, password_file) = match (self.password, self.password_file) {
            (None, None) => (file.password, file.password_file),
            named => named,
        };
        Self {
            host: self.host.or(file.host),
            port: self.port.or(file.port),
            user: self.user.or(file.user),
            password,
            password_file,
            from: self.from.or(file.from),
            security: self.security.or(file.security),
        }
    }

    pub(super) fn with_password(self, password: Option<SmtpPassword>) -> Self {
        Self { password, ..self }
    }

    /// `None`: no mail is sent. What is set to nothing is as if it were not set; a host that is, switches mail off.
    pub(super) fn settle(self) -> Result<Option<Mail>, MailRefused> {
        let Self { host, port, user, password, password_file, from, security } = self;
        let given = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        let password = password.filter(|password| !password.0.is_empty());
        let is_anything_given = port.is_some()
            || security.is_some()
            || password_file.is_some()
            || password.is_some()
            || given(user.clone()).is_some()
            || given(from.clone()).is_some();
        let host = match host {
            None if is_anything_given => return Err(MailRefused::NoHost),
            host => given(host),
        };
        let Some(host) = host else { return Ok(None) };
        if host.contains(':') && host.parse::<std::net::Ipv6Addr>().is_err() {
            return Err(MailRefused::Host(host));
        }
        let (port, security) = match (port, security) {
            (Some(0), _) => return Err(MailRefused::Port),
            (Some(port), Some(security)) => (port, security),
            (Some(port), None) => (port, MailSecurity::usual(port, &host)),
            (None, security) => security.unwrap_or(MailSecurity::Starttls).with_its_port(),
        };
        let from = given(from).ok_or(MailRefused::NoFrom)?;
        let from = mailbox(&from).ok_or(MailRefused::From(from))?;
        let password = match (password, password_file) {
            (Some(_), Some(_)) => return Err(MailRefused::TwoPasswords),
            (None, Some(file)) => Some(read_password(file)?),
            (password, None) => password,
        };
        let credentials = match (given(user), password) {
            (None, None) => None,
            (Some(_), None) => return Err(MailRefused::NoPassword),
            (None, Some(_)) => return Err(MailRefused::NoUser),
            (Some(user), Some(password)) => Some(MailCredentials { user, password }),
        };
        if credentials.is_some() && security == MailSecurity::Plain && !base_url::is_loopback(&host) {
            return Err(MailRefused::PlainPassword(host));
        }
        Ok(Some(Mail { host, port, security, credentials, from }))
    }
}

impl MailSecurity {
    /// What leaves the machine is secured unless the operator says otherwise: mails carry tokens.
    fn usual(port: u16, host: &str) -> Self {
        match port {
            465 => Self::Tls,
            587 => Self::Starttls,
            _ if base_url::is_loopback(host) => Self::Plain,
            _ => Self::Starttls,
        }
    }

    fn with_its_port(self) -> (u16, Self) {
        match self {
            Self::Starttls => (587, self),
            Self::Tls => (465, self),
            Self::Plain => (25, self),
        }
    }
}

fn mailbox(text: &str) -> Option<Mailbox> {
    if text.chars().any(is_control) { None } else { text.parse().ok() }
}

fn read_password(file: PathBuf) -> Result<SmtpPassword, MailRefused> {
    match fs::read_to_string(&file).map(Zeroizing::new) {
        Ok(text) => Ok(text.trim_end_matches(['\r', '\n']).to_owned().into()),
        Err(problem) => Err(MailRefused::PasswordFile { file, problem }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(toml: &str) -> Result<Option<Mail>, String> {
        let settings: MailSettings = toml::from_str(toml).map_err(|problem| problem.to_string())?;
        settings.settle().map_err(|problem| problem.to_string())
    }

    #[test]
    fn nothing_said_is_no_mail() {
        assert!(settled("").unwrap().is_none());
        assert!(settled("host = ''\nport = 587\nfrom = 'a@example.org'").unwrap().is_none(), "switched off");
    }

    #[test]
    fn the_port_says_how_the_connection_is_secured_and_the_other_way_round() {
        let how = |more: &str| {
            let mail = settled(&format!("host = 'mail.example.org'\nfrom = 'a@example.org'\n{more}"));
            mail.unwrap().map(|mail| (mail.port, mail.security)).unwrap()
        };
        assert_eq!(how(""), (587, MailSecurity::Starttls));
        assert_eq!(how("port = 465"), (465, MailSecurity::Tls));
        assert_eq!(how("port = 25"), (25, MailSecurity::Starttls));
        assert_eq!(how("security = 'tls'"), (465, MailSecurity::Tls));
        assert_eq!(how("security = 'plain'"), (25, MailSecurity::Plain));
        assert_eq!(how("port = 2525\nsecurity = 'starttls'"), (2525, MailSecurity::Starttls));
    }

    #[test]
    fn what_does_not_hold_is_said_with_what_to_do() {
        let host = "host = 'mail.example.org'\n";
        let whole = "host = 'mail.example.org'\nfrom = 'Chat <chat@example.org>'\n";
        for (toml, said) in [
            ("from = 'a@example.org'".to_owned(), "--smtp-host"),
            (host.to_owned(), "--smtp-from"),
            (format!("{host}from = 'nobody'"), "`nobody` is no sender"),
            (format!("{host}from = \"a@example.org\\r\\nBcc: b@example.org\""), "is no sender"),
            (format!("{host}from = \"A\\u2028B <a@example.org>\""), "is no sender"),
            (format!("{whole}user = 'chat'"), "SMTP_PASSWORD"),
            (format!("{whole}password = 'secret'"), "--smtp-user"),
            (format!("{whole}user = 'a'\npassword = 'secret'\npassword_file = '/x'"), "keep one"),
            (format!("{whole}user = 'a'\npassword_file = '/no/such/file'"), "/no/such/file"),
            (format!("{whole}user = 'a'\npassword = 'secret'\nsecurity = 'plain'"), "for everyone to read"),
            (format!("{whole}port = 0"), "port 0"),
            ("host = 'mail.example.org:465'\nfrom = 'a@example.org'".to_owned(), "--smtp-port"),
            (format!("{whole}pasword = 'secret'"), "unknown field"),
            (format!("{whole}security = 'ssl'"), "unknown variant"),
        ] {
            let problem = settled(&toml).unwrap_err();
            assert!(problem.contains(said), "{toml}: {problem}");
        }
        let local = "host = 'localhost'\nport = 25\nfrom = 'a@example.org'\nuser = 'a'\npassword = 'secret'";
        assert!(settled(local).unwrap().is_some(), "the password does not leave the machine");
    }

    #[test]
    fn a_password_file_holds_the_password_and_a_line_end() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        fs::write(&file, "pass word \n").unwrap();
        let toml = format!(
            "host = 'mail.example.org'\nfrom = 'a@example.org'\nuser = 'a'\npassword_file = {:?}",
            file.to_str().unwrap()
        );
        let mail = settled(&toml).unwrap().unwrap();
        assert_eq!(mail.credentials.as_ref().unwrap().password.expose(), "pass word ");
        assert!(!format!("{mail:?}").contains("pass word"), "{mail:?}");
    }

    #[test]
    fn the_environment_goes_before_the_file_and_its_password_before_a_password_file() {
        let file: MailSettings = toml::from_str("password_file = '/in/the/file'\nuser = 'a'").unwrap();
        let environment = MailSettings::default().with_password(Some("secret".to_owned().into()));
        let both = environment.or(file);
        assert!(both.password_file.is_none() && both.password.is_some() && both.user.is_some());
        assert!(!format!("{both:?}").contains("secret"));
    }
}
