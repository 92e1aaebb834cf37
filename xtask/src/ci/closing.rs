//! What the closing lines of our own programs must say.

use anyhow::{Context, bail};
use serde::Deserialize;

/// The demonstration proves something only above so many verifications.
const VERIFIED_LEAST: u64 = 50_000;

/// The closing line of `keywheel demo --json`. It may have more fields than these.
#[derive(Debug, Deserialize)]
struct Demo {
    verified: u64,
    refused: u64,
    outcome: String,
}

/// Completed, with no token refused among many.
pub(super) fn demo(line: &str) -> anyhow::Result<String> {
    let demo: Demo = serde_json::from_str(line).with_context(|| format!("the demonstration ended with `{line}`"))?;
    let Demo {
        verified,
        refused,
        outcome,
    } = demo;
    if outcome != "completed" {
        bail!("the rotation ended {outcome}, not completed");
    }
    if refused != 0 {
        bail!("{refused} tokens were refused");
    }
    if verified < VERIFIED_LEAST {
        bail!("only {verified} verifications, at least {VERIFIED_LEAST} are wanted");
    }
    Ok(format!("{verified} verified, 0 refused"))
}

/// `faults: S singles, P pairs, M mutants caught of M, V violations, T s`, with work done, every mutant caught, no violation.
pub(super) fn faults(line: &str) -> anyhow::Result<String> {
    let numbers = numbers(line).with_context(|| format!("the fault search ended with `{line}`"))?;
    let [singles, pairs, caught, mutants, violations] = numbers;
    if violations != 0 {
        bail!("the fault search found {violations} violations");
    }
    if caught < mutants || mutants == 0 {
        bail!("the fault search caught {caught} of {mutants} broken drivers");
    }
    if singles == 0 || pairs == 0 {
        bail!("the fault search tried {singles} single faults and {pairs} pairs");
    }
    Ok(line.trim_start_matches("faults: ").to_owned())
}

/// `kills: N rotations, M in the middle, V verified, R refused, X violations, T s`, with most of them really in the middle, and clients that logged in.
pub(super) fn kills(line: &str) -> anyhow::Result<String> {
    let parts: Vec<&str> = line.strip_prefix("kills: ").unwrap_or_default().split(", ").collect();
    let count = |text: &str, unit: &str| text.strip_suffix(unit)?.trim_end().parse::<u64>().ok();
    let [runs, middle, verified, refused, violations, _seconds] = parts.as_slice() else {
        bail!("the kills ended with `{line}`");
    };
    let (runs, middle) = (count(runs, "rotations"), count(middle, "in the middle"));
    if count(verified, "verified").is_none_or(|verified| verified == 0) {
        bail!("nobody logged in while rotations were killed: `{line}`");
    }
    if count(refused, "refused") != Some(0) || count(violations, "violations") != Some(0) {
        bail!("the kills found {refused} and {violations}");
    }
    if runs
        .zip(middle)
        .is_none_or(|(runs, middle)| runs == 0 || middle * 2 < runs)
    {
        bail!("too few rotations were killed in their middle: `{line}`");
    }
    Ok(line.trim_start_matches("kills: ").to_owned())
}

/// Singles, pairs, mutants caught, mutants, violations.
fn numbers(line: &str) -> Option<[u64; 5]> {
    let parts: Vec<&str> = line.strip_prefix("faults: ")?.split(", ").collect();
    let [singles, pairs, mutants, violations, _seconds] = parts.as_slice() else {
        return None;
    };
    let (caught, all) = mutants.split_once(" mutants caught of ")?;
    let count = |text: &str, unit: &str| text.strip_suffix(unit)?.trim_end().parse().ok();
    Some([
        count(singles, "singles")?,
        count(pairs, "pairs")?,
        count(caught, "")?,
        count(all, "")?,
        count(violations, "violations")?,
    ])
}

#[cfg(test)]
mod tests {
    use super::{demo, faults, kills};

    #[test]
    fn a_demonstration_that_proves_something_passes() {
        let line = r#"{"verified":50000,"refused":0,"outcome":"completed","more":1}"#;
        assert_eq!(demo(line).unwrap(), "50000 verified, 0 refused");
    }

    #[test]
    fn every_weaker_demonstration_fails() {
        for (line, why) in [
            (r#"{"verified":49999,"refused":0,"outcome":"completed"}"#, "only 49999"),
            (
                r#"{"verified":50000,"refused":1,"outcome":"completed"}"#,
                "1 tokens were refused",
            ),
            (r#"{"verified":50000,"refused":0,"outcome":"stuck"}"#, "ended stuck"),
            (r#"{"verified":50000,"outcome":"completed"}"#, "ended with"),
            ("", "ended with"),
        ] {
            let error = demo(line).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn kills_must_hit_the_middle_and_refuse_nobody() {
        assert!(kills("kills: 32 rotations, 28 in the middle, 9 verified, 0 refused, 0 violations, 40 s").is_ok());
        for bad in [
            "kills: 32 rotations, 28 in the middle, 9 verified, 1 refused, 0 violations, 40 s",
            "kills: 32 rotations, 28 in the middle, 9 verified, 0 refused, 1 violations, 40 s",
            "kills: 32 rotations, 15 in the middle, 9 verified, 0 refused, 0 violations, 40 s",
            "kills: 32 rotations, 28 in the middle, 0 verified, 0 refused, 0 violations, 40 s",
            "kills: 32 rotations, 28 in the middle, no verified, 0 refused, 0 violations, 40 s",
            "kills: 0 rotations, 0 in the middle, 0 verified, 0 refused, 0 violations, 0 s",
            "",
        ] {
            assert!(kills(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_whole_fault_search_passes() {
        let line = "faults: 1200 singles, 90000 pairs, 3 mutants caught of 3, 0 violations, 41.2 s";
        assert!(faults(line).unwrap().starts_with("1200 singles"));
    }

    #[test]
    fn every_weaker_fault_search_fails() {
        for (line, why) in [
            (
                "faults: 1 singles, 9 pairs, 3 mutants caught of 3, 2 violations, 1 s",
                "2 violations",
            ),
            (
                "faults: 1 singles, 9 pairs, 2 mutants caught of 3, 0 violations, 1 s",
                "2 of 3",
            ),
            (
                "faults: 1 singles, 9 pairs, 0 mutants caught of 0, 0 violations, 1 s",
                "0 of 0",
            ),
            (
                "faults: 0 singles, 9 pairs, 3 mutants caught of 3, 0 violations, 1 s",
                "0 single faults",
            ),
            (
                "faults: 1 singles, 0 pairs, 3 mutants caught of 3, 0 violations, 1 s",
                "0 pairs",
            ),
            ("faults: all fine", "ended with"),
            ("", "ended with"),
        ] {
            let error = faults(line).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
