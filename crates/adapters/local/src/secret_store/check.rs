//! Whether a delivery would work, asked without changing anything.

use std::fs;
use std::io;
use std::path::Path;

use keywheel_domain::ports::{Finding, PortError};
use rustix::fs::{Access, access, statvfs};

use super::Inner;
use super::aside::KEPT;
use super::folder::{Folder, Place, Shown};
use crate::files;

/// A delivery is a handful of small files; less room than this is an accident that is about to happen.
const ROOM: u64 = 1024 * 1024;

/// Everything that a delivery needs.
pub(super) fn findings(store: &Inner) -> Result<Vec<Finding>, PortError> {
    let folder = &store.folder;
    let subject = store.name.as_str();
    let exists = match fs::metadata(&folder.path) {
        Ok(found) if found.is_dir() => true,
        Ok(_) => {
            let fix = "move the file away, or correct `folder`";
            return Ok(vec![blocker(
                subject,
                &folder.path,
                "is a file where a folder should be",
                fix,
            )]);
        }
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            let fix = "a part of the path is a file; correct `folder`";
            return Ok(vec![blocker(subject, &folder.path, "cannot exist", fix)]);
        }
        Err(_) => false,
    };
    let place = if exists {
        &folder.path
    } else {
        files::parent(&folder.path)
    };
    let mut findings = vec![can_write(subject, place, exists)];
    findings.extend(room(subject, place));
    if exists {
        findings.extend(foreign(store, folder)?);
    }
    Ok(findings)
}

fn can_write(subject: &str, place: &Path, exists: bool) -> Finding {
    if !place.is_dir() {
        let fix = "create it, or correct `folder`";
        return blocker(
            subject,
            place,
            "does not exist, and the store's folder belongs into it",
            fix,
        );
    }
    match access(place, Access::WRITE_OK | Access::EXEC_OK) {
        Ok(()) if exists => Finding::fine(subject, format!("{} can be written", place.display())),
        Ok(()) => Finding::fine(subject, format!("its folder will be created in {}", place.display())),
        Err(rustix::io::Errno::ROFS) => {
            let fix = "mount it writable, or choose another folder";
            blocker(subject, place, "is on a read-only file system", fix)
        }
        Err(_) => {
            let fix = "give the user that Keywheel runs as the right to write there";
            blocker(subject, place, "cannot be written", fix)
        }
    }
}

fn room(subject: &str, place: &Path) -> Option<Finding> {
    let found = statvfs(place).ok()?;
    let free = found.f_bavail.saturating_mul(found.f_frsize);
    (free < ROOM).then(|| {
        let problem = format!("has {free} bytes left");
        blocker(subject, place, &problem, "free some room there")
    })
}

fn foreign(store: &Inner, folder: &Folder) -> Result<Vec<Finding>, PortError> {
    let subject = store.name.as_str();
    let mut findings = Vec::new();
    if matches!(folder.shown()?, Shown::Foreign) {
        let fix = "choose a folder that nothing else writes to";
        findings.push(blocker(
            subject,
            &folder.path,
            "has a `..data` that Keywheel did not write",
            fix,
        ));
    }
    for name in store.specs.fixed_names() {
        let path = folder.path.join(name);
        match (folder.place(name)?, store.replace_existing) {
            (Place::Folder, _) => findings.push(blocker(subject, &path, "is a folder", "move it away")),
            (Place::Occupied, Some(false)) => {
                let fix = "move it away, or set `replace_existing = true`";
                findings.push(blocker(subject, &path, "was not written by this store", fix));
            }
            (Place::Occupied, _) => findings.push(Finding::warning(
                subject,
                format!("{} was not written by this store", path.display()),
                format!(
                    "an adoption replaces it: what it shows in its place as well is destroyed, and anything else is kept as {name}{KEPT}; set `replace_existing = false` if it must stay"
                ),
            )),
            (Place::Free | Place::Linked, _) => {}
        }
    }
    Ok(findings)
}

fn blocker(subject: &str, path: &Path, problem: &str, fix: &str) -> Finding {
    Finding::blocker(subject, format!("{} {problem}", path.display()), fix)
}
