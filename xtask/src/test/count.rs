//! The closing lines of test runners, added up.

use std::fmt;

/// How many tests passed, failed, and were left out.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    passed: u64,
    failed: u64,
    skipped: u64,
}

impl Count {
    /// Adds what the closing lines among these lines say.
    pub(crate) fn add(&mut self, lines: &[String]) {
        for line in lines {
            let line = without_colours(line);
            let line = line.trim();
            let closes = line.starts_with("Summary [") || line.starts_with("test result: ");
            if closes {
                self.passed += number_before(line, "passed");
                self.failed += number_before(line, "failed") + number_before(line, "timed out");
                self.skipped += number_before(line, "skipped") + number_before(line, "ignored");
            }
        }
    }

    /// How many tests were run to an end.
    pub(crate) fn ran(&self) -> u64 {
        self.passed + self.failed
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 {
            write!(f, ", {} skipped", self.skipped)?;
        }
        Ok(())
    }
}

/// The number that stands right before a word, or zero.
fn number_before(line: &str, word: &str) -> u64 {
    let before = line.split_once(&format!(" {word}")).map(|(before, _)| before);
    let digits = before.and_then(|before| before.rsplit(|c: char| !c.is_ascii_digit()).next());
    digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

/// The line without escape sequences.
fn without_colours(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut escaped = false;
    for c in line.chars() {
        match c {
            '\u{1b}' => escaped = true,
            _ if escaped => escaped = !c.is_ascii_alphabetic(),
            _ => plain.push(c),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::Count;

    fn counted(lines: &[&str]) -> String {
        let lines: Vec<_> = lines.iter().map(|&line| line.to_owned()).collect();
        let mut count = Count::default();
        count.add(&lines);
        count.to_string()
    }

    #[test]
    fn nextest_and_doctests_are_added_up() {
        let lines = [
            "     Summary [   0.123s] 1201 tests run: 1201 passed (3 slow), 2 skipped",
            "test result: ok. 7 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out",
        ];
        assert_eq!(counted(&lines), "1208 passed, 0 failed, 3 skipped");
    }

    #[test]
    fn failures_and_tests_that_hang_both_count_as_failed() {
        let line = "Summary [ 9.1s] 10/12 tests run: 7 passed, 2 failed, 1 timed out, 0 skipped";
        assert_eq!(counted(&[line]), "7 passed, 3 failed");
    }

    #[test]
    fn colours_do_not_hide_a_number() {
        let line = "\u{1b}[32;1m     Summary\u{1b}[0m [ 0.1s] \u{1b}[1m4\u{1b}[0m tests run: \u{1b}[1m4\u{1b}[0m \u{1b}[32;1mpassed\u{1b}[0m";
        assert_eq!(counted(&[line]), "4 passed, 0 failed");
    }

    #[test]
    fn what_a_test_prints_is_not_counted() {
        assert_eq!(counted(&["12 passed, 3 failed"]), "0 passed, 0 failed");
    }
}
