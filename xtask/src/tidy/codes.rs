//! Every error code has a page, and every page has a code.

use std::collections::BTreeMap;

use super::tree::Tree;
use super::violation::Violation;

const PAGES: &str = "docs/errors/";
const DIGITS: usize = 4;

/// Codes such as `KW` and four digits in the crates' sources, against the pages in `docs/errors`.
pub(crate) fn check(tree: &Tree) -> Vec<Violation> {
    let used = used(tree);
    let mut violations = Vec::new();
    for (code, (path, line)) in &used {
        let page = format!("{PAGES}{code}.md");
        if !tree.has(&page) {
            let found = format!("`{code}` has no page");
            let fix = format!("write {page}: what it means, what to look at, what to do");
            violations.push(Violation::new((path, *line), "error codes", found, fix));
        }
    }
    for (path, text) in tree.files() {
        let name = path.strip_prefix(PAGES).and_then(|name| name.strip_suffix(".md"));
        let Some(code) = name.filter(|name| codes_in(name) == [*name]) else {
            continue;
        };
        if !used.contains_key(code) {
            let fix = "remove the page, or give the error its code back";
            let found = format!("no error has the code `{code}`");
            violations.push(Violation::new((path, 1), "error codes", found, fix));
        }
        if !text.starts_with(&format!("# {code}")) {
            let fix = format!("start with `# {code}: ` and the error in a few words");
            violations.push(Violation::new((path, 1), "error codes", "the title has no code", fix));
        }
    }
    violations
}

/// The first place of every code in the sources of the crates.
fn used(tree: &Tree) -> BTreeMap<&str, (&str, usize)> {
    let mut used = BTreeMap::new();
    for (path, source) in tree.ending(".rs").filter(|(path, _)| path.starts_with("crates/")) {
        for (line, number) in source.lines().zip(1..) {
            for code in codes_in(line) {
                used.entry(code).or_insert((path, number));
            }
        }
    }
    used
}

fn codes_in(line: &str) -> Vec<&str> {
    let starts = line.match_indices("KW").map(|(start, _)| start);
    let codes = starts.filter_map(|start| {
        let digits = line[start + 2..].bytes().take_while(u8::is_ascii_digit).count();
        (digits == DIGITS).then(|| &line[start..start + 2 + DIGITS])
    });
    codes.collect()
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tidy::tree::Tree;
    use crate::tidy::violation::places;

    const CODE: (&str, &str) = ("crates/a/src/error.rs", "\n\"KW0001\" \"KW12\" \"KW12345\"");

    #[test]
    fn a_code_with_its_page_passes() {
        assert!(check(&Tree::of(&[CODE, ("docs/errors/KW0001.md", "# KW0001: x")])).is_empty());
    }

    #[test]
    fn a_code_without_a_page_is_found() {
        assert_eq!(places(&check(&Tree::of(&[CODE]))), ["crates/a/src/error.rs:2"]);
    }

    #[test]
    fn a_page_without_a_code_is_found_and_an_index_is_no_page() {
        let files = [("docs/errors/KW0009.md", "# KW0009: x"), ("docs/errors/README.md", "")];
        assert_eq!(places(&check(&Tree::of(&files))), ["docs/errors/KW0009.md:1"]);
    }

    #[test]
    fn a_page_about_another_code_is_found() {
        let files = [CODE, ("docs/errors/KW0001.md", "# KW0002: x")];
        assert_eq!(places(&check(&Tree::of(&files))), ["docs/errors/KW0001.md:1"]);
    }
}
