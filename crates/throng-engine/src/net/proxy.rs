//! The header of the PROXY protocol, version 2, by which a robot shows a server the address of a client behind a proxy.
//!
//! The format is that of section 2.2 of <https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt>.

use crate::config::spoken;
use crate::id::RobotId;
use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// What every header begins with.
const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
/// Version 2, and the connection is made for somebody else.
const PROXY: u8 = 0x21;
const TCP_OVER_IPV4: u8 = 0x11;
const TCP_OVER_IPV6: u8 = 0x21;

/// Which client addresses robots show, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyProtocol {
    from: IpNet,
    hosts: Vec<String>,
}

/// A range of addresses that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is not a range of addresses")]
pub struct ProxyRangeError;

impl ProxyProtocol {
    /// Clients out of the range `from` (`10.0.0.0/8`, `2001:db8::/64`, one address) at targets that fit one of `hosts`,
    /// patterns over `scheme://host:port`; at all targets without any.
    ///
    /// # Errors
    /// `from` is no range.
    pub fn new(from: &str, hosts: Vec<String>) -> Result<ProxyProtocol, ProxyRangeError> {
        let range = from.parse().or_else(|_| from.parse::<IpAddr>().map(IpNet::from));
        Ok(ProxyProtocol { from: range.map_err(|_| ProxyRangeError)?, hosts })
    }

    /// The address that a robot shows, always the same one: that of its number in the range, without the network's own and the
    /// broadcast address. More robots than addresses share them.
    pub fn client(&self, robot: RobotId) -> IpAddr {
        match self.from {
            IpNet::V4(range) => {
                let size = 1_u64 << (32 - range.prefix_len());
                let (first, count) = if size > 2 { (1, size - 2) } else { (0, size) };
                // Less than the range's size, so it stays in it.
                let offset = (first + robot.0 % count) as u32;
                Ipv4Addr::from(u32::from(range.network()) | offset).into()
            }
            IpNet::V6(range) => {
                let last = u128::MAX.checked_shr(range.prefix_len().into()).unwrap_or(0);
                let (first, count) = if last > 1 { (1, last) } else { (0, last + 1) };
                let offset = first + u128::from(robot.0) % count;
                Ipv6Addr::from(u128::from(range.network()) | offset).into()
            }
        }
    }

    /// What a connection from `port` to `to` begins with; nothing where no proxy is played.
    pub(crate) fn header(&self, robot: RobotId, origin: &str, port: u16, to: SocketAddr) -> Vec<u8> {
        if !self.hosts.is_empty() && !spoken(&self.hosts, origin) {
            return Vec::new();
        }
        header(SocketAddr::new(self.client(robot), port), to)
    }
}

/// The header of a connection between two addresses; if only one of them is of IPv4, it is written as IPv6 does.
fn header(from: SocketAddr, to: SocketAddr) -> Vec<u8> {
    let mut header = SIGNATURE.to_vec();
    header.push(PROXY);
    match (from.ip(), to.ip().to_canonical()) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            header.extend([TCP_OVER_IPV4, 0, 12]);
            header.extend(source.octets());
            header.extend(destination.octets());
        }
        (source, destination) => {
            header.extend([TCP_OVER_IPV6, 0, 36]);
            header.extend(mapped(source).octets());
            header.extend(mapped(destination).octets());
        }
    }
    header.extend(from.port().to_be_bytes());
    header.extend(to.port().to_be_bytes());
    header
}

