//! Sealed copies in a folder, one file for each retired version.

mod record;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::{fs, fs::DirBuilder, os::unix::fs::DirBuilderExt};

use async_trait::async_trait;
use keywheel_domain::evidence::{Evidence, EvidenceKind};
use keywheel_domain::id::VersionId;
use keywheel_domain::material::Material;
use keywheel_domain::ports::{Archive, ErrorKind, Finding, PortError, SealedMaterial, VersionMaterial};
use rustix::fs::{Access, access};
use tokio::task::spawn_blocking;

use crate::config::{ArchiveConfig, Surroundings};
use crate::content;
use crate::error::{lost, storage};
use crate::files;
use crate::shred::{self, Shredded};

/// A folder of sealed copies. The copies are sealed by the key provider's key, so the folder may go into a backup.
#[derive(Debug, Clone)]
pub struct FolderArchive {
    folder: PathBuf,
    originals: Vec<PathBuf>,
}

impl FolderArchive {
    /// The archive that the configuration describes. Touches nothing yet.
    pub fn new(config: &ArchiveConfig, surroundings: &Surroundings) -> Self {
        let base = &surroundings.base;
        Self {
            folder: base.join(&config.folder),
            originals: config.originals.iter().map(|original| base.join(original)).collect(),
        }
    }

    fn path(&self, id: &VersionId) -> PathBuf {
        self.folder.join(record::file_name(id))
    }

    fn read(&self, id: &VersionId) -> Result<Option<SealedMaterial>, PortError> {
        let path = self.path(id);
        match fs::read(&path) {
            Ok(bytes) => record::decode(id, &bytes, &path).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(storage("read the sealed copy", &path, error)),
        }
    }

    fn keep(&self, id: &VersionId, sealed: &SealedMaterial) -> Result<(), PortError> {
        match DirBuilder::new().mode(0o700).create(&self.folder) {
            Ok(()) => files::sync_folder(files::parent(&self.folder))?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(storage("create the archive", &self.folder, error)),
        }
        let path = self.path(id);
        let failed = |error| storage("write the sealed copy", &path, error);
        let mut file = tempfile::NamedTempFile::new_in(&self.folder).map_err(failed)?;
        file.write_all(&record::encode(id, sealed)).map_err(failed)?;
        file.as_file().sync_all().map_err(failed)?;
        match file.persist_noclobber(&path) {
            // Somebody else was faster; whether it is the same copy is looked at next.
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed(error.error)),
            Ok(_) => {}
        }
        files::sync_folder(&self.folder)
    }

    /// Keeps the copy, reads it back, and only then destroys the originals.
    fn put_away(&self, version: &VersionMaterial, sealed: &SealedMaterial) -> Result<String, PortError> {
        let id = &version.id;
        if self.read(id)?.is_none() {
            self.keep(id, sealed)?;
        }
        let path = self.path(id);
        match self.read(id)? {
            Some(kept) if kept == *sealed => {}
            Some(_) => {
                let message = format!(
                    "{} is another sealed copy of {id} than the one to put away, so nothing was destroyed; move it to where you keep it, then go on",
                    path.display()
                );
                return Err(PortError::permanent(ErrorKind::Conflict, message));
            }
            None => {
                let message = format!("{} was written and is not there; see what removes it", path.display());
                return Err(PortError::transient(ErrorKind::Storage, message));
            }
        }
        let mut story = format!("sealed copy in {}", path.display());
        for original in &self.originals {
            // The sealed copy is kept, and the same call goes on where this one stopped.
            let done = end(original, &version.material).map_err(PortError::with_unknown_effect)?;
            if let Some(done) = done {
                story.push_str(&format!("; {} {done}", original.display()));
            }
        }
        Ok(story)
    }
}

/// Destroys an original that holds the material, and says what became of it; `None` where there is none.
fn end(original: &Path, material: &Material) -> Result<Option<&'static str>, PortError> {
    let found = content::read(original).map_err(|error| storage("read", original, error))?;
    let is_file = fs::symlink_metadata(original).is_ok_and(|found| found.is_file());
    if is_file && !found.is_some_and(|found| content::holds(&found, material)) {
        return Ok(Some(
            "left alone: it does not hold this version; destroy it yourself if nobody needs it",
        ));
    }
    Ok(match shred::file(original)? {
        Shredded::Destroyed => Some("overwritten three times and removed"),
        Shredded::Unlinked => Some("removed; its content has another name, which was left alone"),
        Shredded::Spared => Some("left alone: it is not a plain file"),
        Shredded::Gone => None,
    })
}

#[async_trait]
impl Archive for FolderArchive {
    async fn preflight(&self) -> Result<Vec<Finding>, PortError> {
        let exists = self.folder.is_dir();
        let place = if exists {
            self.folder.as_path()
        } else {
            files::parent(&self.folder)
        };
        let shown = self.folder.display();
        let usable = (exists || !self.folder.exists()) && access(place, Access::WRITE_OK | Access::EXEC_OK).is_ok();
        let mut findings = vec![if usable {
            Finding::fine("archive", format!("{shown} can take sealed copies"))
        } else {
            let fix = "create the folder and let the user that Keywheel runs as write there, or correct `folder`";
            Finding::blocker("archive", format!("{shown} cannot take sealed copies"), fix)
        }];
        for original in self.originals.iter().filter(|original| original.is_symlink()) {
            findings.push(Finding::warning(
                "archive",
                format!("{} is a link and will be left alone", original.display()),
                "take it out of `originals` once its plain file was replaced",
            ));
        }
        Ok(findings)
    }

    async fn archive(&self, version: &VersionMaterial, sealed: &SealedMaterial) -> Result<Evidence, PortError> {
        let id = version.id.to_string();
        let (archive, version, sealed) = (self.clone(), version.clone(), sealed.clone());
        let story = spawn_blocking(move || archive.put_away(&version, &sealed));
        let story = story.await.map_err(lost)??;
        Ok(Evidence::new(EvidenceKind::Archived, id, story))
    }

    async fn fetch(&self, id: &VersionId) -> Result<Option<SealedMaterial>, PortError> {
        let (archive, version) = (self.clone(), id.clone());
        spawn_blocking(move || archive.read(&version)).await.map_err(lost)?
    }
}
