//! Users and groups by name or number.

use std::fs;
use std::path::Path;

use keywheel_domain::ports::PortError;

use crate::error::{invalid, storage};
use crate::files::Owner;

/// The numbers of a user and a group as the configuration names them.
pub(super) fn resolve(user: Option<&str>, group: Option<&str>) -> Result<Owner, PortError> {
    let number =
        |name: Option<&str>, what, database: &str| name.map(|name| number(name, what, Path::new(database))).transpose();
    Ok(Owner {
        user: number(user, "user", "/etc/passwd")?,
        group: number(group, "group", "/etc/group")?,
    })
}

/// The local files and not the name service: looking names up there would need its C library, and may hang on a network.
fn number(name: &str, what: &str, database: &Path) -> Result<u32, PortError> {
    if let Ok(number) = name.parse() {
        return Ok(number);
    }
    let text = fs::read_to_string(database).map_err(|error| storage("read", database, error))?;
    find(&text, name).ok_or_else(|| {
        invalid(format!(
            "there is no {what} {name:?} in {}; correct the name, or give its number if it comes from a directory service",
            database.display()
        ))
    })
}

fn find(database: &str, name: &str) -> Option<u32> {
    database.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(name)).then(|| fields.nth(1)?.parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_looked_up_and_numbers_taken_as_they_are() {
        let users = "root:x:0:0::/:/bin/sh\ngoimg-api:x:998:997::/srv:/bin/false\n";
        assert_eq!(find(users, "goimg-api"), Some(998));
        assert_eq!(find(users, "goimg"), None);
        assert_eq!(
            resolve(Some("4711"), None).unwrap(),
            Owner {
                user: Some(4711),
                group: None
            }
        );
    }

    #[test]
    fn a_name_that_nobody_has_is_refused_with_the_fix() {
        let refused = resolve(Some("nobody-has-this-name"), None).unwrap_err();
        assert!(refused.message().contains("give its number"), "{refused}");
    }
}
