use std::time::Duration;

use client::{Device, Interruption};
use jiff::fmt::rfc2822::DateTimeParser;
use reqwest::header::DATE;

use crate::{
    device::http,
    terminal::{
        desk::Desk,
        ending::{Ending, Problem},
        profile::keyring,
        say::{Shown, data, json, time},
    },
};

/// Codes of an authenticator are good for half a minute: clocks must not differ by more.
const MOST_SKEW_S: i64 = 30;
const PATIENCE: Duration = Duration::from_secs(10);

/// What was looked at, and how it is.
#[derive(serde::Serialize)]
struct Finding {
    what: &'static str,
    ok: bool,
    says: String,
    #[serde(skip)]
    ending: Ending,
}

/// Looks at everything, and says what is wrong.
pub(super) async fn run(desk: &mut Desk) -> Result<(), Problem> {
    let mut findings = vec![fine("version", format!("secure-messaging {}", env!("CARGO_PKG_VERSION")))];
    findings.extend(server(desk).await);
    findings.push(profile(desk));
    findings.push(match keyring::is_there() {
        true => fine("keyring", "the kernel keeps the profile's key for a week after its last use, or until the machine is switched off"),
        // Nothing is wrong: it is a way to live.
        false => fine("keyring", "there is none, or it is switched off: each command asks for the password"),
    });
    findings.push(session(desk).await);
    findings.extend(upkeep(desk).await);
    for finding in &findings {
        if desk.options.json {
            json::object(finding)?;
        } else {
            let sign = if finding.ok { "✔" } else { "✘" };
            data(format!("{sign} {:<9}{}", finding.what, Shown::line(&finding.says)))?;
        }
    }
    match findings.iter().find(|finding| !finding.ok) {
        Some(wrong) => Err(Problem::silent(wrong.ending)),
        None => Ok(()),
    }
}

fn fine(what: &'static str, says: impl Into<String>) -> Finding {
    Finding { what, ok: true, says: says.into(), ending: Ending::Done }
}

fn wrong(what: &'static str, ending: Ending, says: impl Into<String>) -> Finding {
    Finding { what, ok: false, says: says.into(), ending }
}

async fn server(desk: &mut Desk) -> Vec<Finding> {
    let address = match desk.server() {
        Ok(address) => address,
        Err(problem) => return vec![of_problem("server", &problem, "cannot be used")],
    };
    let unreachable =
        |why: String| wrong("server", Ending::Server, format!("{address} cannot be reached: {why}"));
    let asked = match http::connections(&address) {
        Ok(connections) => connections.get(address.at("/healthz")).timeout(PATIENCE).send().await,
        Err(why) => return vec![unreachable(why)],
    };
    let answer = match asked {
        Ok(answer) => answer,
        Err(error) => return vec![unreachable(http::innermost(&error))],
    };
    let secure = if address.to_string().starts_with("https") { ", by TLS" } else { ", on this machine" };
    let mut findings = vec![match desk.visitor() {
        Ok(machine) => match client::policy(&*machine).await {
            Ok(_) => fine("server", format!("{address} answers{secure}")),
            Err(_) => {
                wrong("server", Ending::Server, format!("{address} answers, and is no server of this kind"))
            }
        },
        Err(problem) => of_problem("server", &problem, "cannot be used"),
    }];
    let date = answer.headers().get(DATE).and_then(|date| date.to_str().ok());
    let date = date.and_then(|date| DateTimeParser::new().parse_timestamp(date).ok());
    let now_ms = desk.visitor().map(|machine| machine.now_ms()).unwrap_or_default();
    if let (Some(date), Ok(now_ms)) = (date, i64::try_from(now_ms)) {
        let skew = now_ms / 1000 - date.as_second();
        findings.push(match skew.abs() {
            0..=2 => fine("clock", "as the server's"),
            seconds @ 3..=MOST_SKEW_S => fine("clock", format!("{seconds} s from the server's")),
            seconds => wrong(
                "clock",
                Ending::Failed,
                format!("{seconds} s from the server's: set one of them right"),
            ),
        });
    }
    findings
}

fn profile(desk: &Desk) -> Finding {
    let folder = desk.profile.folder().display();
    match desk.profile.is_open_to_others() {
        Ok(false) => fine("profile", format!("{folder}, for you alone")),
        Ok(true) => {
            wrong("profile", Ending::Failed, format!("{folder} can be read by others: chmod -R go= it"))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            fine("profile", format!("{folder}, not made yet"))
        }
        Err(error) => wrong("profile", Ending::Failed, format!("{folder} cannot be read: {error}")),
    }
}

async fn session(desk: &mut Desk) -> Finding {
    match desk.profile.session() {
        Ok(None) => return fine("session", "nobody is signed in"),
        Ok(Some(session)) if session.open_with_keyring(&desk.profile).is_none() => {
            return fine(
                "session",
                format!("{} is signed in; the next command asks for the password", session.username),
            );
        }
        Ok(Some(_)) => {}
        Err(problem) => return of_problem("session", &problem, "cannot be read"),
    }
    match desk.account().await {
        Ok(account) => fine("session", format!("{} is signed in", account.me().username)),
        Err(problem) if problem == Problem::from(Interruption::SessionEnded) => {
            wrong("session", Ending::NotSignedIn, "it has ended: log in again")
        }
        Err(problem) => of_problem("session", &problem, "cannot be gone on with"),
    }
}

/// How the open account's keys are looked after.
async fn upkeep(desk: &Desk) -> Option<Finding> {
    let repairs = desk.open_account()?.repairs().await.ok()?.len();
    let keys = match desk.maintained_at_ms() {
        Some(at_ms) => format!("keys were looked after at {}", time::local(at_ms)),
        None => "keys are looked after when this command is done".to_owned(),
    };
    let mended = match repairs {
        0 => "nothing had to be mended".to_owned(),
        repairs => format!("{repairs} things were mended, see `secure-messaging repairs`"),
    };
    Some(fine("upkeep", format!("{keys}; {mended}")))
}

fn of_problem(what: &'static str, problem: &Problem, otherwise: &str) -> Finding {
    let says = match &problem.said {
        super::super::ending::Said::Text(text) => text.clone(),
        _ => otherwise.to_owned(),
    };
    wrong(what, problem.ending, says)
}
