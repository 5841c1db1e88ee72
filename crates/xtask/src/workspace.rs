//! Where the sources stand, and where built things go.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::command::{self, Tool};

/// The folders of this project.
pub(crate) struct Workspace {
    /// The folder of the root `Cargo.toml`.
    pub(crate) root: PathBuf,
    /// Cargo's target folder, wherever the environment or cargo's configuration puts it.
    pub(crate) target: PathBuf,
}

/// How a build is optimised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    /// What is delivered.
    Release,
    /// What is quick to build.
    Dev,
}

impl Workspace {
    /// Asks cargo.
    pub(crate) fn find() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
        let metadata = command::output(Tool::cargo(&root).args([
            "metadata",
            "--no-deps",
            "--format-version",
            "1",
            "--offline",
        ]))?;
        let metadata: serde_json::Value = serde_json::from_str(&metadata).context("cargo metadata")?;
        let target =
            metadata["target_directory"].as_str().context("cargo metadata names no target folder")?;
        Ok(Self { root, target: PathBuf::from(target) })
    }

    /// Where the browser's half of the application is put together.
    pub(crate) fn site(&self, profile: Profile) -> PathBuf {
        self.target.join(match profile {
            Profile::Release => "site",
            Profile::Dev => "site-dev",
        })
    }

    /// Cargo, called in the root folder.
    pub(crate) fn cargo(&self) -> Tool {
        Tool::cargo(&self.root)
    }
}
