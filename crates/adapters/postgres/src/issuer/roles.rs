//! The roles of a credential, and what the server says about them.

use std::collections::BTreeMap;
use std::fmt;

use keywheel_domain::id::{CredentialName, VersionId};
use serde::Deserialize;
use sqlx::postgres::PgConnection;

use crate::quote::RoleName;

/// The names of the roles that a credential is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Roles {
    pub(super) owner: RoleName,
    /// None where the role is rotated in place.
    pub(super) twins: Option<[RoleName; 2]>,
}

impl Roles {
    /// The twin that takes its turn after that role.
    pub(super) fn next(&self, current: Option<&str>) -> &RoleName {
        match &self.twins {
            None => &self.owner,
            Some([a, b]) if current == Some(a.as_str()) => b,
            Some([a, _]) => a,
        }
    }

    /// The twin beside that one.
    pub(super) fn other(&self, twin: &RoleName) -> Option<&RoleName> {
        self.twins.iter().flatten().find(|name| *name != twin)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &RoleName> {
        std::iter::once(&self.owner).chain(self.twins.iter().flatten())
    }

    pub(super) fn knows(&self, name: &RoleName) -> bool {
        self.all().any(|known| known == name)
    }
}

/// For people: `goimg (goimg_a, goimg_b)`.
impl fmt::Display for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.twins {
            None => write!(f, "{}", self.owner),
            Some([a, b]) => write!(f, "{} ({a}, {b})", self.owner),
        }
    }
}

/// A role as the server describes it to anybody.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct RoleState {
    pub(super) name: String,
    pub(super) login: bool,
    pub(super) superuser: bool,
    pub(super) inherit: bool,
    pub(super) create_role: bool,
    pub(super) create_db: bool,
    pub(super) replication: bool,
    pub(super) bypass_rls: bool,
    pub(super) limit: i32,
    /// None where its password never runs out.
    pub(super) valid_until: Option<String>,
    pub(super) comment: Option<String>,
    pub(super) settings: Vec<Setting>,
    pub(super) member_of: Vec<String>,
    /// What the role itself owns or was granted. Not asked of the owner, which owns everything.
    pub(super) holdings: Vec<Holding>,
}

/// One value that a role starts its sessions with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub(super) struct Setting {
    /// None where it holds in every database.
    pub(super) database: Option<String>,
    pub(super) name: String,
    pub(super) value: String,
}

/// One object that names a role.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub(super) struct Holding {
    /// None for what belongs to the whole server.
    pub(super) database: Option<String>,
    /// `o` for what it owns, `a` for a grant, `r` for a policy.
    pub(super) kind: String,
    pub(super) object: String,
}

/// The roles that exist, by name.
pub(super) type Snapshot = BTreeMap<String, RoleState>;

impl RoleState {
    /// The value of a setting that holds in every database.
    pub(super) fn setting(&self, name: &str) -> Option<&str> {
        let everywhere = |setting: &&Setting| setting.database.is_none() && setting.name == name;
        self.settings
            .iter()
            .find(everywhere)
            .map(|setting| setting.value.as_str())
    }

    pub(super) fn mark(&self) -> Option<Mark> {
        Mark::read(self.comment.as_deref()?)
    }
}

/// The comment on a twin, by which Keywheel knows it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) credential: String,
    /// The version whose password it has. None where a person wrote the comment.
    pub(super) version: Option<u64>,
}

const MARK: &str = "keywheel: ";

impl Mark {
    pub(super) fn of(id: &VersionId) -> Self {
        Self {
            credential: id.credential.to_string(),
            version: Some(id.number.0),
        }
    }

    fn read(comment: &str) -> Option<Self> {
        let text = comment.strip_prefix(MARK)?;
        let (credential, version) = match text.split_once(" version ") {
            Some((credential, number)) => (credential, Some(number.parse().ok()?)),
            None => (text, None),
        };
        credential.parse::<CredentialName>().ok()?;
        Some(Self {
            credential: credential.to_owned(),
            version,
        })
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{MARK}{}", self.credential)?;
        match self.version {
            Some(number) => write!(f, " version {number}"),
            None => Ok(()),
        }
    }
}

