//! Durable files: what is written is on disk, with its owner and its mode, before anybody can see it.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, fchown};
use std::path::Path;

use keywheel_domain::ports::PortError;

use crate::error::storage;

/// Who owns a file; `None` leaves it as the system made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Owner {
    pub(crate) user: Option<u32>,
    pub(crate) group: Option<u32>,
}

impl Owner {
    /// This owner, and `other` where this one says nothing.
    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            user: self.user.or(other.user),
            group: self.group.or(other.group),
        }
    }
}

/// The folder of a path; the current one for a bare name.
pub(crate) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// Writes a new file and syncs it. The folder still has to be synced.
pub(crate) fn write_new(path: &Path, bytes: &[u8], mode: u32, owner: Owner) -> Result<(), PortError> {
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        // The owner before the mode: changing an owner clears bits, and nobody gets a right before the owner is right.
        give(&file, owner, mode)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(|error| storage("write", path, error))
}

/// Sets the owner and the mode of a file or a folder that is open.
pub(crate) fn give(file: &File, owner: Owner, mode: u32) -> std::io::Result<()> {
    if owner != Owner::default() {
        fchown(file, owner.user, owner.group)?;
    }
    file.set_permissions(fs::Permissions::from_mode(mode))
}

/// Makes the names in a folder durable.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), PortError> {
    File::open(folder)
        .and_then(|opened| opened.sync_all())
        .map_err(|error| storage("sync the folder", folder, error))
}

/// The names in a folder, in order.
pub(crate) fn names_in(folder: &Path) -> Result<Vec<std::ffi::OsString>, PortError> {
    let read = || {
        let mut names = fs::read_dir(folder)?
            .map(|entry| entry.map(|entry| entry.file_name()))
            .collect::<std::io::Result<Vec<_>>>()?;
        names.sort();
        Ok(names)
    };
    read().map_err(|error| storage("list", folder, error))
}

/// Whether a file of that name fits the pattern, in which `*` stands for anything.
pub(crate) fn fits(pattern: &OsStr, name: &OsStr) -> bool {
    let (Some(pattern), Some(name)) = (pattern.to_str(), name.to_str()) else {
        return pattern == name;
    };
    let Some((first, rest)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(mut name) = name.strip_prefix(first) else {
        return false;
    };
    let parts: Vec<&str> = rest.split('*').collect();
    let Some((last, middle)) = parts.split_last() else {
        return true;
    };
    for part in middle {
        match name.find(part) {
            Some(place) => name = &name[place + part.len()..],
            None => return false,
        }
    }
    name.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, name, fit) in [
            ("api-*.json", "api-1.json", true),
            ("api-*.json", "api-.json", true),
            ("api-*.json", "web-1.json", false),
            ("*", "anything", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("a*a", "a", false),
            ("plain.json", "plain.json", true),
            ("plain.json", "plain.jsonx", false),
        ] {
            assert_eq!(fits(OsStr::new(pattern), OsStr::new(name)), fit, "{pattern} {name}");
        }
    }

    #[test]
    fn a_bare_name_is_in_the_current_folder() {
        assert_eq!(parent(Path::new("keywheel.key")), Path::new("."));
        assert_eq!(parent(Path::new("/etc/keywheel.key")), Path::new("/etc"));
    }
}
