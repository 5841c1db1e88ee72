//! Where a server is.

use std::{fmt, net::SocketAddr, str::FromStr};

use url::{Host, Url};

/// The address of a server: `https://` and a host, or `http://` and this machine. Anything else would let whoever sits in
/// between change what both sides say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerAddress(Url);

/// Why a text is no such address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoServerAddress {
    /// It is no address at all.
    #[error("{0:?} is not the address of a server: write it as https://chat.example.org")]
    Malformed(String),
    /// It is one of another machine without TLS.
    #[error(
        "{0} would be reached without encryption, and whoever sits in between could answer in its place: use https://"
    )]
    Plain(String),
}

impl ServerAddress {
    /// A server in this very process, at an address of this machine that need not be one of loopback.
    ///
    /// # Errors
    /// [`NoServerAddress::Malformed`].
    pub fn of_this_process(address: SocketAddr) -> Result<Self, NoServerAddress> {
        let text = format!("http://{address}");
        Url::parse(&text).map(Self).map_err(|_| NoServerAddress::Malformed(text))
    }

    /// Whether it is reached by TLS.
    pub fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// The whole address of a path of the server.
    pub fn at(&self, path: &str) -> Url {
        self.0.join(path).expect("paths of the protocol are valid")
    }
}

impl FromStr for ServerAddress {
    type Err = NoServerAddress;

    fn from_str(text: &str) -> Result<Self, NoServerAddress> {
        let malformed = || NoServerAddress::Malformed(text.to_owned());
        let url = Url::parse(text.trim()).map_err(|_| malformed())?;
        let host = url.host().ok_or_else(malformed)?;
        let is_bare = url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        if !is_bare {
            return Err(malformed());
        }
        match url.scheme() {
            "https" => Ok(Self(url)),
            "http" if is_this_machine(&host) => Ok(Self(url)),
            "http" => Err(NoServerAddress::Plain(text.to_owned())),
            _ => Err(malformed()),
        }
    }
}

fn is_this_machine(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost" || name.ends_with(".localhost"),
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_https_or_this_machine() {
        for (written, meant) in [
            ("https://chat.example.org", "https://chat.example.org"),
            (" https://Chat.Example.org:8443/ ", "https://chat.example.org:8443"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://[::1]:8080", "http://[::1]:8080"),
            ("http://localhost:8080/", "http://localhost:8080"),
        ] {
            assert_eq!(written.parse::<ServerAddress>().unwrap().to_string(), meant);
        }
        for plain in ["http://chat.example.org", "http://192.168.0.7:8080", "http://localhost.example.org"] {
            assert!(matches!(plain.parse::<ServerAddress>(), Err(NoServerAddress::Plain(_))), "{plain}");
        }
        for bad in
            ["", "chat.example.org", "ftp://x", "https://a@b", "https://a/b", "https://a?x=1", "https://a#b"]
        {
            assert!(matches!(bad.parse::<ServerAddress>(), Err(NoServerAddress::Malformed(_))), "{bad}");
        }
        let server: ServerAddress = "https://chat.example.org".parse().unwrap();
        assert_eq!(server.at("/fn/mailbox/send").as_str(), "https://chat.example.org/fn/mailbox/send");
    }
}
