use super::{IMPURE, Member, Need, check, members};
use crate::tidy::tree::Tree;
use crate::tidy::violation::places;
use crate::workspace;

const FOLDERS: [&str; 8] = [
    "crates/domain",
    "crates/app",
    "crates/adapters/one",
    "crates/adapters/two",
    "crates/cli",
    "crates/testkit",
    "tests",
    "xtask",
];

/// A house where one member needs one other package.
fn house_where(user: &str, used: &str, for_tests: bool) -> Vec<Member> {
    let members = FOLDERS.map(|folder| {
        let needs = (folder == user).then(|| Need {
            name: used.to_owned(),
            for_tests,
        });
        Member {
            name: folder.to_owned(),
            manifest: format!("{folder}/Cargo.toml"),
            needs: needs.into_iter().collect(),
        }
    });
    members.into()
}

fn allowed(user: &str, used: &str, for_tests: bool) -> bool {
    check(&Tree::of(&[]), &house_where(user, used, for_tests)).is_empty()
}

#[test]
fn the_directions_of_the_house_are_allowed() {
    for (user, used) in [
        ("crates/app", "crates/domain"),
        ("crates/adapters/one", "crates/domain"),
        ("crates/testkit", "crates/domain"),
        ("crates/cli", "crates/app"),
        ("crates/cli", "crates/adapters/one"),
        ("tests", "crates/adapters/two"),
        ("tests", "crates/testkit"),
    ] {
        assert!(allowed(user, used, false), "{user} -> {used}");
    }
}

#[test]
fn every_other_direction_is_refused() {
    for (user, used) in [
        ("crates/domain", "crates/app"),
        ("crates/domain", "crates/adapters/one"),
        ("crates/app", "crates/cli"),
        ("crates/adapters/one", "crates/adapters/two"),
        ("crates/adapters/one", "crates/app"),
        ("crates/testkit", "crates/app"),
        ("crates/testkit", "crates/adapters/one"),
        ("xtask", "crates/domain"),
        ("tests", "xtask"),
    ] {
        assert!(!allowed(user, used, false), "{user} -> {used}");
        assert!(!allowed(user, used, true), "{user} -> {used} in its tests");
    }
}

#[test]
fn app_knows_adapters_in_its_examples_and_benchmarks_alone() {
    assert!(allowed("crates/app", "crates/adapters/one", true));
    assert!(!allowed("crates/app", "crates/adapters/one", false));
}

#[test]
fn the_testkit_is_for_tests() {
    for user in ["crates/domain", "crates/app", "crates/adapters/one", "crates/cli"] {
        assert!(allowed(user, "crates/testkit", true), "{user}");
        assert!(!allowed(user, "crates/testkit", false), "{user}");
    }
}

#[test]
fn the_pure_crates_need_no_runtime_and_no_backend() {
    for impure in IMPURE {
        assert!(!allowed("crates/domain", impure, true), "{impure}");
        assert!(!allowed("crates/app", impure, false), "{impure}");
        assert!(allowed("crates/adapters/one", impure, false), "{impure}");
    }
    assert!(allowed("crates/domain", "serde", false));
    assert!(allowed("crates/app", "tokio", true), "a test may bring a runtime");
}

#[test]
fn the_line_of_the_dependency_is_named() {
    let manifest = "[dependencies]\nserde.workspace = true\ntokio.workspace = true\n";
    let tree = Tree::of(&[("crates/domain/Cargo.toml", manifest)]);
    let found = check(&tree, &house_where("crates/domain", "tokio", false));
    assert_eq!(places(&found), ["crates/domain/Cargo.toml:3"]);
}

#[test]
fn a_member_in_an_unknown_folder_is_refused() {
    let member = Member {
        name: "x".into(),
        manifest: "extra/Cargo.toml".into(),
        needs: Vec::new(),
    };
    assert_eq!(places(&check(&Tree::of(&[]), &[member])), ["extra/Cargo.toml:1"]);
}

#[test]
fn cargo_names_the_members_and_what_they_need() {
    let members = members(workspace::root()).unwrap();
    let xtask = members
        .iter()
        .find(|member| member.manifest == "xtask/Cargo.toml")
        .unwrap();
    assert_eq!(xtask.name, "xtask");
    assert!(xtask.needs.iter().any(|need| need.name == "walkdir" && !need.for_tests));
}
