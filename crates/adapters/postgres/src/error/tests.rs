use std::error::Error;

use keywheel_domain::ports::{Effect, Retry};
use sqlx::error::{DatabaseError, ErrorKind as SqlKind};

use super::*;

/// What a server would say.
#[derive(Debug)]
struct Told(&'static str, &'static str);

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.1)
    }
}

impl Error for Told {}

impl DatabaseError for Told {
    fn message(&self) -> &str {
        self.1
    }

    fn code(&self) -> Option<Cow<'_, str>> {
        Some(self.0.into())
    }

    fn as_error(&self) -> &(dyn Error + Send + Sync + 'static) {
        self
    }

    fn as_error_mut(&mut self) -> &mut (dyn Error + Send + Sync + 'static) {
        self
    }

    fn into_error(self: Box<Self>) -> Box<dyn Error + Send + Sync + 'static> {
        self
    }

    fn kind(&self) -> SqlKind {
        SqlKind::Other
    }
}

fn told(code: &'static str, message: &'static str) -> sqlx::Error {
    sqlx::Error::Database(Box::new(Told(code, message)))
}

fn cut() -> sqlx::Error {
    sqlx::Error::Io(io::ErrorKind::ConnectionReset.into())
}

#[test]
fn a_lost_answer_leaves_a_commit_unknown_and_an_error_that_was_told_does_not() {
    let effect = |error| commit("change goimg", "db:5432", error).effect;
    assert_eq!(effect(cut()), Effect::Unknown);
    assert_eq!(effect(told("57P01", "terminating connection")), Effect::Unknown);
    assert_eq!(effect(told("58030", "could not write")), Effect::Unknown);
    assert_eq!(effect(told("42501", "permission denied")), Effect::None);
    assert_eq!(effect(told("XX000", "tuple concurrently updated")), Effect::None);
    assert_eq!(effect(told("XX000", "cache lookup failed")), Effect::Unknown);
    assert_eq!(statement("look", "db:5432", cut()).effect, Effect::None);
}

#[test]
fn what_the_server_said_stands_once_in_the_chain_with_its_code() {
    let chain = statement("read the roles", "db:5432", told("42501", "permission denied")).chain();
    assert_eq!(
        chain,
        "cannot read the roles at db:5432: a right is missing; run `keywheel doctor`, which names it: \
         permission denied (SQLSTATE 42501)"
    );
}

#[test]
fn a_refused_rotator_is_no_refusal_of_the_version() {
    let error = connecting("keywheel", "db:5432", told("28P01", "password authentication failed"));
    assert_eq!((error.kind, error.retry), (ErrorKind::Forbidden, Retry::Never));
    assert!(error.chain().contains("SQLSTATE 28P01"), "{}", error.chain());
}

#[test]
fn what_passes_by_itself_is_tried_again() {
    for (code, kind) in [
        ("57P03", ErrorKind::Unavailable),
        ("53300", ErrorKind::Unavailable),
        ("25006", ErrorKind::Unavailable),
        ("40P01", ErrorKind::Conflict),
        ("57014", ErrorKind::TimedOut),
        ("53100", ErrorKind::Storage),
    ] {
        let error = statement("look", "db:5432", told(code, "no"));
        assert_eq!((error.kind, error.retry), (kind, Retry::Later), "{code}");
    }
    for code in ["42501", "3D000", "42704", "22023", "42601", "28P01"] {
        assert_eq!(
            statement("look", "db:5432", told(code, "no")).retry,
            Retry::Never,
            "{code}"
        );
    }
}

#[test]
fn a_certificate_that_is_not_believed_is_nobodys_outage() {
    let error = connecting("keywheel", "db:5432", sqlx::Error::Tls("UnknownIssuer".into()));
    assert_eq!((error.kind, error.retry), (ErrorKind::Invalid, Retry::Never));
    assert!(error.chain().ends_with("UnknownIssuer"), "{}", error.chain());
}
