use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

/// Where a node listens, written `host:port` or `[::1]:6379`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Address {
    host: String,
    port: u16,
}

/// A text that is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no address of a node; write `host:port`, such as `redis.internal:6379` or `[::1]:6379`")]
pub struct InvalidAddress(String);

impl Address {
    /// The address of that host and port.
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        let host = host.into();
        Self { host, port }
    }

    /// A name, or an IP address without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The TCP port.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl FromStr for Address {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        let invalid = || InvalidAddress(text.chars().take(80).collect());
        let (host, port) = text.rsplit_once(':').ok_or_else(invalid)?;
        let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let host = bracketed.unwrap_or(host);
        let plain =
            |c: char| c.is_ascii_alphanumeric() || "-._".contains(c) || (bracketed.is_some() && ":%".contains(c));
        let port = port.parse().ok().filter(|port| *port != 0).ok_or_else(invalid)?;
        if host.is_empty() || !host.chars().all(plain) {
            return Err(invalid());
        }
        Ok(Self::new(host, port))
    }
}

impl TryFrom<String> for Address {
    type Error = InvalidAddress;

    fn try_from(text: String) -> Result<Self, InvalidAddress> {
        text.parse()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_they_are_shown() {
        for text in ["10.0.0.1:6379", "redis-0.redis:26379", "[::1]:6379", "[fe80::1%eth0]:1"] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for bad in [
            "",
            "redis",
            ":6379",
            "redis:0",
            "redis:65536",
            "::1:6379",
            "redis://a:6379",
            "user:pw@a:6379",
        ] {
            assert!(bad.parse::<Address>().is_err(), "{bad}");
        }
    }
}
