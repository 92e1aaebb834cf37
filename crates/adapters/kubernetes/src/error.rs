//! The one map from what a Kubernetes API answers, or does not answer, to [`PortError`].

use jiff::SignedDuration;
use keywheel_domain::ports::{ErrorKind, PortError, Retry};
use serde_json::Value;

/// How much of a server's own words is repeated.
const LONGEST: usize = 240;

/// A request that did not come to its result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The server answered with an error.
    Said(Box<Said>),
    /// There is no usable way to the cluster: the kubeconfig, its context, a certificate. Nothing was sent.
    Unequipped(String),
    /// Nobody took the connection. Nothing was sent.
    Unreachable(String),
    /// The connection ended before the answer.
    Lost(String),
    /// No answer in that time.
    TimedOut(SignedDuration),
    /// An answer of another form than the API's.
    Garbled(&'static str),
}

/// The error that a server answered with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Said {
    /// The HTTP status.
    pub(crate) code: u16,
    /// The API's own word for it, such as `AlreadyExists`.
    pub(crate) reason: String,
    /// Its message; empty where the request held material, which a message may repeat.
    pub(crate) message: String,
    /// What it is about, one by one.
    pub(crate) causes: Vec<Cause>,
    /// How long to wait before another try.
    pub(crate) retry_after: Option<SignedDuration>,
}

/// One cause of an error.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Cause {
    pub(crate) reason: String,
    pub(crate) field: String,
    /// Who owns the field, where the cause is that somebody else does.
    pub(crate) manager: Option<String>,
}

impl Said {
    /// Reads a `Status`. A body that is none (a proxy's page, the flow control's plain text) leaves the status code alone.
    /// `quiet` where the request held material.
    pub(crate) fn read(code: u16, retry_after: Option<SignedDuration>, body: &[u8], quiet: bool) -> Self {
        let status: Value = serde_json::from_slice(body).unwrap_or_default();
        let text = |value: &Value| value.as_str().map(shown).unwrap_or_default();
        let details = &status["details"];
        let causes = details["causes"].as_array().into_iter().flatten();
        let in_details = details["retryAfterSeconds"].as_i64().filter(|seconds| *seconds > 0);
        Self {
            code,
            reason: text(&status["reason"]),
            message: if quiet { String::new() } else { text(&status["message"]) },
            causes: causes.map(Cause::read).collect(),
            retry_after: retry_after.or(in_details.map(SignedDuration::from_secs)),
        }
    }

    /// The fields that others own, each with its owner.
    pub(crate) fn foreign_fields(&self) -> impl Iterator<Item = &Cause> {
        self.causes.iter().filter(|cause| cause.manager.is_some())
    }

    fn advised(&self) -> (ErrorKind, bool, String) {
        let story = self.story();
        let advice = |fix: &str| format!("{fix} ({story})");
        match self.code {
            401 => (
                ErrorKind::Forbidden,
                true,
                advice("the login was refused; renew the token or the certificate that the kubeconfig names"),
            ),
            403 if self.message.contains("exceeded quota") => (
                ErrorKind::Quota,
                false,
                advice("the namespace's quota has no room for it; raise the quota"),
            ),
            403 => (
                ErrorKind::Forbidden,
                false,
                advice("Keywheel lacks a right; `keywheel doctor` prints the rule that grants it"),
            ),
            404 => (
                ErrorKind::NotFound,
                false,
                advice("it does not exist; create it, or correct its name or namespace"),
            ),
            409 if self.foreign_fields().next().is_some() => (
                ErrorKind::Conflict,
                false,
                format!(
                    "{}; take the keys out of what that manager applies",
                    self.foreign_story()
                ),
            ),
            409 => (ErrorKind::Conflict, true, advice("somebody else changed it meanwhile")),
            410 => (ErrorKind::Unavailable, true, advice("what was known of it is too old")),
            429 => (ErrorKind::RateLimited, true, advice("it takes no more requests now")),
            504 => (ErrorKind::TimedOut, true, advice("it did not finish in time")),
            500.. => (ErrorKind::Unavailable, true, advice("it is in trouble")),
            _ => (ErrorKind::Invalid, false, advice("it refused")),
        }
    }

