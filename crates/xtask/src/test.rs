//! Everything that is tested, and an honest last line.

use std::time::Duration;

use anyhow::{Result, bail};

use crate::{
    arguments::Part,
    command::{self, Tool},
    prepare::{self, WASM_TARGET, WASM_TEST_TARGET},
    progress, server,
    workspace::{Profile, Workspace},
};

/// Runs the parts one after the other. A part that fails does not keep the others from running, and the last lines
/// say of each how it went.
pub(crate) fn run(workspace: &Workspace, parts: &[Part]) -> Result<()> {
    let mut report = Report::default();
    for part in parts {
        match part {
            Part::Rust => rust(workspace, &mut report),
            Part::Wasm => wasm(workspace, &mut report),
            Part::End2end => end2end(workspace, &mut report),
        }
    }
    report.close(if parts.len() < Part::ALL.len() { " (other parts were not asked for)" } else { "" })
}

fn rust(workspace: &Workspace, report: &mut Report) {
    report.check("format", || command::run(workspace.cargo().args(["fmt", "--all", "--check"])));
    report.check("lints", || {
        command::run(
            workspace
                .cargo()
                .args(["clippy", "--locked", "--workspace", "--all-targets"])
                .args(DENY_WARNINGS),
        )
    });
    report.check("lints of the page's code", || {
        prepare::rust_target(WASM_TARGET)?;
        command::run(
            workspace
                .cargo()
                .args(["clippy", "--locked", "--package", "frontend", "--package", "app"])
                .args(["--features", "app/hydrate", "--target", WASM_TARGET])
                .args(DENY_WARNINGS),
        )
    });
    // The documentation's lines are run as they stand.
    report.check("curl and oathtool", || prepare::curl().and_then(|()| prepare::oathtool()));
    let has_nextest = command::succeeds(workspace.cargo().args(["nextest", "--version"]));
    if has_nextest {
        report.check("tests", || {
            let tests = ["nextest", "run", "--locked", "--workspace", "--no-fail-fast"];
            command::run(simulation(workspace.cargo().args(tests)))
        });
        report.check("examples in the documentation", || {
            command::run(workspace.cargo().args(["test", "--locked", "--workspace", "--doc"]))
        });
    } else {
        report.check("tests, and examples in the documentation", || {
            let tests = ["test", "--locked", "--workspace", "--no-fail-fast"];
            command::run(simulation(workspace.cargo().args(tests)))
        });
    }
}

/// How much of the simulation is lived here: thousands of seeds where nobody waits, a hundred at a developer's desk.
fn simulation(tests: Tool) -> Tool {
    if std::env::var_os("CI").is_some() {
        tests.env("SEEDS", "3000").env("SEEDS_SECONDS", "480")
    } else {
        tests
    }
}

const DENY_WARNINGS: [&str; 3] = ["--", "--deny", "warnings"];

fn wasm(workspace: &Workspace, report: &mut Report) {
    report.check("cryptography in WebAssembly", || {
        prepare::node()?;
        prepare::rust_target(WASM_TEST_TARGET)?;
        // Where cargo finds Node for it stands in .cargo/config.toml.
        command::run(workspace.cargo().args([
            "test",
            "--locked",
            "--package",
            "crypto",
            "--target",
            WASM_TEST_TARGET,
            "--lib",
            "--tests",
        ]))
    });
}

fn end2end(workspace: &Workspace, report: &mut Report) {
    let mut binary = None;
    report.check("release build", || {
        binary = Some(server::build(workspace, Profile::Release)?);
        Ok(())
    });
    let Some(binary) = binary else {
        report.left_out("stories in the browser", "there is no build");
        return;
    };
    report.check("stories in the browser", || {
        prepare::node()?;
        prepare::npm_packages(workspace)?;
        let chromium = prepare::chromium()?;
        prepare::oathtool()?;
        let schemathesis = prepare::schemathesis(workspace)?;
        let npm = Tool::new("npm", "install Node.js 20 or newer").folder(&workspace.root.join("end2end"));
        let npm = npm.env("CHROMIUM", chromium).env("SCHEMATHESIS", schemathesis);
        command::run(npm.args(["test"]).env("SECURE_MESSAGING_BIN", &binary))
    });
}

/// How each check went.
#[derive(Default)]
struct Report {
    lines: Vec<(String, Outcome, Duration)>,
}

enum Outcome {
    Passed,
    Failed(String),
    LeftOut(&'static str),
}

impl Report {
    fn check(&mut self, name: &str, work: impl FnOnce() -> Result<()>) {
        let (result, took) = progress::timed(|| progress::step(name, work));
        let outcome = match result {
            Ok(()) => Outcome::Passed,
            Err(error) => Outcome::Failed(format!("{error:#}")),
        };
        self.lines.push((name.to_owned(), outcome, took));
    }

    fn left_out(&mut self, name: &str, reason: &'static str) {
        self.lines.push((name.to_owned(), Outcome::LeftOut(reason), Duration::ZERO));
    }

    fn close(self, restriction: &str) -> Result<()> {
        eprintln!();
        let mut bad = 0;
        for (name, outcome, took) in &self.lines {
            let took = progress::seconds(*took);
            match outcome {
                Outcome::Passed => eprintln!("  passed    {took:>12}  {name}"),
                Outcome::Failed(why) => eprintln!("  FAILED    {took:>12}  {name}: {why}"),
                Outcome::LeftOut(why) => eprintln!("  NOT RUN   {:>12}  {name}: {why}", ""),
            }
            bad += usize::from(!matches!(outcome, Outcome::Passed));
        }
        let all = self.lines.len();
        if bad > 0 {
            bail!("{bad} of {all} checks did not pass{restriction}");
        }
        eprintln!("{all} of {all} checks passed{restriction}");
        Ok(())
    }
}
