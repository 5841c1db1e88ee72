//! Where a command works: its profile, the machine's port for the engine, and the account, once it is open.

use std::{sync::Arc, time::Duration};

use client::{Confirmation, Device, Interruption, SettingsError};
use protocol::{account::CurrentSession, second_factor::SecondFactorCode};
use zeroize::Zeroizing;

use super::{
    ending::{Ending, Problem, Said},
    options::{Given, Options},
    profile::{Profile, Session, keyring, session::Opened},
    say::{Shown, patiently, talk},
};
use crate::{
    device::{Account, Http, Machine, Records, ServerAddress, http},
    system,
    upkeep::Upkeep,
};

const USUAL_SERVER: &str = "http://127.0.0.1:8080";
/// So often a command looks after the account's keys when its own work is done: once an hour, in milliseconds.
const MAINTAIN_EVERY_MS: u64 = 60 * 60 * 1000;
/// For so long at most: whoever called the command waits for its end.
const MAINTAIN_PATIENCE: Duration = Duration::from_secs(60);

/// Where a command works. In the shell it stays from command to command, and the account stays open.
pub(super) struct Desk {
    pub(super) options: Options,
    pub(super) profile: Profile,
    given: Option<Given>,
    machine: Option<Arc<Machine>>,
    visitor: Option<Arc<Machine>>,
    open: Option<Open>,
}

/// An account that is open, and the session that it is open in.
struct Open {
    account: Account,
    opened: Opened,
    /// Where it stays open for longer.
    upkeep: Option<Upkeep>,
}

impl Desk {
    pub(super) fn new(options: Options) -> Result<Self, Problem> {
        let profile = Profile::named(&options.profile()?)?;
        Ok(Self { profile, options, given: None, machine: None, visitor: None, open: None })
    }

    /// Which server: the one that was named, the session's, the last account's, or the usual one.
    pub(super) fn server(&self) -> Result<ServerAddress, Problem> {
        let named = self.options.named_server()?;
        let of_session = self.profile.session()?.map(|session| session.server()).transpose()?;
        match (named, of_session) {
            (Some(named), Some(standing)) if named != standing => Err(Problem::usage(format!(
                "This profile is signed in at {standing}: name another profile with --profile, or log out first"
            ))),
            (Some(server), _) | (None, Some(server)) => Ok(server),
            (None, None) => Ok(match self.profile.remembered_server()? {
                Some(server) => server,
                None => USUAL_SERVER.parse().expect("it is an address"),
            }),
        }
    }

    /// The machine with the profile's records.
    pub(super) async fn machine(&mut self) -> Result<Arc<Machine>, Problem> {
        let server = self.server()?;
        if let Some(machine) = &self.machine
            && *machine.http().server() == server
        {
            return Ok(Arc::clone(machine));
        }
        self.profile.prepare()?;
        let records = store_device::Records::open(&self.profile.records()).await?;
        let machine = Machine::new(http_to(server)?, Records::File(records));
        self.machine = Some(Arc::clone(&machine));
        Ok(machine)
    }

    /// A machine without records and session: for who is not signed in. What is open here stays as it is.
    pub(super) fn visitor(&mut self) -> Result<Arc<Machine>, Problem> {
        let machine = Machine::new(http_to(self.server()?)?, Records::memory());
        self.visitor = Some(Arc::clone(&machine));
        Ok(machine)
    }

    /// The account that is signed in here, open.
    pub(super) async fn account(&mut self) -> Result<Account, Problem> {
        let session = self.profile.session()?.ok_or_else(Problem::not_signed_in)?;
        if let Some(open) = &self.open {
            if open.opened.session.session == session.session {
                return Ok(open.account.clone());
            }
            self.open = None;
        }
        let machine = self.machine().await?;
        let opened = self.opened(&machine, &session).await?;
        machine.set_token(Some(opened.token.clone()));
        let what = format!("Waiting for {}", machine.http().server());
        let current = patiently(&what, machine.call(CurrentSession {})).await.map_err(Interruption::from)?;
        let ended = || Problem::from(Interruption::SessionEnded);
        let account_key = opened.account_key(&current).ok_or_else(ended)?;
        let account = patiently(&what, client::resume(machine, current, account_key)).await?;
        self.open = Some(Open { account: account.clone(), opened, upkeep: None });
        Ok(account)
    }

