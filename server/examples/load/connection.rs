//! One connection that is kept, and speaks in bytes made beforehand: the clients shall cost as little as they can, since
//! they share the processor with the server.

use std::net::SocketAddr;

use protocol::{Call, call::EVENTS_PATH, mailbox::Send};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{CONTENT_BYTES, people::Member};

const END_OF_HEAD: &[u8] = b"\r\n\r\n";

pub(crate) struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
}

/// An open stream of events.
pub(crate) struct Events(Connection);

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, received: Vec::new() }
    }

    pub(crate) async fn write(&mut self, request: &[u8]) {
        self.stream.write_all(request).await.unwrap();
    }

    /// Waits for an answer, which must be 200.
    pub(crate) async fn read_answer(&mut self) {
        let length = self.read_head().await;
        while self.received.len() < length {
            self.read_more().await;
        }
        self.received.drain(..length);
    }

    /// Returns the length of the body that follows; what has come of it already is left.
    async fn read_head(&mut self) -> usize {
        let end = loop {
            match find(&self.received, END_OF_HEAD) {
                Some(end) => break end + END_OF_HEAD.len(),
                None => self.read_more().await,
            }
        };
        let head = String::from_utf8(self.received.drain(..end).collect()).unwrap();
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        length.map_or(0, |length| length.parse().unwrap())
    }

    async fn read_more(&mut self) {
        let count = self.stream.read_buf(&mut self.received).await.unwrap();
        assert!(count > 0, "the server closed a connection");
    }
}

impl Events {
    pub(crate) async fn open(address: SocketAddr, token: &str) -> Self {
        let mut connection = Connection::open(address).await;
        let head =
            format!("GET {EVENTS_PATH} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\r\n");
        connection.write(head.as_bytes()).await;
        connection.read_head().await;
        Self(connection)
    }

    /// Waits for the next event; everything that had come before is behind it.
    pub(crate) async fn next(&mut self) {
        loop {
            if let Some(at) = find(&self.0.received, b"data:")
                && find(&self.0.received[at..], b"\n\n").is_some()
            {
                return self.0.received.clear();
            }
            self.0.read_more().await;
        }
    }
}

/// The bytes of a request that sends a message of [`CONTENT_BYTES`] to one other.
pub(crate) fn request_to_send(sender: &Member, reader: &Member) -> Vec<u8> {
    let envelope = sender.sealed(&"x".repeat(CONTENT_BYTES), &[reader]);
    let body = serde_json::to_vec(&envelope).unwrap();
    let mut request = format!(
        "POST {} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        Send::PATH,
        sender.token(),
        body.len(),
    )
    .into_bytes();
    request.extend(body);
    request
}

fn find(bytes: &[u8], sought: &[u8]) -> Option<usize> {
    bytes.windows(sought.len()).position(|window| window == sought)
}
