//! The text of the project speaks of the project alone.

use super::tree::Tree;
use super::violation::Violation;

/// A text that must not stand in the tree. It is written in two halves, or this file would break its own rule.
struct Forbidden {
    text: &'static str,
    /// It counts only where no letter, digit, `-` or `_` stands beside it: `user-agent` is a header.
    whole: bool,
    fix: &'static str,
}

const PLACE: &str = "use a path inside of the project, a temporary folder, or an example such as /etc/keywheel";
const HOST: &str = "name packages, not the hosts that serve them";
const OURSELVES: &str = "say what the program does or what a person does, not how the text came to be";

const FORBIDDEN: [Forbidden; 14] = [
    Forbidden {
        text: concat!("/wo", "rk/"),
        whole: false,
        fix: PLACE,
    },
    Forbidden {
        text: concat!("/tmp/", "target"),
        whole: false,
        fix: PLACE,
    },
    Forbidden {
        text: concat!("/ro", "ot/"),
        whole: false,
        fix: PLACE,
    },
    Forbidden {
        text: concat!("crates", ".io"),
        whole: false,
        fix: HOST,
    },
    Forbidden {
        text: concat!("py", "pi.org"),
        whole: false,
        fix: HOST,
    },
    Forbidden {
        text: concat!("python", "hosted.org"),
        whole: false,
        fix: HOST,
    },
    Forbidden {
        text: concat!("deb", "ian.org"),
        whole: false,
        fix: HOST,
    },
    Forbidden {
        text: concat!("ag", "ent"),
        whole: true,
        fix: OURSELVES,
    },
    Forbidden {
        text: concat!("ag", "ents"),
        whole: true,
        fix: OURSELVES,
    },
    Forbidden {
        text: concat!("suba", "gent"),
        whole: false,
        fix: OURSELVES,
    },
    Forbidden {
        text: concat!("work", "place"),
        whole: false,
        fix: OURSELVES,
    },
    Forbidden {
        text: concat!("language ", "model"),
        whole: false,
        fix: OURSELVES,
    },
    Forbidden {
        text: concat!("clau", "de"),
        whole: false,
        fix: OURSELVES,
    },
    Forbidden {
        text: concat!("issue", " 2"),
        whole: true,
        fix: OURSELVES,
    },
];

/// No path of one machine, no registry's host, no word about how the text came to be.
pub(crate) fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    // The lock file is cargo's, and names its registry.
    for (path, text) in tree.files().filter(|(path, _)| *path != "Cargo.lock") {
        for (line, number) in text.lines().zip(1..) {
            let line = line.to_lowercase();
            for forbidden in FORBIDDEN.iter().filter(|forbidden| forbidden.stands_in(&line)) {
                let found = format!("`{}` has no place in the project", forbidden.text);
                violations.push(Violation::new((path, number), "words", found, forbidden.fix));
            }
        }
    }
    violations
}

impl Forbidden {
    fn stands_in(&self, line: &str) -> bool {
        line.match_indices(self.text).any(|(start, text)| {
            let before = line[..start].chars().next_back();
            let after = line[start + text.len()..].chars().next();
            !self.whole || ![before, after].into_iter().flatten().any(joins)
        })
    }
}

fn joins(c: char) -> bool {
    c.is_alphanumeric() || c == '-' || c == '_'
}

#[cfg(test)]
mod tests {
    use super::{FORBIDDEN, check};
    use crate::tidy::tree::Tree;
    use crate::tidy::violation::places;

    #[test]
    fn every_forbidden_text_is_found() {
        for forbidden in FORBIDDEN {
            let text = format!("fine\nsee {} now\n", forbidden.text.to_uppercase());
            let found = places(&check(&Tree::of(&[("README.md", &text)])));
            assert!(found.contains(&"README.md:2".to_owned()), "{}", forbidden.text);
        }
    }

    #[test]
    fn a_word_inside_of_another_one_is_another_one() {
        let text = format!("User-{0}: x, re{0}, ssh-{0}, issue 21", concat!("Ag", "ent"));
        assert!(check(&Tree::of(&[("a.md", &text)])).is_empty());
    }

    #[test]
    fn the_lock_file_may_name_its_registry() {
        let text = concat!("crates", ".io");
        assert!(check(&Tree::of(&[("Cargo.lock", text)])).is_empty());
    }
}
