//! One place writes to standard output and standard error.

use super::tokens;
use super::tree::Tree;
use super::violation::Violation;

/// The only file of the product that prints.
pub(super) const OUTPUT: &str = "crates/cli/src/output.rs";
const MACROS: [&str; 5] = ["println", "print", "eprintln", "eprint", "dbg"];

/// Print macros stand in the CLI's `output.rs` alone; programs of ours that are not the product may print too.
pub(crate) fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (path, source) in tree.ending(".rs").filter(|(path, _)| !may_print(path)) {
        let macros = tokens::read(source).map(|found| found.macros).unwrap_or_default();
        for name in macros.iter().filter(|name| MACROS.contains(&name.text.as_str())) {
            let found = format!("`{}!` outside of {OUTPUT}", name.text);
            let fix = format!("return what is to be shown, and let {OUTPUT} print it; log with `tracing`");
            violations.push(Violation::new((path, name.line), "printing", found, fix));
        }
    }
    violations
}

/// Automation, measurements, examples, and the programs of the integration package speak for themselves.
fn may_print(path: &str) -> bool {
    path == OUTPUT
        || path.starts_with("xtask/")
        || path.starts_with("tests/src/bin/")
        || path.contains("/benches/")
        || path.contains("/examples/")
}

#[cfg(test)]
mod tests {
    use super::{OUTPUT, check};
    use crate::tidy::tree::Tree;
    use crate::tidy::violation::places;

    const PRINTS: &str = "fn a() {\n    println!(\"x\");\n}\n";

    #[test]
    fn printing_is_refused_in_a_library_and_in_the_cli_itself() {
        let files = [("crates/app/src/a.rs", PRINTS), ("crates/cli/src/main.rs", PRINTS)];
        let expected = ["crates/app/src/a.rs:2", "crates/cli/src/main.rs:2"];
        assert_eq!(places(&check(&Tree::of(&files))), expected);
    }

    #[test]
    fn output_benches_examples_and_automation_may_print() {
        let paths = [
            OUTPUT,
            "crates/jwt/benches/ring.rs",
            "crates/app/examples/embed.rs",
            "xtask/src/main.rs",
        ];
        let files = paths.map(|path| (path, PRINTS));
        assert!(check(&Tree::of(&files)).is_empty());
    }

    #[test]
    fn every_print_macro_counts() {
        for name in super::MACROS {
            let source = format!("fn a() {{ {name}!() }}");
            assert_eq!(check(&Tree::of(&[("a.rs", &source)])).len(), 1, "{name}");
        }
    }
}
