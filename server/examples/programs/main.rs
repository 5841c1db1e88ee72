//! What programs pay for: messages a second through the REST gateway, beside the same messages sealed and sent by the
//! program itself; and the wall time of `secure-messaging send` beside that of curl, which only says hello.
//!
//! ```text
//! cargo xtask build
//! cargo run --release -p server --example programs
//! ```
//!
//! SECURE_MESSAGING_BIN names another binary than the one in the release folder. The whole takes less than a minute.

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
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use client::Client;
use futures::future::join_all;
use people::Member;
use process::Server;
use serde_json::json;

const PASSWORD: &str = "measure-me-4-real!";
/// Each measured for so long, in turns.
const SPAN: Duration = Duration::from_secs(2);
const ROUNDS: usize = 3;
/// Runs of each command, in turns.
const RUNS: usize = 15;
/// How many send at the same time.
const CLIENTS: [usize; 2] = [1, 8];

#[tokio::main(flavor = "current_thread")]
async fn main() {
    println!("Load of the machine before: {}", fs::read_to_string("/proc/loadavg").unwrap().trim());
    let folder = tempfile::tempdir().unwrap();
    let server = Server::secure_messaging(&folder.path().join("server"));
    gateway(&server).await;
    terminal(&server, folder.path());
}

/// Each client has an account and a connection of its own, and sends its next message when the last was answered.
async fn gateway(server: &Server) {
    let reader = Member::register("reader", &server.client()).await;
    let mut programs = Vec::new();
    let mut members = Vec::new();
    for number in 0..CLIENTS[CLIENTS.len() - 1] {
        programs.push(signed_in(server, &format!("program{number}")).await);
        members.push(Member::register(&format!("member{number}"), &server.client()).await);
    }
    println!("{:<10}{:>22}{:>22}{:>9}", "clients", "gateway, messages/s", "sealed, messages/s", "ratio");
    for clients in CLIENTS {
        let (mut through, mut sealed) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let asks = programs[..clients].iter().map(|program| {
                counted(async || {
                    let body = json!({"recipient": "reader", "message": "x".repeat(256)}).to_string();
                    assert_eq!(program.post("/api/messages", body).await.status, 200);
                })
            });
            through.push(rate(join_all(asks).await));
            let sends = members[..clients].iter().map(|member| {
                let reader = &reader;
                counted(async || {
                    member.send(&"x".repeat(256), &[reader]).await.unwrap();
                })
            });
            sealed.push(rate(join_all(sends).await));
        }
        let [through, sealed] = [through, sealed].map(median);
        println!("{clients:<10}{through:>22.0}{sealed:>22.0}{:>9.2}", through / sealed);
    }
}

async fn signed_in(server: &Server, name: &str) -> Client {
    let form = json!({"username": name, "password": PASSWORD}).to_string();
    let answer = server.client().post("/api/register", form.clone()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let answer = server.client().post("/api/login", form).await;
    let answer: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    server.client().with_token(answer["token"].as_str().unwrap())
}

/// A message from a script, whole process and all, beside curl's hello and beside a command that asks the server nothing.
fn terminal(server: &Server, folder: &Path) {
    fs::write(folder.join("password"), PASSWORD).unwrap();
    let ours = |words: &[&str]| {
        let mut command = Command::new(process::binary());
        command
            .args(words)
            .env("XDG_DATA_HOME", folder)
            .env("SECURE_MESSAGING_SERVER", format!("http://{}", server.address));
        command.arg("--no-input").arg("--password-file").arg(folder.join("password"));
        command
    };
    for words in [["register", "script"], ["login", "script"]] {
        assert!(ours(&words).output().unwrap().status.success(), "{words:?}");
    }
    let hello = || {
        let mut command = Command::new("curl");
        command.args(["--silent", "--fail", &format!("http://{}/api/health", server.address)]);
        command
    };
    let (mut send, mut quit, mut curl) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..RUNS {
        send.push(took(ours(&["send", "reader", "--message", "Hello"])));
        quit.push(took(ours(&["quit"])));
        curl.push(took(hello()));
    }
    println!();
    let [send, quit, curl] = [send, quit, curl].map(median);
    println!("{:<42}{send:>8.1} ms", "secure-messaging send (with the keyring)");
    println!("{:<42}{quit:>8.1} ms", "secure-messaging quit");
    println!("{:<42}{curl:>8.1} ms", "curl /api/health");
}

/// The wall time of a process, in milliseconds.
fn took(mut command: Command) -> f64 {
    let start = Instant::now();
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    start.elapsed().as_secs_f64() * 1e3
}

/// How often something is done within the span.
async fn counted(work: impl AsyncFn()) -> usize {
    let until = Instant::now() + SPAN;
    let mut times = 0;
    while Instant::now() < until {
        work().await;
        times += 1;
    }
    times
}

fn rate(times: Vec<usize>) -> f64 {
    times.iter().sum::<usize>() as f64 / SPAN.as_secs_f64()
}

/// The one in the middle, after sorting.
fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
