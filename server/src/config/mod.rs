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

pub(crate) use accounts::{Accounts, AccountsSettings};
pub(crate) use base_url::BaseUrl;
pub(crate) use data::{Data, DataSettings};
pub(crate) use http::{Http, HttpSettings};
pub(crate) use log::{Log, LogFormat, LogSettings};

/// What `serve` is told on the command line and by the environment.
#[derive(Args, Debug, Default)]
pub(crate) struct ServeSettings {
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
    log: LogSettings,
}

/// What the server runs with.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) http: Http,
    pub(crate) data: Data,
    pub(crate) accounts: Accounts,
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
}

impl ServeSettings {
    /// Reads the file, if one is named, and settles every figure.
    pub(crate) fn settle(self) -> Result<Config, ConfigError> {
        let file = self.config.as_deref().map(read).transpose()?.unwrap_or_default();
        let Sections { http, data, accounts, log } = self.sections;
        Ok(Config {
            http: http.or(file.http).settle()?,
            data: data.or(file.data).settle(),
            accounts: accounts.or(file.accounts).settle()?,
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

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        settings: ServeSettings,
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
        ] {
            let error = settled(file, &[]).unwrap_err().to_string();
            assert!(error.contains(named), "{file}: {error}");
        }
    }
}
