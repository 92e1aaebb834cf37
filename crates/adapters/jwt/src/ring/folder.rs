//! Reading one consistent set of files.
//!
//! Writers change a set by swapping one symlink: `..data` inside of the folder, as Kubernetes does, or the folder
//! itself. The symlink is resolved once, and the manifest and every file are read through the result, so a swap in
//! the middle cannot mix two sets. Where a writer replaces plain files one by one, the fingerprint before and after
//! reading differs, or a file's key is not the one that the manifest names.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::RingError;
use super::manifest::{MANIFEST, Manifest, ManifestKey};

/// Larger than any manifest or key file, small enough to be read without a thought.
pub(super) const FILE_LIMIT: usize = 64 * 1024;

/// A set may be swapped while it is read; more often than this it is not settled and worth an error.
const ATTEMPTS: u32 = 5;

/// What changes when the set does: the resolved folder, and the manifest's identity, size and time of change.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fingerprint {
    base: PathBuf,
    inode: u64,
    length: u64,
    modified: (i64, i64),
}

/// The bytes of one set.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) base: PathBuf,
    pub(super) manifest: Manifest,
    pub(super) keys: Vec<KeyFiles>,
}

#[derive(Debug)]
pub(super) struct KeyFiles {
    pub(super) entry: ManifestKey,
    pub(super) public: Zeroizing<Vec<u8>>,
    pub(super) private: Option<Zeroizing<Vec<u8>>>,
}

/// Reads the set that the folder shows now.
pub(super) fn read(folder: &Path) -> Result<(Files, Fingerprint), RingError> {
    for _ in 0..ATTEMPTS {
        let before = fingerprint(folder)?;
        let files = read_set(&before.base);
        // A set that was swapped away may be deleted while it is read: that failure says nothing about the new set.
        if fingerprint(folder)? == before {
            return Ok((files?, before));
        }
    }
    Err(RingError::Unsettled {
        path: folder.to_owned(),
        attempts: ATTEMPTS,
    })
}

/// Resolves the folder and looks at its manifest.
pub(super) fn fingerprint(folder: &Path) -> Result<Fingerprint, RingError> {
    let base = resolve(folder)?;
    let path = base.join(MANIFEST);
    let found = fs::metadata(&path).map_err(|source| RingError::Read { path, source })?;
    let modified = (found.mtime(), found.mtime_nsec());
    Ok(Fingerprint {
        base,
        inode: found.ino(),
        length: found.len(),
        modified,
    })
}

fn resolve(folder: &Path) -> Result<PathBuf, RingError> {
    let data = folder.join("..data");
    match fs::canonicalize(&data) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::canonicalize(folder).map_err(|source| RingError::Read {
                path: folder.to_owned(),
                source,
            })
        }
        resolved => resolved.map_err(|source| RingError::Read { path: data, source }),
    }
}

fn read_set(base: &Path) -> Result<Files, RingError> {
    let path = base.join(MANIFEST);
    let bytes = read_file(&path)?;
    let manifest: Manifest = match serde_json::from_slice(&bytes) {
        Ok(manifest) => manifest,
        Err(source) => return Err(RingError::Manifest { path, source }),
    };
    if let Some(fault) = manifest.fault() {
        return Err(RingError::Contradiction { path, fault });
    }
    let keys = manifest
        .keys
        .iter()
        .map(|entry| read_key(base, entry))
        .collect::<Result<_, _>>()?;
    Ok(Files {
        base: base.to_owned(),
        manifest,
        keys,
    })
}

fn read_key(base: &Path, entry: &ManifestKey) -> Result<KeyFiles, RingError> {
    let public = read_file(&base.join(&entry.public))?;
    let private = entry
        .private
        .as_ref()
        .map(|path| read_file(&base.join(path)))
        .transpose()?;
    Ok(KeyFiles {
        entry: entry.clone(),
        public,
        private,
    })
}

/// Reads a file into memory that is wiped. The buffer never grows: a vector that does leaves unwiped copies behind.
pub(crate) fn read_file(path: &Path) -> Result<Zeroizing<Vec<u8>>, RingError> {
    let unreadable = |source| RingError::Read {
        path: path.to_owned(),
        source,
    };
    let mut bytes = Zeroizing::new(vec![0; FILE_LIMIT]);
    let mut file = File::open(path).map_err(unreadable)?;
    let mut length = 0;
    loop {
        match file.read(&mut bytes[length..]) {
            Ok(0) => break,
            Ok(more) => length += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(unreadable(error)),
        }
    }
    if length == FILE_LIMIT {
        return Err(RingError::TooLarge {
            path: path.to_owned(),
            limit: FILE_LIMIT,
        });
    }
    bytes.truncate(length);
    Ok(bytes)
}
