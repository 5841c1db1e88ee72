use clap::Args;
use clap_complete::Shell;

use crate::terminal::{ending::Problem, say::data};

pub(super) const EXAMPLES: &str = "\
Examples:
  secure-messaging completions bash > ~/.local/share/bash-completion/completions/secure-messaging
  secure-messaging completions fish > ~/.config/fish/completions/secure-messaging.fish
  secure-messaging completions zsh > ~/.zfunc/_secure-messaging";

/// Completions are printed.
#[derive(Args, Debug)]
pub struct Completions {
    /// For which shell
    shell: Shell,
}

impl Completions {
    pub(super) fn run(self, whole: &clap::Command) -> Result<(), Problem> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut whole.clone(), "secure-messaging", &mut script);
        data(String::from_utf8_lossy(&script).trim_end())
    }
}
