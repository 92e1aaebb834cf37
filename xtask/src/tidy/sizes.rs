//! Small files and small functions, by construction.

use super::tokens;
use super::tree::Tree;
use super::violation::Violation;

const FILE_MOST: usize = 400;
const FILE_MEDIAN: usize = 150;
const FUNCTION_MOST: usize = 60;

/// No file above 400 lines, a median of 150 at most, no function above 60, no `mod.rs`.
pub(crate) fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut sizes = Vec::new();
    for (path, source) in tree.ending(".rs") {
        let lines = source.lines().count();
        sizes.push(lines);
        if lines > FILE_MOST {
            let found = format!("{lines} lines, {FILE_MOST} are the most");
            let fix = "split it by what its parts are about; tests may move to `<name>/tests.rs`";
            violations.push(Violation::new((path, FILE_MOST + 1), "file size", found, fix));
        }
        if path.ends_with("/mod.rs") {
            let fix = "name the file after its folder, and put it beside the folder";
            violations.push(Violation::new((path, 1), "no mod.rs", "a file named mod.rs", fix));
        }
        violations.extend(functions(path, source));
    }
    violations.extend(median(sizes));
    violations
}

fn functions(path: &str, source: &str) -> Vec<Violation> {
    let found = match tokens::read(source) {
        Ok(found) => found,
        Err(line) => {
            let fix = "make `cargo check` pass first";
            return vec![Violation::new((path, line), "readable", "not Rust from here on", fix)];
        }
    };
    let long = found
        .functions
        .into_iter()
        .filter(|function| function.lines > FUNCTION_MOST);
    let violations = long.map(|function| {
        let name = &function.name;
        let found = format!(
            "`{}` has {} lines, {FUNCTION_MOST} are the most",
            name.text, function.lines
        );
        let fix = "give its parts names of their own";
        Violation::new((path, name.line), "function size", found, fix)
    });
    violations.collect()
}

fn median(mut sizes: Vec<usize>) -> Option<Violation> {
    sizes.sort_unstable();
    let median = *sizes.get(sizes.len() / 2)?;
    (median > FILE_MEDIAN).then(|| {
        let found = format!("the median of all files is {median} lines, {FILE_MEDIAN} is the most");
        let fix = "split the longest files, even those below the limit";
        Violation::new((".", 1), "file size", found, fix)
    })
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tidy::tree::Tree;
    use crate::tidy::violation::places;

    const SMALL: (&str, &str) = ("small.rs", "fn a() {}\n");

    fn function_of(lines: usize) -> String {
        format!("fn long() {{\n{}}}\n", "    x();\n".repeat(lines - 2))
    }

    #[test]
    fn small_files_pass() {
        assert!(check(&Tree::of(&[SMALL])).is_empty());
    }

    #[test]
    fn a_file_of_401_lines_is_too_long_and_400_are_not() {
        let [fits, long] = [400, 401].map(|lines| "//\n".repeat(lines));
        let files = [
            ("fits.rs", fits.as_str()),
            ("long.rs", &long),
            SMALL,
            ("b.rs", ""),
            ("c.rs", ""),
        ];
        assert_eq!(places(&check(&Tree::of(&files))), ["long.rs:401"]);
    }

    #[test]
    fn a_function_of_61_lines_is_too_long_and_60_are_not() {
        let [fits, long] = [60, 61].map(function_of);
        let files = [("fits.rs", fits.as_str()), ("long.rs", &long)];
        assert_eq!(places(&check(&Tree::of(&files))), ["long.rs:1"]);
    }

    #[test]
    fn many_middling_files_break_the_median() {
        let text = "//\n".repeat(151);
        assert_eq!(places(&check(&Tree::of(&[("a.rs", &text)]))), [".:1"]);
    }

    #[test]
    fn a_mod_rs_is_refused() {
        assert_eq!(places(&check(&Tree::of(&[("a/mod.rs", "")]))), ["a/mod.rs:1"]);
    }

    #[test]
    fn a_file_that_is_not_rust_is_named() {
        assert_eq!(places(&check(&Tree::of(&[("a.rs", "fn a() {\n")]))), ["a.rs:1"]);
    }
}
