//! What an instance says about itself.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use keywheel_domain::id::{CredentialName, Revision};
use keywheel_domain::ports::Instance;
use serde::Deserialize;

use crate::redact;

/// One instance's report, as the JWT key ring writes it. Everything but the name may be missing; what is not known here is
/// passed over, so that an application need not be rebuilt before Keywheel is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Report {
    instance: String,
    #[serde(default)]
    credential: Option<String>,
    #[serde(default)]
    revision: Option<u64>,
    /// In seconds since 1970.
    #[serde(default)]
    reported_at: Option<i64>,
    #[serde(default)]
    last_error: Option<String>,
    /// Uses by key.
    #[serde(default)]
    pub(super) verifications: BTreeMap<String, u64>,
    /// Last uses by key, in seconds since 1970.
    #[serde(default)]
    pub(super) last_verified: BTreeMap<String, i64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(Box<Report>),
    Many(Vec<Report>),
}

/// A place where a report should be, and what was there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// The instance's name, or the place's where nothing can be read there.
    pub(super) name: String,
    /// What tells this instance from others of the same name.
    pub(super) place: String,
    /// The report and its age's beginning, or why it says nothing.
    pub(super) report: Result<(Report, Timestamp), String>,
}

impl Found {
    /// A place without a report.
    pub(super) fn nothing(place: &str, why: impl Into<String>) -> Self {
        Self {
            name: place.to_owned(),
            place: place.to_owned(),
            report: Err(why.into()),
        }
    }

    /// Reads what was at a place. Reports about other credentials are passed over. `seen` dates reports that do not say when
    /// they were made.
    pub(super) fn read(place: &str, bytes: &[u8], credential: &CredentialName, seen: Timestamp) -> Vec<Self> {
        let reports = match serde_json::from_slice(bytes) {
            Ok(OneOrMany::One(report)) => vec![*report],
            Ok(OneOrMany::Many(reports)) => reports,
            // Nothing of serde's own text, which quotes what it read.
            Err(_) => return vec![Self::nothing(place, "there is no report in JSON with an `instance`")],
        };
        let ours = |report: &Report| {
            report
                .credential
                .as_deref()
                .is_none_or(|name| name == credential.as_str())
        };
        let found = reports.into_iter().filter(ours).map(|report| {
            let reported = report.reported_at.and_then(|at| Timestamp::from_second(at).ok());
            Self {
                name: plain(&report.instance),
                place: place.to_owned(),
                report: Ok((report, reported.unwrap_or(seen))),
            }
        });
        found.collect()
    }

    /// Takes a report that is too old, or from a clock that is ahead, for none.
    pub(super) fn mark_stale(&mut self, now: Timestamp, stale_after: SignedDuration) {
        let Ok((_, reported)) = &self.report else { return };
        let age = now.duration_since(*reported);
        if age > stale_after {
            self.report = Err(format!(
                "its report of {reported} is older than {stale_after:#}; if the instance is gone, remove its report"
            ));
        } else if age < -stale_after {
            self.report = Err(format!(
                "its report is of {reported}, and it is {now}; set the clocks right"
            ));
        }
    }

    /// The instance as convergence asks for it.
    pub(super) fn instance(&self) -> Instance {
        let (revision, detail) = match &self.report {
            Ok((report, reported)) => (report.revision.map(Revision), report.story(*reported)),
            Err(why) => (None, why.clone()),
        };
        Instance {
            name: self.name.clone(),
            revision,
            detail,
        }
    }
}

impl Report {
    fn story(&self, reported: Timestamp) -> String {
        let runs = match self.revision {
            Some(revision) => format!("reported r{revision} at {reported}"),
            None => format!("its report of {reported} has no `revision`"),
        };
        match &self.last_error {
            Some(error) => format!("{runs}; its last reload failed: {}", redact::excerpt(error.as_bytes())),
            None => runs,
        }
    }
}

/// A name that somebody else wrote, fit for one line.
fn plain(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::constant(1_767_225_600, 0);

    fn read(text: &str) -> Vec<Found> {
        let credential = "goimg/jwt".parse().unwrap();
        let mut found = Found::read("api.json", text.as_bytes(), &credential, NOW);
        found
            .iter_mut()
            .for_each(|found| found.mark_stale(NOW, SignedDuration::from_mins(1)));
        found
    }

    /// Exactly what the key ring writes.
    const OF_A_KEY_RING: &str = r#"{
      "instance": "api-1", "credential": "goimg/jwt", "revision": 3, "primary": "new", "accepted": ["new", "old"],
      "signs": true, "loaded_at": 1767225000, "reported_at": 1767225590, "last_error": null, "signed": {"new": 4},
      "verifications": {"new": 7, "old": 0}, "last_verified": {"new": 1767225589}, "refused_after_removal": {},
      "refused": {"expired": 2}
    }"#;

    #[test]
    fn the_key_rings_report_is_understood() {
        let instance = read(OF_A_KEY_RING)[0].instance();
        assert_eq!(
            (instance.name.as_str(), instance.revision),
            ("api-1", Some(Revision(3)))
        );
        assert_eq!(instance.detail, "reported r3 at 2025-12-31T23:59:50Z");
    }

    #[test]
    fn a_list_has_an_instance_for_each_report_about_this_credential() {
        let list = r#"[{"instance":"a","revision":3},{"instance":"b","credential":"other"},{"instance":"c"}]"#;
        let found: Vec<_> = read(list).iter().map(Found::instance).collect();
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].revision, found[1].revision), (Some(Revision(3)), None));
        assert!(found[1].detail.contains("no `revision`"));
    }

    #[test]
    fn an_old_report_says_nothing_and_neither_does_one_from_the_future() {
        let at = |seconds: i64| {
            format!(
                r#"{{"instance":"a","revision":3,"reported_at":{}}}"#,
                NOW.as_second() + seconds
            )
        };
        assert_eq!(read(&at(-60))[0].instance().revision, Some(Revision(3)));
        let old = read(&at(-61))[0].instance();
        assert!(
            old.revision.is_none() && old.detail.contains("older than"),
            "{}",
            old.detail
        );
        let future = read(&at(61))[0].instance();
        assert!(
            future.revision.is_none() && future.detail.contains("clocks"),
            "{}",
            future.detail
        );
    }

    #[test]
    fn what_is_no_report_is_not_quoted() {
        for text in ["", "{", "[1]", r#"{"instance":"a","revision":"canary-4711"}"#] {
            let found = read(text);
            assert_eq!((found.len(), found[0].name.as_str()), (1, "api.json"));
            assert!(!found[0].instance().detail.contains("canary"));
        }
    }

    #[test]
    fn a_failed_reload_is_part_of_the_story() {
        let story = &read(r#"{"instance":"a","revision":2,"last_error":"password=hunter2"}"#)[0]
            .instance()
            .detail;
        assert!(story.ends_with("its last reload failed: [redacted]"), "{story}");
    }
}
