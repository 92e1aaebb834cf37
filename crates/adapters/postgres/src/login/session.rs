use std::fmt;
use std::io;

use bytes::BytesMut;
use fallible_iterator::FallibleIterator;
use postgres_protocol::message::backend::{DataRowBody, Message, ParameterStatusBody};
use postgres_protocol::message::frontend;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::wire::Wire;
use super::{Failure, Method, Rejection};

/// No message that is read here is longer; one that claims to be is not from a server.
const LONGEST_MESSAGE: usize = 64 * 1024 * 1024;

/// A connection that is logged in, or about to be.
pub(crate) struct Session {
    wire: Box<dyn Wire>,
    incoming: BytesMut,
    /// Sent before the next message is waited for.
    pub(super) outgoing: BytesMut,
    pub(super) method: Option<Method>,
    pub(super) authenticated: bool,
    version: Option<String>,
}

impl Session {
    pub(super) fn new(wire: Box<dyn Wire>) -> Self {
        Self {
            wire,
            incoming: BytesMut::with_capacity(4096),
            outgoing: BytesMut::with_capacity(512),
            method: None,
            authenticated: false,
            version: None,
        }
    }

    /// How the password was asked for.
    pub(crate) fn method(&self) -> Method {
        self.method
            .expect("nobody gets a session that was not asked for its password")
    }

    /// The server's version, such as `15.18`, without what its packagers add.
    pub(crate) fn version(&self) -> &str {
        let version = self.version.as_deref().and_then(|version| version.split(' ').next());
        version.unwrap_or("of an unknown version")
    }

    /// Sends both at once, and returns the first row of the first one. The answers to the second are only looked at for errors.
    pub(crate) async fn ask(&mut self, question: &str, check: &str) -> Result<Vec<String>, Asked> {
        frontend::query(question, &mut self.outgoing).map_err(Failure::from)?;
        frontend::query(check, &mut self.outgoing).map_err(Failure::from)?;
        let answer = self.answers().await.map_err(Asked::Question)?;
        self.answers().await.map_err(Asked::Check)?;
        Ok(answer.unwrap_or_default())
    }

    /// Says goodbye, and returns when the server has ended the session: from then on nobody sees it there any more.
    pub(crate) async fn close(mut self) {
        frontend::terminate(&mut self.outgoing);
        if self.flush().await.is_ok() {
            while self.wire.read_buf(&mut self.incoming).await.is_ok_and(|read| read > 0) {
                self.incoming.clear();
            }
        }
    }

    /// The first row of the answers to one question, up to their end.
    async fn answers(&mut self) -> Result<Option<Vec<String>>, Failure> {
        let mut first = None;
        let mut rejected = None;
        loop {
            match self.receive().await {
                Ok(Message::DataRow(row)) if first.is_none() => first = Some(texts(&row)?),
                Ok(Message::ReadyForQuery(_)) => return rejected.map_or(Ok(first), Err),
                Ok(_) => {}
                // The end of the answers still comes, unless the server goes away.
                Err(rejection @ Failure::Rejected(_)) => rejected = Some(rejection),
                Err(broken) => return Err(rejected.unwrap_or(broken)),
            }
        }
    }

    /// The next message that is not only information; what is to be sent goes first.
    pub(super) async fn receive(&mut self) -> Result<Message, Failure> {
        self.flush().await?;
        loop {
            let whole = self.incoming.get(1..5).map(|length| {
                let length = length.try_into().expect("four bytes were asked for");
                u32::from_be_bytes(length) as usize
            });
            if whole.is_some_and(|length| length > LONGEST_MESSAGE) {
                return Err(Failure::NotBelieved("it is no PostgreSQL server".to_owned()));
            }
            match Message::parse(&mut self.incoming)? {
                Some(Message::ParameterStatus(status)) => self.note(&status)?,
                Some(Message::NoticeResponse(_)) => {}
                Some(Message::ErrorResponse(body)) => {
                    return Err(Failure::Rejected(Rejection::read(&body, self.authenticated)));
                }
                Some(message) => return Ok(message),
                None if self.wire.read_buf(&mut self.incoming).await? == 0 => {
                    return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
                }
                None => {}
            }
        }
    }

    fn note(&mut self, status: &ParameterStatusBody) -> Result<(), Failure> {
        if status.name()? == "server_version" {
            self.version = Some(status.value()?.to_owned());
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), Failure> {
        if !self.outgoing.is_empty() {
            self.wire.write_all(&self.outgoing).await?;
            self.wire.flush().await?;
            self.outgoing.clear();
        }
        Ok(())
    }
}

/// Which of two questions failed.
#[derive(Debug)]
pub(crate) enum Asked {
    Question(Failure),
    Check(Failure),
}

impl From<Failure> for Asked {
    fn from(failure: Failure) -> Self {
        Self::Question(failure)
    }
}

fn texts(row: &DataRowBody) -> Result<Vec<String>, Failure> {
    let text = |range: Option<std::ops::Range<usize>>| {
        let bytes = range.and_then(|range| row.buffer().get(range)).unwrap_or_default();
        String::from_utf8_lossy(bytes).into_owned()
    };
    Ok(row.ranges().map(|range| Ok(text(range))).collect()?)
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("method", &self.method)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}