fn mapped(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn proxy(from: &str) -> ProxyProtocol {
        ProxyProtocol::new(from, Vec::new()).expect(from)
    }

    #[track_caller]
    fn check(from: &str, robot: u64, wanted: &str) {
        assert_eq!(proxy(from).client(RobotId(robot)).to_string(), wanted, "{from} {robot}");
    }

    #[test]
    fn each_robot_has_an_address_of_its_own() {
        check("10.0.0.0/8", 0, "10.0.0.1");
        check("10.0.0.0/8", 255, "10.0.1.0");
        check("10.1.2.3/8", 16_777_213, "10.255.255.254");
        check("10.0.0.0/8", 16_777_214, "10.0.0.1");
        check("192.0.2.0/30", 2, "192.0.2.1");
        check("192.0.2.4/31", 1, "192.0.2.5");
        check("192.0.2.4/32", 9, "192.0.2.4");
        check("192.0.2.4", 9, "192.0.2.4");
        check("0.0.0.0/0", 0, "0.0.0.1");
        check("2001:db8::/64", 0, "2001:db8::1");
        check("2001:db8::/64", u64::MAX - 1, "2001:db8::ffff:ffff:ffff:ffff");
        check("2001:db8::/64", u64::MAX, "2001:db8::1");
        check("2001:db8::8/127", 1, "2001:db8::9");
        check("2001:db8::8/128", 7, "2001:db8::8");
        check("::/0", 5, "::6");
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for text in ["", "10.0.0.0/33", "game.test", "10.0.0.0-10.0.0.9", "::/129"] {
            assert_eq!(ProxyProtocol::new(text, Vec::new()), Err(ProxyRangeError), "{text}");
        }
    }

    #[test]
    fn an_ipv4_header_is_as_the_specification_says() {
        let bytes = proxy("10.0.0.0/8").header(
            RobotId(1),
            "tcp://192.168.1.2:7000",
            40_000,
            "192.168.1.2:7000".parse().unwrap(),
        );
        let wanted = [
            0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a, // the signature
            0x21, 0x11, 0x00, 0x0c, // version 2, PROXY; IPv4, stream; 12 bytes follow
            10, 0, 0, 2, 192, 168, 1, 2, // source and destination
            0x9c, 0x40, 0x1b, 0x58, // their ports
        ];
        assert_eq!(bytes, wanted);
    }

    #[test]
    fn an_ipv6_header_is_as_the_specification_says() {
        let to = "[2001:db8:1::9]:443".parse().unwrap();
        let bytes = proxy("2001:db8::/64").header(RobotId(0), "wss://[2001:db8:1::9]:443", 1, to);
        let mut wanted = b"\r\n\r\n\0\r\nQUIT\n\x21\x21\x00\x24".to_vec();
        wanted.extend([0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        wanted.extend([0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9]);
        wanted.extend([0, 1, 0x01, 0xbb]);
        assert_eq!(bytes, wanted);
    }

    #[test]
    fn addresses_of_two_families_are_both_written_as_ipv6() {
        let v4 = "10.0.0.9:2".parse().unwrap();
        let bytes = proxy("2001:db8::/64").header(RobotId(0), "tcp://10.0.0.9:2", 1, v4);
        assert_eq!((bytes.len(), &bytes[32..48]), (52, &b"\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\0\0\x09"[..]));
        let v6 = "[::1]:2".parse().unwrap();
        let bytes = proxy("10.0.0.0/8").header(RobotId(0), "tcp://[::1]:2", 1, v6);
        assert_eq!((bytes.len(), &bytes[16..32]), (52, &b"\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\0\0\x01"[..]));
        let both = "[::ffff:10.0.0.9]:2".parse().unwrap();
        assert_eq!(proxy("10.0.0.0/8").header(RobotId(0), "tcp://x:2", 1, both).len(), 28);
    }

    #[test]
    fn only_hosts_that_fit_get_a_header() {
        let proxy = ProxyProtocol::new("10.0.0.0/8", vec!["tcp://a:*".to_owned()]).unwrap();
        let length = |origin: &str| proxy.header(RobotId(0), origin, 1, "10.0.0.9:2".parse().unwrap()).len();
        assert_eq!((length("tcp://a:2"), length("tls://a:2"), length("tcp://b:2")), (28, 28, 0));
    }

    proptest! {
        #[test]
        fn every_robot_stays_in_the_range(address: u32, prefix in 0_u8..=32, robot: u64) {
            let range = format!("{}/{prefix}", Ipv4Addr::from(address));
            let net: IpNet = range.parse().unwrap();
            prop_assert!(net.contains(&proxy(&range).client(RobotId(robot))));
        }

        #[test]
        fn every_robot_stays_in_a_range_of_ipv6(address: u128, prefix in 0_u8..=128, robot: u64) {
            let range = format!("{}/{prefix}", Ipv6Addr::from(address));
            let net: IpNet = range.parse().unwrap();
            prop_assert!(net.contains(&proxy(&range).client(RobotId(robot))));
        }
    }
}
