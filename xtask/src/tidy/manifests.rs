//! One list of dependencies, one edition, one list of lints.

use toml::{Table, Value};

use super::tree::Tree;
use super::violation::Violation;

/// What every member takes from the workspace.
const INHERITED: [&str; 4] = ["version", "edition", "rust-version", "license"];

/// Members inherit package fields, lints and dependencies; the one list says what each dependency is for.
pub(crate) fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (path, text) in tree.ending("Cargo.toml") {
        let table = match text.parse::<Table>() {
            Ok(table) => table,
            Err(error) => {
                let found = error.message().to_owned();
                violations.push(Violation::new((path, 1), "manifest", found, "make it valid TOML"));
                continue;
            }
        };
        if path == "Cargo.toml" {
            violations.extend(explained(path, text));
        } else {
            violations.extend(inherited(tree, path, &table));
            violations.extend(listed(tree, path, &table));
        }
    }
    violations
}

/// Package fields and lints.
fn inherited(tree: &Tree, path: &str, table: &Table) -> Vec<Violation> {
    let mut violations = Vec::new();
    for field in INHERITED {
        let value = table.get("package").and_then(|package| package.get(field));
        if !value.is_some_and(from_workspace) {
            let place = (path, tree.line_starting(path, field));
            let found = format!("`{field}` is not the workspace's");
            let fix = format!("write `{field}.workspace = true` under [package]");
            violations.push(Violation::new(place, "inheritance", found, fix));
        }
    }
    if !table.get("lints").is_some_and(from_workspace) {
        let place = (path, tree.line_starting(path, "[lints]"));
        let fix = "write `[lints]` and `workspace = true`";
        violations.push(Violation::new(
            place,
            "inheritance",
            "the lints are not the workspace's",
            fix,
        ));
    }
    violations
}

/// Dependencies come from the one list.
fn listed(tree: &Tree, path: &str, table: &Table) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (name, value) in dependencies(table) {
        if !from_workspace(value) {
            let place = (path, tree.line_starting(path, name));
            let found = format!("`{name}` has a version of its own");
            let fix = "list it in the root Cargo.toml, and write `workspace = true` here";
            violations.push(Violation::new(place, "one list", found, fix));
        }
    }
    violations
}

/// Every dependency of a manifest, those for some platforms too.
fn dependencies(table: &Table) -> impl Iterator<Item = (&String, &Value)> {
    const KINDS: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];
    let platforms = table.get("target").and_then(Value::as_table).into_iter().flatten();
    let platforms = platforms.filter_map(|(_, platform)| platform.as_table());
    let tables = std::iter::once(table).chain(platforms);
    let kinds = tables.flat_map(|table| KINDS.into_iter().filter_map(|kind| table.get(kind)));
    kinds.filter_map(Value::as_table).flatten()
}

fn from_workspace(value: &Value) -> bool {
    value.get("workspace").and_then(Value::as_bool) == Some(true)
}

/// Every entry of the one list stands under a comment of its own. Our own crates say what they are in their manifests.
fn explained(path: &str, text: &str) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut inside = false;
    let mut before = "";
    for (line, number) in text.lines().zip(1..) {
        if line.starts_with('[') {
            inside = line.starts_with("[workspace.dependencies");
        }
        let name = line.split(['=', '.']).next().unwrap_or_default().trim();
        let entry = inside && name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '"');
        let explained = before.starts_with('#') && !before.starts_with("# ---");
        if entry && line.contains('=') && !line.contains("path = ") && !explained {
            let found = format!("nothing says what `{name}` is for");
            let fix = "write a comment in the line above it";
            violations.push(Violation::new((path, number), "one list", found, fix));
        }
        before = line;
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tidy::tree::Tree;
    use crate::tidy::violation::places;

    const GOOD: &str = "\
[package]
version.workspace = true
edition.workspace = true
rust-version.workspace = true
license.workspace = true
[lints]
workspace = true
[dependencies]
serde.workspace = true
reqwest = { workspace = true, optional = true }
";

    fn found(path: &str, manifest: &str) -> Vec<String> {
        places(&check(&Tree::of(&[(path, manifest)])))
    }

    #[test]
    fn a_member_that_inherits_everything_passes() {
        assert!(found("a/Cargo.toml", GOOD).is_empty());
    }

    #[test]
    fn each_field_that_is_not_inherited_is_found() {
        for (field, line) in [("version", 2), ("edition", 3), ("rust-version", 4), ("license", 5)] {
            let own = GOOD.replace(&format!("\n{field}.workspace = true"), &format!("\n{field} = \"1\""));
            assert_eq!(found("a/Cargo.toml", &own), [format!("a/Cargo.toml:{line}")], "{field}");
        }
        let own = GOOD.replace("[lints]\nworkspace = true\n", "");
        assert_eq!(found("a/Cargo.toml", &own).len(), 1);
    }

    #[test]
    fn a_dependency_outside_of_the_list_is_found_under_every_heading() {
        for heading in [
            "dev-dependencies",
            "build-dependencies",
            "target.'cfg(unix)'.dependencies",
        ] {
            let own = format!("{GOOD}[{heading}]\nrand = \"0.9\"\n");
            assert_eq!(found("a/Cargo.toml", &own), ["a/Cargo.toml:12"], "{heading}");
        }
    }

    #[test]
    fn a_dependency_that_nobody_explained_is_found() {
        let list = "[workspace.dependencies]\n# --- a heading ---\nour = { path = \"x\" }\nserde = \"1\"\n# Says why.\ntoml = \"1\"\nclap = \"4\"\n[profile.dev]\ndebug = 1\n";
        assert_eq!(found("Cargo.toml", list), ["Cargo.toml:4", "Cargo.toml:7"]);
    }

    #[test]
    fn a_broken_manifest_is_named() {
        assert_eq!(found("a/Cargo.toml", "[package\n"), ["a/Cargo.toml:1"]);
    }
}
