//! Whether a version is still used, from the counters in the instances' reports.
//!
//! A counter says how often, not when, so one look is not enough: a use is *new* if the counter grew between two reports, and
//! there was none if a later report has the same number. The first look at a counter that is not zero therefore says "in
//! use", which holds a rotation until the next report and never lets one pass.

use std::collections::BTreeMap;

use jiff::Timestamp;
use keywheel_domain::evidence::{Evidence, EvidenceKind};
use keywheel_domain::ports::{ErrorKind, PortError, Usage};

use super::report::{Found, Report};

/// What was counted, by place, instance and key.
#[derive(Debug, Default)]
pub(super) struct Ledger(BTreeMap<(String, String, String), Seen>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    count: u64,
    /// The first report with that count.
    since: Timestamp,
    reported: Timestamp,
    told: Told,
}

/// What the counter of one instance says.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Told {
    Used(String),
    Unused(String),
}

/// What all instances say together.
///
/// # Errors
/// `Unavailable` where an instance, or all of them, cannot be asked: nobody knows what they use.
pub(super) fn judge(ledger: &mut Ledger, workload: &str, kid: &str, found: &[Found]) -> Result<Usage, PortError> {
    let silent = |problem: String| Err(PortError::transient(ErrorKind::Unavailable, problem));
    if found.is_empty() {
        return silent(format!("{workload} has no instance that reports what it uses"));
    }
    let (mut used, mut unused) = (Vec::new(), Vec::new());
    for found in found {
        let subject = format!("{workload}/{}", found.name);
        let (report, reported) = match &found.report {
            Ok(report) => report,
            Err(why) => return silent(format!("{subject} does not say what it uses: {why}")),
        };
        let Some(count) = report.verifications.get(kid) else {
            return silent(format!("{subject} does not count the uses of {kid}"));
        };
        let key = (found.place.clone(), found.name.clone(), kid.to_owned());
        match ledger.look(key, *count, *reported, last_use(report, kid)) {
            Told::Used(detail) => used.push(Evidence::new(EvidenceKind::Usage, subject, detail)),
            Told::Unused(detail) => unused.push(Evidence::new(EvidenceKind::Usage, subject, detail)),
        }
    }
    Ok(match used.is_empty() {
        true => Usage::Unused(unused),
        false => Usage::InUse(used),
    })
}

fn last_use(report: &Report, kid: &str) -> String {
    let last = report.last_verified.get(kid);
    let last = last.and_then(|at| Timestamp::from_second(*at).ok());
    last.map_or_else(String::new, |at| format!(", the last at {at}"))
}

impl Ledger {
    fn look(&mut self, key: (String, String, String), count: u64, reported: Timestamp, last: String) -> Told {
        let before = self.0.get(&key);
        let since = before
            .filter(|seen| seen.count == count)
            .map_or(reported, |seen| seen.since);
        let told = match before {
            // The same report once more says the same once more.
            Some(seen) if seen.count == count && reported <= seen.reported => seen.told.clone(),
            Some(seen) if seen.count == count => Told::Unused(format!(
                "no use between its reports of {since} and {reported} (counted {count}{last}); later uses show in later reports"
            )),
            Some(seen) if seen.count < count => Told::Used(format!("{} more uses{last}", count - seen.count)),
            _ if count == 0 => Told::Unused(format!(
                "no use since it started, by its report of {reported}; later uses show in later reports"
            )),
            // The counter went back to a lower number.
            Some(_) => Told::Used(format!("{count} uses since it was restarted{last}")),
            None => Told::Used(format!(
                "{count} uses since it started{last}; its next report shows whether that goes on"
            )),
        };
        let seen = Seen {
            count,
            since,
            reported,
            told: told.clone(),
        };
        self.0.insert(key, seen);
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_767_225_600 + second).unwrap()
    }

    fn found(instance: &str, count: u64, second: i64) -> Found {
        let text = format!(
            r#"{{"instance":"{instance}","reported_at":{},"verifications":{{"old":{count}}}}}"#,
            at(second).as_second()
        );
        Found::read("reports.json", text.as_bytes(), &"goimg/jwt".parse().unwrap(), at(0)).remove(0)
    }

    fn looks(ledger: &mut Ledger, found: &[Found]) -> Usage {
        judge(ledger, "api", "old", found).unwrap()
    }

    fn is_unused(usage: &Usage) -> bool {
        matches!(usage, Usage::Unused(_))
    }

    #[test]
    fn one_look_at_a_counter_that_is_not_zero_never_says_unused() {
        let usage = looks(&mut Ledger::default(), &[found("a", 812, 0)]);
        let Usage::InUse(evidence) = usage else {
            panic!("{usage:?}")
        };
        assert_eq!(evidence[0].subject, "api/a");
        assert!(evidence[0].detail.contains("next report"));
    }

    #[test]
    fn a_counter_that_stood_still_between_two_reports_says_unused_with_its_resolution() {
        let mut ledger = Ledger::default();
        looks(&mut ledger, &[found("a", 812, 0)]);
        let usage = looks(&mut ledger, &[found("a", 812, 30)]);
        let Usage::Unused(evidence) = usage else {
            panic!("{usage:?}")
        };
        assert!(
            evidence[0]
                .detail
                .contains("between its reports of 2026-01-01T00:00:00Z and 2026-01-01T00:00:30Z")
        );
    }

    #[test]
    fn the_same_report_read_twice_is_no_second_look() {
        let mut ledger = Ledger::default();
        for _ in 0..3 {
            assert!(!is_unused(&looks(&mut ledger, &[found("a", 812, 0)])));
        }
        assert!(is_unused(&looks(&mut ledger, &[found("a", 812, 1)])));
        assert!(is_unused(&looks(&mut ledger, &[found("a", 812, 1)])));
    }

    #[test]
    fn one_instance_that_uses_it_is_enough_and_is_named() {
        let mut ledger = Ledger::default();
        looks(&mut ledger, &[found("a", 5, 0), found("b", 5, 0)]);
        let usage = looks(&mut ledger, &[found("a", 5, 9), found("b", 7, 9)]);
        let Usage::InUse(evidence) = usage else {
            panic!("{usage:?}")
        };
        assert_eq!(evidence.len(), 1);
        assert_eq!(
            (evidence[0].subject.as_str(), evidence[0].detail.as_str()),
            ("api/b", "2 more uses")
        );
    }

    #[test]
    fn an_instance_that_never_used_it_says_so_at_once() {
        assert!(is_unused(&looks(&mut Ledger::default(), &[found("a", 0, 0)])));
    }

    #[test]
    fn a_restart_is_a_new_count() {
        let mut ledger = Ledger::default();
        looks(&mut ledger, &[found("a", 812, 0)]);
        assert!(!is_unused(&looks(&mut ledger, &[found("a", 3, 30)])));
        assert!(is_unused(&looks(&mut ledger, &[found("a", 3, 60)])));
        assert!(is_unused(&looks(&mut ledger, &[found("a", 0, 90)])));
    }

    #[test]
    fn who_says_nothing_is_an_error_and_never_unused() {
        let mut ledger = Ledger::default();
        let silent = Found::nothing("b.json", "no report");
        for found in [vec![], vec![found("a", 0, 0), silent]] {
            let error = judge(&mut ledger, "api", "old", &found).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Unavailable);
        }
        let error = judge(&mut ledger, "api", "unknown-key", &[found("a", 0, 0)]).unwrap_err();
        assert!(error.message().contains("does not count"), "{error}");
    }
}
