//! The file itself: where it may be, how it appears, and who may read it.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use keywheel_domain::ports::{ErrorKind, PortError};
use tempfile::TempDir;

use crate::error;

const OWNER_ONLY: u32 = 0o600;

/// The same path, whatever the working folder becomes later. SQLite takes text alone.
pub(crate) fn absolute(path: &Path) -> Result<PathBuf, PortError> {
    let path = std::path::absolute(path).map_err(|error| error::file(path, error))?;
    match path.to_str() {
        Some(_) => Ok(path),
        None => Err(unusable(&path, "is not UTF-8; choose another path")),
    }
}

fn unusable(path: &Path, why: &str) -> PortError {
    PortError::permanent(ErrorKind::Storage, format!("{} {why}", path.display()))
}

/// Whether there is a file. A folder, or a path that leads nowhere, is an error.
pub(crate) fn exists(path: &Path) -> Result<bool, PortError> {
    match fs::metadata(path) {
        Ok(found) if found.is_file() => Ok(true),
        Ok(found) if found.is_dir() => Err(unusable(path, "is a folder; give the path of a file for the database")),
        Ok(_) => Err(unusable(
            path,
            "is not a file; give the path of a file for the database",
        )),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let folder = folder(path);
            fs::metadata(folder)
                .map(|_| false)
                .map_err(|error| error::file(folder, error))
        }
        Err(error) => Err(error::file(path, error)),
    }
}

/// A place beside the database where it can be made without anybody seeing it half made.
#[derive(Debug)]
pub(crate) struct Draft {
    folder: TempDir,
    file: PathBuf,
}

impl Draft {
    /// An empty file of mode 0600 in a folder of its own, which goes away with this value.
    ///
    /// SQLite would make the file with the mode of the process's umask, and narrowing it afterwards leaves a moment in which others
    /// can open it.
    pub(crate) fn beside(path: &Path) -> Result<Self, PortError> {
        let log = companion(path, "-wal");
        // In this order, because another process may be making the database now, and its log comes after it.
        if log.exists() && !path.exists() {
            // SQLite would replay it into the new file.
            let why = "belongs to a database that is gone; restore that one, or move this file away";
            return Err(unusable(&log, why));
        }
        let draft = |folder: &Path| {
            let private = Permissions::from_mode(0o700);
            let folder = tempfile::Builder::new()
                .prefix(".keywheel-")
                .permissions(private)
                .tempdir_in(folder)?;
            let file = folder.path().join("draft.db");
            OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(OWNER_ONLY)
                .open(&file)?;
            Ok(Self { folder, file })
        };
        let folder = folder(path);
        draft(folder).map_err(|error| error::file(folder, error))
    }

    /// The file.
    pub(crate) fn path(&self) -> &Path {
        &self.file
    }

    /// Has the finished file appear at `path`, durably. Where another process was faster, theirs stays.
    pub(crate) fn publish(self, path: &Path) -> Result<(), PortError> {
        let publish = || {
            // Unlike a rename, a link never takes the place of a file that is there.
            match fs::hard_link(&self.file, path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                linked => linked?,
            }
            File::open(folder(path))?.sync_all()
        };
        publish().map_err(|error| error::file(path, error))?;
        self.folder.close().map_err(|error| error::file(path, error))
    }
}

/// Takes the database and its companions away from everybody but the owner. Never by opening them: to close any handle on the file
/// would release the locks that SQLite holds on it in this process.
pub(crate) fn close_to_others(path: &Path) -> Result<(), PortError> {
    for path in ["", "-wal", "-shm"].map(|suffix| companion(path, suffix)) {
        let Ok(found) = fs::metadata(&path) else {
            continue;
        };
        if found.permissions().mode() & 0o177 != 0 {
            fs::set_permissions(&path, Permissions::from_mode(OWNER_ONLY))
                .map_err(|error| error::file(&path, error))?;
            tracing::warn!(path = %path.display(), "others could read the database; its mode is 0600 now");
        }
    }
    Ok(())
}

/// The file that SQLite keeps beside the database under the same name and that suffix.
fn companion(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn folder(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_is_its_owners_alone_before_it_is_published() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("keywheel.db");
        let draft = Draft::beside(&path).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(draft.path()), 0o600);
        assert_eq!(mode(draft.folder.path()), 0o700);
        draft.publish(&path).unwrap();
        assert_eq!(mode(&path), 0o600);
    }

    #[test]
    fn the_log_of_a_database_that_somebody_just_made_is_in_nobodys_way() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("keywheel.db");
        fs::write(companion(&path, "-wal"), "").unwrap();
        assert!(Draft::beside(&path).is_err());
        fs::write(&path, "faster").unwrap();
        assert!(Draft::beside(&path).is_ok());
    }

    #[test]
    fn a_draft_takes_no_ones_place() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("keywheel.db");
        let draft = Draft::beside(&path).unwrap();
        fs::write(&path, "faster").unwrap();
        draft.publish(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"faster");
    }
}
