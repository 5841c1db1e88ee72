use clap::Args;
use protocol::EmailAddress;

use super::text;
use crate::{
    config::Config,
    mail::{Writer, smtp::Smtp},
};

/// One mail is sent.
#[derive(Args)]
pub(crate) struct MailTest {
    /// Where it goes.
    #[arg(value_name = "ADDRESS")]
    address: EmailAddress,
}

impl MailTest {
    pub(super) async fn run(self, config: Config) -> Result<(), String> {
        let Self { address } = self;
        let Some(mail) = config.mail else {
            return Err(
                "no mail server is set: name it with --smtp-host, or give the server's --config".to_owned()
            );
        };
        let place = format!("{}:{}", mail.host, mail.port);
        let writer = Writer { from: mail.from.clone(), base_url: config.http.base_url };
        let message = writer.write_test(&address).map_err(text)?;
        eprintln!("Handing a mail to {place} …");
        Smtp::new(mail).send(&message).await.map_err(text)?;
        eprintln!("{place} has taken it. If it does not arrive, look into that mail server's log.");
        Ok(())
    }
}
