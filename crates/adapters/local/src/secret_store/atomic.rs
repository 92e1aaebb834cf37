//! The writer: a whole set of files changes at once.
//!
//! A delivery is written beside the one that is shown, synced, and becomes visible by renaming one symbolic link over
//! another. Until that rename nothing that consumers see has changed, and every error takes back what was written.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, symlink};
use std::path::{Path, PathBuf};

use keywheel_domain::ports::PortError;
use zeroize::Zeroizing;

use super::aside::{self, Occupied};
use super::folder::{DATA, DATA_NEW, Folder, Place, link_target};
use super::marker::{MARKER, Marker};
use super::set::SetFile;
use crate::error::storage;
use crate::files::{self, Owner};
use crate::shred;

/// Where the files of somebody else are kept that were in the way.
pub(super) type Kept = Vec<PathBuf>;

/// Makes the set visible. The caller holds the lock and has compared what is shown.
///
/// # Errors
/// Before the swap: nothing that consumers see has changed. After it: an unknown effect.
pub(super) fn write(folder: &Folder, set: &[SetFile], marker: &Marker, replace: bool) -> Result<Kept, PortError> {
    let occupied = aside::occupied(folder, set, replace)?;
    let delivery = write_delivery(folder, set, marker)?;
    // The names of the delivery and of what is kept are durable before anything points elsewhere.
    let prepared = aside::keep(folder, &occupied)
        .and_then(|()| files::sync_folder(&folder.path))
        .and_then(|()| link_new_names(folder, set));
    prepared.and_then(|()| swap(folder, &delivery)).inspect_err(|_| {
        // The error is what matters; what cannot be taken back now is taken back by the next delivery.
        let _ = shred::folder(&delivery);
        let _ = remove_dangling_links(folder);
        aside::let_go(folder, &occupied);
    })?;
    finish(folder, set, occupied).map_err(PortError::with_unknown_effect)
}

/// Brings the links into line with the set that is shown already. Doing it twice is doing it once.
pub(super) fn finish_links(folder: &Folder, set: &[SetFile], replace: bool) -> Result<Kept, PortError> {
    let occupied = aside::occupied(folder, set, replace)?;
    aside::keep(folder, &occupied)?;
    link_new_names(folder, set)?;
    finish(folder, set, occupied).map_err(PortError::with_unknown_effect)
}

fn write_delivery(folder: &Folder, set: &[SetFile], marker: &Marker) -> Result<PathBuf, PortError> {
    let (mode, owner) = folder.dress()?;
    let delivery = folder.new_delivery(marker.view().revision.0);
    DirBuilder::new()
        .mode(0o700)
        .create(&delivery)
        .map_err(|error| storage("create the folder", &delivery, error))?;
    let fill = || {
        for file in set {
            let owner = file.owner.or(owner);
            files::write_new(&delivery.join(&file.name), &file.bytes, file.mode, owner)?;
        }
        files::write_new(&delivery.join(MARKER), &marker.to_bytes(), 0o644, owner)?;
        File::open(&delivery)
            .and_then(|opened| files::give(&opened, owner, mode))
            .map_err(|error| storage("set the owner and mode of", &delivery, error))?;
        files::sync_folder(&delivery)
    };
    fill().inspect_err(|_| {
        // The error is what matters; what cannot be taken back now is taken back by the next delivery.
        let _ = shred::folder(&delivery);
    })?;
    Ok(delivery)
}

/// Links for names that nothing has yet. They lead nowhere until the swap, so nobody sees a file before its set.
fn link_new_names(folder: &Folder, set: &[SetFile]) -> Result<(), PortError> {
    for file in set {
        if folder.place(&file.name)? == Place::Free {
            let link = folder.path.join(&file.name);
            symlink(link_target(&file.name), &link).map_err(|error| storage("create the link", &link, error))?;
        }
    }
    Ok(())
}

fn swap(folder: &Folder, delivery: &Path) -> Result<(), PortError> {
    let (new, data) = (folder.path.join(DATA_NEW), folder.path.join(DATA));
    let name = delivery.file_name().expect("a delivery is an entry of its folder");
    link_over(Path::new(name), &new, &data)
}

/// Renames a new link over whatever is there: at every moment there is the old one or the new one.
fn link_over(target: &Path, temporary: &Path, path: &Path) -> Result<(), PortError> {
    let replace = || {
        match fs::remove_file(temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        symlink(target, temporary)?;
        fs::rename(temporary, path).inspect_err(|_| {
            // The error is what matters; the next delivery removes a leftover, too.
            let _ = fs::remove_file(temporary);
        })
    };
    replace().map_err(|error| storage("replace the link", path, error))
}

/// What follows the swap: our links in the place of somebody else's files, and no links to files that are gone.
fn finish(folder: &Folder, set: &[SetFile], occupied: Vec<Occupied<'_>>) -> Result<Kept, PortError> {
    files::sync_folder(&folder.path)?;
    for Occupied { name, kept } in &occupied {
        let path = folder.path.join(name);
        // A second name, so that the bytes can still be destroyed. Where the file system has none they are only removed.
        let is_file = fs::symlink_metadata(&path).is_ok_and(|found| found.is_file());
        if is_file && kept.is_none() {
            let _ = fs::hard_link(&path, folder.replaced_name(name));
        }
        link_over(&link_target(name), &folder.path.join(DATA_NEW), &path)?;
        if let Some(kept) = kept {
            aside::close(kept);
        }
    }
    let kept: BTreeSet<&str> = set.iter().map(|file| file.name.as_str()).collect();
    for name in folder.links()? {
        if !kept.contains(name.as_str()) {
            let path = folder.path.join(name);
            fs::remove_file(&path).map_err(|error| storage("remove the link", &path, error))?;
        }
    }
    files::sync_folder(&folder.path)?;
    Ok(occupied.into_iter().filter_map(|occupied| occupied.kept).collect())
}

/// Takes back links that were made for a delivery that never became visible.
fn remove_dangling_links(folder: &Folder) -> Result<(), PortError> {
    for name in folder.links()? {
        let path = folder.path.join(name);
        if !path.exists() {
            fs::remove_file(&path).map_err(|error| storage("remove the link", &path, error))?;
        }
    }
    Ok(())
}

/// Whether a delivery holds exactly this set, with its modes and owners.
pub(super) fn is_whole(folder: &Folder, data: &Path, set: &[SetFile]) -> Result<bool, PortError> {
    let (_, owner) = folder.dress()?;
    let names = files::names_in(data)?;
    if names.len() != set.len() + 1 {
        return Ok(false);
    }
    for file in set {
        let path = data.join(&file.name);
        let found = match fs::symlink_metadata(&path) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(storage("look at", &path, error)),
        };
        let dressed = found.mode() & 0o777 == file.mode && belongs(&found, file.owner.or(owner));
        if !found.is_file() || !dressed || found.len() != file.bytes.len() as u64 {
            return Ok(false);
        }
        // Read into memory of that very size: a buffer that grows leaves unwiped copies behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(file.bytes.len() + 1));
        File::open(&path)
            .and_then(|mut opened| io::Read::read_to_end(&mut opened, &mut bytes))
            .map_err(|error| storage("read", &path, error))?;
        if *bytes != *file.bytes {
            return Ok(false);
        }
    }
    Ok(true)
}

fn belongs(found: &fs::Metadata, owner: Owner) -> bool {
    owner.user.is_none_or(|user| user == found.uid()) && owner.group.is_none_or(|group| group == found.gid())
}
