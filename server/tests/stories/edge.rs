//! What bad input gets, and what every answer says.

use axum::body::Body;
use http::{Method, StatusCode};
use protocol::{
    Call,
    account::{Login, Prelogin},
    call::PATHS,
    limits::{MAX_SEND_BODY_BYTES, MAX_SMALL_BODY_BYTES},
    mailbox,
    refusal::Code,
};

use crate::{
    client::Client,
    people::Member,
    process::{self, Server},
};

const PRELOGIN: &str = r#"{"username":"alice"}"#;

#[tokio::test]
async fn other_sites_pages_are_turned_away() {
    let server = Server::start();
    let own = format!("http://{}", server.address);
    let prelogin = async |name: &str, value: &str| {
        server.client().with(name, value).post(Prelogin::PATH, PRELOGIN).await
    };
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
    ] {
        let answer = prelogin(name, value).await;
        assert_eq!(answer.refusal().code, Code::CrossSite, "{name}: {value}");
        assert_eq!(answer.header("access-control-allow-origin"), None);
    }
    for (name, value) in
        [("sec-fetch-site", "same-origin"), ("sec-fetch-site", "none"), ("origin", own.as_str())]
    {
        assert_eq!(prelogin(name, value).await.status, StatusCode::OK, "{name}: {value}");
    }
    let preflight = server.client().with("origin", "https://evil.example");
    let answer = preflight.send(Method::OPTIONS, Prelogin::PATH, Body::empty()).await;
    assert_eq!(answer.refusal().code, Code::MethodNotAllowed);
}

#[tokio::test]
async fn only_json_is_read() {
    let server = Server::start();
    for media_type in [
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/plain",
        "text/plain;application/json",
    ] {
        let client =
            server.client().with("content-type", media_type).with("accept", "text/html").with("referer", "/");
        let answer = client.send(Method::POST, Prelogin::PATH, PRELOGIN.into()).await;
        assert_eq!(answer.refusal().code, Code::WrongMediaType, "{media_type}");
    }
    let untyped = server.client().send(Method::POST, Prelogin::PATH, PRELOGIN.into()).await;
    assert_eq!(untyped.refusal().code, Code::WrongMediaType);
    let like_a_form = server.client().with("accept", "text/html").with("referer", "https://evil.example/");
    let answer = like_a_form.post(Prelogin::PATH, PRELOGIN).await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::OK, None));
}

