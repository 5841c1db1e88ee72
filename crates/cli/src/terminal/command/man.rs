use crate::terminal::{ending::Problem, say::data};

pub(super) const EXAMPLES: &str = "\
Examples:
  secure-messaging man | man -l -
  secure-messaging man > ~/.local/share/man/man1/secure-messaging.1";

/// The page, with a part for each command.
pub(super) fn run(whole: &clap::Command) -> Result<(), Problem> {
    let mut page = Vec::new();
    let unwritten = |error| Problem::failed(format!("The manual page cannot be made: {error}"));
    clap_mangen::Man::new(whole.clone()).render(&mut page).map_err(unwritten)?;
    for command in whole.get_subcommands().filter(|command| !command.is_hide_set()) {
        let man = clap_mangen::Man::new(command.clone());
        page.extend(format!(".SH {}\n", command.get_name().to_uppercase()).as_bytes());
        man.render_synopsis_section(&mut page).map_err(unwritten)?;
        man.render_description_section(&mut page).map_err(unwritten)?;
        man.render_options_section(&mut page).map_err(unwritten)?;
    }
    data(String::from_utf8_lossy(&page).trim_end())
}
