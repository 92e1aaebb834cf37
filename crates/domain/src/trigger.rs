//! Why a rotation runs.

use serde::{Deserialize, Serialize};

/// Why a rotation runs, and how much of the usual care an emergency gives up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "trigger", rename_all = "snake_case")]
pub enum Trigger {
    /// Due by policy: announced ahead, inside a window.
    Routine,
    /// Somebody asked for it.
    Manual {
        /// Why, in the requester's words.
        reason: String,
    },
    /// A credential is known or feared to be in wrong hands.
    Emergency {
        /// The incident's number, such as `SEC-2026-0042`.
        incident: String,
        /// How it is handled.
        mode: EmergencyMode,
        /// What happens to tokens that the old key signed. Means nothing for presented credentials.
        live_tokens: LiveTokens,
    },
}

/// What an emergency gives up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmergencyMode {
    /// The same safe order without notice, window, grace or drain; the old version is retired at once.
    Expedited,
    /// The old version is suspended before anything else: an interruption by declaration.
    ContainFirst,
}

/// What an emergency does to tokens that are in their users' hands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LiveTokens {
    /// They stay valid until they expire; the old key goes after that.
    Honour,
    /// They are refused at once: their users must log in again. An interruption by declaration.
    Refuse,
}

impl Trigger {
    /// The reason as the audit log shows it.
    pub fn reason(&self) -> String {
        match self {
            Self::Routine => "routine".to_owned(),
            Self::Manual { reason } => reason.clone(),
            Self::Emergency { incident, .. } => format!("emergency {incident}"),
        }
    }

    /// Whether notice, windows and grace are given up.
    pub fn is_emergency(&self) -> bool {
        matches!(self, Self::Emergency { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_names_the_incident_or_the_requesters_words() {
        let emergency = Trigger::Emergency {
            incident: "SEC-2026-0042".to_owned(),
            mode: EmergencyMode::Expedited,
            live_tokens: LiveTokens::Honour,
        };
        let manual = Trigger::Manual {
            reason: "a leaver".to_owned(),
        };
        assert_eq!(emergency.reason(), "emergency SEC-2026-0042");
        assert_eq!(manual.reason(), "a leaver");
        assert_eq!(Trigger::Routine.reason(), "routine");
        assert!(emergency.is_emergency() && !manual.is_emergency());
    }
}
