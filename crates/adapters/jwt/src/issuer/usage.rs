use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use keywheel_domain::evidence::{Evidence, EvidenceKind};
use keywheel_domain::id::VersionId;
use keywheel_domain::ports::{ErrorKind, Finding, PortError, Usage};

use crate::config::KeyRingConfig;
use crate::jwk::Kid;
use crate::ring::{Report, RingError, read_file};

/// Who verified tokens of a key, by the reports of every instance.
pub(super) fn of(config: &KeyRingConfig, id: &VersionId, kid: &Kid, now: i64) -> Result<Usage, PortError> {
    let (mut using, mut quiet) = (Vec::new(), Vec::new());
    for (path, report) in reports(config)? {
        if report.credential != id.credential.as_str() {
            let message = format!(
                "{} is a report about `{}`: correct `reports`",
                path.display(),
                report.credential
            );
            return Err(PortError::permanent(ErrorKind::Invalid, message));
        }
        if is_stale(config, &report, now) {
            let message = format!(
                "the report {} is of {}: is that instance gone?",
                path.display(),
                date(report.reported_at)
            );
            return Err(PortError::transient(ErrorKind::Unavailable, message));
        }
        let last = report.last_verified.get(kid).copied();
        let fact = |detail| Evidence::new(EvidenceKind::Usage, format!("{id} at {}", report.instance), detail);
        match last {
            Some(last) if now - seconds(last) < config.used_within.as_secs() => {
                let count = report.verifications.get(kid).copied().unwrap_or(0);
                using.push(fact(format!(
                    "accepted a token at {}, {count} since it started",
                    date(last)
                )));
            }
            Some(last) => quiet.push(fact(format!("accepted no token since {} (to the second)", date(last)))),
            None => quiet.push(fact("accepted no token since it started".to_owned())),
        }
    }
    Ok(if using.is_empty() {
        Usage::Unused(quiet)
    } else {
        Usage::InUse(using)
    })
}

/// What a preflight says about the reports.
pub(super) fn look(config: &KeyRingConfig, now: i64) -> Vec<Finding> {
    if config.reports.is_empty() {
        return Vec::new();
    }
    let fix = "let every instance write its report, and name the files or their folder in `reports`";
    let found = match reports(config) {
        Ok(found) => found,
        Err(error) => return vec![Finding::warning("reports", error.chain(), fix)],
    };
    let finding = |(path, report): (PathBuf, Report)| {
        let subject = format!("report {}", path.display());
        let detail = format!(
            "{} runs revision {} since {}",
            report.instance,
            report.revision,
            date(report.loaded_at)
        );
        if is_stale(config, &report, now) {
            let detail = format!("{detail}, but has reported nothing since {}", date(report.reported_at));
            return Finding::warning(subject, detail, "remove the report if that instance is gone");
        }
        match report.last_error {
            None => Finding::fine(subject, detail),
            Some(error) => Finding::warning(
                subject,
                format!("{detail}, and cannot reload: {error}"),
                "mend its files",
            ),
        }
    };
    found.into_iter().map(finding).collect()
}

/// Every report there is. None at all is no answer.
fn reports(config: &KeyRingConfig) -> Result<Vec<(PathBuf, Report)>, PortError> {
    let mut found = Vec::new();
    for path in &config.reports {
        for path in files(path)? {
            let bytes = read_file(&path)?;
            let report = serde_json::from_slice(&bytes).map_err(|error| {
                let message = format!("{} is not the report of a key ring: correct `reports`", path.display());
                PortError::transient(ErrorKind::Storage, message).caused_by(error)
            })?;
            found.push((path, report));
        }
    }
    if found.is_empty() {
        return Err(PortError::transient(
            ErrorKind::Unavailable,
            "no instance has written a report yet",
        ));
    }
    Ok(found)
}

/// The file itself, or the `.json` files of a folder in the order of their names.
fn files(path: &Path) -> Result<Vec<PathBuf>, RingError> {
    let unreadable = |source| RingError::Read {
        path: path.to_owned(),
        source,
    };
    if !fs::metadata(path).map_err(unreadable)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let entries = fs::read_dir(path).map_err(unreadable)?;
    let files: Result<Vec<_>, _> = entries.map(|entry| entry.map(|entry| entry.path())).collect();
    let mut files = files.map_err(unreadable)?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    Ok(files)
}

fn is_stale(config: &KeyRingConfig, report: &Report, now: i64) -> bool {
    now - seconds(report.reported_at) > config.used_within.as_secs()
}

fn seconds(unix: u64) -> i64 {
    i64::try_from(unix).unwrap_or(i64::MAX)
}

fn date(unix: u64) -> String {
    Timestamp::from_second(seconds(unix)).map_or_else(|_| unix.to_string(), |time| time.to_string())
}
