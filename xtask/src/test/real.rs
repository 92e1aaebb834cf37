//! Which tests need real servers.

use anyhow::bail;

use crate::process::{self, Output};
use crate::workspace;

/// Part of the name of every test that needs one: they stand in modules of this name.
pub(super) const MODULE: &str = "real::";
/// The same for nextest: those that need none.
pub(super) const NONE: &str = "not test(real::)";

/// How many there are among those whose names contain one of the filters.
pub(super) fn count(nextest: bool, filter: &[String]) -> anyhow::Result<usize> {
    let mut list = workspace::cargo();
    if nextest {
        list.args(["nextest", "list", "--workspace", "--message-format", "oneline", "--"]);
        list.args(filter);
    } else {
        list.args(["test", "--quiet", "--workspace", "--tests", "--", "--list"]);
        list.args(filter);
    }
    let run = process::run(&mut list, Output::Keep)?;
    if !run.success {
        bail!("`{}` failed: {}", process::spelled(&list), run.last_line());
    }
    Ok(run.lines.iter().filter(|line| is_real(nextest, line)).count())
}

/// True if a line of a list of tests names one that needs a real server.
fn is_real(nextest: bool, line: &str) -> bool {
    let name = if nextest {
        // A binary and a test. What cargo says on the way is longer, or starts otherwise.
        line.split_once(' ').map(|(_, name)| name)
    } else {
        line.strip_suffix(": test")
    };
    name.is_some_and(|name| name.contains(MODULE) && !name.contains(' '))
}

#[cfg(test)]
mod tests {
    use super::{MODULE, NONE, is_real};

    #[test]
    fn real_tests_are_told_from_others_in_both_lists() {
        assert!(is_real(true, "keywheel-redis::it real::rotate::both_passwords_work"));
        assert!(!is_real(true, "keywheel-redis config::a_user_is_needed"));
        assert!(!is_real(true, "   Compiling real::thing v0.1.0"));
        assert!(is_real(false, "real::rotate::both_passwords_work: test"));
        assert!(!is_real(false, "config::a_user_is_needed: test"));
        assert!(!is_real(false, "30 tests, 0 benchmarks"));
    }

    #[test]
    fn both_runners_leave_out_the_same() {
        assert!(NONE.contains(MODULE));
        let nextest = std::fs::read_to_string(crate::workspace::root().join(".config/nextest.toml")).unwrap();
        assert!(
            nextest.contains(&format!("test({MODULE})")),
            "the limit on parallel servers knows them, too"
        );
    }
}
