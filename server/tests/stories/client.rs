//! A small HTTP client: one connection a request, nothing done behind one's back.

use std::net::SocketAddr;

use axum::body::{Body, Bytes};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use protocol::{Call, Refusal};
use tokio::net::TcpStream;

#[derive(Clone)]
pub(crate) struct Client {
    address: SocketAddr,
    token: Option<String>,
    headers: Vec<(String, String)>,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// The server is not there, or went away in the middle.
#[derive(Debug)]
pub(crate) struct Gone;

impl From<std::io::Error> for Gone {
    fn from(_: std::io::Error) -> Self {
        Self
    }
}

impl From<hyper::Error> for Gone {
    fn from(_: hyper::Error) -> Self {
        Self
    }
}

impl Client {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, token: None, headers: Vec::new() }
    }

    /// The same, signed in.
    pub(crate) fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// The same, with one more header.
    pub(crate) fn with(&self, name: &str, value: &str) -> Self {
        let mut client = self.clone();
        client.headers.push((name.to_owned(), value.to_owned()));
        client
    }

    /// One of the protocol's calls.
    pub(crate) async fn call<C: Call>(&self, request: C) -> Result<C::Answer, Refusal> {
        let answer = self.post(C::PATH, serde_json::to_vec(&request).unwrap()).await;
        match answer.status {
            StatusCode::OK => Ok(serde_json::from_slice(&answer.body).unwrap()),
            _ => Err(answer.refusal()),
        }
    }

    pub(crate) async fn post(&self, path: &str, json: impl Into<Body>) -> Answer {
        self.with("content-type", "application/json").send(Method::POST, path, json.into()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, Body::empty()).await
    }

    pub(crate) async fn send(&self, method: Method, path: &str, body: Body) -> Answer {
        self.try_send(method, path, body).await.unwrap()
    }

    /// Fails when the connection does.
    pub(crate) async fn try_send(&self, method: Method, path: &str, body: Body) -> Result<Answer, Gone> {
        let response = self.open(method, path, body).await?;
        let (head, body) = response.into_parts();
        Ok(Answer { status: head.status, headers: head.headers, body: body.collect().await?.to_bytes() })
    }

    /// The answer's head, with its body still to come.
    pub(crate) async fn open(
        &self,
        method: Method,
        path: &str,
        body: Body,
    ) -> Result<http::Response<hyper::body::Incoming>, Gone> {
        let stream = TcpStream::connect(self.address).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let mut request = Request::builder().method(method).uri(path);
        if !self.headers.iter().any(|(name, _)| name == "host") {
            request = request.header("host", self.address.to_string());
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        Ok(sender.send_request(request.body(body).unwrap()).await?)
    }
}

impl Answer {
    /// What was refused, which must say all that a refusal says.
    pub(crate) fn refusal(&self) -> Refusal {
        assert_eq!(self.headers["content-type"], "application/json", "{self:?}");
        let refusal: Refusal = serde_json::from_slice(&self.body).unwrap();
        assert_eq!(refusal.code.status(), self.status.as_u16(), "{refusal:?}");
        assert_eq!(refusal.request_id.as_deref(), self.header("x-request-id"), "{refusal:?}");
        assert_eq!(
            refusal.retry_after_s.map(|seconds| seconds.to_string()).as_deref(),
            self.header("retry-after"),
            "{refusal:?}"
        );
        refusal
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn cookies(&self) -> Vec<&str> {
        self.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect()
    }
}
