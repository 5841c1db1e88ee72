//! What was asked for on the command line.

use crate::workspace::Profile;

/// What `cargo xtask help` prints.
pub(crate) const HELP: &str = "\
Builds, runs and tests Secure Messaging; what the machine lacks is fetched first.

  cargo xtask run                          build, and serve at http://127.0.0.1:8080 with the data in ./data
  cargo xtask run -- --listen 0.0.0.0:80   the same, with settings for `secure-messaging serve`
  cargo xtask run --dev                    quick build without optimisation
  cargo xtask build                        leave the binary at target/release/secure-messaging
  cargo xtask test                         all tests, those in a real browser included
  cargo xtask test --only rust             only one part: rust, wasm or end2end; may be given several times";

/// One thing to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Task {
    Help,
    Build(Profile),
    /// The profile, and what the server is told.
    Run(Profile, Vec<String>),
    Test(Vec<Part>),
}

/// A part of the tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Rust,
    Wasm,
    End2end,
}

impl Part {
    /// All parts, in the order in which they run.
    pub(crate) const ALL: [Self; 3] = [Self::Rust, Self::Wasm, Self::End2end];

    fn named(name: &str) -> Result<Self, String> {
        match name {
            "rust" => Ok(Self::Rust),
            "wasm" => Ok(Self::Wasm),
            "end2end" => Ok(Self::End2end),
            _ => Err(format!("the parts are rust, wasm and end2end; `{name}` is none of them")),
        }
    }
}

/// Reads the command line.
pub(crate) fn parse(arguments: &[String]) -> Result<Task, String> {
    let mut words = arguments.iter().map(String::as_str);
    let task = words.next().unwrap_or("help");
    let rest: Vec<&str> = words.collect();
    match task {
        "help" | "-h" | "--help" => Ok(Task::Help),
        "build" => match rest.as_slice() {
            [] => Ok(Task::Build(Profile::Release)),
            ["--dev"] => Ok(Task::Build(Profile::Dev)),
            [other, ..] => Err(unknown(other, task)),
        },
        "run" => {
            let (ours, theirs) = match rest.iter().position(|word| *word == "--") {
                Some(at) => (&rest[..at], &rest[at + 1..]),
                None => (rest.as_slice(), &[][..]),
            };
            let profile = match ours {
                [] => Profile::Release,
                ["--dev"] => Profile::Dev,
                [other, ..] => {
                    return Err(format!("{}; the server's own settings follow `--`", unknown(other, task)));
                }
            };
            Ok(Task::Run(profile, theirs.iter().map(|word| (*word).to_owned()).collect()))
        }
        "test" => parts(&rest).map(Task::Test),
        other => Err(format!("there is no task `{other}`")),
    }
}

fn parts(words: &[&str]) -> Result<Vec<Part>, String> {
    if words.is_empty() {
        return Ok(Part::ALL.to_vec());
    }
    words
        .chunks(2)
        .map(|pair| match pair {
            ["--only", name] => Part::named(name),
            ["--only"] => Err("--only wants the name of a part".to_owned()),
            [other, ..] => Err(unknown(other, "test")),
            [] => unreachable!("chunks are never empty"),
        })
        .collect()
}

fn unknown(word: &str, task: &str) -> String {
    format!("`cargo xtask {task}` does not know `{word}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Task, String> {
        parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn the_tasks_of_the_readme_are_understood() {
        assert_eq!(parsed("run"), Ok(Task::Run(Profile::Release, Vec::new())));
        assert_eq!(
            parsed("run --dev -- --listen 127.0.0.1:0"),
            Ok(Task::Run(Profile::Dev, vec!["--listen".into(), "127.0.0.1:0".into()]))
        );
        assert_eq!(parsed("build"), Ok(Task::Build(Profile::Release)));
        assert_eq!(parsed("test"), Ok(Task::Test(Part::ALL.to_vec())));
        assert_eq!(parsed("test --only wasm --only rust"), Ok(Task::Test(vec![Part::Wasm, Part::Rust])));
        assert_eq!(parsed(""), Ok(Task::Help));
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for (line, named) in [
            ("rnu", "rnu"),
            ("run --listen 1", "--listen"),
            ("build --fast", "--fast"),
            ("test --only", "--only"),
            ("test --only web", "web"),
            ("test quick", "quick"),
        ] {
            let mistake = parsed(line).unwrap_err();
            assert!(mistake.contains(named), "{line}: {mistake}");
        }
    }
}
