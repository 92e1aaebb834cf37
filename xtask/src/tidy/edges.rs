//! The pure crates touch nothing outside of themselves.

use super::tokens;
use super::tree::Tree;
use super::violation::Violation;

/// The crates that reach the world through ports alone.
pub(super) const PURE: [&str; 2] = ["crates/domain/src/", "crates/app/src/"];
/// The modules of `std` that reach it directly.
const WORLD: [&str; 4] = ["env", "fs", "net", "process"];

/// `domain` and `app` use no file system, network, process or environment.
pub(crate) fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    let pure = tree
        .ending(".rs")
        .filter(|(path, _)| PURE.iter().any(|pure| path.starts_with(pure)));
    for (path, source) in pure {
        let modules = tokens::read(source).map(|found| found.std_modules).unwrap_or_default();
        for name in modules.iter().filter(|name| WORLD.contains(&name.text.as_str())) {
            let found = format!("`std::{}` in a pure crate", name.text);
            let fix = "ask a port for it, and do it in an adapter";
            violations.push(Violation::new((path, name.line), "purity", found, fix));
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tidy::tree::Tree;
    use crate::tidy::violation::places;

    #[test]
    fn a_pure_crate_that_reads_a_file_is_refused() {
        let files = [
            ("crates/domain/src/a.rs", "use std::{fmt,\n  fs};"),
            ("crates/app/src/b.rs", "use std::env::var;"),
        ];
        let expected = ["crates/app/src/b.rs:1", "crates/domain/src/a.rs:2"];
        assert_eq!(places(&check(&Tree::of(&files))), expected);
    }

    #[test]
    fn adapters_are_the_edge() {
        assert!(check(&Tree::of(&[("crates/adapters/local/src/a.rs", "use std::fs;")])).is_empty());
        assert!(
            check(&Tree::of(&[(
                "crates/domain/src/a.rs",
                "use std::collections::BTreeMap;"
            )]))
            .is_empty()
        );
    }
}
