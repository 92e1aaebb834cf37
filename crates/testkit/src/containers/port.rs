//! Ports that stay ours while nothing listens on them.

use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, TcpListener, UdpSocket};

/// Below the ports that systems give to outgoing connections: one of those could take the port of a server that is stopped.
const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;

/// A port of this machine for one server, as long as it is held.
///
/// A server that is stopped does not hold its port, but must get it again. So the UDP port of the same number is held as a sign for
/// the other tests on this machine; the system takes it back however this process ends.
#[derive(Debug)]
pub(crate) struct Port {
    number: u16,
    _sign: UdpSocket,
}

impl Port {
    /// Takes a port that nobody listens on and no other test has taken.
    pub(crate) fn take() -> Self {
        let start = random();
        let numbers = (0..COUNT).map(|step| FIRST + (start + step) % COUNT);
        numbers
            .filter_map(Self::try_take)
            .next()
            .expect("one of twelve thousand ports is free")
    }

    fn try_take(number: u16) -> Option<Self> {
        let sign = UdpSocket::bind((Ipv4Addr::LOCALHOST, number)).ok()?;
        TcpListener::bind((Ipv4Addr::LOCALHOST, number)).ok()?;
        Some(Self { number, _sign: sign })
    }

    /// Its number.
    pub(crate) fn number(&self) -> u16 {
        self.number
    }
}

/// Where the search begins: elsewhere in each process, or many would try the same ports one after another.
fn random() -> u16 {
    let start = RandomState::new().hash_one(std::process::id()) % u64::from(COUNT);
    u16::try_from(start).expect("it is less than a number of ports")
}

#[cfg(test)]
mod tests {
    use super::Port;

    #[test]
    fn a_port_is_taken_once_until_it_is_given_back() {
        let port = Port::take();
        let number = port.number();
        assert!(Port::try_take(number).is_none());
        drop(port);
        assert!(Port::try_take(number).is_some());
    }

    #[test]
    fn a_port_that_somebody_listens_on_is_not_taken() {
        let number = Port::take().number();
        let _listener = std::net::TcpListener::bind(("127.0.0.1", number)).unwrap();
        assert!(Port::try_take(number).is_none());
    }
}