/// Everything about some roles, in one question. What `$2` names is not asked for its holdings.
const QUESTION: &str = r#"
SELECT coalesce(jsonb_agg(jsonb_build_object(
    'name', r.rolname, 'login', r.rolcanlogin, 'superuser', r.rolsuper, 'inherit', r.rolinherit,
    'create_role', r.rolcreaterole, 'create_db', r.rolcreatedb, 'replication', r.rolreplication,
    'bypass_rls', r.rolbypassrls, 'limit', r.rolconnlimit,
    'valid_until', CASE WHEN isfinite(r.rolvaliduntil)
        THEN to_char(r.rolvaliduntil AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US+00') END,
    'comment', shobj_description(r.oid, 'pg_authid'),
    'settings', (
        SELECT coalesce(jsonb_agg(jsonb_build_object('database', d.datname,
            'name', split_part(s.setting, '=', 1),
            'value', substr(s.setting, strpos(s.setting, '=') + 1))), '[]')
        FROM (SELECT setdatabase, unnest(setconfig) AS setting FROM pg_db_role_setting WHERE setrole = r.oid) s
        LEFT JOIN pg_database d ON d.oid = s.setdatabase),
    'member_of', (
        SELECT coalesce(jsonb_agg(DISTINCT g.rolname), '[]')
        FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid WHERE m.member = r.oid),
    'holdings', (
        SELECT coalesce(jsonb_agg(jsonb_build_object('database', d.datname, 'kind', h.deptype,
            'object', coalesce(
                CASE WHEN d.oid IS NULL OR d.datname = current_database()
                    THEN pg_describe_object(h.classid, h.objid, h.objsubid) END,
                h.classid::regclass::text || ' ' || h.objid || ' ' || h.objsubid))), '[]')
        FROM (SELECT * FROM pg_shdepend
              WHERE refclassid = 'pg_authid'::regclass AND refobjid = r.oid AND r.rolname::text <> $2
                AND classid <> 'pg_auth_members'::regclass LIMIT 200) h
        LEFT JOIN pg_database d ON d.oid = h.dbid)
)), '[]')::text
FROM pg_roles r WHERE r.rolname = ANY ($1::text[]::name[])"#;

/// What the server says about the roles of a credential.
pub(super) async fn snapshot(connection: &mut PgConnection, roles: &Roles) -> Result<Snapshot, sqlx::Error> {
    let names: Vec<&str> = roles.all().map(RoleName::as_str).collect();
    let found: String = sqlx::query_scalar(QUESTION)
        .bind(names)
        .bind(roles.owner.as_str())
        .fetch_one(connection)
        .await?;
    let states: Vec<RoleState> = serde_json::from_str(&found).map_err(|error| sqlx::Error::Decode(error.into()))?;
    Ok(states.into_iter().map(|state| (state.name.clone(), state)).collect())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A role of a company that was adopted: the owner `goimg`, or one of its twins.
    pub(in crate::issuer) fn role(name: &str) -> RoleState {
        let twin = name != "goimg";
        let setting = |name: &str, value: &str| Setting {
            database: None,
            name: name.to_owned(),
            value: value.to_owned(),
        };
        let acts = twin.then(|| setting("role", "goimg"));
        RoleState {
            name: name.to_owned(),
            login: true,
            superuser: false,
            inherit: true,
            create_role: false,
            create_db: false,
            replication: false,
            bypass_rls: false,
            limit: 20,
            valid_until: None,
            comment: None,
            settings: [setting("search_path", "app")].into_iter().chain(acts).collect(),
            member_of: vec![if twin { "goimg" } else { "reporting" }.to_owned()],
            holdings: Vec::new(),
        }
    }

    pub(in crate::issuer) fn roles() -> Roles {
        let name = |text: &str| text.parse().unwrap();
        Roles {
            owner: name("goimg"),
            twins: Some([name("goimg_a"), name("goimg_b")]),
        }
    }

    #[test]
    fn the_twins_take_turns_and_the_first_follows_the_adopted_role() {
        let roles = roles();
        for (current, next) in [
            (None, "goimg_a"),
            (Some("goimg"), "goimg_a"),
            (Some("goimg_a"), "goimg_b"),
            (Some("goimg_b"), "goimg_a"),
        ] {
            assert_eq!(roles.next(current).as_str(), next);
        }
        let in_place = Roles { twins: None, ..roles };
        assert_eq!(in_place.next(Some("goimg")).as_str(), "goimg");
    }

    #[test]
    fn a_mark_is_read_as_it_was_written() {
        let credential = "goimg/postgres".parse().unwrap();
        let number = keywheel_domain::id::VersionNumber(7);
        let mark = Mark::of(&VersionId { credential, number });
        assert_eq!(mark.to_string(), "keywheel: goimg/postgres version 7");
        assert_eq!(Mark::read(&mark.to_string()), Some(mark));
        let by_hand = Mark::read("keywheel: goimg/postgres").unwrap();
        assert_eq!((by_hand.credential.as_str(), by_hand.version), ("goimg/postgres", None));
    }

    #[test]
    fn other_comments_are_no_marks() {
        for comment in [
            "",
            "the web shop",
            "keywheel: ",
            "keywheel: a b",
            "keywheel: a version x",
        ] {
            assert_eq!(Mark::read(comment), None, "{comment}");
        }
    }
}
