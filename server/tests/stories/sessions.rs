//! Sessions begin, travel and end.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use http::StatusCode;
use protocol::{
    Call,
    account::{CurrentSession, Login, Logout},
    refusal::Code,
};
use sha2::Sha256;

use crate::{
    client::Client,
    people::{Member, Person},
    process::Server,
};

/// What a page of the server's own sends along.
fn page(server: &Server) -> Client {
    server.client().with("sec-fetch-site", "same-origin")
}

#[tokio::test]
async fn a_program_signs_up_in_and_out() {
    let server = Server::start();
    let alice = Member::register("alice", &server.client()).await;
    let session = alice.client.call(CurrentSession {}).await.unwrap();
    assert_eq!((session.account, session.session), (alice.person.account, alice.signed_in.session));
    assert_eq!(session.token, None, "only an answer that begins a session has its token");

    let again = server.client().call(alice.person.login()).await.unwrap();
    assert_ne!(again.session, session.session);
    alice.client.call(Logout {}).await.unwrap();
    assert_eq!(alice.client.call(CurrentSession {}).await.unwrap_err().code, Code::NotSignedIn);
    let second = server.client().with_token(&again.token.unwrap());
    assert_eq!(
        second.call(CurrentSession {}).await.unwrap().session,
        again.session,
        "the other session lives on"
    );
}

#[tokio::test]
async fn a_page_gets_a_cookie_that_scripts_cannot_read_and_no_token() {
    let server = Server::start();
    let alice = Person::new("alice");
    let answer =
        page(&server).post("/fn/account/register", serde_json::to_vec(&alice.registration()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::OK);
    let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert!(body.get("token").is_none(), "{body}");
    let [cookie] = answer.cookies()[..] else { panic!("{answer:?}") };
    let (pair, attributes) = cookie.split_once(';').unwrap();
    assert_eq!(attributes, " HttpOnly; SameSite=Lax; Path=/; Max-Age=2592000");
    assert!(cookie.len() < 1_000, "{}", cookie.len());

    let signed_in = page(&server).with("cookie", pair);
    let session = signed_in.call(CurrentSession {}).await.unwrap();
    assert_eq!(session.account, alice.account);

    let answer = signed_in.post(Logout::PATH, "{}").await;
    assert_eq!(answer.cookies(), ["session=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0"]);
    assert_eq!(answer.header("clear-site-data"), Some("\"cache\""));
    assert_eq!(signed_in.call(CurrentSession {}).await.unwrap_err().code, Code::NotSignedIn);
}

#[tokio::test]
async fn behind_tls_the_cookie_is_bound_to_the_host() {
    let server = Server::start_with(&["--base-url", "https://chat.example.org", "--registration", "open"]);
    let alice = Person::new("alice");
    let page = server.client().with("origin", "https://chat.example.org");
    let answer = page.post("/fn/account/register", serde_json::to_vec(&alice.registration()).unwrap()).await;
    let [cookie] = answer.cookies()[..] else { panic!("{answer:?}") };
    assert!(cookie.starts_with("__Host-session="), "{cookie}");
    assert!(cookie.ends_with("; Secure"), "{cookie}");
    assert_eq!(answer.header("strict-transport-security"), Some("max-age=63072000"));
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_name_sound_alike() {
    let server = Server::start();
    let alice = Member::register("alice", &server.client()).await;
    let stranger = Person::new("stranger");
    let wrong = Login { auth_key: stranger.stretched.auth_key(), ..alice.person.login() };
    let wrong = server.client().post(Login::PATH, serde_json::to_vec(&wrong).unwrap()).await;
    let unknown = server.client().post(Login::PATH, serde_json::to_vec(&stranger.login()).unwrap()).await;
    for answer in [&wrong, &unknown] {
        assert_eq!(answer.refusal().code, Code::WrongCredentials);
        assert!(answer.cookies().is_empty());
    }
    assert_eq!(wrong.refusal().message, unknown.refusal().message);
}

#[tokio::test]
async fn forged_and_expired_tokens_open_nothing() {
    let server = Server::start();
    let alice = Member::register("alice", &server.client()).await;
    let (secret, claims) = (token_key(&server), claims(alice.token()));
    let header = r#"{"typ":"JWT","alg":"HS256"}"#;
    let current = async |token: String| server.client().with_token(&token).call(CurrentSession {}).await;
    assert!(current(forge(header, &claims, &secret)).await.is_ok(), "the forger's tools work");

    let none = r#"{"typ":"JWT","alg":"none"}"#;
    let second = |seconds: i64| {
        let mut changed = claims.clone();
        changed["exp"] = (changed["iat"].as_i64().unwrap() + seconds).into();
        changed
    };
    let with = |name: &str, value: &str| {
        let mut changed = claims.clone();
        changed[name] = value.into();
        changed
    };
    for (what, token) in [
        ("no algorithm", forge(none, &claims, &secret)),
        ("no algorithm, no signature", format!("{}.", message(none, &claims))),
        ("another algorithm", forge(r#"{"typ":"JWT","alg":"HS512"}"#, &claims, &secret)),
        ("another key", forge(header, &claims, &[7; 32])),
        ("another audience", forge(header, &with("aud", "secure-messaging/reset"), &secret)),
        ("another issuer", forge(header, &with("iss", "somebody"), &secret)),
        ("expired", forge(header, &second(-60), &secret)),
        ("a session that is not", forge(header, &with("jti", "AAAAAAAAAAAAAAAAAAAAAA"), &secret)),
        ("no token", "x".to_owned()),
    ] {
        assert_eq!(current(token).await.unwrap_err().code, Code::NotSignedIn, "{what}");
    }
    let unsigned = server.client().call(CurrentSession {}).await.unwrap_err();
    assert_eq!(unsigned.code, Code::NotSignedIn);
}

fn claims(token: &str) -> serde_json::Value {
    let claims = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
}

fn message(header: &str, claims: &serde_json::Value) -> String {
    [header.to_owned(), claims.to_string()].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".")
}

fn forge(header: &str, claims: &serde_json::Value, key: &[u8]) -> String {
    let message = message(header, claims);
    let tag = Hmac::<Sha256>::new_from_slice(key).unwrap().chain_update(&message).finalize().into_bytes();
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag))
}

/// The key of session tokens, as whoever can read the data folder could derive it.
fn token_key(server: &Server) -> [u8; 32] {
    let secret = std::fs::read(server.data().join("server-secret")).unwrap();
    // HKDF-SHA-256 of one block, by its two steps.
    let hmac = |key: &[u8], parts: &[&[u8]]| {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
        parts.iter().for_each(|part| mac.update(part));
        <[u8; 32]>::from(mac.finalize().into_bytes())
    };
    let extracted = hmac(&[0; 32], &[&secret]);
    hmac(&extracted, &[b"secure-messaging/1 session token", &[1]])
}