    async fn opened(&mut self, machine: &Machine, session: &Session) -> Result<Opened, Problem> {
        if let Some(opened) = session.open_with_keyring(&self.profile) {
            return Ok(opened);
        }
        let password = self.password("Password: ")?;
        let opened = session.open_with_password(machine, &password).await;
        let opened = opened
            .ok_or_else(|| Problem::failed("This is not the password that this profile was sealed with"))?;
        keyring::keep(self.profile.folder(), &opened.local_key);
        Ok(opened)
    }

    /// An account was signed in: it stays open, and the profile keeps it.
    pub(super) async fn begin(&mut self, account: &Account, password: &str) -> Result<(), Problem> {
        let machine = self.machine().await?;
        let opened = Session::begun(&machine, account.session(), account.account_key(), password).await?;
        self.profile.remember_server(machine.http().server())?;
        if !self.profile.keep_session(&opened)? {
            talk("No keyring holds this profile's key: each command will ask for the password.");
        }
        self.open = Some(Open { account: account.clone(), opened, upkeep: None });
        Ok(())
    }

    /// The account has another password: it opens the profile from now on.
    pub(super) async fn take_password(&mut self, password: &str) -> Result<(), Problem> {
        let machine = self.machine().await?;
        let Some(Open { opened, .. }) = &mut self.open else { return Ok(()) };
        opened.rewrap(&machine, password).await;
        self.profile.update_session(opened)
    }

    /// The token may have been renewed: the next command goes on with the new one.
    pub(super) fn keep_token(&mut self) -> Result<(), Problem> {
        let (Some(machine), Some(open)) = (&self.machine, &mut self.open) else { return Ok(()) };
        let session = open.opened.session.session;
        if let Some(token) = machine.token().filter(|token| *token != open.opened.token) {
            open.opened.renew(machine, token);
            self.profile.update_session(&open.opened)?;
        }
        let maintained = open.upkeep.as_ref().and_then(Upkeep::maintained_at_ms);
        if maintained > open.opened.session.maintained_at_ms {
            open.opened.session.maintained_at_ms = maintained;
            self.profile.note_upkeep(session, maintained.unwrap_or_default())?;
        }
        Ok(())
    }

    /// Looks after the account in the background, if it is open: it stays so for longer than one command.
    pub(super) fn look_after(&mut self) {
        let Some(Open { account, upkeep, .. }) = &mut self.open else { return };
        // Whoever uses the account finds out that its session has ended.
        upkeep.get_or_insert_with(|| Upkeep::begin(account, || {}));
    }

    /// Nothing goes on in the background any more.
    pub(super) fn stop_upkeep(&mut self) {
        if let Some(open) = &mut self.open {
            open.upkeep = None;
        }
    }

    /// Looks after the account's keys, if it is open and nobody has done so for an hour. The command is done by then: what goes
    /// wrong here is tried again by the next one, and nobody needs to know.
    pub(super) async fn maintain(&mut self) {
        let Some(Open { account, opened, upkeep: None }) = &self.open else { return };
        let session = opened.session.session;
        let last = self.maintained_at_ms();
        let is_due = |at_ms: u64| system::now_ms().abs_diff(at_ms) > MAINTAIN_EVERY_MS;
        if !last.is_none_or(is_due) {
            return;
        }
        let work = patiently("Looking after keys", account.maintain());
        if let Ok(Ok(())) = tokio::time::timeout(MAINTAIN_PATIENCE, work).await {
            let _ = self.profile.note_upkeep(session, system::now_ms());
        }
    }

    /// When the account's keys were last looked after, in milliseconds since 1970.
    pub(super) fn maintained_at_ms(&self) -> Option<u64> {
        self.profile.session().ok().flatten().and_then(|session| session.maintained_at_ms)
    }

    /// Whether somebody is signed in here, and no password is asked for.
    pub(super) fn opens_without_asking(&self) -> bool {
        let session = self.profile.session().ok().flatten();
        session.is_some_and(|session| {
            self.options.gives_password() || session.open_with_keyring(&self.profile).is_some()
        })
    }

