//! Links in Markdown lead somewhere.

use super::slug;
use super::tree::Tree;
use super::violation::Violation;

/// Relative links name a file or folder of the tree, and their anchors a heading of it.
pub(crate) fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (path, document) in tree.ending(".md") {
        for (line, number) in outside_of_code(document) {
            let dead = targets(&line)
                .into_iter()
                .filter(|target| !leads_somewhere(tree, path, target));
            violations.extend(dead.map(|target| {
                let found = format!("`{target}` leads nowhere");
                let fix = "correct the path, which starts at this file's folder, or the heading after `#`";
                Violation::new((path, number), "links", found, fix)
            }));
        }
    }
    violations
}

/// The lines of a document that are not code, with inline code taken out, and their numbers.
pub(super) fn outside_of_code(document: &str) -> impl Iterator<Item = (String, usize)> {
    let mut fence: Option<&str> = None;
    document.lines().zip(1..).filter_map(move |(line, number)| {
        let mark = ["```", "~~~"]
            .into_iter()
            .find(|mark| line.trim_start().starts_with(mark));
        match (fence, mark) {
            (None, Some(_)) => fence = mark,
            (Some(open), Some(close)) if open == close => fence = None,
            (None, None) => return Some((without_inline_code(line), number)),
            _ => {}
        }
        None
    })
}

/// A heading keeps the words of its inline code, because its anchor has them; elsewhere code is no link.
fn without_inline_code(line: &str) -> String {
    if line.starts_with('#') {
        return line.to_owned();
    }
    line.split('`').step_by(2).collect::<Vec<_>>().join("``")
}

/// Where the links of a line lead: `[text](target)`, `![text](target)` and `[name]: target`.
fn targets(line: &str) -> Vec<&str> {
    let inline = line.match_indices("](").filter_map(|(start, opening)| {
        let rest = &line[start + opening.len()..];
        rest.split_once(')').map(|(target, _)| target)
    });
    let definition = line.strip_prefix('[').and_then(|rest| rest.split_once("]: "));
    let all = inline.chain(definition.map(|(_, target)| target));
    let bare = all.filter_map(|target| target.split_whitespace().next());
    bare.map(|target| target.trim_matches(['<', '>'])).collect()
}

fn leads_somewhere(tree: &Tree, from: &str, target: &str) -> bool {
    if target.contains("://") || target.starts_with("mailto:") {
        return true;
    }
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let path = if path.is_empty() {
        Some(from.to_owned())
    } else {
        resolved(from, path)
    };
    let Some(path) = path.filter(|path| tree.has(path)) else {
        return false;
    };
    match tree.text(&path) {
        Some(text) if !anchor.is_empty() && path.ends_with(".md") => {
            slug::anchors(text).iter().any(|known| known == anchor)
        }
        _ => true,
    }
}

/// The path from the root that a link in a file means; none if it leaves the tree.
fn resolved(from: &str, target: &str) -> Option<String> {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    if target.starts_with('/') {
        return None;
    }
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tidy::tree::Tree;
    use crate::tidy::violation::places;

    fn found(link: &str) -> Vec<String> {
        let files = [
            ("docs/guide.md", link),
            ("README.md", "# One\n## Two words\n"),
            ("docs/pages/one.md", ""),
        ];
        places(&check(&Tree::of(&files)))
    }

    #[test]
    fn links_that_lead_somewhere_pass() {
        for link in [
            "[a](../README.md)",
            "[a](../README.md#two-words) and [b](pages/one.md \"title\")",
            "[a](pages/)",
            "[a](..)",
            "![a](<pages/one.md>)",
            "[a]: pages/one.md",
            "[a](https://example.org/x) [b](mailto:x@example.org)",
            "# Here\n[a](#here)",
            "`[a](nowhere.md)` and ``",
            "```\n[a](nowhere.md)\n```",
        ] {
            assert!(found(link).is_empty(), "{link}");
        }
    }

    #[test]
    fn links_that_lead_nowhere_are_found() {
        for link in [
            "[a](README.md)",
            "[a](../README.md#three)",
            "[a](#nowhere)",
            "[a](../../README.md)",
            "[a](/README.md)",
            "[a]: pages/two.md",
        ] {
            assert_eq!(found(link), ["docs/guide.md:1"], "{link}");
        }
        assert_eq!(found("fine\n```\n```\n[a](no.md)"), ["docs/guide.md:4"]);
    }
}
