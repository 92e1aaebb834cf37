//! The files of the project, as text.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Context;
use walkdir::WalkDir;

/// The files of the project by their path from the root, with `/` between folders.
#[derive(Debug)]
pub(crate) struct Tree {
    texts: BTreeMap<String, String>,
    paths: BTreeSet<String>,
}

impl Tree {
    /// Reads every file below a folder, without those that `.gitignore` names.
    pub(crate) fn read(root: &Path) -> anyhow::Result<Self> {
        let ignored = ignored(root)?;
        let mut tree = Self {
            texts: BTreeMap::new(),
            paths: BTreeSet::new(),
        };
        let entries = WalkDir::new(root).min_depth(1).into_iter().filter_entry(|entry| {
            let path = relative(root, entry.path());
            path != ".git" && !ignored.contains(&path)
        });
        for entry in entries {
            let entry = entry?;
            let path = relative(root, entry.path());
            if entry.file_type().is_file() {
                let bytes = std::fs::read(entry.path()).with_context(|| path.clone())?;
                // What is not text has no lines to check, but links may lead to it.
                if let Ok(text) = String::from_utf8(bytes) {
                    tree.texts.insert(path.clone(), text);
                }
            }
            tree.paths.insert(path);
        }
        Ok(tree)
    }

    /// The text files whose paths end so, for example with `.rs`.
    pub(crate) fn ending(&self, end: &str) -> impl Iterator<Item = (&str, &str)> {
        self.files().filter(move |(path, _)| path.ends_with(end))
    }

    /// Every text file with its text.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// The text of one file.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.texts.get(path).map(String::as_str)
    }

    /// True if there is a file or folder of this path; the root itself is the empty path.
    pub(crate) fn has(&self, path: &str) -> bool {
        path.is_empty() || self.paths.contains(path)
    }

    /// The names of the folders right below a folder.
    pub(crate) fn folders_in(&self, folder: &str) -> BTreeSet<&str> {
        let below = self
            .texts
            .keys()
            .filter_map(|path| path.strip_prefix(folder)?.strip_prefix('/'));
        below
            .filter_map(|path| path.split_once('/'))
            .map(|(name, _)| name)
            .collect()
    }

    /// The line of a file that starts so, counted from 1; the first one if there is none.
    pub(crate) fn line_starting(&self, path: &str, start: &str) -> usize {
        let lines = self.text(path).unwrap_or_default().lines();
        lines
            .zip(1..)
            .find(|(line, _)| line.starts_with(start))
            .map_or(1, |(_, number)| number)
    }

    /// A tree for tests.
    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let mut tree = Self {
            texts: BTreeMap::new(),
            paths: BTreeSet::new(),
        };
        for &(path, text) in files {
            tree.texts.insert(path.to_owned(), text.to_owned());
            for (end, _) in path.match_indices('/').chain([(path.len(), "")]) {
                tree.paths.insert(path[..end].to_owned());
            }
        }
        tree
    }
}

/// The paths that `.gitignore` names from the root, such as `/target`.
fn ignored(root: &Path) -> anyhow::Result<Vec<String>> {
    let text = std::fs::read_to_string(root.join(".gitignore")).context(".gitignore")?;
    let rooted = text.lines().filter_map(|line| line.trim().strip_prefix('/'));
    Ok(rooted.map(|path| path.trim_end_matches('/').to_owned()).collect())
}

fn relative(root: &Path, path: &Path) -> String {
    let path = path.strip_prefix(root).unwrap_or(path);
    let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::Tree;
    use crate::workspace;

    #[test]
    fn the_tree_has_the_sources_and_not_what_was_built() {
        let tree = Tree::read(workspace::root()).unwrap();
        assert!(tree.text("xtask/src/tidy/tree.rs").is_some());
        assert!(tree.has("xtask/src"));
        assert!(!tree.has("target"));
        assert!(!tree.has(".git"));
        assert!(tree.has(".cargo/config.toml"), "hidden folders are checked too");
    }

    #[test]
    fn folders_are_those_right_below() {
        let tree = Tree::of(&[("a/b/c.rs", ""), ("a/d/e/f.rs", ""), ("a/g.rs", "")]);
        assert_eq!(tree.folders_in("a").into_iter().collect::<Vec<_>>(), ["b", "d"]);
        assert!(tree.has("a/d/e") && tree.has("a/g.rs") && tree.has(""));
        assert!(!tree.has("a/h"));
    }

    #[test]
    fn a_line_is_found_by_its_start() {
        let tree = Tree::of(&[("Cargo.toml", "[package]\nname = \"x\"\n")]);
        assert_eq!(tree.line_starting("Cargo.toml", "name"), 2);
        assert_eq!(tree.line_starting("Cargo.toml", "absent"), 1);
    }
}
