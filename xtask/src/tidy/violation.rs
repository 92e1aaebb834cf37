//! One broken rule, with the place and the way out.

use std::fmt;

/// One broken rule. Violations sort by place.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Violation {
    path: String,
    line: usize,
    rule: &'static str,
    found: String,
    fix: String,
}

impl Violation {
    /// A violation of `rule` at a line of a file, lines counted from 1.
    pub(crate) fn new(
        (path, line): (&str, usize),
        rule: &'static str,
        found: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self {
            path: path.to_owned(),
            line,
            rule,
            found: found.into(),
            fix: fix.into(),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            path,
            line,
            rule,
            found,
            fix,
        } = self;
        write!(f, "{path}:{line}: [{rule}] {found}\n    fix: {fix}")
    }
}

/// The places of violations, as `path:line`.
#[cfg(test)]
pub(crate) fn places(violations: &[Violation]) -> Vec<String> {
    let places = violations.iter().map(|v| format!("{}:{}", v.path, v.line));
    places.collect()
}

#[cfg(test)]
mod tests {
    use super::Violation;

    #[test]
    fn a_violation_names_the_place_the_rule_and_the_fix() {
        let violation = Violation::new(("a/b.rs", 7), "file size", "it has 412 lines", "split it");
        let shown = violation.to_string();
        assert_eq!(shown, "a/b.rs:7: [file size] it has 412 lines\n    fix: split it");
    }
}
