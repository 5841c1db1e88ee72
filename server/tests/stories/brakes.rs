//! Guessing is slowed down, for one network and not for the others.

use http::StatusCode;
use protocol::{Call, account::Login, refusal::Code, reset::CheckReset};

use crate::{
    client::{Answer, Client},
    people::{Member, Person},
    process::Server,
};

/// Somebody who asks through a proxy on the same machine.
fn from(server: &Server, forwarded_for: &str) -> Client {
    server.client().with("x-forwarded-for", forwarded_for)
}

/// A token that nobody was sent.
async fn guess(client: &Client) -> Answer {
    let token = crypto::one_time::ResetToken::from_bytes(&[7; 32]);
    client.post(CheckReset::PATH, serde_json::to_vec(&CheckReset { token }).unwrap()).await
}

#[tokio::test]
async fn who_guesses_too_much_waits_and_another_network_does_not() {
    let server = Server::start();
    let guesser = from(&server, "203.0.113.5");
    for _ in 0..30 {
        assert_eq!(guess(&guesser).await.refusal().code, Code::InvalidToken);
    }
    for again in [
        guesser,
        from(&server, "203.0.113.99"),
        from(&server, "198.51.100.1, 203.0.113.5"),
        from(&server, "198.51.100.1").with("x-forwarded-for", "203.0.113.5"),
        from(&server, "[::ffff:203.0.113.5]:4711"),
    ] {
        let answer = guess(&again).await;
        assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(answer.refusal().code, Code::TooManyRequests);
        let seconds: u32 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=60).contains(&seconds), "{seconds}");
    }
    for other in ["198.51.100.1", "203.0.114.5", "2001:db8::1"] {
        assert_eq!(guess(&from(&server, other)).await.refusal().code, Code::InvalidToken, "{other}");
    }
    assert_eq!(guess(&server.client()).await.refusal().code, Code::InvalidToken, "the machine itself");
}

#[tokio::test]
async fn who_is_not_trusted_is_counted_by_its_own_address() {
    let server = Server::start_with(&["--trusted-proxies", "192.0.2.1"]);
    for number in 0..40 {
        // Loopback is no trusted proxy here, and the machine itself is not counted: the header changes nothing.
        let answer = guess(&from(&server, &format!("203.0.113.{number}"))).await;
        assert_eq!(answer.refusal().code, Code::InvalidToken);
    }
}

#[tokio::test]
async fn failed_logins_are_remembered_after_a_kill() {
    let mut server = Server::start();
    let alice = Member::register("alice", &server.client()).await;
    let fail = async |server: &Server, name: &str, network: &str| {
        let login = Login { ..Person::new(name).login() };
        from(server, network).call(login).await.unwrap_err()
    };
    let mut tried = 0;
    while fail(&server, &format!("person{tried}"), "203.0.113.5").await.code == Code::WrongCredentials {
        tried += 1;
        assert!(tried <= 60, "one network does not try sixty names");
    }
    assert!(tried >= 50, "{tried}");
    server.kill_and_restart();
    let refusal = fail(&server, "another", "203.0.113.200").await;
    assert_eq!(refusal.code, Code::TooManyRequests);
    assert!(refusal.retry_after_s.is_some_and(|seconds| seconds > 1), "{refusal:?}");
    let elsewhere = fail(&server, "another", "198.51.100.1").await;
    assert_eq!(elsewhere.code, Code::WrongCredentials);
    from(&server, "198.51.100.1").call(alice.person.login()).await.expect("the others sign in as ever");
}
