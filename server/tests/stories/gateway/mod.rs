//! The REST API: as the documentation prints it, and as programs use and misuse it.

mod erasure;
mod feed;
mod logins;
mod messages;
mod printed;
mod refusals;

use axum::body::Body;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::client::{Answer, Client};

const PASSWORD: &str = "StrongPass123!";

/// A program that speaks to a gateway.
#[derive(Clone)]
struct Program(Client);

impl Program {
    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        read(&self.0.post(path, body.to_string()).await)
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        read(&self.0.get(path).await)
    }

    async fn put(&self, path: &str, body: Value) -> (u16, Value) {
        let client = self.0.with("content-type", "application/json");
        read(&client.send(Method::PUT, path, Body::from(body.to_string())).await)
    }

    async fn delete(&self, path: &str) -> (u16, Value) {
        read(&self.0.send(Method::DELETE, path, Body::empty()).await)
    }

    async fn registers(client: Client, name: &str) -> Self {
        let (status, answer) =
            Self(client.clone()).post("/api/register", json!({"username": name, "password": PASSWORD})).await;
        assert_eq!((status, &answer["status"]), (200, &json!("ok")), "{answer}");
        Self::signs_in(client, name).await
    }

    async fn signs_in(client: Client, name: &str) -> Self {
        let form = json!({"username": name, "password": PASSWORD});
        let (status, answer) = Self(client.clone()).post("/api/login", form).await;
        assert_eq!(status, 200, "{answer}");
        Self(client.with_token(answer["token"].as_str().unwrap()))
    }

    async fn says(&self, to: &str, text: &str) -> Value {
        let (status, sent) = self.post("/api/messages", json!({"recipient": to, "message": text})).await;
        assert_eq!(status, 200, "{sent}");
        sent
    }

    async fn inbox(&self) -> Vec<String> {
        let (status, messages) = self.get("/api/messages").await;
        assert_eq!(status, 200, "{messages}");
        texts(&messages)
    }
}

/// `author: text`, in the order of the answer.
fn texts(messages: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let line = |message: &Value| format!("{}: {}", text(&message["from"]), text(&message["message"]));
    messages.as_array().unwrap().iter().map(line).collect()
}

/// The status and the body, which is JSON: a refusal says all that a refusal says.
fn read(answer: &Answer) -> (u16, Value) {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_else(|_| panic!("{answer:?}"));
    if answer.status != StatusCode::OK {
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{answer:?}");
        assert_eq!(body["status"], answer.status.as_u16(), "{body}");
        assert_eq!(body["request_id"].as_str(), answer.header("x-request-id"), "{body}");
        assert!(body["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{body}");
        assert!(body["code"].is_string(), "{body}");
    }
    (answer.status.as_u16(), body)
}
