//! What the machine lacks is fetched, once.

use std::{fs, path::Path};

use anyhow::{Context, Result, bail};

use crate::{
    command::{self, Tool},
    progress,
    workspace::Workspace,
};

/// Oldest Node.js that runs the browser stories.
const OLDEST_NODE: u32 = 20;
const NODE_REMEDY: &str = "install Node.js 20 or newer (https://nodejs.org)";
/// Where distributions put Chromium.
const CHROMIUM_PLACES: [&str; 4] = [
    "/usr/bin/chromium",
    "/usr/bin/chromium-browser",
    "/usr/bin/google-chrome",
    "/usr/bin/google-chrome-stable",
];

/// Rust's standard library for the browser's WebAssembly.
pub(crate) const WASM_TARGET: &str = "wasm32-unknown-unknown";
/// The same code with a way to print and to end with a status: for tests in Node.
pub(crate) const WASM_TEST_TARGET: &str = "wasm32-wasip1";

/// Rust's standard library for a target.
pub(crate) fn rust_target(target: &'static str) -> Result<()> {
    let rustc = Tool::new("rustc", "install Rust from https://rustup.rs");
    let library = command::output(rustc.args(["--print", "target-libdir", "--target", target]))?;
    if Path::new(library.trim()).is_dir() {
        return Ok(());
    }
    progress::step(&format!("Rust's library for {target}"), || {
        command::run(
            Tool::new("rustup", "install the target the way your Rust was installed")
                .args(["target", "add", target]),
        )
        .with_context(|| {
            format!("Rust's library for {target} cannot be had: try `rustup target add {target}`")
        })
    })
}

/// Node.js, new enough.
pub(crate) fn node() -> Result<()> {
    let version = command::output(Tool::new("node", NODE_REMEDY).args(["--version"]))?;
    let major =
        version.trim().trim_start_matches('v').split('.').next().and_then(|text| text.parse::<u32>().ok());
    match major {
        Some(major) if major >= OLDEST_NODE => Ok(()),
        _ => bail!("Node.js is {}: {NODE_REMEDY}", version.trim()),
    }
}

/// The npm packages of end2end, as its lock file names them.
pub(crate) fn npm_packages(workspace: &Workspace) -> Result<()> {
    let end2end = workspace.root.join("end2end");
    let wanted =
        fs::read_to_string(end2end.join("package-lock.json")).context("reading end2end/package-lock.json")?;
    let installed = end2end.join("node_modules/.installed-from.json");
    if fs::read_to_string(&installed).is_ok_and(|from| from == wanted) {
        return Ok(());
    }
    progress::step("npm packages of end2end", || {
        let npm = Tool::new("npm", NODE_REMEDY).folder(&end2end).env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1");
        command::run(npm.args(["ci", "--no-audit", "--no-fund"]))?;
        Ok(fs::write(installed, wanted)?)
    })
}

/// A Chromium to test in: the one that `CHROMIUM` names, or the machine's, or a fresh one. Returns where it is.
pub(crate) fn chromium() -> Result<String> {
    if let Ok(named) = std::env::var("CHROMIUM") {
        if runs(&named) {
            return Ok(named);
        }
        bail!("CHROMIUM is {named}, which does not run: name a Chromium, or unset it");
    }
    if let Some(found) = installed_chromium() {
        return Ok(found);
    }
    progress::step("Chromium", || {
        install_chromium()
            .context("Chromium cannot be had: install it, and put its path into the variable CHROMIUM")?;
        installed_chromium()
            .context("Chromium was installed and does not run: put another's path into CHROMIUM")
    })
}

fn installed_chromium() -> Option<String> {
    CHROMIUM_PLACES.into_iter().find(|place| runs(place)).map(str::to_owned)
}

fn runs(browser: &str) -> bool {
    command::succeeds(Tool::new(browser, "").args(["--version"]))
}

fn install_chromium() -> Result<()> {
    install("chromium")
}

/// An authenticator by other people, against which the stories hold ours.
pub(crate) fn oathtool() -> Result<()> {
    program("oathtool", "install it (OATH Toolkit)")
}

/// What the documentation's lines are written for.
pub(crate) fn curl() -> Result<()> {
    program("curl", "install it")
}

/// A program of the distribution, in the package of its name.
fn program(name: &'static str, remedy: &'static str) -> Result<()> {
    let is_there = || command::succeeds(Tool::new(name, "").args(["--version"]));
    if is_there() {
        return Ok(());
    }
    progress::step(name, || {
        install(name).with_context(|| format!("{name} cannot be had: {remedy}"))?;
        if is_there() { Ok(()) } else { bail!("{name} was installed and does not run") }
    })
}

/// Schemathesis, which holds the REST API against its own description, in a Python environment of its own. Returns where
/// it is.
pub(crate) fn schemathesis(workspace: &Workspace) -> Result<String> {
    let wanted = workspace.root.join("end2end/requirements.txt");
    let environment = workspace.target.join("python");
    let [pip, tool] =
        ["bin/pip", "bin/schemathesis"].map(|name| environment.join(name).display().to_string());
    let installed = environment.join("installed-from.txt");
    let is_current = fs::read_to_string(&installed)
        .is_ok_and(|from| fs::read_to_string(&wanted).is_ok_and(|now| now == from));
    if is_current && runs(&tool) {
        return Ok(tool);
    }
    progress::step("Schemathesis", || {
        let remedy = "install Python 3.10 or newer, with venv";
        let python = || Tool::new("python3", remedy).args(["-m", "venv", "--clear"]).args([&environment]);
        if command::run(python()).is_err() {
            // Debian has venv in a package of its own.
            install("python3-venv")?;
            command::run(python())?;
        }
        let pip = Tool::new(&pip, remedy).args(["install", "--quiet", "--disable-pip-version-check", "-r"]);
        command::run(pip.args([&wanted]))?;
        fs::copy(&wanted, &installed)?;
        if runs(&tool) { Ok(tool.clone()) } else { bail!("Schemathesis was installed and does not run") }
    })
}

fn install(package: &str) -> Result<()> {
    apt_get(&["update"])?;
    apt_get(&["install", "--yes", "--no-install-recommends", package])
}

fn apt_get(arguments: &[&str]) -> Result<()> {
    let remedy = "only Debian and Ubuntu are known here";
    let is_root = command::output(Tool::new("id", "").args(["-u"]))?.trim() == "0";
    let tool = if is_root {
        Tool::new("apt-get", remedy)
    } else {
        Tool::new("sudo", "become root").args(["--non-interactive", "apt-get"])
    };
    command::run(tool.args(["--quiet"]).args(arguments).env("DEBIAN_FRONTEND", "noninteractive"))
}
