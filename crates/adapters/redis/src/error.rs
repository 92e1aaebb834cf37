//! The one map from what happens on a connection to [`PortError`].

use jiff::SignedDuration;
use keywheel_domain::ports::{ErrorKind, PortError};

use crate::config::Address;

/// How much of a server's own words is repeated.
const LONGEST: usize = 160;
/// A run of that many hexadecimal digits may be a hash of a password.
const HASH: usize = 32;

/// What a call to a node came to, where it was no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The server answered with an error. Certainly no effect.
    Said(String),
    /// Keywheel's own login was refused. Certainly no effect.
    Shut(String),
    /// No connection came about. Certainly no effect.
    Unreachable(String),
    /// The password that Keywheel logs in with could not be read, or the certificates. Certainly no effect.
    Unequipped(ErrorKind, String),
    /// The connection ended before the answer.
    Lost(String),
    /// No answer in that time.
    TimedOut(SignedDuration),
    /// An answer of another form than expected, to that command.
    Garbled(&'static str),
}

impl Failure {
    /// The first word of what the server said: `WRONGPASS`, `NOPERM`.
    pub(crate) fn code(&self) -> &str {
        match self {
            Self::Said(text) | Self::Shut(text) => text.split_whitespace().next().unwrap_or_default(),
            _ => "",
        }
    }

    /// Whether the server said this.
    pub(crate) fn says(&self, text: &str) -> bool {
        matches!(self, Self::Said(said) if said.contains(text))
    }

    /// Whether a change that was asked for may have happened.
    pub(crate) fn is_unknown(&self) -> bool {
        matches!(self, Self::Lost(_) | Self::TimedOut(_) | Self::Garbled(_))
    }

    /// Whether the connection is of no more use.
    pub(crate) fn ends_connection(&self) -> bool {
        matches!(self, Self::Lost(_) | Self::TimedOut(_))
    }

    /// The error of a port: what was being done, and where.
    pub(crate) fn port(self, doing: &str, at: &Address) -> PortError {
        let unknown = self.is_unknown();
        let (kind, passes, why) = self.explained();
        let message = format!("cannot {doing} on {at}: {why}");
        let error = if passes {
            PortError::transient(kind, message)
        } else {
            PortError::permanent(kind, message)
        };
        if unknown { error.with_unknown_effect() } else { error }
    }

    fn explained(self) -> (ErrorKind, bool, String) {
        match self {
            Self::Said(text) => said(&text),
            Self::Shut(text) => {
                let why = format!(
                    "Keywheel's own login was refused; correct `admin_user` or its password ({})",
                    shown(&text)
                );
                (ErrorKind::Forbidden, true, why)
            }
            Self::Unreachable(why) => (ErrorKind::Unavailable, true, format!("no connection; {}", shown(&why))),
            Self::Unequipped(kind, why) => (kind, true, why),
            Self::Lost(why) => (
                ErrorKind::Unavailable,
                true,
                format!("the connection ended before the answer ({})", shown(&why)),
            ),
            Self::TimedOut(limit) => (ErrorKind::TimedOut, true, format!("no answer within {limit:#}")),
            Self::Garbled(what) => (
                ErrorKind::Internal,
                false,
                format!("the answer to {what} has an unexpected form; please report it with the server's version"),
            ),
        }
    }
}

/// What an error of the server means to a driver.
fn said(text: &str) -> (ErrorKind, bool, String) {
    let advice = |fix: &str| format!("{fix} ({})", shown(text));
    let code = text.split_whitespace().next().unwrap_or_default();
    let lower = text.to_lowercase();
    match code {
        "NOPERM" => (
            ErrorKind::Forbidden,
            false,
            advice("the administrator lacks a right; `keywheel doctor` prints the ACL SETUSER that grants it"),
        ),
        "WRONGPASS" | "NOAUTH" => (ErrorKind::Refused, true, advice("the login was refused")),
        "LOADING" | "BUSY" | "MASTERDOWN" | "CLUSTERDOWN" | "TRYAGAIN" | "UNBLOCKED" => {
            (ErrorKind::Unavailable, true, advice("it is busy; this passes"))
        }
        "MISCONF" | "OOM" => (ErrorKind::Storage, true, advice("it takes no changes; free some room")),
        _ if lower.contains("trying to save the acls") => (
            ErrorKind::Storage,
            true,
            advice("it could not write its ACL file; make the file and its folder writable to it and see its log"),
        ),
        _ if lower.contains("rewriting config file") => (
            ErrorKind::Storage,
            true,
            advice("it could not write its configuration file; make the file and its folder writable to it"),
        ),
        _ if lower.contains("max number of clients") => (
            ErrorKind::Unavailable,
            true,
            advice("it has no room for another connection"),
        ),
        _ if lower.contains("unknown command") || lower.contains("unknown subcommand") => (
            ErrorKind::Unsupported,
            false,
            advice("it does not know the command; Keywheel needs Redis 6 or later, and no renamed commands"),
        ),
        _ => (ErrorKind::Invalid, false, advice("it refused")),
    }
}