    fn story(&self) -> String {
        let mut parts = vec![self.code.to_string()];
        parts.extend([self.reason.clone(), self.message.clone()]);
        if self.message.is_empty() {
            parts.extend(
                self.causes
                    .iter()
                    .map(|cause| format!("{} {}", cause.field, cause.reason)),
            );
        }
        parts.retain(|part| !part.trim().is_empty());
        parts.join(" ")
    }

    fn foreign_story(&self) -> String {
        let fields = self.foreign_fields().map(|cause| {
            let manager = cause.manager.as_deref().unwrap_or_default();
            format!("`{}` belongs to `{manager}`", cause.field.trim_start_matches('.'))
        });
        fields.collect::<Vec<_>>().join(", ")
    }
}

impl Cause {
    fn read(cause: &Value) -> Self {
        let text = |name: &str| cause[name].as_str().map(shown).unwrap_or_default();
        let reason = text("reason");
        let message = text("message");
        // The server writes: conflict with "kubectl-edit" using v1.
        let manager = message.split('"').nth(1).map(str::to_owned);
        Self {
            manager: manager.filter(|_| reason == "FieldManagerConflict"),
            field: text("field"),
            reason,
        }
    }
}

impl Failure {
    /// What the server said, where it said something.
    pub(crate) fn said(&self) -> Option<&Said> {
        match self {
            Self::Said(said) => Some(said),
            _ => None,
        }
    }

    /// Whether the server said this.
    pub(crate) fn is(&self, code: u16) -> bool {
        self.said().is_some_and(|said| said.code == code)
    }

    /// The error of a port for a request that only looks: certainly no effect.
    pub(crate) fn looking(self, doing: &str) -> PortError {
        let retry_after = self.said().and_then(|said| said.retry_after);
        let (kind, passes, why) = match self {
            Self::Said(said) => said.advised(),
            Self::Unequipped(why) => (ErrorKind::Invalid, false, why),
            Self::Unreachable(why) => (ErrorKind::Unavailable, true, format!("no connection ({})", shown(&why))),
            Self::Lost(why) => {
                let why = format!("the connection ended before the answer ({})", shown(&why));
                (ErrorKind::Unavailable, true, why)
            }
            Self::TimedOut(limit) => (ErrorKind::TimedOut, true, format!("no answer within {limit:#}")),
            Self::Garbled(what) => (
                ErrorKind::Internal,
                false,
                format!("{what} has an unexpected form; see whether the address is that of a Kubernetes API"),
            ),
        };
        let message = format!("cannot {doing}: {why}");
        match (passes, retry_after) {
            (false, _) => PortError::permanent(kind, message),
            (true, None) => PortError::transient(kind, message),
            (true, Some(pause)) => {
                let mut error = PortError::transient(kind, message);
                error.retry = Retry::After(pause);
                error
            }
        }
    }

    /// The error of a port for a request that changes something. A server in trouble may have changed it, and so may one that was
    /// not heard to the end.
    pub(crate) fn changing(self, doing: &str) -> PortError {
        let unknown = match &self {
            Self::Said(said) => said.code >= 500,
            Self::Lost(_) | Self::TimedOut(_) | Self::Garbled(_) => true,
            Self::Unequipped(_) | Self::Unreachable(_) => false,
        };
        let error = self.looking(doing);
        if unknown { error.with_unknown_effect() } else { error }
    }
}

/// A configuration that cannot be meant. Certainly no effect.
pub(crate) fn invalid(message: impl Into<String>) -> PortError {
    PortError::permanent(ErrorKind::Invalid, message)
}

/// Somebody else's words on one line, cut to what people read.
pub(crate) fn shown(text: &str) -> String {
    let clean: String = text
        .chars()
        .take(LONGEST)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    clean.trim().to_owned()
}

#[cfg(test)]
mod tests;
