//! What differs between a twin and the role that consumers use now. Whoever switched from one to the other would lose it.

use std::collections::{BTreeMap, BTreeSet};

use super::roles::{Holding, RoleState, Setting};
use super::statements;
use crate::quote::{RoleName, identifier, literal};

/// The setting that makes a twin act as the owner.
pub(super) const ROLE: &str = "role";

/// One thing that differs, and the statement that mends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Difference {
    pub(super) what: String,
    pub(super) fix: String,
}

/// What somebody would notice who was `reference` and is `twin`. The reference may be the owner itself: an adopted role.
///
/// That the twin is a member of the owner and acts as it is not looked at: staging it makes sure of both.
pub(super) fn differences(reference: &RoleState, twin: &RoleState, owner: &RoleName) -> Vec<Difference> {
    let pair = Pair {
        reference,
        twin,
        owner,
        adopted: reference.name == owner.as_str(),
    };
    let mut found = pair.attributes();
    found.extend(pair.limits());
    found.extend(pair.settings());
    found.extend(pair.memberships());
    found.extend(pair.holdings());
    found
}

struct Pair<'a> {
    reference: &'a RoleState,
    twin: &'a RoleState,
    owner: &'a RoleName,
    adopted: bool,
}

impl Pair<'_> {
    /// A session of either twin acts as the owner, so most attributes count only where sessions leave it; replication counts at the
    /// login.
    fn attributes(&self) -> Vec<Difference> {
        let (of, to) = (self.reference, self.twin);
        let login = [("REPLICATION", of.replication, to.replication)];
        let others = [
            ("SUPERUSER", of.superuser, to.superuser),
            ("INHERIT", of.inherit, to.inherit),
            ("CREATEROLE", of.create_role, to.create_role),
            ("CREATEDB", of.create_db, to.create_db),
            ("BYPASSRLS", of.bypass_rls, to.bypass_rls),
        ];
        let compared = login.into_iter().chain(others.into_iter().filter(|_| !self.adopted));
        let differ = compared.filter(|(_, of, to)| of != to);
        differ
            .map(|(word, of, _)| {
                let no = if of { "" } else { "NO" };
                self.alter(
                    format!("{} has {no}{word}", self.reference.name),
                    &format!("{no}{word}"),
                )
            })
            .collect()
    }

    fn limits(&self) -> Vec<Difference> {
        let (of, to) = (self.reference, self.twin);
        let mut found = Vec::new();
        if of.limit != to.limit {
            let what = format!(
                "{} may have {} sessions and {} {}",
                of.name,
                count(of.limit),
                to.name,
                count(to.limit)
            );
            found.push(self.alter(what, &format!("CONNECTION LIMIT {}", of.limit)));
        }
        if of.valid_until != to.valid_until {
            let until = |role: &RoleState| role.valid_until.clone().unwrap_or_else(|| "infinity".to_owned());
            let what = format!(
                "{} is valid until {} and {} until {}",
                of.name,
                until(of),
                to.name,
                until(to)
            );
            found.push(self.alter(what, &format!("VALID UNTIL {}", literal(&until(of)))));
        }
        found
    }

    fn settings(&self) -> Vec<Difference> {
        let (of, to) = (by_place(self.reference), by_place(self.twin));
        let mut found = Vec::new();
        if !self.adopted && self.reference.setting(ROLE) != Some(self.owner.as_str()) {
            found.push(Difference {
                what: format!("{} does not act as {}", self.reference.name, self.owner),
                fix: statements::act_as(&self.reference.name, self.owner),
            });
        }
        for (place, setting) in &of {
            let other = to.get(place);
            if other.map(|other| &other.value) != Some(&setting.value) {
                let has = other.map_or("none".to_owned(), |other| format!("`{}`", other.value));
                found.push(Difference {
                    what: format!(
                        "{} has {} and {} has {has}",
                        self.reference.name,
                        shown(setting),
                        self.twin.name
                    ),
                    fix: statements::set(&self.twin.name, setting),
                });
            }
        }
        for setting in to
            .iter()
            .filter(|(place, _)| !of.contains_key(*place))
            .map(|(_, setting)| setting)
        {
            found.push(Difference {
                what: format!(
                    "{} has {} and {} has none",
                    self.twin.name,
                    shown(setting),
                    self.reference.name
                ),
                fix: statements::reset(&self.twin.name, setting),
            });
        }
        found
    }

    /// The owner's own memberships come with acting as it; beyond the owner a twin should be a member of nothing.
    fn memberships(&self) -> Vec<Difference> {
        let beyond = |role: &RoleState| -> BTreeSet<String> {
            let not_owner = |group: &&String| group.as_str() != self.owner.as_str();
            role.member_of.iter().filter(not_owner).cloned().collect()
        };
        let of = if self.adopted {
            BTreeSet::new()
        } else {
            beyond(self.reference)
        };
        let to = beyond(self.twin);
        let (reference, twin) = (&self.reference.name, &self.twin.name);
        let missing = of.difference(&to).map(|group| Difference {
            what: format!("{reference} is a member of {group} and {twin} is not"),
            fix: format!(
                "GRANT {group} TO {}; REVOKE {group} FROM {}",
                self.owner.quoted(),
                identifier(reference),
                group = identifier(group)
            ),
        });
        let extra = to.difference(&of).map(|group| Difference {
            what: format!("{twin} is a member of {group} and {reference} is not"),
            fix: format!("REVOKE {} FROM {}", identifier(group), identifier(twin)),
        });
        missing.chain(extra).collect()
    }

    fn holdings(&self) -> Vec<Difference> {
        let of: BTreeSet<&Holding> = self.reference.holdings.iter().collect();
        let to: BTreeSet<&Holding> = self.twin.holdings.iter().collect();
        let by = |role: &RoleState, holding: &Holding| self.holding(role, holding);
        let one = of.difference(&to).map(|holding| by(self.reference, holding));
        let other = to.difference(&of).map(|holding| by(self.twin, holding));
        one.chain(other).collect()
    }

    fn holding(&self, role: &RoleState, holding: &Holding) -> Difference {
        let (name, owner) = (identifier(&role.name), self.owner.quoted());
        let place = match &holding.database {
            Some(database) => format!(" in database {database}"),
            None => String::new(),
        };
        let (does, fix) = match holding.kind.as_str() {
            "o" => ("owns", format!("REASSIGN OWNED BY {name} TO {owner}{place}")),
            "r" => ("is named by", format!("name {owner} there instead")),
            _ => (
                "was granted",
                format!("GRANT the same to {owner}, then REVOKE it from {name}"),
            ),
        };
        Difference {
            what: format!("{} itself {does} {}{place}", role.name, holding.object),
            fix,
        }
    }

    fn alter(&self, what: String, clause: &str) -> Difference {
        let fix = format!("ALTER ROLE {} {clause}", identifier(&self.twin.name));
        Difference { what, fix }
    }
}

/// The settings by what they are about, without the one that makes a twin act as the owner.
fn by_place(role: &RoleState) -> BTreeMap<(Option<&str>, &str), &Setting> {
    let acts = |setting: &&Setting| setting.database.is_none() && setting.name == ROLE;
    let settings = role.settings.iter().filter(|setting| !acts(setting));
    settings
        .map(|setting| ((setting.database.as_deref(), setting.name.as_str()), setting))
        .collect()
}

fn shown(setting: &Setting) -> String {
    let place = match &setting.database {
        Some(database) => format!(" in database {database}"),
        None => String::new(),
    };
    format!("{} = `{}`{place}", setting.name, setting.value)
}

fn count(limit: i32) -> String {
    if limit < 0 {
        "any number of".to_owned()
    } else {
        limit.to_string()
    }
}

#[cfg(test)]
mod tests;
