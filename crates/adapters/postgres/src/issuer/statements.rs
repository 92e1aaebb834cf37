//! The statements that change roles. Every name and value in them went through [`quote`](crate::quote).

use super::drift::ROLE;
use super::roles::{Mark, RoleState, Setting};
use crate::quote::{RoleName, identifier, literal};

/// The first version that tells apart whether a member inherits, and whether it may act as the role.
const FINE_MEMBERSHIPS: i32 = 160_000;

/// The settings whose values are lists of names, each quoted by itself. PostgreSQL does not tell which they are; `pg_dump` has the
/// same list.
const LISTS_OF_NAMES: [&str; 6] = [
    "local_preload_libraries",
    "search_path",
    "session_preload_libraries",
    "shared_preload_libraries",
    "temp_tablespaces",
    "unix_socket_directories",
];

/// Makes a twin that is like another role in everything that counts at its login.
pub(super) fn create(twin: &RoleName, like: &RoleState, secret: &str) -> Vec<String> {
    let replication = if like.replication { " REPLICATION" } else { "" };
    let until = match &like.valid_until {
        Some(until) => format!(" VALID UNTIL {}", literal(until)),
        None => String::new(),
    };
    let mut statements = vec![format!(
        "CREATE ROLE {} LOGIN INHERIT{replication} CONNECTION LIMIT {}{until} PASSWORD {}",
        twin.quoted(),
        like.limit,
        literal(secret)
    )];
    let acts = |setting: &&Setting| setting.database.is_none() && setting.name == ROLE;
    let copied = like.settings.iter().filter(|setting| !acts(setting));
    statements.extend(copied.map(|setting| set(twin.as_str(), setting)));
    statements
}

/// Lets a twin log in with a password.
pub(super) fn accept(twin: &RoleName, secret: &str) -> String {
    format!("ALTER ROLE {} LOGIN PASSWORD {}", twin.quoted(), literal(secret))
}

/// Exchanges the password, and nothing else.
pub(super) fn exchange(role: &RoleName, secret: &str) -> String {
    format!("ALTER ROLE {} PASSWORD {}", role.quoted(), literal(secret))
}

/// Makes a twin a member of the owner.
pub(super) fn join(twin: &RoleName, owner: &RoleName, server: i32) -> String {
    let options = if server >= FINE_MEMBERSHIPS {
        " WITH INHERIT TRUE, SET TRUE"
    } else {
        ""
    };
    format!("GRANT {} TO {}{options}", owner.quoted(), twin.quoted())
}

/// Has the sessions of a twin act as the owner.
pub(super) fn act_as(twin: &str, owner: &RoleName) -> String {
    format!(
        "ALTER ROLE {} SET {ROLE} TO {}",
        identifier(twin),
        literal(owner.as_str())
    )
}

/// Says on a twin whose password it has.
pub(super) fn comment(twin: &RoleName, mark: &Mark) -> String {
    format!("COMMENT ON ROLE {} IS {}", twin.quoted(), literal(&mark.to_string()))
}

/// Lets nobody log in as the role; its password stays.
pub(super) fn suspend(role: &RoleName) -> String {
    format!("ALTER ROLE {} NOLOGIN", role.quoted())
}

/// Undoes [`suspend`].
pub(super) fn reinstate(role: &RoleName) -> String {
    format!("ALTER ROLE {} LOGIN", role.quoted())
}

/// Takes the password and the login away. The role stays: it may own things, and its name is not free for others.
pub(super) fn retire(role: &RoleName) -> String {
    format!("ALTER ROLE {} NOLOGIN PASSWORD NULL", role.quoted())
}

/// Takes the password away from a role that goes on.
pub(super) fn forget(role: &RoleName) -> String {
    format!("ALTER ROLE {} PASSWORD NULL", role.quoted())
}

/// Keeps others who follow the same rule away from the credential's roles until the transaction ends. Two transactions on one role
/// do not wait for each other in PostgreSQL: one of them fails.
pub(super) fn lock(owner: &RoleName) -> String {
    let key = literal(&format!("keywheel role {owner}"));
    format!("SELECT pg_advisory_xact_lock(hashtextextended({key}, 0))")
}

