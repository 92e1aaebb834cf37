//! The folder that consumers read: what it shows, and whose its entries are.
//!
//! ```text
//! jwt_private.pem -> ..data/jwt_private.pem     one link for each file
//! ..data          -> ..r3                       the one link that changes
//! ..r3/           jwt_private.pem, view.json    a delivery: never changes once `..data` points to it
//! ..lock                                        held while writing
//! ..old.<name>                                  a file that was replaced, until it is destroyed
//! ```

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use keywheel_domain::ports::{ErrorKind, PortError};

use super::marker::{MARKER, Marker};
use crate::error::storage;
use crate::files::{self, Owner};

pub(super) const DATA: &str = "..data";
pub(super) const DATA_NEW: &str = "..data_new";
const LOCK: &str = "..lock";
const REPLACED: &str = "..old.";
const DEFAULT_MODE: u32 = 0o750;
/// Who else may write into a delivery could change it behind our back.
const NO_OTHER_WRITERS: u32 = 0o755;

/// The folder of a store.
#[derive(Debug, Clone)]
pub(super) struct Folder {
    pub(super) path: PathBuf,
    pub(super) mode: Option<u32>,
    pub(super) owner: Owner,
}

/// What the folder shows.
#[derive(Debug)]
pub(super) enum Shown {
    /// Nothing of ours.
    Nothing,
    /// A delivery of ours.
    Ours {
        marker: Marker,
        /// Its folder.
        data: PathBuf,
    },
    /// `..data` of somebody else.
    Foreign,
}

/// What is in the place of a link of ours.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place {
    Free,
    Linked,
    /// A file or a link of somebody else.
    Occupied,
    Folder,
}

