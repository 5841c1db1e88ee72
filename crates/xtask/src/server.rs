//! The binary `secure-messaging`, with the site inside.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::{
    command::{self, Tool},
    progress, site,
    workspace::{Profile, Workspace},
};

/// Builds the site, then the server around it; returns the binary.
pub(crate) fn build(workspace: &Workspace, profile: Profile) -> Result<PathBuf> {
    let site = site::build(workspace, profile)?;
    let (name, folder) = match profile {
        Profile::Release => ("release", "release"),
        Profile::Dev => ("dev", "debug"),
    };
    progress::step("the server", || {
        let cargo = workspace.cargo().env("SECURE_MESSAGING_SITE", &site);
        command::run(cargo.args(["build", "--locked", "--package", "server", "--profile", name]))
    })?;
    Ok(workspace.target.join(folder).join(format!("secure-messaging{}", std::env::consts::EXE_SUFFIX)))
}

/// Serves in the foreground until it is told to stop.
pub(crate) fn serve(workspace: &Workspace, binary: &Path, settings: &[String]) -> anyhow::Error {
    let server = Tool::new(&binary.display().to_string(), "build it with `cargo xtask build`");
    command::become_it(server.folder(&workspace.root).args(["serve"]).args(settings))
}
