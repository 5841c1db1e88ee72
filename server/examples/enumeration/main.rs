//! Whether the server tells by its answers, or by the time that they take, who has an account: prelogin, login, register
//! and a forgotten password, for accounts that exist and for some that do not, in turns.
//!
//! ```text
//! cargo build --release -p server
//! cargo run --release -p server --example enumeration
//! ```
//!
//! Texts and statuses must be equal, and the program says so; only registering a name that is taken is refused, as it has
//! to be. Medians and their ratio are printed: what they say depends on how busy the machine is. Each question comes from a
//! network of its own, through a proxy on the same machine, so that no brake is measured. SECURE_MESSAGING_BIN names
//! another binary than the one beside this program's folder. The whole takes a minute or two.

#![expect(clippy::unwrap_used, reason = "what fails here fails the measurement")]
#![expect(clippy::disallowed_methods, reason = "a measurement reads the time")]

#[expect(dead_code, reason = "the stories ask more of it")]
#[path = "../../tests/stories/client.rs"]
mod client;
#[expect(dead_code, reason = "the stories ask more of it")]
#[path = "../../tests/stories/people.rs"]
mod people;
#[expect(dead_code, reason = "the load asks more of it")]
#[path = "../load/process.rs"]
mod process;

use std::{
    fs,
    time::{Duration, Instant},
};

use client::{Answer, Client};
use people::Person;
use process::Server;
use protocol::{
    Call,
    account::{Login, Prelogin, PreloginAnswer, Register},
    reset::ForgotPassword,
};
use tokio::net::TcpListener;

/// Fresh servers, one after the other: the brakes of one would be felt by the last of so many questions.
const ROUNDS: usize = 5;
/// Questions of each kind a round, for each of existing and unknown accounts: 200 in all.
const TRIES: usize = 40;
/// Accounts that exist.
const ACCOUNTS: usize = 10;
/// Longer than it ever takes.
const PATIENCE: Duration = Duration::from_secs(9 * 60);

#[tokio::main(flavor = "current_thread")]
async fn main() {
    tokio::time::timeout(PATIENCE, measure()).await.expect("it is over in time");
}

async fn measure() {
    println!("Load of the machine before: {}", fs::read_to_string("/proc/loadavg").unwrap().trim());
    // Nobody answers there: mails wait in the queue, as they always do while somebody waits for an answer.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port().to_string();
    let mail = ["--smtp-host", "127.0.0.1", "--smtp-port", &port, "--smtp-from", "chat@example.org"];
    let mut calls = ["prelogin", "login", "forgot", "register"].map(Compared::new);
    for _ in 0..ROUNDS {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::secure_messaging_with(&folder.path().join("server"), &mail);
        ask_all(Asker { client: server.client(), asked: 0 }, &mut calls).await;
    }
    println!("{:<10}{:>14}{:>14}{:>9}   answers", "", "existing", "unknown", "ratio");
    for compared in calls {
        compared.print();
    }
}

/// Asks each time from another network.
struct Asker {
    client: Client,
    asked: u32,
}

impl Asker {
    async fn ask<C: Call>(&mut self, request: &C) -> (Answer, Duration) {
        self.asked += 1;
        let [_, a, b, c] = self.asked.to_be_bytes();
        let client = self.client.with("x-forwarded-for", &format!("{}.{b}.{c}.1", 20 + a));
        let body = serde_json::to_vec(request).unwrap();
        let start = Instant::now();
        let answer = client.post(C::PATH, body).await;
        (answer, start.elapsed())
    }
}

async fn ask_all(mut asker: Asker, [prelogin, login, forgot, register]: &mut [Compared; 4]) {
    let mut people = Vec::new();
    for number in 0..ACCOUNTS {
        let mut person = Person::new(&format!("person{number}"));
        person.email = Some(format!("person{number}@example.org"));
        let (answer, _) = asker.ask(&person.registration()).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        people.push(person);
    }
    for who in in_turns(&people) {
        let (answer, took) = asker.ask(&Prelogin { username: who.name().parse().unwrap() }).await;
        // Each name has a salt of its own; all else is the same for all.
        let kdf = serde_json::from_slice::<PreloginAnswer>(&answer.body).unwrap().kdf;
        let said = format!("{} bytes, {} iterations", answer.body.len(), kdf.iterations());
        prelogin.note(who, (answer.status.as_u16(), said), took);
    }
    let stranger = Person::new("stranger");
    for who in in_turns(&people) {
        let wrong = Login { username: who.name().parse().unwrap(), ..stranger.login() };
        let (answer, took) = asker.ask(&wrong).await;
        login.note(who, said(&answer), took);
    }
    for who in in_turns(&people) {
        let email = format!("{}@example.org", who.name()).parse().unwrap();
        let (answer, took) = asker.ask(&ForgotPassword { email }).await;
        forgot.note(who, said(&answer), took);
    }
    for who in in_turns(&people) {
        let new = Register { username: who.name().parse().unwrap(), ..Person::new("whoever").registration() };
        let (answer, took) = asker.ask(&new).await;
        register.note(who, (answer.status.as_u16(), String::new()), took);
    }
}

#[derive(Clone, Copy)]
enum Who<'a> {
    Existing(&'a Person),
    Unknown(usize),
}

impl Who<'_> {
    fn name(self) -> String {
        match self {
            Self::Existing(person) => person.name.clone(),
            Self::Unknown(number) => format!("nobody{number}"),
        }
    }
}

/// One who exists, one who does not, and so on: whatever else the machine does meets both alike.
fn in_turns(people: &[Person]) -> impl Iterator<Item = Who<'_>> {
    (0..TRIES).flat_map(|number| [Who::Existing(&people[number % people.len()]), Who::Unknown(number)])
}

/// Status and text, without the request's id.
fn said(answer: &Answer) -> (u16, String) {
    let mut body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    if let Some(fields) = body.as_object_mut() {
        fields.remove("request_id");
    }
    (answer.status.as_u16(), body.to_string())
}

/// What both kinds were answered, and how fast.
struct Compared {
    call: &'static str,
    existing: Vec<f64>,
    unknown: Vec<f64>,
    answers: [Vec<(u16, String)>; 2],
}

impl Compared {
    fn new(call: &'static str) -> Self {
        Self { call, existing: Vec::new(), unknown: Vec::new(), answers: [const { Vec::new() }; 2] }
    }

    fn note(&mut self, who: Who<'_>, answer: (u16, String), took: Duration) {
        let (times, answers) = match who {
            Who::Existing(_) => (&mut self.existing, &mut self.answers[0]),
            Who::Unknown(_) => (&mut self.unknown, &mut self.answers[1]),
        };
        times.push(took.as_secs_f64() * 1_000.0);
        answers.push(answer);
    }

    fn print(self) {
        let Self { call, existing, unknown, answers: [mut of_existing, mut of_unknown] } = self;
        let [existing, unknown] = [existing, unknown].map(median);
        of_existing.dedup();
        of_unknown.dedup();
        assert_eq!([of_existing.len(), of_unknown.len()], [1, 1], "{call}: {of_existing:?} {of_unknown:?}");
        let answers = if of_existing == of_unknown {
            format!("equal ({})", of_existing[0].0)
        } else {
            assert_eq!(call, "register", "{call}: {of_existing:?} {of_unknown:?}");
            format!("{} and {}, as they must be", of_existing[0].0, of_unknown[0].0)
        };
        println!("{call:<10}{existing:>11.2} ms{unknown:>11.2} ms{:>9.3}   {answers}", existing / unknown);
    }
}

/// The one in the middle, after sorting.
fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
