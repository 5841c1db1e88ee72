use std::path::PathBuf;

use clap::Args;
use serde::Deserialize;

/// Where everything is kept.
#[derive(Args, Debug, Default, Deserialize)]
#[command(next_help_heading = "data")]
#[serde(deny_unknown_fields, default)]
pub(crate) struct DataSettings {
    /// Folder for the database and the server's secret; made when it is missing [default: data].
    #[arg(
        long = "data-dir",
        env = "SECURE_MESSAGING_DATA_DIR",
        hide_env_values = true,
        value_name = "FOLDER"
    )]
    dir: Option<PathBuf>,
}

/// Where everything is kept: settled.
#[derive(Debug)]
pub(crate) struct Data {
    pub(crate) dir: PathBuf,
}

impl DataSettings {
    pub(super) fn or(self, file: Self) -> Self {
        Self { dir: self.dir.or(file.dir) }
    }

    pub(super) fn settle(self) -> Data {
        Data { dir: self.dir.unwrap_or_else(|| PathBuf::from("data")) }
    }
}
