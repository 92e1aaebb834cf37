use keywheel_domain::id::VersionNumber;

use super::super::roles::tests::{role, roles};
use super::*;

const SECRET: &str = "SCRAM-SHA-256$4096:c2FsdA==$stored:server";

fn id(number: u64) -> VersionId {
    VersionId {
        credential: "goimg/postgres".parse().unwrap(),
        number: VersionNumber(number),
    }
}

/// A twin with the password of that version.
fn twin(name: &str, version: u64) -> RoleState {
    RoleState {
        comment: Some(Mark::of(&id(version)).to_string()),
        ..role(name)
    }
}

fn snapshot(states: impl IntoIterator<Item = RoleState>) -> Snapshot {
    let by_name = states.into_iter().map(|state| (state.name.clone(), state));
    by_name.collect()
}

fn case<T>(
    snapshot: &Snapshot,
    version: u64,
    name: &str,
    accepted: Option<bool>,
    ask: impl FnOnce(Case<'_>) -> T,
) -> T {
    ask(Case {
        roles: &roles(),
        snapshot,
        id: &id(version),
        name: &name.parse().unwrap(),
        accepted,
    })
}

fn end(
    snapshot: &Snapshot,
    version: u64,
    name: &str,
    accepted: Option<bool>,
    deed: Deed,
) -> Result<Decision, ErrorKind> {
    case(snapshot, version, name, accepted, |case| {
        case.end(deed).map_err(|error| error.kind)
    })
}

fn stage(snapshot: &Snapshot, version: u64, name: &str) -> Result<Vec<String>, PortError> {
    case(snapshot, version, name, None, |case| case.stage(SECRET, 150_018))
}

fn run(statement: &str, told: &str) -> Result<Decision, ErrorKind> {
    Ok(Decision::Run(vec![statement.to_owned()], told.to_owned()))
}

fn nothing(why: &str) -> Result<Decision, ErrorKind> {
    Ok(Decision::Nothing(why.to_owned()))
}

fn already(why: &str) -> Result<Decision, ErrorKind> {
    Ok(Decision::Already(why.to_owned()))
}

#[test]
fn a_twin_that_is_not_there_is_made_like_the_adopted_role() {
    let statements = stage(&snapshot([role("goimg")]), 2, "goimg_a").unwrap();
    assert_eq!(
        statements,
        [
            "CREATE ROLE \"goimg_a\" LOGIN INHERIT CONNECTION LIMIT 20 PASSWORD 'SCRAM-SHA-256$4096:c2FsdA==$stored:server'",
            "ALTER ROLE \"goimg_a\" SET \"search_path\" TO 'app'",
            "GRANT \"goimg\" TO \"goimg_a\"",
            "ALTER ROLE \"goimg_a\" SET role TO 'goimg'",
            "COMMENT ON ROLE \"goimg_a\" IS 'keywheel: goimg/postgres version 2'",
        ]
    );
}

#[test]
fn a_twin_that_is_there_only_gets_its_password_and_its_mark() {
    let states = snapshot([role("goimg"), twin("goimg_a", 2)]);
    let statements = stage(&states, 4, "goimg_a").unwrap();
    assert_eq!(statements.len(), 2, "{statements:?}");
    assert!(statements[0].starts_with("ALTER ROLE \"goimg_a\" LOGIN PASSWORD 'SCRAM-SHA-256$"));
    assert_eq!(
        statements[1],
        "COMMENT ON ROLE \"goimg_a\" IS 'keywheel: goimg/postgres version 4'"
    );
}

#[test]
fn a_role_that_keywheel_does_not_know_gets_no_password() {
    let foreign = stage(&snapshot([role("goimg"), role("goimg_a")]), 2, "goimg_a").unwrap_err();
    assert_eq!(foreign.kind, ErrorKind::Conflict);
    assert!(
        foreign
            .message()
            .ends_with("COMMENT ON ROLE \"goimg_a\" IS 'keywheel: goimg/postgres'"),
        "{foreign}"
    );
    let other = RoleState {
        comment: Some("keywheel: shop/postgres version 2".to_owned()),
        ..role("goimg_a")
    };
    let shared = stage(&snapshot([role("goimg"), other]), 2, "goimg_a").unwrap_err();
    assert!(
        shared.message().contains("belongs to the credential shop/postgres"),
        "{shared}"
    );
}

#[test]
fn without_an_owner_and_for_a_superuser_nothing_is_staged() {
    let missing = stage(&snapshot([]), 2, "goimg_a").unwrap_err();
    assert_eq!(missing.kind, ErrorKind::NotFound);
    let superuser = RoleState {
        superuser: true,
        ..role("goimg")
    };
    assert_eq!(
        stage(&snapshot([superuser]), 2, "goimg_a").unwrap_err().kind,
        ErrorKind::Invalid
    );
}

#[test]
fn the_adopted_role_is_never_dropped() {
    let states = snapshot([role("goimg"), twin("goimg_a", 2)]);
    let told = "goimg has no password and no login any more";
    assert_eq!(
        end(&states, 1, "goimg", None, Deed::Retire),
        run("ALTER ROLE \"goimg\" NOLOGIN PASSWORD NULL", told)
    );
    let told = "goimg may not log in any more";
    assert_eq!(
        end(&states, 1, "goimg", None, Deed::Suspend),
        run("ALTER ROLE \"goimg\" NOLOGIN", told)
    );
}

#[test]
fn what_a_newer_version_uses_is_not_touched() {
    let states = snapshot([role("goimg"), twin("goimg_a", 4)]);
    for deed in [Deed::Suspend, Deed::Reinstate, Deed::Retire] {
        assert_eq!(end(&states, 2, "goimg_a", None, deed), Ok(Decision::TryFirst));
    }
    let why = "goimg_a has the password of version 4 now";
    assert_eq!(end(&states, 2, "goimg_a", Some(false), Deed::Retire), nothing(why));
    assert_eq!(end(&states, 2, "goimg_a", Some(false), Deed::Suspend), nothing(why));
    assert_eq!(
        end(&states, 2, "goimg_a", Some(false), Deed::Reinstate),
        Err(ErrorKind::Conflict)
    );
}

#[test]
fn a_version_of_an_inventory_that_was_lost_is_retired_by_its_password() {
    let states = snapshot([role("goimg"), twin("goimg_a", 7)]);
    let told = "goimg_a has no password and no login any more";
    let statement = "ALTER ROLE \"goimg_a\" NOLOGIN PASSWORD NULL";
    assert_eq!(
        end(&states, 1, "goimg_a", Some(true), Deed::Retire),
        run(statement, told)
    );
}

#[test]
fn an_adopted_twin_is_marked_when_it_is_known() {
    let states = snapshot([role("goimg"), role("goimg_a")]);
    let Ok(Decision::Run(statements, _)) = end(&states, 1, "goimg_a", Some(true), Deed::Suspend) else {
        panic!("it is not suspended");
    };
    assert_eq!(
        statements[1],
        "COMMENT ON ROLE \"goimg_a\" IS 'keywheel: goimg/postgres version 1'"
    );
}

#[test]
fn what_has_lost_its_password_is_not_reinstated() {
    let states = snapshot([role("goimg"), twin("goimg_a", 2)]);
    for (version, name) in [(1, "goimg"), (2, "goimg_a")] {
        assert_eq!(
            end(&states, version, name, None, Deed::Reinstate),
            Ok(Decision::TryFirst)
        );
        assert_eq!(
            end(&states, version, name, Some(false), Deed::Reinstate),
            Err(ErrorKind::Conflict)
        );
    }
}

#[test]
fn what_is_so_already_is_left_so() {
    let asleep = RoleState {
        login: false,
        ..twin("goimg_a", 2)
    };
    let states = snapshot([role("goimg"), asleep, twin("goimg_b", 3)]);
    assert_eq!(
        end(&states, 2, "goimg_a", None, Deed::Suspend),
        already("goimg_a may not log in already")
    );
    assert_eq!(
        end(&states, 3, "goimg_b", Some(true), Deed::Reinstate),
        already("goimg_b may log in already")
    );
    let gone = snapshot([role("goimg")]);
    assert_eq!(
        end(&gone, 2, "goimg_a", None, Deed::Retire),
        nothing("there is no role goimg_a")
    );
    assert_eq!(
        end(&gone, 2, "goimg_a", None, Deed::Reinstate),
        Err(ErrorKind::NotFound)
    );
}

#[test]
fn a_role_that_goes_on_is_only_forgotten_while_it_has_the_versions_password() {
    let in_place = Roles { twins: None, ..roles() };
    let states = snapshot([role("goimg")]);
    let retire = |accepted| {
        let case = Case {
            roles: &in_place,
            snapshot: &states,
            id: &id(1),
            name: &"goimg".parse().unwrap(),
            accepted,
        };
        case.end(Deed::Retire).unwrap()
    };
    assert_eq!(retire(None), Decision::TryFirst);
    assert_eq!(
        retire(Some(false)),
        Decision::Nothing("goimg has another password now".to_owned())
    );
    assert!(matches!(retire(Some(true)), Decision::Run(run, _) if run == ["ALTER ROLE \"goimg\" PASSWORD NULL"]));
}

#[test]
fn twins_are_compared_with_what_is_in_use() {
    let reference = |states: &Snapshot, name: &str| {
        case(states, 9, name, None, |case| {
            case.reference().map(|state| state.name.clone())
        })
        .unwrap()
    };
    let asleep = |state: RoleState| RoleState { login: false, ..state };
    let both = snapshot([asleep(role("goimg")), twin("goimg_a", 2), asleep(twin("goimg_b", 1))]);
    assert_eq!(reference(&both, "goimg_b"), "goimg_a");
    let adopted = snapshot([role("goimg"), asleep(twin("goimg_a", 2)), asleep(twin("goimg_b", 1))]);
    assert_eq!(reference(&adopted, "goimg_a"), "goimg");
    let contained = snapshot([asleep(role("goimg")), asleep(twin("goimg_a", 2))]);
    assert_eq!(reference(&contained, "goimg_b"), "goimg_a");
}

#[test]
fn a_refusal_names_the_first_differences_and_a_fix() {
    let difference = |number: u32| Difference {
        what: format!("thing {number}"),
        fix: format!("FIX {number}"),
    };
    assert!(refusal(&[]).is_none());
    let error = refusal(&[1, 2, 3, 4, 5].map(difference)).unwrap();
    assert_eq!(error.kind, ErrorKind::Conflict);
    assert!(error.message().ends_with("thing 1; thing 2; thing 3; and 2 more, which `keywheel doctor` lists. Make them alike, for example by `FIX 1`"), "{error}");
}
