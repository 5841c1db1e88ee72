//! A message answered with 200 is on disk, once, whatever is killed.

use std::{collections::HashSet, sync::Arc};

use axum::body::Body;
use crypto::id::MessageId;
use http::{Method, StatusCode};
use protocol::{
    Call,
    mailbox::{Send, Sent},
};

use crate::{people::Member, process::Server};

/// Sends one after the other until the server is gone; returns what was answered, and the last envelope, which was not.
async fn send_until_the_end(sender: Arc<Member>, reader: Arc<Member>) -> (Vec<MessageId>, Send) {
    let mut acknowledged = Vec::new();
    let client = sender.client.with("content-type", "application/json");
    loop {
        let envelope = sender.sealed(&format!("message {}", acknowledged.len()), &[&reader]);
        let body = Body::from(serde_json::to_vec(&envelope).unwrap());
        match client.try_send(Method::POST, Send::PATH, body).await {
            Ok(answer) if answer.status == StatusCode::OK => {
                acknowledged.push(serde_json::from_slice::<Sent>(&answer.body).unwrap().message);
            }
            Ok(answer) => panic!("{answer:?}"),
            Err(_) => return (acknowledged, envelope),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_acknowledged_message_is_there_once_after_a_kill() {
    let mut server = Server::start();
    let reader = Arc::new(Member::register("reader", &server.client()).await);
    let mut senders = Vec::new();
    for name in ["anna", "bert", "cleo", "dora"] {
        senders.push(Arc::new(Member::register(name, &server.client()).await));
    }
    let mut acknowledged = Vec::new();
    for _round in 0..2 {
        let sending: Vec<_> = senders
            .iter()
            .map(|sender| {
                let sender = Member::clone_for(sender, &server);
                let reader = Arc::clone(&reader);
                tokio::spawn(send_until_the_end(Arc::new(sender), reader))
            })
            .collect();
        tokio::time::sleep(std::time::Duration::from_millis(400)).await;
        server.kill_and_restart();
        for (sending, sender) in sending.into_iter().zip(&senders) {
            let (sent, unanswered) = sending.await.unwrap();
            assert!(!sent.is_empty(), "the kill came in the middle");
            acknowledged.extend(sent);
            // What was not answered is sent again: stored before or not, it is there once then.
            let again = Member::clone_for(sender, &server).client.call(unanswered).await.unwrap();
            acknowledged.push(again.message);
        }
    }
    let reader = Member::clone_for(&reader, &server);
    let items = reader.mailbox().await;
    let cursors: Vec<u64> = items.iter().map(|item| item.cursor.0).collect();
    assert_eq!(cursors, (1..=items.len() as u64).collect::<Vec<_>>(), "the mailbox has no gap");
    let received: Vec<MessageId> = items
        .iter()
        .map(|item| {
            let delivery =
                crypto::envelope::Delivery::parse(item.shared.as_slice(), item.seal.as_slice()).unwrap();
            delivery.claimed_header().message
        })
        .collect();
    let unique: HashSet<_> = received.iter().collect();
    assert_eq!(unique.len(), received.len(), "no message is there twice");
    for message in &acknowledged {
        assert!(unique.contains(message), "an acknowledged message is lost");
    }
    assert_eq!(received.len(), acknowledged.len());
}

#[tokio::test]
async fn history_and_sessions_outlive_a_kill() {
    let mut server = Server::start();
    let alice = Member::register("alice", &server.client()).await;
    let bob = Member::register("bob", &server.client()).await;
    let envelope = alice.sealed("before the kill", &[&bob]);
    let sent = alice.client.call(envelope.clone()).await.unwrap();
    server.kill_and_restart();
    let (alice, bob) = (Member::clone_for(&alice, &server), Member::clone_for(&bob, &server));
    let [item] = &bob.mailbox().await[..] else { panic!("one delivery") };
    assert_eq!(bob.open(item, &alice), "before the kill");
    assert_eq!(alice.client.call(envelope).await.unwrap(), sent, "the same envelope gets the same answer");
    assert_eq!(bob.mailbox().await.len(), 1);
}
