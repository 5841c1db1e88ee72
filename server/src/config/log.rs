use clap::{Args, ValueEnum};
use serde::Deserialize;

/// What the server tells about its work. Never a body, a cookie, a query or a key.
#[derive(Args, Debug, Default, Deserialize)]
#[command(next_help_heading = "log")]
#[serde(deny_unknown_fields, default)]
pub(crate) struct LogSettings {
    /// Form of the log on standard error [default: human].
    #[arg(long = "log", env = "SECURE_MESSAGING_LOG", hide_env_values = true, value_name = "FORM")]
    format: Option<LogFormat>,
    /// How much is logged: off, error, warn, info, debug or trace, also for single parts, like `info,relay=debug`
    /// [default: info].
    #[arg(
        long = "log-filter",
        env = "SECURE_MESSAGING_LOG_FILTER",
        hide_env_values = true,
        value_name = "FILTER"
    )]
    filter: Option<String>,
}

/// Form of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LogFormat {
    /// A line for people; in colour on a terminal.
    #[default]
    Human,
    /// A JSON object a line.
    Json,
}

/// What the server tells about its work: settled.
#[derive(Debug)]
pub(crate) struct Log {
    pub(crate) format: LogFormat,
    pub(crate) filter: String,
}

impl LogSettings {
    pub(super) fn quiet(self) -> Self {
        Self { filter: self.filter.or_else(|| Some("warn".to_owned())), ..self }
    }

    pub(super) fn or(self, file: Self) -> Self {
        Self { format: self.format.or(file.format), filter: self.filter.or(file.filter) }
    }

    pub(crate) fn settle(self) -> Log {
        Log {
            format: self.format.unwrap_or_default(),
            filter: self.filter.unwrap_or_else(|| "info".to_owned()),
        }
    }
}
