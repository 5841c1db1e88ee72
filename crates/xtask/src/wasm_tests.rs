//! Tests compiled to wasm32, run in Node.
//!
//! Cargo builds the test modules and calls this program with each (`cargo xtask wasm-test MODULE`); this file binds the
//! module for Node and lets `wasm_tests.cjs` drive it the way the crate wasm-bindgen-test asks for. So the tests need
//! no program that would have to be installed.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use wasm_bindgen_cli_support::Bindgen;

use crate::{
    command::{self, Tool},
    prepare,
    workspace::Workspace,
};

/// The driver, for Node.
const DRIVER: &str = include_str!("wasm_tests.cjs");
/// How wasm-bindgen-test marks the exports that are tests.
const TEST_EXPORT: &str = "__wbgt_";

/// Builds the tests of a package for wasm32 and runs them.
pub(crate) fn run(workspace: &Workspace, package: &str) -> Result<()> {
    let this_program = std::env::current_exe().context("the path of this program")?;
    let runner = format!("{} wasm-test", this_program.display());
    command::run(
        workspace
            .cargo()
            .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", runner)
            .args(["test", "--locked", "--package", package, "--target", "wasm32-unknown-unknown"])
            .args(["--lib", "--tests"]),
    )
}

/// Runs the tests of one module whose names contain one of the filters; all, when there are none.
pub(crate) fn run_in_node(module: &Path, filters: &[String]) -> Result<()> {
    prepare::node()?;
    let folder = Scratch::new()?;
    let mut output = Bindgen::new().input_path(module).out_name("tests").nodejs(true)?.generate_output()?;
    let tests: Vec<String> = output
        .wasm_mut()
        .exports
        .iter()
        .filter(|export| export.name.starts_with(TEST_EXPORT))
        .filter(|export| filters.is_empty() || filters.iter().any(|filter| export.name.contains(filter)))
        .map(|export| export.name.clone())
        .collect();
    if tests.is_empty() {
        // A module without tests is usual: cargo calls for every target of the package.
        println!("no tests for wasm32 in {}", module.display());
        return Ok(());
    }
    output.emit(&folder.0)?;
    let driver = folder.0.join("run.cjs");
    fs::write(&driver, DRIVER)?;
    fs::write(folder.0.join("tests.json"), serde_json::to_string(&tests)?)?;
    if let Err(error) = command::run(Tool::new("node", "install Node.js").args([&driver])) {
        bail!("{} of wasm32 failed: {error}", module.display());
    }
    Ok(())
}

/// A folder that goes away with its owner.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Self> {
        let folder = std::env::temp_dir().join(format!("secure-messaging-wasm-tests-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        Ok(Self(folder))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A folder that stays behind is in the way of nobody.
        let _ = fs::remove_dir_all(&self.0);
    }
}
