//! Credentials as they are stored: JSON with a version number in front, so that later versions read what this one wrote.

use serde::{Deserialize, Serialize};

use super::Credential;

/// The version of the records that this build writes.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct Outgoing<'a> {
    v: u32,
    #[serde(flatten)]
    credential: &'a Credential,
}

#[derive(Deserialize)]
struct Incoming {
    #[serde(flatten)]
    credential: Credential,
}

#[derive(Deserialize)]
struct Head {
    v: u32,
}

/// The stored form of a credential.
pub fn encode(credential: &Credential) -> String {
    let outgoing = Outgoing { v: VERSION, credential };
    serde_json::to_string(&outgoing).expect("a credential has string keys only and no value that JSON cannot hold")
}

/// Reads a stored credential.
///
/// # Errors
/// Where it is damaged, or a newer build wrote it.
pub fn decode(text: &str) -> Result<Credential, serde_json::Error> {
    let head: Head = serde_json::from_str(text)?;
    if head.v > VERSION {
        let message = format!(
            "its version {} is newer than this build reads (up to {VERSION})",
            head.v
        );
        return Err(serde::de::Error::custom(message));
    }
    let incoming: Incoming = serde_json::from_str(text)?;
    Ok(incoming.credential)
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::*;
    use crate::id::{Revision, RotationId, VersionNumber};
    use crate::version::{Attributes, Version, VersionStatus};
    use crate::view::View;

    /// Written by the first build. This text must never change: databases hold it.
    const FIRST: &str = include_str!("record/credential_v1.json");

    fn credential() -> Credential {
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let minute = |minutes| start + SignedDuration::from_mins(minutes);
        let role = |name: &str| Attributes::from([("role".to_owned(), name.to_owned())]);
        let first = VersionNumber(1);
        let view = View::new(Revision(1), first, [first]);
        let name = "company/database".parse().unwrap();
        let mut credential = Credential::adopted(name, role("database_a"), view, start, start);
        credential.versions.push(Version {
            status: VersionStatus::Previous,
            compromised: true,
            ended_at: Some(minute(3) + SignedDuration::from_nanos(1)),
            ..Version::pending(VersionNumber(2), role("database_b"), minute(2))
        });
        credential.active = Some(RotationId::from_parts(1, [7; 10]));
        credential.next_due = Some("2026-04-01T00:00:00Z".parse().unwrap());
        credential
    }

    #[test]
    fn this_build_writes_the_first_form() {
        let written: serde_json::Value = serde_json::from_str(&encode(&credential())).unwrap();
        assert_eq!(written, serde_json::from_str::<serde_json::Value>(FIRST).unwrap());
    }

    #[test]
    fn this_build_reads_the_first_form() {
        assert_eq!(decode(FIRST).unwrap(), credential());
    }

    #[test]
    fn a_form_from_the_future_is_refused() {
        let future = encode(&credential()).replacen("\"v\":1", "\"v\":2", 1);
        let words = decode(&future).unwrap_err().to_string();
        assert_eq!(words, "its version 2 is newer than this build reads (up to 1)");
    }
}
