//! The same file names in every adapter, so that a reader can guess where a thing is.

use super::tree::Tree;
use super::violation::Violation;

pub(super) const FOLDER: &str = "crates/adapters";
const SAME: [&str; 4] = ["README.md", "src/lib.rs", "src/config.rs", "src/error.rs"];
/// A file for each port, named after the port.
const PORTS: [&str; 13] = [
    "issuer",
    "secret_source",
    "secret_store",
    "workload",
    "health_probe",
    "notifier",
    "archive",
    "journal",
    "material_store",
    "key_provider",
    "audit_log",
    "clock",
    "entropy",
];

/// Each adapter has `lib.rs`, `config.rs`, `error.rs`, a README, and a file named after each port that it serves.
pub(crate) fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for name in tree.folders_in(FOLDER) {
        let folder = format!("{FOLDER}/{name}");
        let manifest = format!("{folder}/Cargo.toml");
        for file in SAME.iter().filter(|file| !tree.has(&format!("{folder}/{file}"))) {
            let found = format!("the adapter has no {file}");
            let fix = format!("add {folder}/{file}; every adapter has the same files");
            violations.push(Violation::new((&manifest, 1), "adapter files", found, fix));
        }
        let serves = |port: &str| tree.has(&format!("{folder}/src/{port}.rs"));
        if !PORTS.into_iter().any(serves) {
            let fix = format!("name the file after the port that it implements: {}", PORTS.join(", "));
            violations.push(Violation::new(
                (&manifest, 1),
                "adapter files",
                "no file is named after a port",
                fix,
            ));
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tidy::tree::Tree;

    const WHOLE: [(&str, &str); 6] = [
        ("crates/adapters/x/Cargo.toml", ""),
        ("crates/adapters/x/README.md", ""),
        ("crates/adapters/x/src/lib.rs", ""),
        ("crates/adapters/x/src/config.rs", ""),
        ("crates/adapters/x/src/error.rs", ""),
        ("crates/adapters/x/src/issuer.rs", ""),
    ];

    #[test]
    fn an_adapter_with_all_its_files_passes() {
        assert!(check(&Tree::of(&WHOLE)).is_empty());
    }

    #[test]
    fn each_missing_file_is_named() {
        for (missing, &(path, _)) in WHOLE.iter().enumerate().skip(1) {
            let mut files = WHOLE.to_vec();
            files.remove(missing);
            assert_eq!(check(&Tree::of(&files)).len(), 1, "{path}");
        }
    }
}
