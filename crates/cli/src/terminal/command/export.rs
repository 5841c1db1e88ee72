use std::{
    fs::OpenOptions,
    io::{ErrorKind, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};

use super::inbox::fetch;
use crate::terminal::{
    desk::Desk,
    ending::Problem,
    say::{Shown, data, patiently, talk, time},
};

pub(super) const EXAMPLES: &str = "\
Examples:
  secure-messaging export messages.json
  secure-messaging export messages.html --format html
  secure-messaging export messages.sealed --format sealed
  secure-messaging export - | jq '.conversations | length'";

/// Everything is saved.
#[derive(Args, Debug)]
pub struct Export {
    /// Where to; `-` is standard output
    file: PathBuf,
    /// In which form
    #[arg(long, value_enum, default_value_t = Format::Json)]
    format: Format,
    /// Also when the file is there already
    #[arg(long)]
    force: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For programs; readable by whoever has the file
    Json,
    /// One page for people; readable by whoever has the file
    Html,
    /// Encrypted under a passphrase
    Sealed,
}

impl Export {
    pub(super) async fn run(self, desk: &mut Desk) -> Result<(), Problem> {
        let account = desk.account().await?;
        fetch(&account).await?;
        let export = patiently("Gathering", account.export()).await?;
        let bytes = match self.format {
            Format::Json => export.to_json().as_bytes().to_vec(),
            Format::Html => export.to_html(time::local).as_bytes().to_vec(),
            Format::Sealed => {
                let passphrase = desk.options.secret("Passphrase for the file: ", "The passphrase")?;
                let again = desk.options.secret("Passphrase again: ", "The passphrase")?;
                if *passphrase != *again {
                    return Err(Problem::failed("The two passphrases are not the same"));
                }
                account.seal_export(&export, &passphrase).await?
            }
        };
        if self.file == Path::new("-") {
            return match String::from_utf8(bytes) {
                Ok(text) => data(text),
                Err(_) => Err(Problem::usage("A sealed export goes into a file: name one")),
            };
        }
        save(&self.file, &bytes, self.force)?;
        let warning =
            if self.format == Format::Sealed { "" } else { " Whoever reads this file reads your messages." };
        talk(format!("Saved in {}.{warning}", Shown::line(&self.file.display().to_string())));
        Ok(())
    }
}

fn save(path: &Path, bytes: &[u8], force: bool) -> Result<(), Problem> {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    if force {
        options.create(true).truncate(true)
    } else {
        options.create_new(true)
    };
    let written = options.open(path).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => {
            Problem::failed(format!("{} is there already: give --force to replace it", path.display()))
        }
        _ => Problem::failed(format!("{} cannot be written: {error}", path.display())),
    })
}
