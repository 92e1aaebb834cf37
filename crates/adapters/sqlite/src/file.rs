//! The file itself: where it may be, how it appears, and who may read it.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use keywheel_domain::ports::{ErrorKind, PortError};
use tempfile::TempDir;

use crate::error;

const OWNER_ONLY: u32 = 0o600;

/// The same path, whatever the working folder becomes later.
pub(crate) fn absolute(path: &Path) -> Result<PathBuf, PortError> {
    std::path::absolute(path).map_err(|error| error::file(path, error))
}

/// Whether there is a file. A folder, or a path that leads nowhere, is an error.
pub(crate) fn exists(path: &Path) -> Result<bool, PortError> {
    match fs::metadata(path) {
        Ok(found) if found.is_file() => Ok(true),
        Ok(found) => {
            let what = if found.is_dir() { "a folder" } else { "not a file" };
            let message = format!("{} is {what}; give the path of a file for the database", path.display());
            Err(PortError::permanent(ErrorKind::Storage, message))
        }
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
    for companion in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(companion);
        let path = Path::new(&name);
        let Ok(found) = fs::metadata(path) else {
            continue;
        };
        if found.permissions().mode() & 0o177 != 0 {
            fs::set_permissions(path, Permissions::from_mode(OWNER_ONLY)).map_err(|error| error::file(path, error))?;
            tracing::warn!(path = %path.display(), "others could read the database; its mode is 0600 now");
        }
    }
    Ok(())
}

fn folder(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}