    /// The account, if it is open already.
    pub(super) fn open_account(&self) -> Option<Account> {
        self.open.as_ref().map(|open| open.account.clone())
    }

    /// The account is open no more.
    pub(super) fn close_account(&mut self) {
        self.open = None;
        if let Some(machine) = &self.machine {
            machine.set_token(None);
        }
    }

    /// Ends the work: what a command left is on disk.
    pub(super) async fn close(mut self) -> Result<(), Problem> {
        let kept = self.keep_token();
        self.open = None;
        if let Some(Records::File(records)) = self.machine.as_deref().map(Machine::records) {
            records.close().await;
        }
        kept
    }

    /// The password: given, or asked for.
    pub(super) fn password(&mut self, prompt: &str) -> Result<Zeroizing<String>, Problem> {
        match self.given()? {
            Some(given) => Ok(given.password),
            None => self.options.secret(prompt, "The password"),
        }
    }

    /// The code that came with the password, if one did.
    pub(super) fn given_code(&mut self) -> Result<Option<SecondFactorCode>, Problem> {
        let code = self.given()?.and_then(|given| given.code);
        Ok(code.map(|code| code.parse()).transpose()?)
    }

    fn given(&mut self) -> Result<Option<Given>, Problem> {
        if self.given.is_none() {
            self.given = self.options.given()?;
        }
        Ok(self.given.clone())
    }

    /// Makes a change that takes the password, and a code where the second factor is on.
    pub(super) async fn confirmed<T>(
        &mut self,
        mut change: impl AsyncFnMut(&Confirmation) -> Result<T, SettingsError>,
    ) -> Result<T, Problem> {
        let mut confirmation =
            Confirmation { password: self.password("Password: ")?, code: self.given_code()? };
        loop {
            match patiently("Working", change(&confirmation)).await {
                Err(SettingsError::SecondFactorRequired) => {
                    confirmation.code = Some(self.options.code("TOTP: ")?);
                }
                done => return Ok(done?),
            }
        }
    }

    /// Says why a command did not do what it was asked for.
    pub(super) fn tell(&self, problem: &Problem) {
        let text = match &problem.said {
            Said::Nothing => return,
            Said::Text(text) => text.clone(),
            Said::Unreachable => self.unreachable(),
        };
        talk(format!("error: {}", Shown::block(&text, "       ")));
    }

    fn unreachable(&self) -> String {
        let machines = [&self.visitor, &self.machine].into_iter().flatten();
        let http = machines.map(|machine| machine.http()).max_by_key(|http| http.problem().is_some());
        let server = http.map_or_else(|| "The server".to_owned(), |http| http.server().to_string());
        match http.and_then(Http::problem) {
            Some(why) => format!("{server} cannot be reached: {why}"),
            None => format!("{server} cannot be reached, or what answers there is no server of this kind"),
        }
    }
}

fn http_to(server: ServerAddress) -> Result<Http, Problem> {
    let connections = http::connections(&server);
    let connections = connections.map_err(|why| {
        Problem::new(Ending::Server, format!("TLS cannot be set up on this machine: {why}"))
    })?;
    Ok(Http::new(server, connections))
}

/// What the session is called in the list of sessions.
pub(super) fn device_name() -> String {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    if host.is_empty() { "Terminal".to_owned() } else { format!("Terminal on {host}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In the shell an account is open while another one is registered, or the doctor looks at the server.
    #[tokio::test]
    async fn a_visitor_leaves_what_is_open_as_it_is() {
        let mut desk = Desk::new(Options::default()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        desk.profile = Profile::in_folder(folder.path());
        let machine = desk.machine().await.unwrap();
        machine.set_token(Some("token".to_owned().into()));
        let visitor = desk.visitor().unwrap();
        assert!(matches!(visitor.records(), Records::Memory(_)));
        let again = desk.machine().await.unwrap();
        assert!(matches!(again.records(), Records::File(_)));
        assert_eq!(again.token().unwrap().as_str(), "token");
    }
}
