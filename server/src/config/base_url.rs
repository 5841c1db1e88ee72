use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    str::FromStr,
};

use ::http::Uri;
use serde::Deserialize;

/// The address under which people reach the server: a scheme and a host, without a path.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct BaseUrl {
    origin: String,
}

/// The text is no base URL.
#[derive(Debug, thiserror::Error)]
#[error("the base URL is http:// or https:// and a host, like https://chat.example.org; `{0}` is not")]
pub(crate) struct BaseUrlRefused(String);

impl BaseUrl {
    /// Where a server that listens there is reached, when nothing else is said.
    pub(crate) fn of_listener(listen: SocketAddr) -> Self {
        Self { origin: format!("http://{listen}") }
    }

    /// The origin, as browsers write it.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// Whether `origin`, as a browser sends it, is this one. This machine has several names for itself: people type one,
    /// the configuration has another.
    pub(crate) fn is_origin(&self, origin: &[u8]) -> bool {
        const THIS_MACHINE: [&str; 3] = ["http://127.0.0.1", "http://[::1]", "http://localhost"];
        let port_here = |origin: &str| {
            let after = THIS_MACHINE.iter().find_map(|name| origin.strip_prefix(name))?;
            (after.is_empty() || after.starts_with(':')).then(|| after.to_owned())
        };
        let Ok(origin) = str::from_utf8(origin) else { return false };
        origin == self.origin || port_here(origin).is_some_and(|port| port_here(&self.origin) == Some(port))
    }

    /// The host, without a port; an IPv6 address without its brackets.
    pub(crate) fn host(&self) -> &str {
        let (_, authority) = self.origin.split_once("://").expect("an origin has a scheme");
        match authority.strip_prefix('[').and_then(|address| address.split_once(']')) {
            Some((address, _port)) => address,
            None => authority.split_once(':').map_or(authority, |(host, _port)| host),
        }
    }

    /// Whether people reach the server by TLS.
    pub(crate) fn is_https(&self) -> bool {
        self.origin.starts_with("https://")
    }
}

/// Whether a host is this machine under one of its own names.
pub(super) fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

impl FromStr for BaseUrl {
    type Err = BaseUrlRefused;

    fn from_str(text: &str) -> Result<Self, BaseUrlRefused> {
        let refused = || BaseUrlRefused(text.to_owned());
        let uri: Uri = text.parse().map_err(|_| refused())?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(refused());
        };
        let default_port = match scheme {
            "http" => 80,
            "https" => 443,
            _ => return Err(refused()),
        };
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() || authority.as_str().contains('@') {
            return Err(refused());
        }
        let host = authority.host().to_ascii_lowercase();
        let origin = match authority.port_u16() {
            Some(port) if port != default_port => format!("{scheme}://{host}:{port}"),
            _ => format!("{scheme}://{host}"),
        };
        Ok(Self { origin })
    }
}

impl TryFrom<String> for BaseUrl {
    type Error = BaseUrlRefused;

    fn try_from(text: String) -> Result<Self, BaseUrlRefused> {
        text.parse()
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_written_like_browsers_write_them() {
        let origin = |text: &str| text.parse::<BaseUrl>().unwrap().origin().to_owned();
        assert_eq!(origin("https://Chat.Example.org/"), "https://chat.example.org");
        assert_eq!(origin("https://chat.example.org:443"), "https://chat.example.org");
        assert_eq!(origin("http://127.0.0.1:8080"), "http://127.0.0.1:8080");
        assert_eq!(origin("http://[::1]:8080"), "http://[::1]:8080");
        let host = |text: &str| text.parse::<BaseUrl>().unwrap().host().to_owned();
        assert_eq!(host("https://Chat.Example.org:8443"), "chat.example.org");
        assert_eq!(host("https://chat.example.org"), "chat.example.org");
        assert_eq!([host("http://[::1]:8080"), host("http://127.0.0.1:8080")], ["::1", "127.0.0.1"]);
        assert!(["localhost", "127.0.0.1", "::1", "127.9.9.9"].into_iter().all(is_loopback));
        assert!(!["localhost.example.org", "192.0.2.1", "", "::"].into_iter().any(is_loopback));
        let local: BaseUrl = "http://127.0.0.1:8080".parse().unwrap();
        assert!(local.is_origin(b"http://localhost:8080") && local.is_origin(b"http://[::1]:8080"));
        for other in
            ["http://localhost:8081", "http://localhost", "http://localhost.evil.example:8080", "null", ""]
        {
            assert!(!local.is_origin(other.as_bytes()), "{other}");
        }
        let public: BaseUrl = "https://chat.example.org".parse().unwrap();
        assert!(public.is_origin(b"https://chat.example.org") && !public.is_origin(b"http://localhost"));
        for strange in ["chat.example.org", "ftp://a", "https://a/b", "https://a?b", "https://u@a", "", "/"] {
            assert!(strange.parse::<BaseUrl>().is_err(), "{strange}");
        }
    }
}
