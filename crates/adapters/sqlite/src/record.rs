//! What is stored, and how it is read back.

use jiff::Timestamp;
use keywheel_domain::credential::Credential;
use serde::{Deserialize, Serialize};

/// The version of the credential records that this build writes.
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

/// The stored form of a credential: JSON with a version number in front, so that later builds read what this one wrote.
pub(crate) fn encode(credential: &Credential) -> String {
    let outgoing = Outgoing { v: VERSION, credential };
    serde_json::to_string(&outgoing).expect("a credential has string keys only and no value that JSON cannot hold")
}

/// Reads a stored credential.
pub(crate) fn decode(text: &str) -> Result<Credential, serde_json::Error> {
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

/// Nanoseconds since 1970. What lies beyond the years 1677 to 2262 is as far as these numbers go, which no clock will tell from
/// the time that was meant.
pub(crate) fn nanos(time: Timestamp) -> i64 {
    let nanos = time.as_nanosecond();
    nanos.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
}

/// The time of such a number; the largest one is the end of time.
pub(crate) fn time(nanos: i64) -> Timestamp {
    match nanos {
        i64::MAX => Timestamp::MAX,
        nanos => Timestamp::from_nanosecond(i128::from(nanos)).unwrap_or(Timestamp::MAX),
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use keywheel_domain::id::VersionNumber;
    use keywheel_domain::version::{Attributes, Version, VersionStatus};
    use keywheel_testkit::sample;

    use super::*;

    /// Written by the first build. This text must never change: databases hold it.
    const FIRST: &str = include_str!("record/credential_v1.json");

    fn credential() -> Credential {
        let mut credential = sample::credential();
        let attributes = Attributes::from([("role".to_owned(), "database_b".to_owned())]);
        let second = Version {
            status: VersionStatus::Previous,
            compromised: true,
            ended_at: Some(sample::minute(3) + SignedDuration::from_nanos(1)),
            ..Version::pending(VersionNumber(2), attributes, sample::minute(2))
        };
        credential.versions.push(second);
        credential.active = Some(sample::rotation_id(1));
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

    #[test]
    fn times_keep_their_nanoseconds_and_their_order() {
        let tick = SignedDuration::from_nanos(1);
        for at in [
            sample::start(),
            sample::start() + tick,
            Timestamp::UNIX_EPOCH - tick,
            Timestamp::MAX,
        ] {
            assert_eq!(time(nanos(at)), at);
        }
        assert!(nanos(Timestamp::MIN) < nanos(Timestamp::UNIX_EPOCH));
    }
}
