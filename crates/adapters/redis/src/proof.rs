//! Logins as a client makes them.
//!
//! Each is a real AUTH with the version's user and password on a connection of its own. Where there is an administrator, the
//! connections are kept between logins (RESET makes them nobody's again), so that a proof costs one trip and no handshake.

use fred::types::Value;

use crate::ask::Ask;
use crate::config::DEFAULT_USER;
use crate::connection::{Connection, Login};
use crate::error::{Failure, shown};
use crate::material::Credential;
use crate::node::Node;

/// What a node said to a login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    Accepted,
    /// And in which words.
    Refused(String),
    /// The node asks nobody for a password.
    Open,
}

/// Logs in, and does what the check says where the login is accepted. A check that fails is a [`Failure`].
pub(crate) async fn log_in(node: &Node, as_: &Credential, check: &[String]) -> Result<Verdict, Failure> {
    let _turn = node.turn().await;
    if !node.has_admin() {
        return log_in_afresh(node, as_, check).await;
    }
    let connection = node.take_spare().await?;
    match try_on(node, connection, as_, check).await {
        // It was kept for a while, and the server may have closed it meanwhile. A login may be repeated.
        Err(Failure::Lost(_)) => try_on(node, node.take_spare().await?, as_, check).await,
        other => other,
    }
}

async fn try_on(node: &Node, connection: Connection, as_: &Credential, check: &[String]) -> Result<Verdict, Failure> {
    let (auth, checked) = match check {
        // What a client may do at any time may be asked for before it is known whether the login is accepted.
        [ping] if ping == "PING" => {
            let (auth, pong) = tokio::join!(connection.call(auth(as_)), connection.call(Ask::new("PING")));
            (auth, pong)
        }
        _ => match connection.call(auth(as_)).await {
            Ok(accepted) => (Ok(accepted), checked(&connection, check).await),
            refused => (refused, Ok(Value::Null)),
        },
    };
    let verdict = verdict(auth)?;
    if verdict == Verdict::Accepted {
        checked?;
        if connection.call(Ask::new("RESET")).await.is_err() {
            // Redis before 6.2 has no such command. The connection ends here instead.
            return Ok(verdict);
        }
    }
    node.give_back(connection);
    Ok(verdict)
}

/// On a connection that is opened with the version itself.
async fn log_in_afresh(node: &Node, as_: &Credential, check: &[String]) -> Result<Verdict, Failure> {
    let login = Login {
        user: Some(as_.user.clone()).filter(|user| user != DEFAULT_USER),
        password: as_.password.clone(),
    };
    match node.open_as(&login).await {
        Ok(connection) => checked(&connection, check).await.map(|_| Verdict::Accepted),
        Err(failure) => verdict(Err(failure)),
    }
}

/// Does what a client has to be able to do.
async fn checked(connection: &Connection, check: &[String]) -> Result<Value, Failure> {
    let Some((command, words)) = check.split_first() else {
        return Ok(Value::Null);
    };
    connection.call(Ask::custom(command).words(words)).await
}

fn auth(as_: &Credential) -> Ask {
    let ask = Ask::new("AUTH");
    let ask = match as_.user.as_str() {
        DEFAULT_USER => ask,
        user => ask.word(user),
    };
    ask.secret(&as_.password)
}

/// What the answer to AUTH means. Only where the server looked at the password and said no is it a refusal.
fn verdict(answer: Result<Value, Failure>) -> Result<Verdict, Failure> {
    match answer {
        Ok(_) => Ok(Verdict::Accepted),
        Err(Failure::Said(text)) => {
            let code = text.split_whitespace().next().unwrap_or_default();
            if ["WRONGPASS", "NOAUTH"].contains(&code) || text.starts_with("ERR invalid password") {
                return Ok(Verdict::Refused(shown(&text)));
            }
            let open = ["without any password configured", "no password is set"];
            match open.iter().any(|words| text.contains(words)) {
                true => Ok(Verdict::Open),
                false => Err(Failure::Said(text)),
            }
        }
        Err(failure) => Err(failure),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Result<Verdict, Failure> {
        verdict(Err(Failure::Said(text.to_owned())))
    }

    #[test]
    fn only_a_password_that_was_looked_at_is_refused() {
        let refused = |text: &str| Ok(Verdict::Refused(text.to_owned()));
        let wrong = "WRONGPASS invalid username-password pair or user is disabled.";
        assert_eq!(said(wrong), refused(wrong));
        assert_eq!(
            said("NOAUTH Authentication required."),
            refused("NOAUTH Authentication required.")
        );
        assert_eq!(said("ERR invalid password"), refused("ERR invalid password"));
        for other in [
            "LOADING Redis is loading",
            "ERR max number of clients reached",
            "NOPERM no",
            "ERR invalid",
        ] {
            assert_eq!(said(other), Err(Failure::Said(other.to_owned())));
        }
        let late = Failure::TimedOut(jiff::SignedDuration::from_secs(5));
        assert_eq!(verdict(Err(late.clone())), Err(late));
    }

    #[test]
    fn a_server_that_asks_nobody_is_open() {
        let new = "ERR AUTH <password> called without any password configured for the default user. Are you sure?";
        assert_eq!(said(new), Ok(Verdict::Open));
        assert_eq!(said("ERR Client sent AUTH, but no password is set"), Ok(Verdict::Open));
    }

    #[test]
    fn clients_of_default_send_the_password_alone() {
        let password = || keywheel_domain::material::Secret::new(zeroize::Zeroizing::new(b"hunter2".to_vec()));
        let words = |user: &str| {
            let credential = Credential {
                user: user.to_owned(),
                hash: String::new(),
                password: password(),
                rights_of: None,
            };
            auth(&credential).into_parts().1.len()
        };
        assert_eq!((words("default"), words("goimg")), (1, 2));
    }
}
