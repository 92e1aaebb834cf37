//! Which crate may know which.

use std::path::Path;

use cargo_metadata::{DependencyKind, MetadataCommand};

use super::tree::Tree;
use super::violation::Violation;

/// The part that a member of the workspace plays, by its folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Domain,
    App,
    Adapter,
    Cli,
    Testkit,
    Tests,
    Xtask,
}

/// A member of the workspace.
#[derive(Debug)]
pub(crate) struct Member {
    name: String,
    /// The path of its manifest from the root.
    manifest: String,
    needs: Vec<Need>,
}

/// A dependency of a member.
#[derive(Debug)]
struct Need {
    name: String,
    for_tests: bool,
}

/// What the pure crates must not need: runtimes, backends, command lines, wherever they are used.
const IMPURE: [&str; 4] = ["tokio", "sqlx", "reqwest", "clap"];

/// The members of the workspace as cargo sees them.
pub(crate) fn members(root: &Path) -> anyhow::Result<Vec<Member>> {
    let metadata = MetadataCommand::new().current_dir(root).no_deps().exec()?;
    let members = metadata.packages.iter().map(|package| {
        let manifest = package.manifest_path.strip_prefix(&metadata.workspace_root);
        let needs = package.dependencies.iter().map(|dependency| Need {
            name: dependency.name.clone(),
            for_tests: dependency.kind == DependencyKind::Development,
        });
        Member {
            name: package.name.to_string(),
            manifest: manifest.unwrap_or(&package.manifest_path).as_str().replace('\\', "/"),
            needs: needs.collect(),
        }
    });
    Ok(members.collect())
}

/// `domain ← app ← cli`, `domain ←` each adapter and the testkit; no adapter knows another, or `app`.
pub(crate) fn check(tree: &Tree, members: &[Member]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for member in members {
        let Some(role) = role(&member.manifest) else {
            let found = format!("`{}` has no part in the house", member.name);
            let fix = "move it to a folder that ARCHITECTURE.md names, or give the folder a part in xtask/src/tidy/directions.rs";
            violations.push(Violation::new((&member.manifest, 1), "directions", found, fix));
            continue;
        };
        for need in &member.needs {
            let target = members.iter().find(|other| other.name == need.name);
            let target = target.and_then(|other| self::role(&other.manifest));
            let allowed = match target {
                Some(target) => may_use(role, target, need.for_tests),
                None => may_need(role, need),
            };
            if !allowed {
                let line = tree.line_starting(&member.manifest, &need.name);
                let found = format!("{role:?} must not use `{}`", need.name);
                let place = (member.manifest.as_str(), line);
                violations.push(Violation::new(place, "directions", found, direction(role)));
            }
        }
    }
    violations
}

fn role(manifest: &str) -> Option<Role> {
    match manifest.strip_suffix("/Cargo.toml")? {
        "crates/domain" => Some(Role::Domain),
        "crates/app" => Some(Role::App),
        "crates/cli" => Some(Role::Cli),
        "crates/testkit" => Some(Role::Testkit),
        "tests" => Some(Role::Tests),
        "xtask" => Some(Role::Xtask),
        other => other.strip_prefix("crates/adapters/").map(|_| Role::Adapter),
    }
}

/// Whether one member may use another.
fn may_use(user: Role, used: Role, for_tests: bool) -> bool {
    match (user, used) {
        (Role::Domain | Role::App | Role::Adapter | Role::Cli, Role::Testkit) => for_tests,
        (Role::App | Role::Adapter | Role::Testkit, Role::Domain) => true,
        // The embedding example and the engine's benchmark run on the real journal.
        (Role::App, Role::Adapter) => for_tests,
        (Role::Cli, Role::Domain | Role::App | Role::Adapter) => true,
        (Role::Tests, used) => used != Role::Xtask,
        _ => false,
    }
}

/// Whether a member may need a package from outside.
fn may_need(user: Role, need: &Need) -> bool {
    let impure = IMPURE.contains(&need.name.as_str());
    match user {
        Role::Domain => !impure,
        Role::App => !impure || need.for_tests,
        _ => true,
    }
}

fn direction(role: Role) -> &'static str {
    match role {
        Role::Domain => "domain is pure and knows no other crate: declare a port there, and implement it in an adapter",
        Role::App => {
            "app knows domain alone; testkit and adapters are for its tests and examples: take an `Arc<dyn Port>`"
        }
        Role::Adapter => {
            "an adapter knows domain alone, and the testkit in its tests: what two adapters share belongs into domain"
        }
        Role::Cli => "the CLI wires domain, app and adapters; the testkit is for its tests",
        Role::Testkit => "the testkit knows domain alone, so that every crate can test with it",
        Role::Tests => "the integration package uses the product, not the automation",
        Role::Xtask => "automation starts our programs, it does not link them: it must build in seconds",
    }
}

#[cfg(test)]
mod tests;
