//! Logins and tokens, the second factor, a forgotten password.

use axum::body::Body;
use http::Method;
use protocol::session::ListSessions;
use serde_json::json;

use super::{PASSWORD, Program, read};
use crate::{
    authenticator::Authenticator,
    people::Member,
    process::{GatewayProcess, Server},
};

#[tokio::test(flavor = "multi_thread")]
async fn of_one_account_eight_logins_are_open_and_nobody_elses_makes_room() {
    let server = Server::start();
    let bob = Program::registers(server.client(), "bob").await;
    let first = Program::registers(server.client(), "alice").await;
    let mut logins = Vec::new();
    for _ in 0..8 {
        logins.push(Program::signs_in(server.client(), "alice").await);
    }
    assert_eq!((first.get("/api/me").await.0, bob.get("/api/me").await.0), (401, 200));
    for login in logins {
        assert_eq!(login.get("/api/me").await.0, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_reaches_as_far_as_its_scopes_and_ends_with_its_login() {
    let server = Server::start();
    let [alice, _bob] = [
        Program::registers(server.client(), "alice").await,
        Program::registers(server.client(), "bob").await,
    ];
    let (status, made) = alice.post("/api/tokens", json!({"name": "reader", "scopes": ["read"]})).await;
    assert_eq!(status, 200, "{made}");
    let reader = Program(server.client().with_token(made["token"].as_str().unwrap()));
    assert_eq!(reader.get("/api/messages").await.0, 200);
    for (path, body) in [
        ("/api/messages", json!({"recipient": "bob", "message": "x"})),
        ("/api/tokens", json!({"name": "another", "scopes": ["send"]})),
        ("/api/totp/setup", json!({"password": PASSWORD})),
        ("/api/logout", json!({})),
    ] {
        let (status, refused) = reader.post(path, body).await;
        assert_eq!((status, &refused["code"]), (403, &json!("scope")), "{path}: {refused}");
    }
    let (_, listed) = alice.get("/api/tokens").await;
    assert_eq!((&listed[0]["name"], listed[0]["token"].is_null()), (&json!("reader"), true), "{listed}");
    assert!(listed[0]["last_used_at"].is_string(), "{listed}");
    for scopes in [json!([]), json!(["account"]), json!(["everything"])] {
        assert_eq!(alice.post("/api/tokens", json!({"name": "x", "scopes": scopes})).await.0, 400);
    }

    assert_eq!(alice.post("/api/logout", json!({})).await.0, 200);
    assert_eq!((alice.get("/api/me").await.0, reader.get("/api/messages").await.0), (401, 401));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_here_is_a_session_there_and_ends_both_ways() {
    let server = Server::start();
    let alice = Program::registers(server.client(), "alice").await;
    let mut gateway = GatewayProcess::start(&server);
    let elsewhere = Program::signs_in(gateway.client(), "alice").await;
    assert_eq!(elsewhere.get("/api/me").await.0, 200);
    // A program of the sealed protocol sees the sessions, and ends them.
    let member = Member::register("bob", &server.client()).await;
    assert_eq!(member.client.call(ListSessions {}).await.unwrap().sessions.len(), 1);
    gateway.terminate();
    assert!(gateway.log().contains("stopped"), "{}", gateway.log());
    assert_eq!(alice.get("/api/users").await, (200, json!(["alice", "bob"])));
    let log = server.log();
    assert!(log.contains("/fn/session/logout"), "its sessions ended with the gateway");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_second_factor_nobody_is_signed_in_without_a_code() {
    let server = Server::start();
    let alice = Program::registers(server.client(), "alice").await;
    // The login was just now: as the first document has it, nothing more is asked for.
    let answer = alice.0.send(Method::POST, "/api/totp/setup", Body::empty()).await;
    let (status, setup) = read(&answer);
    assert_eq!(status, 200, "{setup}");
    assert!(setup["qr_code"].as_str().unwrap().starts_with("data:image/svg+xml;base64,"));
    let mut authenticator = Authenticator::holding(setup["secret"].as_str().unwrap().to_owned());
    let (status, enabled) = alice.post("/api/totp/enable", json!({"totp": authenticator.next_text()})).await;
    assert_eq!(status, 200, "{enabled}");
    let recovery_codes = enabled["recovery_codes"].as_array().unwrap();
    assert_eq!(recovery_codes.len(), 10);

    let anybody = Program(server.client());
    let form = json!({"username": "alice", "password": PASSWORD});
    let answer = anybody.0.post("/api/login", form.to_string()).await;
    assert_eq!((answer.status.as_u16(), answer.cookies().len()), (200, 0), "no session");
    let (_, asked) = read(&answer);
    assert_eq!((&asked["requires_totp"], asked["token"].is_null()), (&json!(true), true), "{asked}");
    assert!(asked["message"].is_string());

    let with = |field: &str, code: &str| {
        let mut form = form.clone();
        form[field] = json!(code);
        form
    };
    let (status, refused) = anybody.post("/api/login", with("totp", "000000")).await;
    assert_eq!((status, &refused["detail"]), (401, &json!("Invalid TOTP token")));
    let (status, refused) = anybody.post("/api/login", with("totp", "12")).await;
    assert_eq!((status, &refused["code"]), (400, &json!("invalid_request")));
    let (status, answer) =
        anybody.post("/api/login", with("totp_token", recovery_codes[0].as_str().unwrap())).await;
    assert_eq!(status, 200, "{answer}");
    let again = Program(server.client().with_token(answer["token"].as_str().unwrap()));

    let (status, refused) = again.post("/api/totp/disable", json!({})).await;
    assert_eq!((status, &refused["code"]), (401, &json!("second_factor_required")), "{refused}");
    let (status, done) = again.post("/api/totp/disable", json!({"totp": recovery_codes[1]})).await;
    assert_eq!(status, 200, "{done}");
    assert_eq!(anybody.post("/api/login", form).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_password_keeps_everything_with_the_recovery_key() {
    let server = Server::start();
    let form = json!({"username": "alice", "password": PASSWORD});
    let (_, registered) = Program(server.client()).post("/api/register", form).await;
    let bob = Program::registers(server.client(), "bob").await;
    bob.says("alice", "before the reset").await;
    let token = server.admin(&["reset-link", "alice"]).out;
    let token = token.split("#token=").nth(1).unwrap().trim().to_owned();
    let anybody = Program(server.client());
    let reset = |key: &str| json!({"token": token, "new_password": "Another-1-way", "recovery_key": key});

    let (status, refused) = anybody.post("/api/reset-password", reset("K7QD-2M9X")).await;
    assert_eq!((status, &refused["code"]), (400, &json!("wrong_recovery_key")), "{refused}");
    let (status, done) =
        anybody.post("/api/reset-password", reset(registered["recovery_key"].as_str().unwrap())).await;
    assert_eq!(
        (status, &done["history_kept"], done["recovery_key"].is_null()),
        (200, &json!(true), true),
        "{done}"
    );
    let (status, refused) =
        anybody.post("/api/reset-password", json!({"token": token, "new_password": "Another-1-way"})).await;
    assert_eq!((status, &refused["code"]), (400, &json!("invalid_token")), "{refused}");

    let (_, answer) =
        anybody.post("/api/login", json!({"username": "alice", "password": "Another-1-way"})).await;
    let alice = Program(server.client().with_token(answer["token"].as_str().unwrap()));
    assert_eq!(alice.inbox().await, ["bob: before the reset"]);
}
