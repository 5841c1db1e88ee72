use std::{net::IpAddr, str::FromStr};

use ipnet::IpNet;
use serde::Deserialize;

/// A proxy, or a network of proxies, whose word on for whom it asks is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct TrustedProxy(IpNet);

/// The text names no address and no network.
#[derive(Debug, thiserror::Error)]
#[error("a trusted proxy is an address or a network, like 10.0.0.1 or 10.0.0.0/8; `{0}` is not")]
pub(crate) struct TrustedProxyRefused(String);

impl TrustedProxy {
    /// The machine itself: where a proxy usually stands.
    pub(super) fn loopback() -> Vec<Self> {
        let networks = ["127.0.0.0/8", "::1/128"];
        networks.map(|network| Self(network.parse().expect("it is written as networks are"))).to_vec()
    }

    /// Whether this is it.
    pub(crate) fn is(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

impl FromStr for TrustedProxy {
    type Err = TrustedProxyRefused;

    fn from_str(text: &str) -> Result<Self, TrustedProxyRefused> {
        let network = text.parse::<IpNet>().ok();
        let network = network.or_else(|| text.parse::<IpAddr>().ok().map(|one| one.to_canonical().into()));
        network.map(|network| Self(network.trunc())).ok_or_else(|| TrustedProxyRefused(text.to_owned()))
    }
}

impl TryFrom<String> for TrustedProxy {
    type Error = TrustedProxyRefused;

    fn try_from(text: String) -> Result<Self, TrustedProxyRefused> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_an_address_or_a_network() {
        let is =
            |proxy: &str, address: &str| proxy.parse::<TrustedProxy>().unwrap().is(address.parse().unwrap());
        assert!(is("10.0.0.1", "10.0.0.1") && !is("10.0.0.1", "10.0.0.2"));
        assert!(is("10.0.0.7/8", "10.9.9.9") && !is("10.0.0.0/8", "11.0.0.0"));
        assert!(is("10.0.0.0/8", "::ffff:10.0.0.1") && is("::ffff:10.0.0.1", "10.0.0.1"));
        assert!(is("2001:db8::/32", "2001:db8:7::1") && !is("2001:db8::/32", "10.0.0.1"));
        for strange in ["", "proxy.example.org", "10.0.0.0/33", "10.0.0", "10.0.0.1:80", "*"] {
            assert!(strange.parse::<TrustedProxy>().is_err(), "{strange}");
        }
        assert!(TrustedProxy::loopback().iter().any(|proxy| proxy.is([127, 0, 0, 9].into())));
    }
}
