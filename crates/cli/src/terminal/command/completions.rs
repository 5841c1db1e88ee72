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
        let script = String::from_utf8_lossy(&script);
        data(labels_of_one_name(script.trim_end()))
    }
}

/// In bash the words so far lead to a label. The generator spells the hyphen of our own name differently where it leads there
/// and where it lies.
fn labels_of_one_name(script: &str) -> String {
    script.replace("secure__subcmd__messaging", "secure__messaging")
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[derive(clap::Parser)]
    #[command(name = "secure-messaging")]
    struct Whole {
        #[command(subcommand)]
        _command: crate::terminal::Command,
    }

    #[test]
    fn in_bash_every_word_leads_to_a_label_that_is_there() {
        let mut script = Vec::new();
        clap_complete::generate(Shell::Bash, &mut Whole::command(), "secure-messaging", &mut script);
        let script = labels_of_one_name(&String::from_utf8(script).unwrap());
        let named = script.split("cmd=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
        let mut seen = 0;
        for label in named.filter(|label| !label.is_empty()) {
            assert!(script.contains(&format!("\n        {label})")), "{label} leads nowhere");
            seen += 1;
        }
        assert!(seen > 20, "{seen}");
    }
}
