//! Settings: each as a flag, as an environment variable and in a TOML file alike. A flag goes before the environment, the
//! environment before the file, the file before the default.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Args;
use serde::Deserialize;

mod accounts;
mod base_url;
mod data;
mod http;
mod log;
mod mail;
mod trusted_proxy;

pub(crate) use accounts::{Accounts, AccountsSettings};
pub(crate) use base_url::BaseUrl;
pub(crate) use data::{Data, DataSettings};
pub(crate) use http::{Http, HttpSettings};
pub(crate) use log::{Log, LogFormat, LogSettings};
pub(crate) use mail::{Mail, MailSecurity, MailSettings};
pub(crate) use trusted_proxy::TrustedProxy;

/// What the binary is told on the command line and by the environment.
#[derive(Args, Debug, Default)]
pub(crate) struct Settings {
    /// A TOML file with settings, in sections named like the headings below.
    #[arg(long, env = "SECURE_MESSAGING_CONFIG", hide_env_values = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    sections: Sections,
}

/// All settings, each of them optional; the form of the file.
#[derive(Args, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Sections {
    #[command(flatten)]
    http: HttpSettings,
    #[command(flatten)]
    data: DataSettings,
    #[command(flatten)]
    accounts: AccountsSettings,
    #[command(flatten)]
    mail: MailSettings,
    #[command(flatten)]
    log: LogSettings,
}

/// What the server runs with.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) http: Http,
    pub(crate) data: Data,
    pub(crate) accounts: Accounts,
    pub(crate) mail: Option<Mail>,
    pub(crate) log: Log,
}

/// Why the settings do not hold.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("the settings file {} cannot be read: {problem}", .file.display())]
    Unreadable { file: PathBuf, problem: std::io::Error },
    #[error("the settings file {} is not valid: {problem}", .file.display())]
    Malformed { file: PathBuf, problem: Box<toml::de::Error> },
    #[error("{0}")]
    Http(#[from] http::HttpRefused),
    #[error("{0}")]
    Accounts(#[from] accounts::AccountsRefused),
    #[error("{0}")]
    Mail(#[from] mail::MailRefused),
}

impl Settings {
    /// The same for a command that a person runs: nothing but trouble is logged, unless more is asked for.
    pub(crate) fn quiet(mut self) -> Self {
        self.sections.log = self.sections.log.quiet();
        self
    }

    /// Reads the file, if one is named, and settles every figure.
    pub(crate) fn settle(self) -> Result<Config, ConfigError> {
        let file = self.config.as_deref().map(read).transpose()?.unwrap_or_default();
        let Sections { http, data, accounts, mail, log } = self.sections;
        let http = http.or(file.http).settle()?;
        let mail = mail.with_password(mail::password_from_environment());
        Ok(Config {
            data: data.or(file.data).settle(),
            accounts: accounts.or(file.accounts).settle(&http)?,
            http,
            mail: mail.or(file.mail).settle()?,
            log: log.or(file.log).settle(),
        })
    }
}

fn read(file: &Path) -> Result<Sections, ConfigError> {
    let text = fs::read_to_string(file)
        .map_err(|problem| ConfigError::Unreadable { file: file.to_owned(), problem })?;
    toml::from_str(&text)
        .map_err(|problem| ConfigError::Malformed { file: file.to_owned(), problem: Box::new(problem) })
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use protocol::policy::Registration;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        settings: Settings,
    }

    fn settled(file: &str, flags: &[&str]) -> Result<Config, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.toml");
        fs::write(&path, file).unwrap();
        let name = path.to_str().unwrap();
        let line = ["serve", "--config", name].into_iter().chain(flags.iter().copied());
        Line::parse_from(line).settings.settle()
    }

    #[test]
    fn nothing_needs_to_be_said() {
        let config = settled("", &[]).unwrap();
        assert_eq!(config.http.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(config.http.base_url.origin(), "http://127.0.0.1:8080");
        assert_eq!(config.data.dir, Path::new("data"));
        assert_eq!(config.log.format, LogFormat::Human);
        assert!(config.mail.is_none());
    }

    #[test]
    fn registration_is_open_only_where_nobody_but_this_machine_comes() {
        let registration = |flags: &[&str]| settled("", flags).unwrap().accounts.registration;
        assert_eq!(registration(&[]), Registration::Open);
        assert_eq!(registration(&["--listen", "[::1]:80"]), Registration::Open);
        assert_eq!(registration(&["--base-url", "http://localhost"]), Registration::Open);
        assert_eq!(registration(&["--listen", "0.0.0.0:80"]), Registration::Invite);
        assert_eq!(registration(&["--base-url", "https://chat.example.org"]), Registration::Invite);
        let open = ["--base-url", "https://chat.example.org", "--registration", "open"];
        assert_eq!(registration(&open), Registration::Open);
        let closed = settled("[accounts]\nregistration = \"closed\"", &[]).unwrap();
        assert_eq!(closed.accounts.registration, Registration::Closed);
    }

    #[test]
    fn trusted_proxies_are_a_list() {
        let proxies = |file: &str, flags: &[&str]| settled(file, flags).unwrap().http.trusted_proxies;
        assert_eq!(proxies("", &[]).len(), 2);
        let flags = ["--trusted-proxies", "10.0.0.1,2001:db8::/32"];
        assert_eq!(proxies("", &flags).len(), 2);
        assert_eq!(proxies("[http]\ntrusted_proxies = [\"10.0.0.1\"]", &[]), ["10.0.0.1".parse().unwrap()]);
        assert!(proxies("[http]\ntrusted_proxies = []", &[]).is_empty(), "nobody is believed");
    }

    #[test]
    fn the_password_is_never_printed() {
        let file = "[mail]\nhost = \"localhost\"\nport = 25\nfrom = \"a@example.org\"\nuser = \"a\"\n\
                    password = \"hunter2-secret\"";
        let config = settled(file, &[]).unwrap();
        assert_eq!(config.mail.as_ref().unwrap().security, MailSecurity::Plain);
        assert!(!format!("{config:?}").contains("hunter2"), "{config:?}");
    }

    #[test]
    fn a_flag_goes_before_the_file() {
        let file = "[http]\nlisten = \"127.0.0.1:1\"\nmax_connections = 7\n[data]\ndir = \"there\"\n";
        let config = settled(file, &["--listen", "127.0.0.1:2"]).unwrap();
        assert_eq!(config.http.listen.port(), 2);
        assert_eq!(config.http.max_connections, 7);
        assert_eq!(config.data.dir, Path::new("there"));
    }

    #[test]
    fn what_the_file_misspells_is_named() {
        for (file, named) in [
            ("[http]\nlisen = \"127.0.0.1:1\"", "lisen"),
            ("[htpp]\n", "htpp"),
            ("listen = \"127.0.0.1:1\"", "listen"),
            ("[http]\nlisten = \"here\"", "socket address"),
            ("[log]\nformat = \"xml\"", "xml"),
            ("[accounts]\nbcrypt_cost = 4", "10 to 16"),
            ("[http]\nbase_url = \"ftp://chat.example\"", "ftp://chat.example"),
            ("[http]\nmax_connections = 0", "at least 1"),
            ("[http]\ntrusted_proxies = [\"proxy\"]", "10.0.0.0/8"),
            ("[accounts]\nregistration = \"some\"", "invite"),
            ("[mail]\nhots = \"mail.example.org\"", "hots"),
            ("[mail]\nhost = \"mail.example.org\"", "--smtp-from"),
        ] {
            let error = settled(file, &[]).unwrap_err().to_string();
            assert!(error.contains(named), "{file}: {error}");
        }
    }
}
