//! A client of the tests' own, so that what Keywheel did is not judged by the library that it did it with.

use std::io;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// One connection.
pub(crate) struct Client(BufReader<TcpStream>);

impl Client {
    pub(crate) async fn connect(port: u16) -> io::Result<Self> {
        Ok(Self(BufReader::new(TcpStream::connect(("127.0.0.1", port)).await?)))
    }

    /// Logged in, or what the server said instead.
    pub(crate) async fn log_in(port: u16, user: &str, password: &str) -> Result<Self, String> {
        let mut client = Self::connect(port).await.map_err(|error| error.to_string())?;
        let words: &[&str] = match user {
            "default" => &["AUTH", password],
            user => &["AUTH", user, password],
        };
        match client.ask(words).await {
            answer if answer == "OK" => Ok(client),
            refusal => Err(refusal),
        }
    }

    /// What the server answers: errors begin with their code, lists have a line for each element.
    pub(crate) async fn ask<W: AsRef<[u8]> + Sync>(&mut self, words: &[W]) -> String {
        self.try_ask(words)
            .await
            .unwrap_or_else(|error| format!("lost: {error}"))
    }

    async fn try_ask<W: AsRef<[u8]> + Sync>(&mut self, words: &[W]) -> io::Result<String> {
        let mut request = format!("*{}\r\n", words.len()).into_bytes();
        for word in words {
            let word = word.as_ref();
            request.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
            request.extend_from_slice(word);
            request.extend_from_slice(b"\r\n");
        }
        self.0.get_mut().write_all(&request).await?;
        self.answer().await
    }

    async fn answer(&mut self) -> io::Result<String> {
        let mut parts = Vec::new();
        let mut left = 1;
        while left > 0 {
            left -= 1;
            let mut line = String::new();
            if self.0.read_line(&mut line).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let (kind, rest) = line.trim_end().split_at(1);
            match (kind, rest.parse::<i64>()) {
                ("*", Ok(length)) => left += length.max(0),
                ("$", Ok(length)) if length >= 0 => {
                    let mut text = vec![0; usize::try_from(length).unwrap() + 2];
                    self.0.read_exact(&mut text).await?;
                    text.truncate(text.len() - 2);
                    parts.push(String::from_utf8_lossy(&text).into_owned());
                }
                ("$", _) => parts.push("nil".to_owned()),
                _ => parts.push(rest.to_owned()),
            }
        }
        Ok(parts.join("\n"))
    }
}
