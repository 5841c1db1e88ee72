use std::time::Duration;

use lettre::{
    Address, Message,
    transport::smtp::{
        Error,
        authentication::{Credentials, Mechanism},
        client::{AsyncSmtpConnection, TlsParameters},
        commands::{Data, Mail as MailCommand, Rcpt},
        extension::{ClientId, Extension, MailBodyParameter, MailParameter},
    },
};

use crate::config::{Mail, MailSecurity};

/// How long it may take until a mail server has taken a letter.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A mail server.
#[derive(Clone, Debug)]
pub(crate) struct Smtp(Mail);

/// Why a letter was not taken. The text is for the operator, and holds nothing of whom the letter is for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotTaken {
    /// The mail server cannot be used: no letter would get through now.
    #[error("the mail server {server} {problem}")]
    Server { server: String, problem: String },
    /// This letter cannot be taken now.
    #[error("the mail server did not take a letter now: {0}")]
    Letter(String),
    /// Nobody has this address, and that is not going to change.
    #[error("the mail server takes no letters to this address: {0}")]
    Recipient(String),
}

impl Smtp {
    pub(crate) fn new(mail: Mail) -> Self {
        Self(mail)
    }

    /// Hands a letter over: when this returns, the mail server has promised to deliver it, or to say that it cannot.
    pub(crate) async fn send(&self, message: &Message) -> Result<(), NotTaken> {
        let handing_over = tokio::time::timeout(TIMEOUT, self.hand_over(message)).await;
        handing_over
            .unwrap_or_else(|_| Err(self.unusable(format!("did not answer within {} s", TIMEOUT.as_secs()))))
    }

    async fn hand_over(&self, message: &Message) -> Result<(), NotTaken> {
        let mut connection = self.connect().await?;
        let taken = self.say(&mut connection, message).await;
        match taken {
            // What was taken is taken: how the parting goes does not matter.
            Ok(()) => drop(connection.quit().await),
            Err(_) => connection.abort().await,
        }
        taken
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, NotTaken> {
        let Mail { host, port, security, credentials, from: _ } = &self.0;
        let tls = || TlsParameters::new(host.clone()).map_err(|problem| self.unusable(text(&problem)));
        let at_once = if *security == MailSecurity::Tls { Some(tls()?) } else { None };
        let hello = ClientId::default();
        let mut connection =
            AsyncSmtpConnection::connect_tokio1((host.as_str(), *port), Some(TIMEOUT), &hello, at_once, None)
                .await
                .map_err(|problem| self.unusable(format!("cannot be reached: {}", text(&problem))))?;
        if *security == MailSecurity::Starttls {
            if !connection.can_starttls() {
                connection.abort().await;
                return Err(self.unusable(
                    "does not offer STARTTLS: choose another port, or another --smtp-security".to_owned(),
                ));
            }
            connection
                .starttls(tls()?, &hello)
                .await
                .map_err(|problem| self.unusable(format!("cannot be reached by TLS: {}", text(&problem))))?;
        }
        if let Some(credentials) = credentials {
            let (user, password) = (credentials.user.clone(), credentials.password.expose().to_owned());
            let mechanisms = [Mechanism::Plain, Mechanism::Login];
            if let Err(problem) = connection.auth(&mechanisms, &Credentials::new(user, password)).await {
                connection.abort().await;
                return Err(self.unusable(format!("did not let us sign in: {}", text(&problem))));
            }
        }
        Ok(connection)
    }

    async fn say(&self, connection: &mut AsyncSmtpConnection, message: &Message) -> Result<(), NotTaken> {
        let (envelope, content) = (message.envelope(), message.formatted());
        let mut parameters = Vec::new();
        if envelope.to().iter().chain(envelope.from()).any(|address| !is_ascii(address)) {
            if !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
                return Err(NotTaken::Recipient("it does not know letters like those in it".to_owned()));
            }
            parameters.push(MailParameter::SmtpUtfEight);
        }
        if !content.is_ascii() && connection.server_info().supports_feature(Extension::EightBitMime) {
            parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        connection
            .command(MailCommand::new(envelope.from().cloned(), parameters))
            .await
            .map_err(|problem| self.unusable(format!("does not take the sender: {}", text(&problem))))?;
        for to in envelope.to() {
            connection.command(Rcpt::new(to.clone(), Vec::new())).await.map_err(|problem| {
                let said = status(&problem);
                if problem.is_permanent() { NotTaken::Recipient(said) } else { NotTaken::Letter(said) }
            })?;
        }
        let not_now = |problem: Error| NotTaken::Letter(status(&problem));
        connection.command(Data).await.map_err(not_now)?;
        connection.message(&content).await.map_err(not_now)?;
        Ok(())
    }

    fn unusable(&self, problem: String) -> NotTaken {
        NotTaken::Server { server: format!("{}:{}", self.0.host, self.0.port), problem }
    }
}

fn is_ascii(address: &Address) -> bool {
    let address: &str = address.as_ref();
    address.is_ascii()
}

/// What went wrong before there was talk of a recipient.
fn text(problem: &Error) -> String {
    problem.to_string().replace(char::is_control, " ")
}

/// What went wrong when there was: the mail server's words may repeat the address, its number does not.
fn status(problem: &Error) -> String {
    problem.status().map_or_else(|| "the connection broke".to_owned(), |code| format!("it answered {code}"))
}