/// The right to write, until it is dropped.
#[derive(Debug)]
pub(super) struct Lock(#[expect(dead_code, reason = "the lock lasts as long as the file is open")] File);

impl Folder {
    /// Makes the folder where it is missing. Its parent has to exist.
    pub(super) fn ensure(&self) -> Result<(), PortError> {
        let made = DirBuilder::new().mode(0o700).create(&self.path);
        match made {
            Ok(()) => self.dress_new()?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(storage("create the folder", &self.path, error)),
        }
        self.opened().map(|_| ())
    }

    fn dress_new(&self) -> Result<(), PortError> {
        let folder = self.opened()?;
        files::give(&folder, self.owner, self.mode.unwrap_or(DEFAULT_MODE))
            .map_err(|error| storage("set the owner and mode of", &self.path, error))?;
        files::sync_folder(files::parent(&self.path))
    }

    fn opened(&self) -> Result<File, PortError> {
        let open = || {
            let file = File::open(&self.path)?;
            match file.metadata()?.is_dir() {
                true => Ok(file),
                false => Err(io::ErrorKind::NotADirectory.into()),
            }
        };
        open().map_err(|error| storage("use as a folder", &self.path, error))
    }

    /// Takes the right to write, so that two processes never do.
    pub(super) fn lock(&self) -> Result<Lock, PortError> {
        let path = self.path.join(LOCK);
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(|error| storage("open the lock", &path, error))?;
        match file.try_lock() {
            Ok(()) => Ok(Lock(file)),
            Err(TryLockError::WouldBlock) => Err(PortError::transient(
                ErrorKind::Unavailable,
                format!(
                    "somebody else is writing to {} right now; see who does, if it stays so",
                    self.path.display()
                ),
            )),
            Err(TryLockError::Error(error)) => Err(storage("lock", &path, error)),
        }
    }

    /// What the folder shows; `..data` is resolved once.
    pub(super) fn shown(&self) -> Result<Shown, PortError> {
        let link = self.path.join(DATA);
        let target = match fs::read_link(&link) {
            Ok(target) => target,
            // A folder that is not there shows nothing; a file in its place is an error.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Shown::Nothing),
            // Not a link.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => return Ok(Shown::Foreign),
            Err(error) => return Err(storage("read", &link, error)),
        };
        if !is_delivery(target.as_os_str()) {
            return Ok(Shown::Foreign);
        }
        let data = self.path.join(target);
        let path = data.join(MARKER);
        match fs::read(&path) {
            Ok(bytes) => Marker::read(&bytes, &path).map(|marker| Shown::Ours { marker, data }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Shown::Foreign),
            Err(error) => Err(storage("read", &path, error)),
        }
    }

    /// What is in the place of the link for the file of that name.
    pub(super) fn place(&self, name: &str) -> Result<Place, PortError> {
        let path = self.path.join(name);
        match fs::symlink_metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Place::Free),
            Err(error) => Err(storage("look at", &path, error)),
            Ok(found) if found.is_dir() => Ok(Place::Folder),
            Ok(_) if self.is_our_link(OsStr::new(name)) => Ok(Place::Linked),
            Ok(_) => Ok(Place::Occupied),
        }
    }

    /// Every link of ours, whether its file is still delivered or not.
    pub(super) fn links(&self) -> Result<Vec<String>, PortError> {
        let names = files::names_in(&self.path)?;
        let ours = names.into_iter().filter(|name| self.is_our_link(name));
        Ok(ours.filter_map(|name| name.into_string().ok()).collect())
    }

    fn is_our_link(&self, name: &OsStr) -> bool {
        fs::read_link(self.path.join(name)).is_ok_and(|target| target == link_target(name))
    }

    /// What earlier deliveries and crashes left behind: everything of ours that `..data` does not point to.
    pub(super) fn leftovers(&self) -> Result<Vec<PathBuf>, PortError> {
        let current = fs::read_link(self.path.join(DATA)).ok();
        let names = files::names_in(&self.path)?;
        let ours = names.into_iter().filter(|name| {
            let replaced = name.to_str().is_some_and(|name| name.starts_with(REPLACED));
            let delivery = is_delivery(name) && current.as_deref() != Some(Path::new(name));
            replaced || delivery
        });
        Ok(ours.map(|name| self.path.join(name)).collect())
    }

    /// A name for a new delivery of that revision, which nothing has yet.
    pub(super) fn new_delivery(&self, revision: u64) -> PathBuf {
        let names = (0_u32..).map(|again| match again {
            0 => format!("..r{revision}"),
            _ => format!("..r{revision}.{again}"),
        });
        self.first_free(names)
    }

    /// A name for a file that is being replaced, under which it is destroyed later.
    pub(super) fn replaced_name(&self, name: &str) -> PathBuf {
        self.first_free((0_u32..).map(|again| format!("{REPLACED}{again}.{name}")))
    }

    fn first_free(&self, names: impl Iterator<Item = String>) -> PathBuf {
        let mut paths = names.map(|name| self.path.join(name));
        paths
            .find(|path| fs::symlink_metadata(path).is_err())
            .expect("a folder has fewer entries than there are numbers")
    }

    /// The mode and owner of what is written into the folder: the configured ones, or the folder's own. Only root may give
    /// files away, so others do not try unless they are told to.
    pub(super) fn dress(&self) -> Result<(u32, Owner), PortError> {
        let found = self
            .opened()?
            .metadata()
            .map_err(|error| storage("look at", &self.path, error))?;
        let inherited = match rustix::process::geteuid().is_root() {
            true => Owner {
                user: Some(found.uid()),
                group: Some(found.gid()),
            },
            false => Owner::default(),
        };
        let mode = self.mode.unwrap_or(found.mode() & NO_OTHER_WRITERS);
        Ok((mode, self.owner.or(inherited)))
    }
}

/// Where the link for a file points to.
pub(super) fn link_target(name: impl AsRef<Path>) -> PathBuf {
    Path::new(DATA).join(name)
}

/// Whether that is the name of a delivery's folder: `..r3`, or `..r3.1` where it was written again.
fn is_delivery(name: &OsStr) -> bool {
    let Some(numbers) = name.to_str().and_then(|name| name.strip_prefix("..r")) else {
        return false;
    };
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match numbers.split_once('.') {
        Some((revision, again)) => is_number(revision) && is_number(again),
        None => is_number(numbers),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_deliveries_are_told_from_those_of_others() {
        for (name, ours) in [
            ("..r3", true),
            ("..r3.1", true),
            ("..2025_01_01_00_00_00.123", false),
            ("..r", false),
            ("..r3.", false),
            ("..rx", false),
            ("..data", false),
        ] {
            assert_eq!(is_delivery(OsStr::new(name)), ours, "{name}");
        }
    }
}
