//! `cargo xtask tidy`: the house rules that neither rustc nor clippy knows.
//!
//! Every check is a function of a [`tree::Tree`], so that its tests give it a small tree of their own and see it fail.

use anyhow::bail;

use crate::workspace;

mod adapters;
mod directions;
mod edges;
mod links;
mod manifests;
mod prints;
mod sizes;
mod slug;
mod tokens;
mod tree;
mod violation;
mod words;

use tree::Tree;
use violation::Violation;

/// Checks the tree and prints every violation; an error if there is one.
pub(crate) fn run() -> anyhow::Result<()> {
    let violations = violations()?;
    for violation in &violations {
        println!("{violation}");
    }
    match violations.len() {
        0 => Ok(()),
        1 => bail!("tidy found 1 violation"),
        many => bail!("tidy found {many} violations"),
    }
}

/// Everything in the tree that breaks a house rule, in the order of paths and lines.
fn violations() -> anyhow::Result<Vec<Violation>> {
    let root = workspace::root();
    let tree = Tree::read(root)?;
    let members = directions::members(root)?;
    let mut violations = directions::check(&tree, &members);
    for check in [
        manifests::check,
        adapters::check,
        sizes::check,
        prints::check,
        edges::check,
        words::check,
        links::check,
    ] {
        violations.extend(check(&tree));
    }
    violations.sort();
    Ok(violations)
}

#[cfg(test)]
mod tests {
    use super::{Tree, adapters, directions, edges, prints};
    use crate::workspace;

    /// A rule about a place that is not there would pass for ever.
    #[test]
    fn the_places_that_the_rules_name_are_there() {
        let root = workspace::root();
        let tree = Tree::read(root).unwrap();
        let places = [adapters::FOLDER, prints::OUTPUT].into_iter().chain(edges::PURE);
        for place in places {
            assert!(tree.has(place.trim_end_matches('/')), "{place} is not there");
        }
        assert!(!tree.folders_in(adapters::FOLDER).is_empty());
        let members = directions::members(root).unwrap();
        assert!(members.len() > 5, "the members of the workspace are found");
    }
}
