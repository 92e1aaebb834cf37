//! One connection to one node. It is used by many at once, never reconnects, and never sends a command twice: what is not known to
//! have happened is for the driver to find out.

use std::fmt;
use std::time::Duration;

use fred::clients::Client;
use fred::error::{Error, ErrorKind};
use fred::interfaces::ClientLike;
use fred::socket2::TcpKeepalive;
use fred::types::config::{Config, ConnectionConfig, PerformanceConfig, Server, ServerConfig, TcpConfig, TlsConfig};
use fred::types::{ClusterHash, CustomCommand, Resp3Frame, Value};
use jiff::SignedDuration;
use keywheel_domain::material::Secret;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::ask::Ask;
use crate::config::Address;
use crate::error::{Failure, unquoted};

/// Whom to log in as. Without a user the password is sent alone, as clients of `default` do.
#[derive(Clone)]
pub(crate) struct Login {
    pub(crate) user: Option<String>,
    pub(crate) password: Secret,
}

/// Where a connection goes, and how.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) address: Address,
    pub(crate) tls: Option<TlsConfig>,
    /// The name in the certificate, where it is not the host.
    pub(crate) server_name: Option<String>,
    pub(crate) timeout: SignedDuration,
}

/// An open connection. It ends with its last handle.
pub(crate) struct Connection {
    client: Client,
    task: Ending,
    ended: watch::Receiver<()>,
    timeout: SignedDuration,
    /// The server's number of it.
    pub(crate) id: Option<i64>,
}

/// Ends the task that serves a connection, and with it the connection.
struct Ending(AbortHandle);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl Connection {
    /// Connects and logs in. A refused login is [`Failure::Said`].
    pub(crate) async fn open(target: &Target, login: Option<&Login>) -> Result<Self, Failure> {
        let limit = Duration::try_from(target.timeout).unwrap_or(Duration::from_secs(1));
        let client = Client::new(
            config(target, login)?,
            Some(performance(limit)),
            Some(once(limit)),
            None,
        );
        let mut task = client.connect();
        let ending = Ending(task.abort_handle());
        let connected = tokio::select! {
            biased;
            ended = &mut task => Err(ended.map_or_else(|_| Error::new_canceled(), |result| result.err().unwrap_or_else(Error::new_canceled))),
            connected = client.wait_for_connect() => connected,
        };
        connected.map_err(|error| not_connected(&error, target.timeout))?;
        let (alive, ended) = watch::channel(());
        tokio::spawn(async move {
            // Whatever it ended with, those who wait for answers have been told by then.
            let _ = task.await;
            drop(alive);
        });
        let mut connection = Self {
            client,
            task: ending,
            ended,
            timeout: target.timeout,
            id: None,
        };
        connection.id = connection.introduce().await?;
        Ok(connection)
    }

    /// Gives the connection a name that operators see, and learns its number. A user that may do neither is no reason to fail.
    async fn introduce(&self) -> Result<Option<i64>, Failure> {
        let name = self.call(Ask::new("CLIENT SETNAME").word("keywheel"));
        let number = self.call(Ask::new("CLIENT ID"));
        let (named, number) = tokio::join!(name, number);
        match (named, number) {
            (Err(lost), _) | (_, Err(lost)) if lost.ends_connection() => Err(lost),
            (_, Ok(Value::Integer(id))) => Ok(Some(id)),
            _ => Ok(None),
        }
    }

    /// Whether a command can be sent.
    pub(crate) fn is_open(&self) -> bool {
        !self.task.0.is_finished()
    }

