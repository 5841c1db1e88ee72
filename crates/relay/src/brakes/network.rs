use std::net::IpAddr;

/// Where a request comes from, as far as it is counted: a household or an office has one IPv4 network of 256 addresses,
/// or 2^64 addresses of IPv6 under one prefix. The machine itself is not counted: a proxy that does not say for whom it
/// asks stands there, and so do the operator's own programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Network {
    /// The machine itself.
    Local,
    /// The first three bytes of IPv4 addresses.
    V4([u8; 3]),
    /// The first eight bytes of IPv6 addresses.
    V6([u8; 8]),
}

impl Network {
    /// The network of an address.
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            address if address.is_loopback() => Self::Local,
            IpAddr::V4(address) => {
                let [a, b, c, _] = address.octets();
                Self::V4([a, b, c])
            }
            IpAddr::V6(address) => {
                let [a, b, c, d, e, f, g, h, ..] = address.octets();
                Self::V6([a, b, c, d, e, f, g, h])
            }
        }
    }

    /// The network around it: 65 536 addresses of IPv4, a prefix of 48 bits of IPv6.
    pub(super) fn wide_bytes(self) -> Vec<u8> {
        match self {
            Self::Local => self.bytes(),
            Self::V4([a, b, _]) => vec![4, a, b],
            Self::V6([a, b, c, d, e, f, ..]) => vec![6, a, b, c, d, e, f],
        }
    }

    pub(super) fn bytes(self) -> Vec<u8> {
        match self {
            Self::Local => vec![0],
            Self::V4(bytes) => [&[4], bytes.as_slice()].concat(),
            Self::V6(bytes) => [&[6], bytes.as_slice()].concat(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_network_are_one() {
        let of = |text: &str| Network::of(text.parse().unwrap());
        assert_eq!(of("192.0.2.1"), of("192.0.2.200"));
        assert_eq!(of("192.0.2.1"), of("::ffff:192.0.2.9"));
        assert_ne!(of("192.0.2.1"), of("192.0.3.1"));
        assert_eq!(of("2001:db8:1:2::3"), of("2001:db8:1:2:ffff::"));
        assert_ne!(of("2001:db8:1:2::3"), of("2001:db8:1:3::3"));
        assert_eq!([of("127.0.0.1"), of("::1"), of("::ffff:127.0.0.2")], [Network::Local; 3]);
    }
}