/// Gives a role a setting.
pub(super) fn set(role: &str, setting: &Setting) -> String {
    let value = if LISTS_OF_NAMES.contains(&setting.name.as_str()) {
        let names = split(&setting.value);
        let quoted: Vec<String> = names.iter().map(|name| literal(name)).collect();
        // An empty list is a list of one empty name.
        if quoted.is_empty() {
            "''".to_owned()
        } else {
            quoted.join(", ")
        }
    } else {
        literal(&setting.value)
    };
    format!("{} SET {} TO {value}", place(role, setting), variable(&setting.name))
}

/// Takes a setting away.
pub(super) fn reset(role: &str, setting: &Setting) -> String {
    format!("{} RESET {}", place(role, setting), variable(&setting.name))
}

fn place(role: &str, setting: &Setting) -> String {
    let role = identifier(role);
    match &setting.database {
        Some(database) => format!("ALTER ROLE {role} IN DATABASE {}", identifier(database)),
        None => format!("ALTER ROLE {role}"),
    }
}

/// The name of a setting; those of extensions have two parts.
pub(super) fn variable(name: &str) -> String {
    let parts: Vec<String> = name.split('.').map(identifier).collect();
    parts.join(".")
}

/// The names in a list as the server keeps it: separated by commas, in quotes where they need them.
fn split(list: &str) -> Vec<String> {
    let mut names = Vec::new();
    let (mut name, mut quoted, mut begun) = (String::new(), false, false);
    let mut characters = list.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                name.push('"');
            }
            '"' => {
                quoted = !quoted;
                begun = true;
            }
            ',' if !quoted => {
                names.push(std::mem::take(&mut name));
                begun = false;
            }
            ' ' | '\t' | '\n' if !quoted => {}
            other => {
                name.push(other);
                begun = true;
            }
        }
    }
    if begun {
        names.push(name);
    }
    names
}

#[cfg(test)]
mod tests {
    use keywheel_domain::id::{VersionId, VersionNumber};

    use super::*;

    fn name(text: &str) -> RoleName {
        text.parse().unwrap()
    }

    fn setting(database: Option<&str>, name: &str, value: &str) -> Setting {
        Setting {
            database: database.map(str::to_owned),
            name: name.to_owned(),
            value: value.to_owned(),
        }
    }

    #[test]
    fn names_and_values_are_quoted_wherever_they_stand() {
        let odd = name("o'dd\"\\");
        assert_eq!(accept(&odd, "x"), "ALTER ROLE \"o'dd\"\"\\\" LOGIN PASSWORD 'x'");
        assert_eq!(act_as("t\"", &odd), "ALTER ROLE \"t\"\"\" SET role TO  E'o''dd\"\\\\'");
        assert!(lock(&odd).contains("keywheel role o''dd\"\\\\"));
        let credential = "goimg/postgres".parse().unwrap();
        let mark = Mark::of(&VersionId {
            credential,
            number: VersionNumber(3),
        });
        assert_eq!(
            comment(&odd, &mark),
            "COMMENT ON ROLE \"o'dd\"\"\\\" IS 'keywheel: goimg/postgres version 3'"
        );
    }

    #[test]
    fn a_list_of_names_stays_a_list() {
        let path = setting(None, "search_path", "\"$user\", app, \"My \"\"odd\"\", one\"");
        assert_eq!(
            set("goimg_a", &path),
            "ALTER ROLE \"goimg_a\" SET \"search_path\" TO '$user', 'app', 'My \"odd\", one'"
        );
        assert_eq!(
            set("goimg_a", &setting(None, "search_path", "\"\"")),
            "ALTER ROLE \"goimg_a\" SET \"search_path\" TO ''"
        );
    }

    #[test]
    fn other_values_with_commas_stay_one_value() {
        let style = setting(Some("app"), "DateStyle", "ISO, DMY");
        assert_eq!(
            set("goimg_a", &style),
            "ALTER ROLE \"goimg_a\" IN DATABASE \"app\" SET \"DateStyle\" TO 'ISO, DMY'"
        );
        let own = setting(None, "app.tenant", "7");
        assert_eq!(
            reset("goimg_a", &own),
            "ALTER ROLE \"goimg_a\" RESET \"app\".\"tenant\""
        );
    }

    #[test]
    fn newer_servers_are_told_what_a_member_may_do() {
        let (twin, owner) = (name("a"), name("o"));
        assert_eq!(join(&twin, &owner, 150_018), "GRANT \"o\" TO \"a\"");
        assert_eq!(
            join(&twin, &owner, 170_000),
            "GRANT \"o\" TO \"a\" WITH INHERIT TRUE, SET TRUE"
        );
    }
}