#[tokio::test]
async fn what_is_wrong_with_a_body_is_said() {
    let server = Server::start();
    let deep = format!("{{\"username\":{}{}}}", "[".repeat(5_000), "]".repeat(5_000));
    for (body, said) in [
        (r#"{"username":"alice","admin":true}"#, "unknown field `admin`"),
        (r#"{"request":{"username":"alice"}}"#, "unknown field `request`"),
        (r#"{"username":7}"#, "invalid type"),
        (r#"{"username":"al"}"#, "3 to 32 characters"),
        (r#"{"username":"ali\u0000ce"}"#, "U+0000"),
        ("{\"username\":\"ali\0ce\"}", "control character"),
        (r#"{"username":"alice""#, "EOF"),
        (r#"{"username":"alice"}x"#, "trailing characters"),
        (r#"["alice"]"#, "JSON object"),
        ("", "JSON object"),
        (&deep, "invalid type"),
    ] {
        let refusal = server.client().post(Prelogin::PATH, body.to_owned()).await.refusal();
        assert_eq!(refusal.code, Code::InvalidRequest, "{body}");
        assert!(refusal.message.contains(said), "{body}: {}", refusal.message);
        assert!(
            !refusal.message.contains("server_fn") && !refusal.message.contains("::"),
            "{}",
            refusal.message
        );
    }
    let not_text = server.client().post(Prelogin::PATH, vec![b'{', 0xff, 0xfe]).await.refusal();
    assert_eq!(not_text.code, Code::InvalidRequest);
}

#[tokio::test]
async fn a_body_over_its_limit_is_refused_and_one_at_the_limit_is_read() {
    let server = Server::start();
    let padded = |path: &str, bytes: usize| {
        let client = server.client();
        let path = path.to_owned();
        let body = format!("{{{}", " ".repeat(bytes - 1));
        async move { client.post(&path, body).await.refusal().code }
    };
    assert_eq!(padded(Login::PATH, MAX_SMALL_BODY_BYTES).await, Code::InvalidRequest);
    assert_eq!(padded(Login::PATH, MAX_SMALL_BODY_BYTES + 1).await, Code::TooLarge);
    assert_eq!(padded(mailbox::Send::PATH, MAX_SEND_BODY_BYTES).await, Code::InvalidRequest);
    assert_eq!(padded(mailbox::Send::PATH, MAX_SEND_BODY_BYTES + 1).await, Code::TooLarge);
}

#[tokio::test]
async fn paths_and_methods_that_are_not_are_said_so_in_json() {
    let server = Server::start();
    for path in PATHS {
        for method in [Method::GET, Method::HEAD, Method::PUT, Method::DELETE, Method::OPTIONS] {
            let answer = server.client().send(method.clone(), path, Body::empty()).await;
            assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
            assert_eq!(answer.header("allow"), Some("POST"));
        }
        assert_eq!(server.client().get(path).await.refusal().code, Code::MethodNotAllowed);
    }
    for path in ["/fn/unknown", "/fn/account/prelogin/", "/fn/account/prelogin/x", "/fn/account"] {
        assert_eq!(server.client().post(path, "{}").await.refusal().code, Code::NotFound, "{path}");
    }
    assert_eq!(server.client().post("/", "{}").await.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(server.client().post("/unknown", "{}").await.refusal().code, Code::MethodNotAllowed);
}

#[tokio::test]
async fn every_answer_tells_the_browser_to_be_careful() {
    let server = Server::start();
    let alice = Member::register("alice", &server.client()).await;
    let client: &Client = &alice.client;
    let answers = [
        client.get("/").await,
        client.get("/login").await,
        client.get("/no/such/page").await,
        client.get("/pkg/no-such-file.js").await,
        client.get("/healthz").await,
        client.get("/readyz").await,
        client.get("/fn/unknown").await,
        client.post(Prelogin::PATH, PRELOGIN).await,
        client.post(Login::PATH, "{").await,
        client.send(Method::PATCH, "/inbox", Body::empty()).await,
    ];
    for answer in &answers {
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{answer:?}");
        }
        let policy = answer.header("content-security-policy").unwrap();
        for rule in ["default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"] {
            assert!(policy.contains(rule), "{policy}");
        }
        assert!(!policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'"), "{policy}");
        assert!(answer.header("permissions-policy").unwrap().contains("camera=()"));
        assert_eq!(answer.header("strict-transport-security"), None, "no TLS is spoken here");
        assert_eq!(answer.header("x-request-id").map(str::len), Some(16));
        assert_eq!(answer.header("server"), None);
    }
    assert_eq!(
        answers.map(|answer| answer.status.as_u16()),
        [200, 200, 404, 404, 200, 200, 404, 200, 400, 405]
    );
}

#[tokio::test]
async fn a_page_runs_only_the_script_that_carries_its_nonce() {
    let server = Server::start();
    let mut nonces = Vec::new();
    for path in ["/", "/login", "/no/such/page"] {
        let page = server.client().get(path).await;
        assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
        let policy = page.header("content-security-policy").unwrap();
        let nonce = policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap().to_owned();
        let html = std::str::from_utf8(&page.body).unwrap();
        let scripts: Vec<&str> = html.split("<script").skip(1).collect();
        assert!(!scripts.is_empty());
        for script in scripts {
            assert!(script.contains(&format!("nonce=\"{nonce}\"")), "{script}");
        }
        assert!(!html.contains(" style="), "styles in attributes are not run");
        nonces.push(nonce);
    }
    nonces.dedup();
    assert_eq!(nonces.len(), 3, "each page has a nonce of its own");
}

#[test]
fn what_keeps_it_from_starting_is_said_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let serve = |arguments: &[&str]| {
        let output =
            process::binary().arg("serve").arg("--data-dir").arg(&data).args(arguments).output().unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    assert!(serve(&["--listen", &taken]).contains(&format!("cannot listen on {taken}")));
    assert!(serve(&["--config", "/no/such/file.toml"]).contains("/no/such/file.toml"));
    assert!(serve(&["--bcrypt-cost", "4"]).contains("10 to 16"));
    assert!(serve(&["--lisen", "127.0.0.1:1"]).contains("--listen"), "what was meant is proposed");
    std::fs::write(folder.path().join("settings.toml"), "[http]\nlisen = 1\n").unwrap();
    assert!(
        serve(&["--config", folder.path().join("settings.toml").to_str().unwrap()])
            .contains("unknown field `lisen`")
    );
}
