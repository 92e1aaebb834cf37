//! Files of somebody else in the places of ours. What the delivery holds as well is destroyed; whatever else they hold may be
//! the only copy of a secret that is in use, so it is kept under another name.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use keywheel_domain::ports::{ErrorKind, PortError};

use super::folder::{Folder, Place};
use super::set::SetFile;
use crate::content;
use crate::error::storage;

/// What is put behind the name of a file that is kept.
pub(super) const KEPT: &str = ".before-keywheel";

/// A file of somebody else that has a name of ours.
pub(super) struct Occupied<'a> {
    pub(super) name: &'a str,
    /// Where it is kept; `None` where the delivery holds all that it holds.
    pub(super) kept: Option<PathBuf>,
}

/// The names of ours that somebody else's files have, and what becomes of these.
pub(super) fn occupied<'a>(folder: &Folder, set: &'a [SetFile], replace: bool) -> Result<Vec<Occupied<'a>>, PortError> {
    let mut occupied = Vec::new();
    for file in set {
        let shown = folder.path.join(&file.name);
        let shown = shown.display();
        match folder.place(&file.name)? {
            Place::Free | Place::Linked => {}
            Place::Occupied if replace => occupied.push(Occupied {
                name: &file.name,
                kept: kept(folder, file)?,
            }),
            Place::Occupied => {
                return Err(conflict(format!(
                    "{shown} was not written by this store; move it away, or set `replace_existing = true` to have it replaced"
                )));
            }
            Place::Folder => {
                return Err(conflict(format!(
                    "{shown} is a folder, and a file has to go there; move it away"
                )));
            }
        }
    }
    Ok(occupied)
}

fn kept(folder: &Folder, file: &SetFile) -> Result<Option<PathBuf>, PortError> {
    let path = folder.path.join(&file.name);
    let failed = |error| storage("read", &path, error);
    let found = content::read(&path).map_err(failed)?;
    let is_file = fs::symlink_metadata(&path).map_err(failed)?.is_file();
    if !is_file || found.is_some_and(|found| content::same(&found, &file.bytes)) {
        return Ok(None);
    }
    let kept = folder.path.join(format!("{}{KEPT}", file.name));
    if fs::symlink_metadata(&kept).is_ok() && !is_one_file(&path, &kept) {
        return Err(conflict(format!(
            "{} holds something else than what is delivered, and {} is taken; move one of them away",
            path.display(),
            kept.display()
        )));
    }
    Ok(Some(kept))
}

/// Gives what is kept its second name. Nothing that consumers see changes, and doing it twice is doing it once.
pub(super) fn keep(folder: &Folder, occupied: &[Occupied<'_>]) -> Result<(), PortError> {
    for Occupied { name, kept } in occupied {
        let (path, Some(kept)) = (folder.path.join(name), kept) else {
            continue;
        };
        if !is_one_file(&path, kept) {
            fs::hard_link(&path, kept).map_err(|error| storage("keep what is in the way as", kept, error))?;
        }
    }
    Ok(())
}

/// Takes the second names back, where nothing was replaced.
pub(super) fn let_go(folder: &Folder, occupied: &[Occupied<'_>]) {
    for Occupied { name, kept } in occupied {
        if let Some(kept) = kept.as_ref().filter(|kept| is_one_file(&folder.path.join(name), kept)) {
            // The error that led here is what matters; a second name that stays loses nothing.
            let _ = fs::remove_file(kept);
        }
    }
}

/// Nobody reads it any more but whoever wants it back.
pub(super) fn close(kept: &Path) {
    // Where it belongs to somebody else it stays as they left it.
    let _ = fs::set_permissions(kept, Permissions::from_mode(0o600));
}

fn is_one_file(one: &Path, other: &Path) -> bool {
    let found = |path| fs::symlink_metadata(path).map(|found| (found.dev(), found.ino()));
    matches!((found(one), found(other)), (Ok(one), Ok(other)) if one == other)
}

fn conflict(message: String) -> PortError {
    PortError::permanent(ErrorKind::Conflict, message)
}
