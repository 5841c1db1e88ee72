use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use clap::{Args, ValueEnum};
use serde::Deserialize;

use super::{BaseUrl, TrustedProxy, base_url::is_loopback};
use crate::http::Bounds;

/// How the server is reached, and what it bears.
#[derive(Args, Debug, Default, Deserialize)]
#[command(next_help_heading = "http")]
#[serde(deny_unknown_fields, default)]
pub(crate) struct HttpSettings {
    /// Address and port to listen on [default: 127.0.0.1:8080].
    #[arg(long, env = "SECURE_MESSAGING_LISTEN", hide_env_values = true, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// The address under which people reach the server, like https://chat.example.org; with https the session cookie
    /// is a secure one [default: http:// and the address to listen on].
    #[arg(long, env = "SECURE_MESSAGING_BASE_URL", hide_env_values = true, value_name = "URL")]
    base_url: Option<BaseUrl>,
    /// Seconds until the head of a request must be complete [default: 10].
    #[arg(long, env = "SECURE_MESSAGING_HEADER_TIMEOUT_S", hide_env_values = true, value_name = "SECONDS")]
    header_timeout_s: Option<u64>,
    /// Seconds until the body of a request must be complete [default: 30].
    #[arg(long, env = "SECURE_MESSAGING_BODY_TIMEOUT_S", hide_env_values = true, value_name = "SECONDS")]
    body_timeout_s: Option<u64>,
    /// Most connections at once [default: 20000].
    #[arg(long, env = "SECURE_MESSAGING_MAX_CONNECTIONS", hide_env_values = true, value_name = "COUNT")]
    max_connections: Option<usize>,
    /// Most connections at once from one address; loopback, where a proxy stands, is not counted [default: 500].
    #[arg(
        long,
        env = "SECURE_MESSAGING_MAX_CONNECTIONS_PER_ADDRESS",
        hide_env_values = true,
        value_name = "COUNT"
    )]
    max_connections_per_address: Option<usize>,
    /// Proxies whose X-Forwarded-For is believed: addresses or networks, with commas between them
    /// [default: 127.0.0.0/8,::1].
    #[arg(
        long,
        env = "SECURE_MESSAGING_TRUSTED_PROXIES",
        hide_env_values = true,
        value_name = "ADDRESSES",
        value_delimiter = ','
    )]
    trusted_proxies: Option<Vec<TrustedProxy>>,
    /// Whether the REST API for programs is served too. It encrypts and decrypts, so whoever runs the machine that it runs on
    /// could read along: elsewhere than on one's own machine, run `secure-messaging gateway` instead [default: auto, that
    /// is on where only this machine reaches the server].
    #[arg(long, env = "SECURE_MESSAGING_GATEWAY", hide_env_values = true, value_name = "WHEN")]
    gateway: Option<GatewaySetting>,
    /// Serve the web pages' files from this folder instead of those inside the binary (for development).
    #[arg(long, env = "SECURE_MESSAGING_SITE_DIR", hide_env_values = true, value_name = "FOLDER")]
    site_dir: Option<PathBuf>,
}

/// When the REST API for programs is served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
enum GatewaySetting {
    /// Where only this machine reaches the server.
    #[default]
    Auto,
    /// Always: whoever runs this machine could read what its users send and get by it.
    On,
    /// Never.
    Off,
}

/// How the server is reached, and what it bears: settled.
#[derive(Clone, Debug)]
pub(crate) struct Http {
    pub(crate) listen: SocketAddr,
    pub(crate) base_url: BaseUrl,
    pub(crate) header_timeout: Duration,
    pub(crate) body_timeout: Duration,
    pub(crate) max_connections: usize,
    pub(crate) max_connections_per_address: usize,
    pub(crate) trusted_proxies: Vec<TrustedProxy>,
    gateway: GatewaySetting,
    pub(crate) site_dir: Option<PathBuf>,
}

/// A figure is out of bounds.
#[derive(Debug, thiserror::Error)]
#[error("{0} must be at least 1")]
pub(crate) struct HttpRefused(&'static str);

impl Http {
    /// Whether nobody but this machine reaches the server: it listens on loopback, and no proxy brings others there.
    pub(crate) fn is_for_this_machine_only(&self) -> bool {
        self.listen.ip().to_canonical().is_loopback() && is_loopback(self.base_url.host())
    }

    /// Whether the REST API is served because only this machine reaches the server: then it is for this machine only.
    pub(crate) fn serves_gateway_to_this_machine_only(&self) -> bool {
        self.gateway != GatewaySetting::On
    }

    /// What connections must bear.
    pub(crate) fn bounds(&self) -> Bounds {
        Bounds {
            header_timeout: self.header_timeout,
            max_connections: self.max_connections,
            max_connections_per_address: self.max_connections_per_address,
        }
    }

    /// Whether the REST API for programs is served.
    pub(crate) fn serves_gateway(&self) -> bool {
        match self.gateway {
            GatewaySetting::Auto => self.is_for_this_machine_only(),
            GatewaySetting::On => true,
            GatewaySetting::Off => false,
        }
    }

    /// The address under which this machine reaches the server.
    pub(crate) fn local_address(&self) -> SocketAddr {
        let ip = match self.listen.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        SocketAddr::new(ip, self.listen.port())
    }

    /// The same, when the system has chosen the port.
    pub(crate) fn listening_on(mut self, address: SocketAddr) -> Self {
        if self.base_url == BaseUrl::of_listener(self.listen) {
            self.base_url = BaseUrl::of_listener(address);
        }
        self.listen = address;
        self
    }
}

impl HttpSettings {
    pub(super) fn or(self, file: Self) -> Self {
        Self {
            listen: self.listen.or(file.listen),
            base_url: self.base_url.or(file.base_url),
            header_timeout_s: self.header_timeout_s.or(file.header_timeout_s),
            body_timeout_s: self.body_timeout_s.or(file.body_timeout_s),
            max_connections: self.max_connections.or(file.max_connections),
            max_connections_per_address: self
                .max_connections_per_address
                .or(file.max_connections_per_address),
            trusted_proxies: self.trusted_proxies.or(file.trusted_proxies),
            gateway: self.gateway.or(file.gateway),
            site_dir: self.site_dir.or(file.site_dir),
        }
    }

    pub(super) fn settle(self) -> Result<Http, HttpRefused> {
        let listen = self.listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8080)));
        let seconds = |name, figure: Option<u64>, default| match figure.unwrap_or(default) {
            0 => Err(HttpRefused(name)),
            figure => Ok(Duration::from_secs(figure)),
        };
        let count = |name, figure: Option<usize>, default| match figure.unwrap_or(default) {
            0 => Err(HttpRefused(name)),
            figure => Ok(figure),
        };
        Ok(Http {
            listen,
            base_url: self.base_url.unwrap_or_else(|| BaseUrl::of_listener(listen)),
            header_timeout: seconds("header_timeout_s", self.header_timeout_s, 10)?,
            body_timeout: seconds("body_timeout_s", self.body_timeout_s, 30)?,
            max_connections: count("max_connections", self.max_connections, 20_000)?,
            max_connections_per_address: count(
                "max_connections_per_address",
                self.max_connections_per_address,
                500,
            )?,
            trusted_proxies: self.trusted_proxies.unwrap_or_else(TrustedProxy::loopback),
            gateway: self.gateway.unwrap_or_default(),
            site_dir: self.site_dir,
        })
    }
}
