//! A mail server for stories: it speaks as much of SMTP (RFC 5321) as is needed, and is good- or ill-tempered.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// How a mail server behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// It takes everything.
    Accept,
    /// It knows nobody.
    Refuse,
    /// It does not let anybody sign in.
    NoLogin,
    /// It says nothing.
    Slow,
    /// It goes away in the middle.
    Drop,
    /// It offers TLS, and speaks something else then.
    BadTls,
}

/// A mail as it came.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) content: String,
}

pub(crate) struct MailServer {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<State>>,
    accepting: JoinHandle<()>,
}

struct State {
    mode: Mode,
    received: Vec<Received>,
    connections: usize,
}

impl MailServer {
    pub(crate) async fn start(mode: Mode) -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap(), mode).await
    }

    pub(crate) async fn start_at(address: SocketAddr, mode: Mode) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State { mode, received: Vec::new(), connections: 0 }));
        let of_listener = Arc::clone(&state);
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                of_listener.lock().unwrap().connections += 1;
                tokio::spawn(converse(stream, Arc::clone(&of_listener)));
            }
        });
        Self { address, state, accepting }
    }

    pub(crate) fn set(&self, mode: Mode) {
        self.state.lock().unwrap().mode = mode;
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.state.lock().unwrap().received.clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.state.lock().unwrap().connections
    }

    /// Waits for so many mails in all; the last.
    pub(crate) async fn mails(&self, count: usize) -> Received {
        let since = Instant::now();
        loop {
            let received = self.received();
            if received.len() >= count {
                assert_eq!(received.len(), count, "{received:?}");
                return received[count - 1].clone();
            }
            assert!(since.elapsed() < Duration::from_secs(30), "{} of {count} mails came", received.len());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The settings of a server that sends by it.
    pub(crate) fn settings(&self) -> Vec<String> {
        let port = self.address.port().to_string();
        let from = "Secure Messaging <no-reply@example.org>";
        ["--smtp-host", "127.0.0.1", "--smtp-port", &port, "--smtp-from", from].map(str::to_owned).to_vec()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Received {
    /// Its text part, as people read it.
    pub(crate) fn text(&self) -> String {
        self.part("text/plain")
    }

    pub(crate) fn html(&self) -> String {
        self.part("text/html")
    }

    fn part(&self, media_type: &str) -> String {
        let start = self.content.find(&format!("Content-Type: {media_type}")).unwrap();
        let part = self.content[start..].split("\r\n--").next().unwrap();
        let (head, body) = part.split_once("\r\n\r\n").unwrap();
        if !head.contains("quoted-printable") {
            assert!(!head.contains("base64"), "{head}");
            return body.replace("\r\n", "\n");
        }
        // RFC 2045 section 6.7.
        let body = body.replace("=\r\n", "").replace("\r\n", "\n");
        let mut bytes = Vec::new();
        let mut rest = body.as_str();
        while let Some((before, after)) = rest.split_once('=') {
            bytes.extend(before.bytes());
            bytes.push(u8::from_str_radix(&after[..2], 16).unwrap());
            rest = &after[2..];
        }
        bytes.extend(rest.bytes());
        String::from_utf8(bytes).unwrap()
    }

    /// What stands behind this in its text, up to the end of the line.
    pub(crate) fn after(&self, words: &str) -> String {
        let text = self.text();
        let (_, after) = text.split_once(words).unwrap_or_else(|| panic!("{words}: {text}"));
        after.lines().next().unwrap().to_owned()
    }
}

async fn converse(stream: TcpStream, state: Arc<Mutex<State>>) -> Option<()> {
    let mode = state.lock().unwrap().mode;
    let mut stream = BufReader::new(stream);
    if mode == Mode::Slow {
        tokio::time::sleep(Duration::from_secs(600)).await;
    }
    stream.write_all(b"220 stories ESMTP\r\n").await.ok()?;
    let mut mail = Received { from: String::new(), to: String::new(), content: String::new() };
    loop {
        let line = line(&mut stream).await?;
        let verb = line.split([' ', ':']).next().unwrap().to_ascii_uppercase();
        let answer = match (verb.as_str(), mode) {
            ("EHLO", Mode::BadTls) => "250-stories\r\n250 STARTTLS",
            ("EHLO", _) => "250-stories\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN",
            ("STARTTLS", _) => "220 go ahead\r\nthis is no TLS",
            ("AUTH", Mode::NoLogin) => "535 5.7.8 wrong user or password",
            ("AUTH", _) => "235 welcome",
            ("MAIL", _) => {
                mail.from = line;
                "250 ok"
            }
            ("RCPT", Mode::Refuse) => "550 5.1.1 nobody of this name",
            ("RCPT", _) => {
                mail.to = line;
                "250 ok"
            }
            ("DATA", Mode::Drop) => return None,
            ("DATA", _) => {
                stream.write_all(b"354 go ahead\r\n").await.ok()?;
                mail.content = content(&mut stream).await?;
                state.lock().unwrap().received.push(mail.clone());
                "250 taken"
            }
            ("QUIT", _) => {
                stream.write_all(b"221 bye\r\n").await.ok()?;
                return None;
            }
            _ => "500 what?",
        };
        stream.write_all(format!("{answer}\r\n").as_bytes()).await.ok()?;
    }
}

async fn line(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    let count = stream.read_line(&mut line).await.ok()?;
    (count > 0).then(|| line.trim_end().to_owned())
}

async fn content(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut content = String::new();
    loop {
        match line(stream).await?.as_str() {
            "." => return Some(content),
            // RFC 5321 section 4.5.2.
            line => content += &format!("{}\r\n", line.strip_prefix('.').unwrap_or(line)),
        }
    }
}
