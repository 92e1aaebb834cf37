use super::super::roles::tests::role;
use super::*;

fn found(reference: &RoleState, twin: &RoleState) -> Vec<(String, String)> {
    let found = differences(reference, twin, &"goimg".parse().unwrap());
    found.into_iter().map(|found| (found.what, found.fix)).collect()
}

/// The one difference between two twins of which the current one, or the next, was changed.
fn only(current: impl FnOnce(&mut RoleState), next: impl FnOnce(&mut RoleState)) -> (String, String) {
    let (mut a, mut b) = (role("goimg_a"), role("goimg_b"));
    current(&mut a);
    next(&mut b);
    let mut found = found(&a, &b);
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

#[test]
fn twins_that_are_alike_do_not_differ() {
    assert_eq!(found(&role("goimg_a"), &role("goimg_b")), Vec::new());
}

#[test]
fn an_adopted_role_and_its_twin_may_differ_in_what_acting_as_it_brings() {
    let mut owner = role("goimg");
    (owner.create_db, owner.bypass_rls) = (true, true);
    assert_eq!(found(&owner, &role("goimg_a")), Vec::new());
    owner.replication = true;
    let fixes: Vec<_> = found(&owner, &role("goimg_a"))
        .into_iter()
        .map(|(_, fix)| fix)
        .collect();
    assert_eq!(fixes, ["ALTER ROLE \"goimg_a\" REPLICATION"]);
}

#[test]
fn a_setting_that_only_one_has_is_shown_with_its_statement() {
    let memory = || Setting {
        database: Some("app".to_owned()),
        name: "work_mem".to_owned(),
        value: "1GB".to_owned(),
    };
    assert_eq!(
        only(|a| a.settings.push(memory()), |_| ()),
        (
            "goimg_a has work_mem = `1GB` in database app and goimg_b has none".to_owned(),
            "ALTER ROLE \"goimg_b\" IN DATABASE \"app\" SET \"work_mem\" TO '1GB'".to_owned()
        )
    );
    let (_, fix) = only(|_| (), |b| b.settings.push(memory()));
    assert_eq!(fix, "ALTER ROLE \"goimg_b\" IN DATABASE \"app\" RESET \"work_mem\"");
}

#[test]
fn another_value_of_a_setting_is_a_difference() {
    let (what, fix) = only(|_| (), |b| b.settings[0].value = "public".to_owned());
    assert_eq!(what, "goimg_a has search_path = `app` and goimg_b has `public`");
    assert_eq!(fix, "ALTER ROLE \"goimg_b\" SET \"search_path\" TO 'app'");
}

#[test]
fn limits_and_attributes_count() {
    assert_eq!(
        only(|a| a.limit = -1, |_| ()).1,
        "ALTER ROLE \"goimg_b\" CONNECTION LIMIT -1"
    );
    let until = Some("2027-01-01 00:00:00.000000+00".to_owned());
    let (what, fix) = only(|a| a.valid_until = until, |_| ());
    assert!(what.ends_with("goimg_b until infinity"), "{what}");
    assert_eq!(
        fix,
        "ALTER ROLE \"goimg_b\" VALID UNTIL '2027-01-01 00:00:00.000000+00'"
    );
    assert_eq!(
        only(|_| (), |b| b.create_db = true).1,
        "ALTER ROLE \"goimg_b\" NOCREATEDB"
    );
    assert_eq!(only(|_| (), |b| b.inherit = false).1, "ALTER ROLE \"goimg_b\" INHERIT");
}

#[test]
fn memberships_belong_to_the_owner() {
    let (_, fix) = only(|a| a.member_of.push("audit".to_owned()), |_| ());
    assert_eq!(fix, "GRANT \"audit\" TO \"goimg\"; REVOKE \"audit\" FROM \"goimg_a\"");
    let (_, fix) = only(|_| (), |b| b.member_of.push("audit".to_owned()));
    assert_eq!(fix, "REVOKE \"audit\" FROM \"goimg_b\"");
}

#[test]
fn grants_and_tables_belong_to_the_owner() {
    let holding = |kind: &str| Holding {
        database: Some("app".to_owned()),
        kind: kind.to_owned(),
        object: "table photos".to_owned(),
    };
    let (what, fix) = only(|a| a.holdings.push(holding("o")), |_| ());
    assert_eq!(what, "goimg_a itself owns table photos in database app");
    assert_eq!(fix, "REASSIGN OWNED BY \"goimg_a\" TO \"goimg\" in database app");
    let (what, _) = only(|_| (), |b| b.holdings.push(holding("a")));
    assert_eq!(what, "goimg_b itself was granted table photos in database app");
    let (mut a, mut b) = (role("goimg_a"), role("goimg_b"));
    a.holdings.push(holding("a"));
    b.holdings.push(holding("a"));
    assert_eq!(found(&a, &b), Vec::new());
}

#[test]
fn a_twin_in_use_that_does_not_act_as_the_owner_is_a_difference() {
    let (what, fix) = only(|a| a.settings.retain(|setting| setting.name != "role"), |_| ());
    assert_eq!(what, "goimg_a does not act as goimg");
    assert_eq!(fix, "ALTER ROLE \"goimg_a\" SET role TO 'goimg'");
}