/// A server's words without what may be secret in them: hashes, and the arguments that some errors repeat.
pub(crate) fn shown(text: &str) -> String {
    let text = text.split(", with args beginning").next().unwrap_or_default();
    let mut clean = String::new();
    let mut run = String::new();
    for c in text.chars().take(4 * LONGEST).chain([' ']) {
        if c.is_ascii_hexdigit() {
            run.push(c);
            continue;
        }
        clean.push_str(if run.len() >= HASH { "…" } else { &run });
        run.clear();
        clean.push(if c.is_control() { ' ' } else { c });
    }
    let clean = clean.trim();
    match clean.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &clean[..end]),
        None => clean.to_owned(),
    }
}

/// What the server said to a command that holds a secret: nothing from the first quote on, behind which it may repeat it.
pub(crate) fn unquoted(text: &str) -> String {
    let text = text.split(['\'', '"', '`']).next().unwrap_or_default();
    text.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use keywheel_domain::ports::{Effect, Retry};

    use super::*;

    fn at() -> Address {
        Address::new("10.0.0.1", 6379)
    }

    fn map(text: &str) -> PortError {
        Failure::Said(text.to_owned()).port("save the users", &at())
    }

    #[test]
    fn what_somebody_has_to_mend_is_not_tried_again_and_what_passes_is() {
        let forbidden = map("NOPERM this user has no permissions to run the 'acl|save' command");
        assert_eq!((forbidden.kind, forbidden.retry), (ErrorKind::Forbidden, Retry::Never));
        let loading = map("LOADING Redis is loading the dataset in memory");
        assert_eq!((loading.kind, loading.retry), (ErrorKind::Unavailable, Retry::Later));
        let full =
            map("ERR There was an error trying to save the ACLs. Please check the server logs for more information");
        assert_eq!(
            (full.kind, full.retry, full.effect),
            (ErrorKind::Storage, Retry::Later, Effect::None)
        );
        assert_eq!(
            map("ERR Rewriting config file: Permission denied").kind,
            ErrorKind::Storage
        );
        assert_eq!(map("ERR unknown command 'ACL'").kind, ErrorKind::Unsupported);
        assert_eq!(map("ERR anything else").kind, ErrorKind::Invalid);
    }

    #[test]
    fn an_answer_that_was_lost_leaves_the_effect_unknown_and_a_missing_connection_does_not() {
        let lost = Failure::Lost("Connection closed.".to_owned()).port("add a password", &at());
        assert_eq!((lost.kind, lost.effect), (ErrorKind::Unavailable, Effect::Unknown));
        let late = Failure::TimedOut(SignedDuration::from_secs(5)).port("add a password", &at());
        assert_eq!((late.kind, late.effect), (ErrorKind::TimedOut, Effect::Unknown));
        assert!(late.message().ends_with("no answer within 5s"), "{late}");
        let never = Failure::Unreachable("Connection refused".to_owned()).port("add a password", &at());
        assert_eq!((never.kind, never.effect), (ErrorKind::Unavailable, Effect::None));
    }

    #[test]
    fn neither_hashes_nor_arguments_are_repeated() {
        let hash = "a".repeat(64);
        let error = map(&format!(
            "ERR Error in ACL SETUSER modifier '!{hash}': it does not exist"
        ));
        assert!(
            error.message().contains("'!…'") && !error.message().contains(&hash),
            "{error}"
        );
        let renamed =
            map("ERR unknown command 'CONFIG', with args beginning with: 'SET' 'requirepass' 'hunter2hunter2' ");
        assert!(!renamed.message().contains("hunter2"), "{renamed}");
        assert_eq!(
            unquoted("ERR Invalid argument 'hunter2' for SENTINEL SET 'auth-pass'"),
            "ERR Invalid argument"
        );
    }

    #[test]
    fn words_of_a_server_are_cut_and_stay_on_one_line() {
        let long = shown(&format!("ERR a\nb\u{1b}[31m {}", "xyz ".repeat(200)));
        assert!(
            long.starts_with("ERR a b [31m") && long.chars().count() <= LONGEST + 1,
            "{long}"
        );
    }
}
