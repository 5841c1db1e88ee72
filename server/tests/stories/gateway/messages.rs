//! Programs write to each other.

use std::fs;

use serde_json::json;

use super::{PASSWORD, Program};
use crate::process::{GatewayProcess, Server};

#[tokio::test(flavor = "multi_thread")]
async fn programs_on_different_gateways_write_to_each_other_and_the_server_sees_nothing_of_it() {
    const PLAINTEXT: &str = "the-canary-sings-at-the-gateway";
    let mut server = Server::start_with(&["--log-filter", "trace", "--gateway", "off"]);
    let [mut here, there] = [GatewayProcess::start(&server), GatewayProcess::start(&server)];
    let alice = Program::registers(here.client(), "alice").await;
    let bob = Program::registers(there.client(), "bob").await;
    alice.says("bob", PLAINTEXT).await;
    assert_eq!(bob.inbox().await, [format!("alice: {PLAINTEXT}")]);
    let (_, numbers) = alice.get("/api/contacts/bob/safety-number").await;
    let (_, same) = bob.get("/api/contacts/alice/safety-number").await;
    assert_eq!(numbers["safety_number"], same["safety_number"]);

    let (_, sent) = bob
        .post("/api/group-messages", json!({"recipients": ["alice", "zoe", "Alice"], "message": PLAINTEXT}))
        .await;
    assert_eq!((&sent["sent"], &sent["failed"]), (&json!(1), &json!(["zoe"])), "{sent}");
    here.terminate();
    server.terminate();
    for (whose, log) in [("server", server.log()), ("gateway", here.log()), ("gateway", there.log())] {
        for secret in [PLAINTEXT, PASSWORD] {
            assert!(!log.contains(secret), "{secret} is in the {whose}'s log");
        }
    }
    for file in fs::read_dir(server.data()).unwrap() {
        let content = fs::read(file.unwrap().path()).unwrap();
        for secret in [PLAINTEXT, PASSWORD] {
            assert!(!content.windows(secret.len()).any(|window| window == secret.as_bytes()));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_is_one_message_also_after_the_gateway_was_restarted() {
    let server = Server::start();
    let first = GatewayProcess::start(&server);
    let alice = Program::registers(first.client(), "alice").await;
    let bob = Program::registers(server.client(), "bob").await;
    let form = json!({"recipient": "bob", "message": "Pay 5"});
    let named = |program: &Program| Program(program.0.with("idempotency-key", "order 17"));
    let (status, sent) = named(&alice).post("/api/messages", form.clone()).await;
    assert_eq!(status, 200, "{sent}");
    drop(first);
    let second = GatewayProcess::start(&server);
    let again = named(&Program::signs_in(second.client(), "alice").await);
    assert_eq!(again.post("/api/messages", form).await, (200, sent));
    let (status, refused) =
        again.post("/api/messages", json!({"recipient": "bob", "message": "Pay 500"})).await;
    assert_eq!((status, &refused["code"]), (409, &json!("message_conflict")), "{refused}");
    assert_eq!(bob.inbox().await, ["alice: Pay 5"]);
}
