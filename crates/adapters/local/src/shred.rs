//! Destroying files as far as a program can: three times overwritten, synced, removed.
//!
//! What this cannot do is said in the README: file systems that copy on write, journals, snapshots, backups and flash
//! storage may keep what was overwritten.

use std::fs::{self, File};
use std::io::{self, Seek, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use keywheel_domain::ports::PortError;
use rustix::fs::{Mode, OFlags};

use crate::error::storage;
use crate::files;

const PASSES: [u8; 3] = [0x55, 0xaa, 0x00];

/// What became of a file that was to be destroyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shredded {
    /// It was overwritten and removed.
    Destroyed,
    /// It was removed; its content has another name (a hard link), which was left alone.
    Unlinked,
    /// It was not there.
    Gone,
    /// It is a symbolic link, a folder or a device, and was left alone.
    Spared,
}

/// Overwrites a file three times, syncs it each time and removes it. Never follows a symbolic link: it may point to the very
/// file that consumers read now. The folder is synced, too.
pub(crate) fn file(path: &Path) -> Result<Shredded, PortError> {
    let failed = |error| storage("destroy", path, error);
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_file() => {}
        Ok(_) => return Ok(Shredded::Spared),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Shredded::Gone),
        Err(error) => return Err(failed(error)),
    }
    let opened = open_in_place(path).map_err(failed)?;
    let found = opened.metadata().map_err(failed)?;
    let only_name = found.nlink() <= 1;
    if only_name {
        overwrite(opened, found.len()).map_err(failed)?;
    }
    fs::remove_file(path).map_err(failed)?;
    files::sync_folder(files::parent(path))?;
    Ok(if only_name {
        Shredded::Destroyed
    } else {
        Shredded::Unlinked
    })
}

fn open_in_place(path: &Path) -> io::Result<File> {
    let open = |access| -> io::Result<File> {
        let flags = access | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        Ok(File::from(rustix::fs::open(path, flags, Mode::empty())?))
    };
    match open(OFlags::WRONLY) {
        // A file of ours that is read-only, such as mode 0400.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            open(OFlags::RDONLY)?.set_permissions(fs::Permissions::from_mode(0o600))?;
            open(OFlags::WRONLY)
        }
        opened => opened,
    }
}

fn overwrite(mut file: File, length: u64) -> io::Result<()> {
    for pass in PASSES {
        file.rewind()?;
        let chunk = [pass; 4096];
        let mut left = length;
        while left > 0 {
            let now = left.min(chunk.len() as u64);
            file.write_all(&chunk[..now as usize])?;
            left -= now;
        }
        // Without the sync the three passes would become one in the page cache.
        file.sync_all()?;
    }
    Ok(())
}

/// Destroys every file in a folder and then the folder.
pub(crate) fn folder(path: &Path) -> Result<(), PortError> {
    for name in files::names_in(path)? {
        let inside = path.join(name);
        if file(&inside)? == Shredded::Spared {
            fs::remove_file(&inside).map_err(|error| storage("remove", &inside, error))?;
        }
    }
    fs::remove_dir(path).map_err(|error| storage("remove", path, error))?;
    files::sync_folder(files::parent(path))
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::fs::symlink;

    use super::*;

    fn with_file(name: &str) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, vec![b'k'; 5000]).unwrap();
        (folder, path)
    }

    #[test]
    fn the_bytes_are_overwritten_in_place_before_the_name_goes() {
        let (_folder, path) = with_file("key.pem");
        let mut still_open = File::open(&path).unwrap();
        assert_eq!(file(&path).unwrap(), Shredded::Destroyed);
        let mut left = Vec::new();
        still_open.read_to_end(&mut left).unwrap();
        assert_eq!(left, vec![0; 5000]);
        assert!(!path.exists());
        assert_eq!(file(&path).unwrap(), Shredded::Gone);
    }

    #[test]
    fn a_symbolic_link_and_its_target_are_left_alone() {
        let (folder, path) = with_file("live.pem");
        let link = folder.path().join("jwt_private.pem");
        symlink(&path, &link).unwrap();
        assert_eq!(file(&link).unwrap(), Shredded::Spared);
        assert_eq!(fs::read(&link).unwrap(), vec![b'k'; 5000]);
        assert_eq!(file(folder.path()).unwrap(), Shredded::Spared);
    }

    #[test]
    fn content_with_another_name_is_only_unlinked() {
        let (folder, path) = with_file("key.pem");
        let backup = folder.path().join("backup.pem");
        fs::hard_link(&path, &backup).unwrap();
        assert_eq!(file(&path).unwrap(), Shredded::Unlinked);
        assert_eq!(fs::read(&backup).unwrap(), vec![b'k'; 5000]);
    }

    #[test]
    fn a_folder_goes_with_all_that_is_in_it() {
        let (folder, _) = with_file("key.pem");
        let inside = folder.path().join("..r1");
        fs::create_dir(&inside).unwrap();
        fs::write(inside.join("a"), "a").unwrap();
        symlink("nowhere", inside.join("b")).unwrap();
        super::folder(&inside).unwrap();
        assert!(!inside.exists());
    }
}
