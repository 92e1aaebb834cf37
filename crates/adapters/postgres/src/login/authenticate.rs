use fallible_iterator::FallibleIterator;
use postgres_protocol::authentication::md5_hash;
use postgres_protocol::authentication::sasl::{ChannelBinding, SCRAM_SHA_256, ScramSha256};
use postgres_protocol::message::backend::{AuthenticationSaslBody, Message};
use postgres_protocol::message::frontend;

use super::session::Session;
use super::wire::Wire;
use super::{Failure, Login, Method};

/// Says who logs in, and answers what the server asks until it is ready.
pub(super) async fn open(wire: Box<dyn Wire>, login: &Login<'_>) -> Result<Session, Failure> {
    let mut session = Session::new(wire);
    // No options: poolers refuse those that they do not know.
    let parameters = [
        ("user", login.user),
        ("database", login.endpoint.database.as_str()),
        ("application_name", "keywheel"),
        ("client_encoding", "UTF8"),
    ];
    frontend::startup_message(parameters, &mut session.outgoing)?;
    let mut authentication = Authentication {
        login,
        method: None,
        scram: None,
    };
    loop {
        match session.receive().await? {
            Message::AuthenticationOk => {
                session.method = Some(authentication.ended()?);
                session.authenticated = true;
            }
            Message::ReadyForQuery(_) if session.authenticated => return Ok(session),
            // The key for cancelling: a session that is given up is closed.
            Message::BackendKeyData(_) => {}
            asked => authentication.answer(asked, &mut session)?,
        }
    }
}

struct Authentication<'a> {
    login: &'a Login<'a>,
    method: Option<Method>,
    /// While it is under way.
    scram: Option<ScramSha256>,
}

impl Authentication<'_> {
    fn answer(&mut self, asked: Message, session: &mut Session) -> Result<(), Failure> {
        let out = &mut session.outgoing;
        let login = self.login;
        match asked {
            Message::AuthenticationSasl(body) => {
                offers_scram(&body)?;
                let scram = ScramSha256::new(login.password.as_bytes(), ChannelBinding::unsupported());
                frontend::sasl_initial_response(SCRAM_SHA_256, scram.message(), out)?;
                self.scram = Some(scram);
            }
            Message::AuthenticationSaslContinue(body) => {
                let scram = self.scram.as_mut().ok_or_else(out_of_turn)?;
                scram.update(body.data()).map_err(not_believed)?;
                frontend::sasl_response(scram.message(), out)?;
            }
            Message::AuthenticationSaslFinal(body) => {
                let mut scram = self.scram.take().ok_or_else(out_of_turn)?;
                scram.finish(body.data()).map_err(not_believed)?;
                self.method = Some(Method::Scram);
            }
            Message::AuthenticationMd5Password(body) if login.allow_md5 => {
                let hash = md5_hash(login.user.as_bytes(), login.password.as_bytes(), body.salt());
                frontend::password_message(hash.as_bytes(), out)?;
                self.method = Some(Method::Md5);
            }
            Message::AuthenticationMd5Password(_) => {
                return Err(Failure::Exposing(
                    "an MD5 hash of the password, and `allow_md5` is not set",
                ));
            }
            Message::AuthenticationCleartextPassword if login.endpoint.is_private() => {
                frontend::password_message(login.password.as_bytes(), out)?;
                self.method = Some(Method::Clear);
            }
            Message::AuthenticationCleartextPassword => {
                return Err(Failure::Exposing(
                    "the password itself over a connection that others may read",
                ));
            }
            _ => return Err(out_of_turn()),
        }
        Ok(())
    }

    /// A server that let us in without proving that it knows the verifier is not believed.
    fn ended(&mut self) -> Result<Method, Failure> {
        match self.scram {
            Some(_) => Err(out_of_turn()),
            None => self.method.ok_or(Failure::Unasked),
        }
    }
}

fn offers_scram(body: &AuthenticationSaslBody) -> Result<(), Failure> {
    let mut mechanisms = body.mechanisms();
    while let Some(mechanism) = mechanisms.next()? {
        if mechanism == SCRAM_SHA_256 {
            return Ok(());
        }
    }
    Err(Failure::NotBelieved("it offers no SCRAM-SHA-256".to_owned()))
}

fn not_believed(error: std::io::Error) -> Failure {
    Failure::NotBelieved(error.to_string())
}

fn out_of_turn() -> Failure {
    Failure::NotBelieved("it asks for something that no PostgreSQL server asks for then".to_owned())
}