    /// Sends a command and waits for its answer. Commands of several callers share the connection, in the order of their calls.
    pub(crate) async fn call(&self, ask: Ask) -> Result<Value, Failure> {
        let (name, hides) = (ask.name(), ask.hides());
        let (command, words) = ask.into_parts();
        let command = CustomCommand::new(command.into_owned(), ClusterHash::FirstKey, false);
        let mut ended = self.ended.clone();
        let answered = tokio::select! {
            biased;
            // Boxed, because it is large and lies in the futures of all who call.
            answered = Box::pin(self.client.custom_raw(command, words)) => answered,
            _ = ended.changed() => Err(Error::new(ErrorKind::IO, "connection closed")),
        };
        let frame = answered.map_err(|error| match error.kind() {
            ErrorKind::Timeout => Failure::TimedOut(self.timeout),
            _ => Failure::Lost(error.details().to_owned()),
        })?;
        let said = |text: &str| match hides {
            true => Failure::Said(unquoted(text)),
            false => Failure::Said(text.to_owned()),
        };
        match frame {
            Resp3Frame::SimpleError { data, .. } => Err(said(&data)),
            Resp3Frame::BlobError { data, .. } => Err(said(&String::from_utf8_lossy(&data))),
            other => Value::try_from(other).map_err(|_| Failure::Garbled(name)),
        }
    }
}

fn config(target: &Target, login: Option<&Login>) -> Result<Config, Failure> {
    let text = |secret: &Secret| {
        let why = "the password is no UTF-8 text".to_owned();
        let text = secret.expose_text().map(str::to_owned);
        text.ok_or(Failure::Unequipped(keywheel_domain::ports::ErrorKind::Invalid, why))
    };
    let mut server = Server::new(target.address.host(), target.address.port());
    server.tls_server_name = target.server_name.as_deref().map(Into::into);
    Ok(Config {
        server: ServerConfig::Centralized { server },
        username: login.and_then(|login| login.user.clone()),
        password: login.map(|login| text(&login.password)).transpose()?,
        tls: target.tls.clone(),
        ..Config::default()
    })
}

fn performance(limit: Duration) -> PerformanceConfig {
    PerformanceConfig {
        default_command_timeout: limit,
        // Nobody listens to events, and every connection would keep room for them.
        broadcast_channel_capacity: 1,
        ..PerformanceConfig::default()
    }
}

/// One try, and no other.
fn once(limit: Duration) -> ConnectionConfig {
    let tcp = TcpConfig {
        nodelay: Some(true),
        // Connections are kept for long, and a firewall may forget them without a word.
        keepalive: Some(TcpKeepalive::new().with_time(Duration::from_secs(60))),
        ..TcpConfig::default()
    };
    ConnectionConfig {
        connection_timeout: limit,
        internal_command_timeout: limit,
        max_command_attempts: 1,
        max_redirections: 1,
        tcp,
        ..ConnectionConfig::default()
    }
}

/// Why there is no connection. What the server said is told apart from what the network did.
fn not_connected(error: &Error, limit: SignedDuration) -> Failure {
    let details = error.details();
    let code = details.split_whitespace().next().unwrap_or_default();
    let is_code = code.len() > 2 && code.chars().all(|c| c.is_ascii_uppercase() || c == '_');
    match error.kind() {
        ErrorKind::Auth => Failure::Said(details.to_owned()),
        ErrorKind::Timeout => Failure::Unreachable(format!("nothing within {limit:#}")),
        ErrorKind::Unknown if is_code => Failure::Said(unquoted(details)),
        _ => Failure::Unreachable(network(details)),
    }
}

/// The words of the operating system, without the form that they are wrapped in.
fn network(details: &str) -> String {
    let message = details
        .split("message: \"")
        .nth(1)
        .and_then(|rest| rest.split('"').next());
    let text = message.unwrap_or(details);
    text.trim_end_matches('.').to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_login_is_told_apart_from_a_refused_connection() {
        let limit = SignedDuration::from_secs(5);
        let refused = Error::new(
            ErrorKind::Auth,
            "WRONGPASS invalid username-password pair or user is disabled.",
        );
        assert_eq!(not_connected(&refused, limit).code(), "WRONGPASS");
        let open = Error::new(
            ErrorKind::Unknown,
            "ERR AUTH <password> called without any password configured",
        );
        assert_eq!(not_connected(&open, limit).code(), "ERR");
        let details = r#"Os { code: 111, kind: ConnectionRefused, message: "Connection refused" }"#;
        let nobody = not_connected(&Error::new(ErrorKind::IO, details), limit);
        assert_eq!(nobody, Failure::Unreachable("connection refused".to_owned()));
        let late = not_connected(&Error::new(ErrorKind::Timeout, "Request timed out."), limit);
        assert_eq!(late, Failure::Unreachable("nothing within 5s".to_owned()));
    }
}
