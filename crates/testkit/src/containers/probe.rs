//! Whether a server is ready, asked the way that its clients begin.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What the server speaks.
#[derive(Debug, Clone, Copy)]
pub(super) enum Protocol {
    /// PostgreSQL: it is ready as soon as it asks for a password, or refuses for any reason but that it is still starting.
    Postgres,
    /// Redis: it is ready as soon as it answers a PING, if only by asking for a password.
    Redis,
    /// HTTP, as Prometheus and Alertmanager speak it: it is ready as soon as it says so.
    Http,
    /// TLS from the first byte: it is ready when it accepts connections.
    Tls,
}

impl Protocol {
    /// True if the server at that port of 127.0.0.1 serves clients.
    #[expect(clippy::disallowed_methods, reason = "real servers are waited for in real time")]
    pub(super) async fn is_served(self, port: u16) -> bool {
        let answer = tokio::time::timeout(Duration::from_secs(1), self.asked(port));
        answer.await.is_ok_and(|answer| answer.unwrap_or(false))
    }

    async fn asked(self, port: u16) -> io::Result<bool> {
        let question: &[u8] = match self {
            Self::Postgres => STARTUP,
            Self::Redis => b"PING\r\n",
            Self::Http => b"GET /-/ready HTTP/1.0\r\n\r\n",
            Self::Tls => return TcpStream::connect(("127.0.0.1", port)).await.map(|_| true),
        };
        Ok(self.is_ready(&ask(port, question).await?))
    }

    fn is_ready(self, answer: &[u8]) -> bool {
        let says = |text: &[u8]| answer.windows(text.len()).any(|window| window == text);
        match self {
            Self::Postgres => answer.starts_with(b"R") || (answer.starts_with(b"E") && !says(b"57P03")),
            Self::Redis => answer.starts_with(b"+") || (answer.starts_with(b"-") && !says(b"LOADING")),
            Self::Http => answer.starts_with(b"HTTP/1.") && says(b" 200 OK"),
            Self::Tls => true,
        }
    }
}

/// Sends bytes to a port of 127.0.0.1 and returns what comes back first.
pub(super) async fn ask(port: u16, question: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.write_all(question).await?;
    let mut answer = vec![0; 16 * 1024];
    let length = stream.read(&mut answer).await?;
    answer.truncate(length);
    Ok(answer)
}

/// The first message of a client of PostgreSQL: its length, version 3.0, user and database.
const STARTUP: &[u8] = b"\0\0\0\x29\0\x03\0\0user\0postgres\0database\0postgres\0\0";

#[cfg(test)]
mod tests {
    use super::{Protocol, STARTUP};

    #[test]
    fn the_first_message_says_its_length() {
        assert_eq!(usize::from(STARTUP[3]), STARTUP.len());
    }

    #[test]
    fn a_server_that_still_starts_is_not_ready() {
        assert!(!Protocol::Postgres.is_ready(b"E\0\0\0\x20SFATAL\0VFATAL\0C57P03\0"));
        assert!(!Protocol::Postgres.is_ready(b""));
        assert!(!Protocol::Redis.is_ready(b"-LOADING Redis is loading the dataset in memory\r\n"));
        assert!(!Protocol::Redis.is_ready(b""));
        assert!(!Protocol::Http.is_ready(b"HTTP/1.0 503 Service Unavailable\r\n"));
    }

    #[test]
    fn a_server_that_wants_a_password_is_ready() {
        assert!(Protocol::Postgres.is_ready(b"R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0"));
        assert!(Protocol::Postgres.is_ready(b"E\0\0\0\x20SFATAL\0VFATAL\0C28000\0"));
        assert!(Protocol::Redis.is_ready(b"-NOAUTH Authentication required.\r\n"));
        assert!(Protocol::Redis.is_ready(b"+PONG\r\n"));
    }
}
