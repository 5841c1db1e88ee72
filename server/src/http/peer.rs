//! Where a request comes from.
//!
//! The other end of the connection may be a proxy, which writes for whom it asks into `X-Forwarded-For`, behind what
//! stood there before. Everybody can write into that header, so only what trusted proxies wrote is believed: the list is
//! read from its end, past trusted hops, up to the first that is none.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderName, Request};
use relay::Network;

use crate::config::TrustedProxy;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The other end of a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) IpAddr);

/// The network that asks.
///
/// # Panics
/// When the listener did not say who the peer is.
pub(super) fn network<B>(request: &Request<B>, trusted: &[TrustedProxy]) -> Network {
    Network::of(client_address(request, trusted))
}

/// The machine that asks.
///
/// # Panics
/// When the listener did not say who the peer is.
pub(super) fn client_address<B>(request: &Request<B>, trusted: &[TrustedProxy]) -> IpAddr {
    let Peer(peer) = *request.extensions().get().expect("the listener names the peer of each request");
    client(peer, request.headers(), trusted)
}

/// Who asks: the peer, or the right-most hop that is no trusted proxy.
fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[TrustedProxy]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|proxy| proxy.is(address));
    if !is_trusted(peer) {
        return peer;
    }
    // Several lines are one list (RFC 9110 section 5.3).
    let mut client = peer;
    for line in headers.get_all(X_FORWARDED_FOR).iter().rev() {
        for hop in line.as_bytes().rsplit(|byte| *byte == b',') {
            let Some(address) = address(hop) else { return peer };
            client = address;
            if !is_trusted(address) {
                return client;
            }
        }
    }
    client
}

/// An address, as proxies write it: some add the port.
fn address(hop: &[u8]) -> Option<IpAddr> {
    let hop = str::from_utf8(hop).ok()?.trim();
    let address = hop.parse().ok().or_else(|| Some(hop.parse::<SocketAddr>().ok()?.ip()))?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asks(peer: &str, lines: &[&str]) -> String {
        let trusted =
            ["127.0.0.0/8", "::1", "10.0.0.0/8", "2001:db8::/32"].map(|proxy| proxy.parse().unwrap());
        let headers = lines.iter().map(|line| (X_FORWARDED_FOR, line.parse().unwrap()));
        client(peer.parse().unwrap(), &headers.collect(), &trusted).to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        assert_eq!(asks("198.51.100.7", &["192.0.2.1"]), "198.51.100.7", "forged by the peer itself");
        assert_eq!(asks("127.0.0.1", &["192.0.2.1"]), "192.0.2.1");
        assert_eq!(asks("::ffff:127.0.0.1", &["192.0.2.1"]), "192.0.2.1");
        assert_eq!(asks("127.0.0.1", &["203.0.113.9, 192.0.2.1"]), "192.0.2.1", "forged by the client");
        assert_eq!(asks("127.0.0.1", &["203.0.113.9, 192.0.2.1, 10.1.2.3"]), "192.0.2.1", "two proxies");
        assert_eq!(asks("10.0.0.1", &["192.0.2.1,2001:db8::7"]), "192.0.2.1");
        assert_eq!(
            asks("127.0.0.1", &["10.0.0.9, 10.0.0.8"]),
            "10.0.0.9",
            "somebody within the trusted network"
        );
    }

    #[test]
    fn several_lines_are_one_list() {
        assert_eq!(asks("127.0.0.1", &["203.0.113.9", "192.0.2.1"]), "192.0.2.1");
        assert_eq!(asks("127.0.0.1", &["203.0.113.9, 192.0.2.1", "10.0.0.2"]), "192.0.2.1");
    }

    #[test]
    fn ports_and_the_forms_of_ipv6_are_read() {
        for (written, meant) in [
            ("192.0.2.1:4711", "192.0.2.1"),
            ("[2001:db9::1]:4711", "2001:db9::1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            (" 192.0.2.1 ", "192.0.2.1"),
        ] {
            assert_eq!(asks("127.0.0.1", &[written]), meant);
        }
    }

    #[test]
    fn what_is_no_address_names_nobody() {
        for garbage in ["", ",", "unknown", "_hidden", "192.0.2.1;", "192.0.2.1, x", "for=192.0.2.1"] {
            assert_eq!(asks("127.0.0.1", &[garbage]), "127.0.0.1", "{garbage}");
        }
        assert_eq!(
            asks("127.0.0.1", &["garbage, 192.0.2.1"]),
            "192.0.2.1",
            "what stands before is not looked at"
        );
        assert_eq!(asks("127.0.0.1", &[]), "127.0.0.1");
    }
}
