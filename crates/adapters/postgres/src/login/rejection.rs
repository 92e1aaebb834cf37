use std::fmt;

use fallible_iterator::FallibleIterator;
use postgres_protocol::message::backend::ErrorResponseBody;

/// An error as the server told it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Rejection {
    pub(crate) code: String,
    pub(crate) message: String,
    /// The function of the server that said no. Unlike the message it is never translated.
    routine: String,
    /// Whether the password had been accepted before.
    pub(crate) authenticated: bool,
    /// Whether a pooler said it about the login, in words of its own.
    by_pooler: bool,
}

/// What PgBouncer says about a login that it refuses, all with the code of a broken protocol. Its messages are never translated.
/// Newer versions have the code of a wrong password.
const POOLERS_REFUSALS: [&str; 4] = [
    "no such user",
    "SASL authentication failed",
    "password authentication failed",
    "md5 authentication failed",
];

impl Rejection {
    pub(super) fn read(body: &ErrorResponseBody, authenticated: bool) -> Self {
        let mut rejection = Self {
            authenticated,
            ..Self::default()
        };
        let mut fields = body.fields();
        // What cannot be read is left out: it is an error all the same.
        while let Ok(Some(field)) = fields.next() {
            let value = String::from_utf8_lossy(field.value_bytes()).into_owned();
            match field.type_() {
                b'C' => rejection.code = value,
                b'M' => rejection.message = value,
                b'R' => rejection.routine = value,
                _ => {}
            }
        }
        rejection
    }

    /// Whether it is about the credential: the password is wrong, or run out, or the role may not log in or does not exist.
    ///
    /// The code 28000 alone is not enough: `pg_hba.conf` refuses hosts with it, whatever the password is.
    pub(crate) fn is_refusal(&self) -> bool {
        self.code == "28P01" || self.is_of_the_role() || self.by_pooler
    }

    /// The same, said by a pooler.
    pub(crate) fn of_pooler(self) -> Self {
        let refuses = |words: &&str| self.message.starts_with(*words);
        let by_pooler = self.code == "08P01" && POOLERS_REFUSALS.iter().any(refuses);
        Self { by_pooler, ..self }
    }

    /// Whether the role may not log in, or does not exist, though its password was right.
    pub(crate) fn is_of_the_role(&self) -> bool {
        self.code == "28000" && self.routine == "InitializeSessionUserId"
    }

    /// Whether the server took the password, and something else was in the way: no room, no such database, no right to connect to it.
    pub(crate) fn is_past_the_password(&self) -> bool {
        self.authenticated && ["53300", "3D000", "42501", "55000"].contains(&self.code.as_str())
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.code, self.message)
    }
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use postgres_protocol::message::backend::Message;

    use super::*;

    fn told(fields: &[(u8, &str)], authenticated: bool) -> Rejection {
        let mut body = Vec::new();
        for (kind, value) in fields {
            body.push(*kind);
            body.extend_from_slice(value.as_bytes());
            body.push(0);
        }
        body.push(0);
        let mut bytes = BytesMut::from(&b"E"[..]);
        bytes.extend_from_slice(&(body.len() as u32 + 4).to_be_bytes());
        bytes.extend_from_slice(&body);
        match Message::parse(&mut bytes).unwrap().unwrap() {
            Message::ErrorResponse(body) => Rejection::read(&body, authenticated),
            _ => panic!("no error"),
        }
    }

    #[test]
    fn a_wrong_password_is_a_refusal() {
        let wrong = told(
            &[
                (b'C', "28P01"),
                (b'M', "password authentication failed"),
                (b'R', "auth_failed"),
            ],
            false,
        );
        assert!(wrong.is_refusal() && !wrong.is_of_the_role());
        assert_eq!(wrong.to_string(), "28P01 (password authentication failed)");
    }

    #[test]
    fn a_role_that_may_not_log_in_is_a_refusal() {
        let no_login = told(&[(b'C', "28000"), (b'R', "InitializeSessionUserId")], true);
        assert!(no_login.is_refusal() && no_login.is_of_the_role() && !no_login.is_past_the_password());
    }

    #[test]
    fn a_host_that_is_not_let_in_is_no_refusal_of_the_password() {
        let host = told(
            &[
                (b'C', "28000"),
                (b'M', "no pg_hba.conf entry"),
                (b'R', "ClientAuthentication"),
            ],
            false,
        );
        assert!(!host.is_refusal() && !host.is_past_the_password());
    }

    #[test]
    fn a_pooler_refuses_in_words_and_breaks_in_others() {
        let said = |message| told(&[(b'C', "08P01"), (b'M', message)], false);
        assert!(!said("no such user").is_refusal());
        assert!(said("no such user").of_pooler().is_refusal());
        assert!(said("SASL authentication failed").of_pooler().is_refusal());
        assert!(!said("server login failed: FATAL").of_pooler().is_refusal());
        assert!(!said("pgbouncer cannot connect to server").of_pooler().is_refusal());
    }

    #[test]
    fn a_full_server_has_taken_the_password() {
        assert!(told(&[(b'C', "53300")], true).is_past_the_password());
        assert!(!told(&[(b'C', "53300")], false).is_past_the_password());
        assert!(!told(&[(b'C', "57P01")], true).is_past_the_password());
    }
}
